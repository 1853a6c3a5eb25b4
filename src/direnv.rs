//! direnv: the dump that `direnv_load` reads, and the watch on the session file.
//!
//! Both use direnv's `gzenv` encoding: JSON in a zlib stream in padded base64url. See
//! direnv's `gzenv/gzenv.go`, `internal/cmd/cmd_dump.go` and `internal/cmd/file_times.go`.

use crate::environment::change::Change;
use crate::environment::label::KeyId;
use crate::environment::{Environment, native, variable};
use crate::error::Failure;
use crate::file::never_blocking;
use crate::path::in_words;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

/// Where `direnv_load` expects the dump: the path of an existing file, or the number of a file descriptor.
pub const DUMP_FILE: &str = variable::DIRENV_DUMP_FILE_PATH.name();

/// The files that make direnv reload the `.envrc` when they change.
const WATCHES: &str = variable::DIRENV_WATCHES.name();

/// The largest list of watches, in bytes of JSON. A watch takes about a hundred.
const LARGEST_WATCHES: usize = 1024 * 1024;

/// The longest stored block in zlib: its length has 16 bits.
const LONGEST_BLOCK: usize = 0xffff;

/// The dump: the whole environment with `change`, and with `own_watches` added to the watches.
///
/// direnv unsets every variable that the dump lacks, even `PATH`, so the dump is always complete. As in direnv, U+FFFD
/// replaces what is not UTF-8 in names and values.
pub fn dump(
    environment: &Environment,
    change: &Change,
    own_watches: &Watches,
) -> anyhow::Result<String> {
    let watches = watches(environment, own_watches);
    let mut variables = BTreeMap::new();
    for (name, value) in environment.variables() {
        let (name, value) = split_as_in_direnv(text(name), text(value));
        // If a name occurs twice, getenv(3) and direnv see the first.
        variables.entry(name).or_insert(value);
    }
    variables.remove(DUMP_FILE);
    for (name, value) in change.entries() {
        match value {
            Some(value) => variables.insert(name.into(), value.into()),
            None => variables.remove(name),
        };
    }
    if let Some(watches) = watches {
        variables.insert(WATCHES.into(), watches.into());
    }
    // Room for the JSON, because a growing buffer is copied again and again.
    let room = variables
        .iter()
        .map(|(name, value)| name.len() + value.len() + r#""":"","#.len())
        .sum();
    encode(&variables, room)
}

/// The watches of the `.envrc`'s shell with `own_watches` added; `None` if that changes nothing.
fn watches(environment: &Environment, own_watches: &Watches) -> Option<String> {
    let watches = environment.get(variable::DIRENV_WATCHES)?.to_str()?;
    own_watches.added_to(watches)
}

/// The change that makes direnv reload the `.envrc` at the next prompt, in this shell only: without watches, direnv does
/// not know that nothing has changed (`LoadedRC` in direnv's `internal/cmd/config.go`). Touching the `.envrc` would make
/// every shell reload it, and other watchers would notice.
pub fn without_watches() -> Change<'static> {
    Change::of_variables([(WATCHES, None)])
}

/// The `.envrc` or `.env` that direnv has loaded for the directory, or would load if it were allowed.
pub fn loaded_file(environment: &Environment) -> Option<PathBuf> {
    if let Some(file) = environment.get(variable::DIRENV_FILE) {
        return Some(native(file.into()));
    }
    // direnv marks the directory of an .envrc with a dash.
    let directory = environment.get(variable::DIRENV_DIR)?.to_string_lossy();
    let directory = directory.strip_prefix('-').unwrap_or(&directory);
    Some(native(Path::new(directory).join(".envrc")))
}

/// Whether direnv watches one of these files for this shell.
pub fn watches_any(environment: &Environment, files: &[PathBuf]) -> bool {
    let files: Vec<PathBuf> = files.iter().map(|file| absolute(file)).collect();
    any_watch(environment, |path, _| {
        files.iter().any(|file| file == Path::new(path))
    })
}

/// Whether direnv has found a file that it is not allowed to load: it waits for `direnv allow`, and has set nothing but its
/// own variables. A directory on direnv's whitelist waits for nothing, although it has no mark of being allowed either.
pub fn is_blocked(environment: &Environment) -> bool {
    let is_mark = |path: &str| {
        let directory = Path::new(path).parent();
        directory.is_some_and(|directory| directory.ends_with("direnv/allow"))
    };
    any_watch(environment, |path, exists| is_mark(path) && !exists)
        && diff(environment)
            .is_some_and(|diff| diff.n.keys().all(|name| name.starts_with("DIRENV_")))
}

