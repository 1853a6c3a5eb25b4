//! Invariants of each parser for any input. Fuzzers look for counterexamples (tests/fuzz); every `cargo test` tries their
//! corpus and findings.
//!
//! This is a test, and also a module of each fuzz target.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a finding is a panic"
)]

use aws_mfa::parsers::duration::{self, Duration};
use aws_mfa::parsers::{
    Change, Code, Environment, Failure, Profiles, Watches, dump, json, languages,
    parse_credential_process, render,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::ZlibEncoder;
use secrecy::ExposeSecret;
use serde_json::Value;
use serde_json::value::RawValue;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;

#[cfg(test)]
#[path = "cli/tool.rs"]
#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "only the note of a skip"
)]
mod tool;

/// A session file: a parsed session is written and parsed back unchanged, and can be rendered. An error quotes nothing from
/// the file.
pub fn session_file(data: &[u8]) {
    let session = match json::parse(data) {
        Ok(session) => session,
        Err(fault) => {
            assert!(fault.is_ascii() && fault.len() < 60, "{fault}");
            return;
        }
    };
    let written = json::render(&session).unwrap();
    let read = json::parse(&written).expect("what is written can be read");
    assert_eq!(read.access_key_id, session.access_key_id);
    assert_eq!(
        read.secret_access_key.expose_secret(),
        session.secret_access_key.expose_secret()
    );
    assert_eq!(
        read.session_token.expose_secret(),
        session.session_token.expose_secret()
    );
    assert_eq!(read.expiration, session.expiration);
    assert_eq!(read.region, session.region);

    let change = Change::of(&session, "work");
    for language in languages() {
        let _ = render(&change, language);
    }
    let dump = dump(&Environment::from_iter([]), &change, &watched()).unwrap();
    let json = decoded(&dump).unwrap();
    assert!(matches!(
        serde_json::from_slice(&json),
        Ok(Value::Object(_))
    ));
}

/// `DIRENV_WATCHES`: a list gets one more watch and keeps every byte of the others. Anything else is unchanged. The data is
/// used as it is, and as the JSON within direnv's encoding.
pub fn watches(data: &[u8]) {
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::fast());
    stream.write_all(data).unwrap();
    let encoded = URL_SAFE.encode(stream.finish().unwrap());
    for before in [String::from_utf8_lossy(data).into_owned(), encoded] {
        let environment =
            Environment::from_iter([("DIRENV_WATCHES".into(), OsString::from(&before))]);
        let dump = dump(&environment, &Change::nothing(), &watched()).unwrap();
        let dump = decoded(&dump).expect("direnv can read the dump");
        let dump: Value = serde_json::from_slice(&dump).unwrap();
        let after = dump["DIRENV_WATCHES"].as_str().unwrap();
        if after == before {
            continue;
        }
        let (before, after) = (decoded(&before).unwrap(), decoded(after).unwrap());
        let before: Vec<&RawValue> = serde_json::from_slice(&before).unwrap();
        let after: Vec<&RawValue> = serde_json::from_slice(&after).unwrap();
        let (last, others) = after.split_last().unwrap();
        assert_eq!(texts(others), texts(&before));
        let last: Value = serde_json::from_str(last.get()).unwrap();
        assert_eq!(last["path"], WATCHED);
    }
}

fn texts<'a>(entries: &[&'a RawValue]) -> Vec<&'a str> {
    entries.iter().map(|entry| entry.get()).collect()
}

/// A duration, for a session and for a margin.
pub fn duration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Duration::parse(text) {
        Ok(length) => {
            assert!((900..=129_600).contains(&length.seconds()));
            let seconds = format!("{}s", length.seconds());
            assert_eq!(Duration::parse(&seconds).ok(), Some(length));
        }
        Err(failure) => assert_one_line(&failure),
    }
    match duration::margin(text, Duration::DEFAULT.seconds()) {
        Ok(margin) => assert!((0..=43_200).contains(&margin.as_secs())),
        Err(failure) => assert_one_line(&failure),
    }
}

/// The output of a code command or a `credential_process`: keys and codes never appear in a failure.
pub fn credential_lines(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        match Code::parse(text) {
            Ok(code) => assert_eq!(code.digits().len(), 6),
            Err(failure) => {
                // The message does not depend on the output.
                assert_eq!(Some(failure), Code::parse("").err());
            }
        }
    }
    match parse_credential_process(data, "credential_process") {
        Ok(keys) => {
            assert!(!keys.access_key_id.starts_with("ASIA"));
        }
        Err(failure) => assert_one_line(&failure),
    }
}

/// A file in `~/.aws`: any bytes but UTF-16 can be read, and a line that cannot is an error on one line.
pub fn profile_file(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(data).unwrap();
    for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        let other = match variable {
            "AWS_CONFIG_FILE" => "AWS_SHARED_CREDENTIALS_FILE",
            _ => "AWS_CONFIG_FILE",
        };
        let environment = Environment::from_iter([
            (variable.into(), file.path().into()),
            (other.into(), "/nowhere".into()),
        ]);
        let profiles = match Profiles::load(&environment) {
            Ok(profiles) => profiles,
            Err(failure) => {
                assert_one_line(&failure);
                continue;
            }
        };
        for name in profiles.names() {
            let profile = profiles.profile(name);
            assert!(profile.exists());
            for key in ["region", "source_profile", "credential_process", "s3"] {
                match profile.get(key) {
                    Ok(value) => assert!(value.is_none_or(|value| !value.value.is_empty())),
                    Err(failure) => assert_one_line(&failure),
                }
            }
            let _ = (profile.access_key(), profile.service_endpoint("sts"));
        }
        for (_, failure) in profiles.remarks() {
            assert_one_line(&failure);
        }
        let _ = profiles.missing("work");
    }
}