/// Whether direnv has put this key into the environment.
pub fn has_loaded(environment: &Environment, key: &KeyId) -> bool {
    let loaded = diff(environment).and_then(|mut diff| diff.n.remove("AWS_ACCESS_KEY_ID"));
    loaded.is_some_and(|loaded| KeyId::of(&loaded) == *key)
}

/// What direnv has changed: `n` has the new values. See direnv's `internal/cmd/env_diff.go`.
#[derive(Deserialize)]
struct Diff {
    n: BTreeMap<String, String>,
}

fn diff(environment: &Environment) -> Option<Diff> {
    let packed = environment.get(variable::DIRENV_DIFF)?.to_str()?;
    serde_json::from_slice(&unpack(packed)?).ok()
}

/// Whether `is_it` holds for the path of a watch and for whether the file existed.
fn any_watch(environment: &Environment, is_it: impl Fn(&str, bool) -> bool) -> bool {
    let packed = environment
        .get(variable::DIRENV_WATCHES)
        .and_then(OsStr::to_str);
    packed.and_then(unpack).is_some_and(|json| {
        let list: Vec<&RawValue> = serde_json::from_slice(&json).unwrap_or_default();
        list.iter().any(|entry| {
            let exists = field(entry, ["exists", "Exists"]).unwrap_or(true);
            watched_path(entry).is_some_and(|path| is_it(&path, exists))
        })
    })
}

/// The change with `own_watches` added to the watches, for the `.envrc`'s own shell.
pub fn with_watches<'a>(
    change: Change<'a>,
    environment: &Environment,
    own_watches: &Watches,
) -> Change<'a> {
    match watches(environment, own_watches) {
        Some(watches) => change.with(WATCHES, watches),
        None => change,
    }
}

/// A name or a value as direnv reads it. Nearly all are UTF-8, and checking that is faster than converting.
fn text(value: &OsStr) -> Cow<'_, str> {
    match value.to_str() {
        Some(text) => Cow::from(text),
        None => value.to_string_lossy(),
    }
}

/// direnv splits each entry of its environment at the first `=`, so an entry like `=C:=x` has an empty name (`GetEnv` in
/// direnv's `internal/cmd/env.go`).
fn split_as_in_direnv<'a>(name: Cow<'a, str>, value: Cow<'a, str>) -> (Cow<'a, str>, Cow<'a, str>) {
    match name.strip_prefix('=') {
        Some(rest) => (Cow::from(""), Cow::from(format!("{rest}={value}"))),
        None => (name, value),
    }
}

/// Writes the dump where `direnv_load` expects it, in one write.
///
/// A path must be a regular file: anything else would show the secrets or block.
///
/// # Errors
/// The file is missing or not regular (the variable has leaked into a shell), or its contents would be seen.
pub fn write_dump(place: &OsStr, dump: &str) -> anyhow::Result<()> {
    let numbered = place.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let path = match numbered {
        true => Path::new("/dev/fd").join(place),
        false => PathBuf::from(place),
    };
    let opened = open_dump(&path, numbered);
    let is_other = |metadata: std::io::Result<Metadata>| {
        !numbered && metadata.is_ok_and(|metadata| !metadata.is_file())
    };
    let leak = match &opened {
        Err(error) if error.kind() == ErrorKind::NotFound => Some("a file that does not exist"),
        Err(_) if is_other(path.metadata()) => Some("something other than a regular file"),
        Ok(file) if is_other(file.metadata()) => Some("something other than a regular file"),
        Ok(file) if is_seen(file) => Some("the screen"),
        _ => None,
    };
    if let Some(what) = leak {
        let message = format!("{DUMP_FILE} points to {what} ({})", in_words(&path));
        let hint = format!(
            "outside direnv_load, run `unset {DUMP_FILE}`, or choose a format: `aws-mfa load --format sh`"
        );
        return Err(Failure::setup(message).hint(hint).into());
    }
    let mut file = opened.with_context(|| cannot_write(&path))?;
    if !numbered {
        file.set_len(0).with_context(|| cannot_write(&path))?;
    }
    file.write_all(dump.as_bytes())
        .with_context(|| cannot_write(&path))
}

/// Opens the file for the dump. Never blocks, not even on a FIFO that has no reader.
fn open_dump(path: &Path, numbered: bool) -> std::io::Result<File> {
    // Not created: nothing would read a new file. A file opened by its number would otherwise be overwritten from its
    // start.
    let file = never_blocking(File::options().write(true).append(numbered), true).open(path)?;
    // A pipe's buffer is smaller than a dump, so writing must block until the reader has read. Other systems open a
    // number as dup(2) does, without these flags.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if numbered {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    }
    Ok(file)
}

/// Whether output to `file` is seen: on a terminal, or in the log of an editor that runs direnv, where standard error
/// goes too.
#[cfg(unix)]
pub fn is_seen(file: &impl std::os::fd::AsFd) -> bool {
    use rustix::fs::{Stat, fstat, stat};
    let file = file.as_fd();
    let place = |stat: Stat| (stat.st_dev, stat.st_ino);
    let leads_to = fstat(file).map(place).ok();
    std::io::IsTerminal::is_terminal(&file)
        || leads_to.is_some()
            && leads_to == fstat(std::io::stderr()).map(place).ok()
            && leads_to != stat("/dev/null").map(place).ok()
}

/// Whether output to `file` is seen.
#[cfg(not(unix))]
pub fn is_seen(file: &impl std::io::IsTerminal) -> bool {
    file.is_terminal()
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write the dump for direnv in {}", in_words(path))
}

/// The state of a watched file at one moment, as direnv records it.
#[derive(Serialize)]
pub struct Watch {
    path: String,
    #[serde(rename = "modtime")]
    modified: i64,
    exists: bool,
    /// Whether it replaces an entry for the same file.
    #[serde(skip)]
    is_newer: bool,
}

impl Watch {
    /// The file's current state. Call this before reading the file, so that direnv notices a change in between at the
    /// next prompt.
    ///
    /// `None` if direnv could not check the file and would reload the `.envrc` at every prompt: the path is not UTF-8, or
    /// a directory cannot be searched.
    pub fn of(path: &Path) -> Option<Self> {
        // As in direnv: the later time of a symlink and its target.
        let modified = std::fs::symlink_metadata(path)
            .and_then(|link| Ok(modified_second(&link)?.max(modified_second(&path.metadata()?)?)));
        let (modified, exists) = match modified {
            Ok(modified) => (modified, true),
            Err(error) if error.kind() == ErrorKind::NotFound => (0, false),
            Err(_) => return None,
        };
        Some(Watch {
            path: absolute(path).to_str()?.to_owned(),
            modified,
            exists,
            is_newer: false,
        })
    }
}

/// The files that `load` has read, each with its state before that.
#[derive(Default)]
pub struct Watches(Vec<Watch>);

impl Watches {
    /// Watches the file at `path` in its current state. Adding it again means that this process has replaced it, which
    /// must not make direnv reload.
    pub fn add(&mut self, path: &Path) {
        let Some(mut watch) = Watch::of(path) else {
            return;
        };
        match self.0.iter_mut().find(|known| known.path == watch.path) {
            Some(known) => {
                watch.is_newer = true;
                *known = watch;
            }
            None => self.0.push(watch),
        }
    }

    /// `watches` with these added; `None` if they are already there, or if `watches` is not in direnv's format. The other
    /// entries keep every byte.
    fn added_to(&self, watches: &str) -> Option<String> {
        let json = unpack(watches)?;
        let mut list: Vec<&RawValue> = serde_json::from_slice(&json).ok()?;
        let entry = |watch| Some((watch, to_raw_value(watch).ok()?));
        let own: Vec<(&Watch, Box<RawValue>)> = self.0.iter().filter_map(entry).collect();
        let mut is_changed = false;
        for (watch, entry) in &own {
            let known = list
                .iter_mut()
                .find(|entry| watched_path(entry).as_deref() == Some(&watch.path));
            match known {
                Some(_) if !watch.is_newer => continue,
                Some(known) => *known = entry,
                None => list.push(entry),
            }
            is_changed = true;
        }
        is_changed.then(|| Some(encode(&list, json.len()).ok()?.to_string()))?
    }
}

/// The path in an entry.
fn watched_path(entry: &RawValue) -> Option<String> {
    field(entry, ["path", "Path"])
}

/// A field of an entry. direnv before 2.33 capitalized the keys; newer versions read both.
fn field<T: DeserializeOwned>(entry: &RawValue, keys: [&str; 2]) -> Option<T> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(entry.get()).ok()?;
    let value = keys.iter().find_map(|key| fields.get(*key))?;
    serde_json::from_str(value.get()).ok()
}

#[cfg(unix)]
fn modified_second(metadata: &Metadata) -> std::io::Result<i64> {
    Ok(std::os::unix::fs::MetadataExt::mtime(metadata))
}