#[track_caller]
fn assert_one_line(failure: &Failure) {
    let line = failure.one_line();
    assert!(!line.chars().any(char::is_control), "{line:?}");
}

/// An absolute path.
const WATCHED: &str = if cfg!(windows) {
    r"C:\session"
} else {
    "/session"
};

fn watched() -> Watches {
    let mut watches = Watches::default();
    watches.add(Path::new(WATCHED));
    watches
}

/// Decodes direnv's encoding without the product's own code. It ignores the checksum at the end: miniz_oxide does not check
/// it under a fuzzer, so that mutated streams get further.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let stream = URL_SAFE.decode(text).ok()?;
    let mut unpacked = Vec::new();
    let read = DeflateDecoder::new(stream.get(2..)?).read_to_end(&mut unpacked);
    read.ok().map(|_| unpacked)
}

#[test]
fn corpus_of_each_fuzz_target_passes() {
    type Target = fn(&[u8]);
    let targets: [(&str, Target); 5] = [
        ("session_file", session_file),
        ("watches", watches),
        ("duration", duration),
        ("credential_lines", credential_lines),
        ("profile_file", profile_file),
    ];
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    if !corpus.exists() {
        return tool::skip("the published crate has no fuzz targets");
    }
    for (name, target) in targets {
        let directory = corpus.join(name);
        let mut count = 0;
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
            count += 1;
        }
        println!("{name}: {count} inputs");
        assert!(count >= 5, "{} is nearly empty", directory.display());
    }
}

/// The parser of the AWS SDK for Rust, for files without oddities.
#[cfg(test)]
mod sdk {
    use super::*;
    use aws_config::profile::{self, ProfileSet};
    use aws_types::os_shim_internal::{Env, Fs};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    const NAMES: [&str; 4] = ["default", "work", "my-team.eu", "a/b@c"];
    const KEYS: [&str; 5] = [
        "region",
        "mfa_serial",
        "credential_process",
        "source_profile",
        "aws_access_key_id",
    ];
    const VALUES: [&str; 6] = ["", "eu-west-1", "a=b", "x#y", "AKIA;", "\u{e9}"];
    const COMMENTS: [&str; 5] = ["", "", " # mine", "\t; mine", " #"];

    fn section() -> impl Strategy<Value = String> {
        let line = (
            select(&VALUES[..]),
            select(&COMMENTS[..]),
            select(&["=", " = "][..]),
        );
        let keys = subsequence(&KEYS[..], 0..=KEYS.len());
        (keys, vec(line, KEYS.len())).prop_map(|(keys, lines)| {
            let line =
                |(key, (value, comment, delimiter))| format!("{key}{delimiter}{value}{comment}\n");
            keys.into_iter().zip(lines).map(line).collect()
        })
    }

    fn file(prefix: &'static str) -> impl Strategy<Value = String> {
        let names = subsequence(&NAMES[..], 0..=NAMES.len());
        (names, vec(section(), NAMES.len())).prop_map(move |(names, sections)| {
            let section = |(name, lines): (&str, String)| match name {
                "default" => format!("[default]\n{lines}\n"),
                _ => format!("[{prefix}{name}] # here\n{lines}# there\n"),
            };
            names.into_iter().zip(sections).map(section).collect()
        })
    }

    #[expect(deprecated, reason = "the SDK has no other function for given files")]
    fn parsed(config: &Path, credentials: &Path) -> ProfileSet {
        use profile::profile_file::{ProfileFileKind, ProfileFiles};
        let files = ProfileFiles::builder()
            .with_file(ProfileFileKind::Config, config)
            .with_file(ProfileFileKind::Credentials, credentials)
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let load = async { profile::load(&Fs::real(), &Env::from_slice(&[]), &files, None).await };
        runtime.block_on(load).unwrap()
    }

    proptest! {
        #[test]
        fn plain_files_are_read_as_the_sdk_reads_them(
            config in file("profile "),
            credentials in file(""),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let paths = [("config", config), ("credentials", credentials)].map(|(name, text)| {
                let path = directory.path().join(name);
                std::fs::write(&path, text).unwrap();
                path
            });
            let [config, credentials] = &paths;
            let environment = Environment::from_iter([
                ("AWS_CONFIG_FILE".into(), config.into()),
                ("AWS_SHARED_CREDENTIALS_FILE".into(), credentials.into()),
            ]);
            let ours = Profiles::load(&environment).unwrap();
            let theirs = parsed(config, credentials);
            let names: std::collections::BTreeSet<&str> = theirs.profiles().collect();
            prop_assert_eq!(ours.names(), names);
            for name in ours.names() {
                for key in KEYS {
                    let theirs = theirs.get_profile(name).and_then(|profile| profile.get(key));
                    let ours = ours.profile(name).get(key).unwrap().map(|property| property.value);
                    // An empty value in one file hides the other's for the SDK.
                    if theirs != Some("") {
                        prop_assert_eq!(ours, theirs, "{} of {}", key, name);
                    }
                }
            }
        }
    }
}