#[cfg(not(unix))]
fn modified_second(metadata: &Metadata) -> std::io::Result<i64> {
    let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH);
    Ok(since.map_or(0, |since| since.as_secs() as i64))
}

/// The path as direnv writes it: absolute, without `.` and `..`, resolved textually.
fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path);
    let mut clean = PathBuf::new();
    for component in absolute.as_deref().unwrap_or(path).components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

/// `value` in gzenv, with `room` for its JSON.
fn encode<T: Serialize>(value: &T, room: usize) -> anyhow::Result<String> {
    let mut json = Vec::with_capacity(room);
    serde_json::to_writer(&mut json, value)?;
    Ok(URL_SAFE.encode(zlib(&json)))
}

/// A zlib stream (RFC 1950) of stored blocks (RFC 1951, section 3.2.4). Not compressed: direnv unpacks it at once, so
/// compression would only cost time, and a library's compressor would touch 300 kB of tables.
fn zlib(data: &[u8]) -> Vec<u8> {
    let room = data.len() + 5 * (data.len() / LONGEST_BLOCK + 1) + 6;
    let mut stream = Vec::with_capacity(room);
    stream.extend_from_slice(&[0x78, 0x01]);
    let mut blocks = data.chunks(LONGEST_BLOCK).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler2::adler32_slice(data).to_be_bytes());
    stream
}

/// The JSON in a gzenv value.
fn unpack(text: &str) -> Option<Vec<u8>> {
    let stream = URL_SAFE.decode(text).ok()?;
    decompress_to_vec_zlib_with_limit(&stream, LARGEST_WATCHES).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::ffi::OsString;

    fn decode<T: DeserializeOwned>(text: &str) -> Option<T> {
        serde_json::from_slice(&unpack(text)?).ok()
    }

    proptest! {
        // An unoptimized zlib is slow.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_environment_round_trips_through_its_dump(
            variables in proptest::collection::btree_map("[^=]*", any::<String>(), 0..50),
        ) {
            let environment = variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            prop_assert_eq!(dumped(&environment), variables);
        }

        #[test]
        fn any_list_of_watches_keeps_its_entries(
            paths in any::<Vec<(String, i64, bool)>>(),
        ) {
            // Its entry is replaced.
            prop_assume!(paths.iter().all(|(path, ..)| path != "/s"));
            let before: Vec<Value> = paths
                .iter()
                .map(|(path, time, exists)| json!({"path": path, "modtime": time, "exists": exists}))
                .collect();
            let after = watch("/s").added_to(&encode(&before, 0).unwrap()).unwrap();
            let after: Vec<Value> = decode(&after).unwrap();
            prop_assert_eq!(&after[..before.len()], &before);
            prop_assert_eq!(after.len(), before.len() + 1);
        }

        #[test]
        fn text_that_is_not_a_list_of_watches_is_unchanged(text in any::<String>()) {
            prop_assert_eq!(watch("/s").added_to(&text), None);
        }
    }

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect()
    }

    #[test]
    fn zlib_stream_of_any_length_round_trips() {
        for length in [1, 0xfffe, 0xffff, 0x1_0000, 200_000] {
            let text = "x".repeat(length);
            let encoded = encode(&text, 0).unwrap();
            assert!(decode::<String>(&encoded).is_some_and(|read| read == text));
        }
    }

    fn watch(path: &str) -> Watches {
        Watches(vec![Watch {
            path: path.to_owned(),
            modified: 7,
            exists: true,
            is_newer: false,
        }])
    }

    fn dumped(environment: &Environment) -> BTreeMap<String, String> {
        decode(&dump(environment, &Change::nothing(), &watch("/s")).unwrap()).unwrap()
    }

    #[test]
    fn dump_has_every_variable_except_its_own_path() {
        let environment = environment(&[
            ("PATH", "/bin"),
            ("EMPTY", ""),
            ("PATH", "/second"),
            (DUMP_FILE, "/tmp/d"),
            ("DIRENV_DIFF", "kept"),
        ]);
        let expected = [("DIRENV_DIFF", "kept"), ("EMPTY", ""), ("PATH", "/bin")];
        assert_eq!(
            dumped(&environment),
            expected.map(|(n, v)| (n.into(), v.into())).into()
        );
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_utf8_become_replacement_characters() {
        use std::os::unix::ffi::OsStringExt;
        let environment = [(
            OsString::from("ODD"),
            OsString::from_vec(b"a\xff\nb".into()),
        )]
        .into_iter()
        .collect();
        assert_eq!(dumped(&environment).get("ODD").unwrap(), "a\u{fffd}\nb");
    }

    #[test]
    fn watch_is_appended_once() {
        let before = encode(&json!([{"Path": "/a", "Modtime": 1, "Exists": true}]), 0).unwrap();
        let after = watch("/s").added_to(&before).unwrap();
        assert_eq!(
            decode::<Value>(&after).unwrap(),
            json!([
                {"Path": "/a", "Modtime": 1, "Exists": true},
                {"path": "/s", "modtime": 7, "exists": true},
            ])
        );
        assert_eq!(watch("/s").added_to(&after), None);
        assert_eq!(watch("/a").added_to(&before), None);
    }

    #[test]
    fn other_watches_keep_every_byte() {
        let odd =
            r#"{"path" : "/a","modtime":123456789012345678901234567890,"x":1e999999,"x":"\ud800"}"#;
        let list: Vec<Box<RawValue>> = vec![RawValue::from_string(odd.to_owned()).unwrap()];
        let after = watch("/s").added_to(&encode(&list, 0).unwrap()).unwrap();
        let after = String::from_utf8(unpack(&after).unwrap()).unwrap();
        let own = r#"{"path":"/s","modtime":7,"exists":true}"#;
        assert_eq!(after, format!("[{odd},{own}]"));
    }

    #[test]
    fn watches_of_more_than_a_mebibyte_are_unchanged() {
        let list = |bytes: usize| encode(&["x".repeat(bytes - 4)], 0).unwrap();
        assert!(watch("/s").added_to(&list(LARGEST_WATCHES)).is_some());
        assert_eq!(watch("/s").added_to(&list(LARGEST_WATCHES + 1)), None);
    }

    #[test]
    fn watches_with_a_wrong_checksum_are_unchanged() {
        let mut stream = zlib(b"[]");
        if let Some(last) = stream.last_mut() {
            *last ^= 1;
        }
        assert_eq!(watch("/s").added_to(&URL_SAFE.encode(&*stream)), None);
    }

    #[test]
    fn name_that_begins_with_an_equals_sign_is_split_as_in_direnv() {
        let environment = environment(&[("=C:", "x"), ("=D:", "y"), ("A", "=b=")]);
        let expected = [("", "C:=x"), ("A", "=b=")];
        assert_eq!(
            dumped(&environment),
            expected.map(|(n, v)| (n.into(), v.into())).into()
        );
    }

    #[test]
    fn watches_that_do_not_decode_are_unchanged() {
        for odd in ["", "not base64!", "AAAA", &encode(&json!({}), 0).unwrap()] {
            let environment = environment(&[(WATCHES, odd)]);
            assert_eq!(dumped(&environment).get(WATCHES).unwrap(), odd);
        }
    }

    #[test]
    fn watched_path_is_absolute_and_clean() {
        let root = if cfg!(windows) { "C:\\" } else { "/" };
        let path = Path::new(root).join("a/./b/../c");
        assert_eq!(absolute(&path), Path::new(root).join("a/c"));
        assert!(absolute(Path::new("session")).is_absolute());
    }

    #[test]
    fn missing_file_is_watched() {
        let watch = Watch::of(Path::new("/nonexistent/session")).unwrap();
        assert!(!watch.exists);
        assert_eq!(watch.modified, 0);
    }

    #[cfg(unix)]
    #[test]
    fn file_that_direnv_cannot_check_is_not_watched() {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(OsStr::from_bytes(b"/nonexistent/\xff"));
        assert!(Watch::of(odd).is_none());
        // For direnv too, a path below a file is not a missing file.
        assert!(Watch::of(Path::new("/dev/null/session")).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn symlink_and_its_target_count_with_the_later_time() {
        use std::time::{Duration, UNIX_EPOCH};
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (
            directory.path().join("target"),
            directory.path().join("link"),
        );
        let file = File::create(&target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let made = modified_second(&link.symlink_metadata().unwrap()).unwrap();

        file.set_modified(UNIX_EPOCH - Duration::from_millis(1_500))
            .unwrap();
        assert_eq!(Watch::of(&target).unwrap().modified, -2);
        assert_eq!(Watch::of(&link).unwrap().modified, made);
        file.set_modified(UNIX_EPOCH + Duration::from_millis(4_000_000_000_900))
            .unwrap();
        assert_eq!(Watch::of(&link).unwrap().modified, 4_000_000_000);
    }
}
