//! The reader compared with botocore, which reads the files for the AWS CLI, on thousands of pairs of odd files, and with
//! the AWS SDKs' own tests of the format.
//!
//! `AWS_MFA_PAIRS` is the number of pairs, and `AWS_MFA_SEED` another beginning. The differences that are meant have names:
//! a line of ours has another one in botocore's file that means to botocore what ours means to us.

#![allow(
    clippy::disallowed_methods,
    clippy::use_debug,
    reason = "tests may ask the process, and show everything"
)]

#[path = "../../tests/cli/tool.rs"]
#[allow(dead_code, reason = "a part of it is needed here")]
pub mod tool;

use super::lines::{Document, Entry};
use super::names::{FileKind, SectionKind};
use super::{ProfileFile, Profiles};
use FileKind::{Config, Credentials};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Lines that are meant to be read differently: the difference, our line, and botocore's.
const DIFFERENT: [(&str, Option<FileKind>, &str, &str); 13] = [
    ("white space in brackets", None, "[ default ]", "[default]"),
    ("white space in brackets", None, "[ work\u{a0}]", "[work]"),
    (
        "white space in brackets",
        Some(Config),
        "[\tprofile work]",
        "[profile work]",
    ),
    ("white space in brackets", None, "[ DEFAULT]", "[DEFAULT]"),
    ("white space in brackets", None, "[ ]", "[]"),
    ("comment with ]", None, "[default] # a]", "[default]"),
    (
        "comment with ]",
        Some(Config),
        "[profile a];[]]",
        "[profile a]",
    ),
    ("profilex", Some(Config), "[profilex a]", "[plugins a]"),
    (
        "profile in credentials",
        Some(Credentials),
        "[profile work]",
        "[☠profile work]",
    ),
    (
        "profile in credentials",
        Some(Credentials),
        "[services 's t']",
        "[☠services 's t']",
    ),
    ("open header with =", None, "[work = y", "[work y"),
    ("other letters", None, "RÉGION = x", "RÉGION = x"),
    ("comment not UTF-8", None, "  # caf\u{f8ff}", "  # cafe"),
];

/// Separate the lines of a nested block for botocore, but not for us.
const SEPARATORS: [char; 3] = ['\u{b}', '\u{85}', '\u{2028}'];

/// Stands for one in botocore's file.
const NO_SEPARATOR: &str = "¬";

/// Stands in a line of this file for a byte that is not UTF-8.
const BYTE: &str = "\u{f8ff}";

/// Begins the names of sections that only botocore has.
const ONLY_BOTOCORE: char = '☠';

const INDENTATIONS: [&str; 8] = ["", "", "", " ", "  ", "\t", "\u{a0}", "\u{1c} "];

const HEADERS: [&str; 34] = [
    "[default]",
    "[default]",
    "[profile default]",
    "[DEFAULT]",
    "[Default]",
    "[profile DEFAULT]",
    "[profile work]",
    "[profile  work]",
    "[profile work]",
    "[profile a]",
    "[profile 'my work']",
    "[profile \"my work\"]",
    r"[profile my\ work]",
    r#"[profile "a\"b\$"]"#,
    r"[profile 'a\b']",
    "[profile #x]",
    "[profile '']",
    "['profile' a]",
    "[profile a b]",
    "[profile it's]",
    r"[profile a\]",
    "[profile]",
    "[profile\u{a0}a]",
    "[work]",
    "[my work]",
    "[services s]",
    "[services 's t']",
    "[sso-session s]",
    "[plugins]",
    "[work] my team",
    "[work]#c",
    "[work] ; c",
    "[a]b]",
    "[é]",
];

/// Headers that are not two words.
const UNSPLIT: [&str; 3] = ["[profile a b]", "[profile it's]", r"[profile a\]"];

const BROKEN_HEADERS: [&str; 4] = ["[]", "[work", "[profile work", "[caf\u{f8ff}]"];

const KEYS: [&str; 14] = [
    "region",
    "REGION",
    "Region",
    "aws_access_key_id",
    "aws_secret_access_key",
    "s3",
    "sts",
    "a b",
    "key#",
    "ключ",
    "services",
    "source_profile",
    "[x]y",
    "credential_process",
];

const DELIMITERS: [&str; 7] = ["=", " = ", ":", " : ", " =", "= ", "\u{a0}=\t"];

const VALUES: [&str; 19] = [
    "",
    "",
    "x",
    "eu-west-1",
    "x # c",
    "x;c",
    "# c",
    "=b",
    "a:b",
    "\"q\"",
    "%(x)s",
    "é",
    "[profile z]",
    "a\u{b}b",
    r"x\",
    "x\u{85}y",
    "1 2",
    "'a #b'",
    "\u{a0}z\u{1f}",
];

const CONTINUED: [&str; 10] = [
    "k = v",
    "K=w",
    "k = v",
    "endpoint_url = http://a/?b=c",
    "[x]",
    "more",
    "= v",
    "k=",
    "# not ours",
    "a:b",
];

/// Repeatable random numbers: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// A file, as lines of ours and of botocore's.
struct Pair {
    kind: FileKind,
    has_mark: bool,
    lines: Vec<(String, String)>,
    end: &'static str,
    names: BTreeSet<&'static str>,
}

impl Pair {
    fn random(random: &mut Random, kind: FileKind) -> Self {
        let mut file = Pair {
            kind,
            has_mark: random.one_in(20),
            lines: Vec::new(),
            end: random.of(&["\n", "\n", "\r\n", "\r"]),
            names: BTreeSet::new(),
        };
        // Most files are only slightly odd.
        let faults = random.of(&[0, 0, 1, 5]);
        let (mut headers, mut keys) = (BTreeSet::new(), BTreeSet::new());
        let mut in_fallback = false;
        for _ in 0..random.below(24) {
            let what = match file.lines.is_empty() && !random.one_in(20) {
                true => 0,
                false => random.below(100),
            };
            let indentation = match in_fallback {
                true => "",
                false => random.of(&INDENTATIONS),
            };
            match what {
                0..20 => {
                    let header = random.of(&HEADERS);
                    if headers.insert(header) || faults > 0 && random.one_in(4) {
                        keys.clear();
                        in_fallback = header == "[DEFAULT]";
                        let ours = format!("{indentation}{header}");
                        let words = ["[profile ", "[profile  ", "[services ", "[sso-session "];
                        let has_prefix = words.iter().any(|word| header.starts_with(word));
                        if kind == Credentials && has_prefix && !UNSPLIT.contains(&header) {
                            file.names.insert("profile in credentials");
                            let theirs = ours.replacen('[', &format!("[{ONLY_BOTOCORE}"), 1);
                            file.lines.push((ours, theirs));
                        } else {
                            file.push(ours);
                        }
                    }
                }
                20..24 => {
                    let (name, only, ours, theirs) = random.of(&DIFFERENT);
                    if only.is_none_or(|only| only == kind) && headers.insert(theirs) {
                        in_fallback = theirs == "[DEFAULT]";
                        keys.clear();
                        file.names.insert(name);
                        file.lines.push((ours.to_owned(), theirs.to_owned()));
                    }
                }
                24..60 => {
                    let key = random.of(&KEYS);
                    if keys.insert(key.to_lowercase()) || faults > 0 && random.one_in(4) {
                        let (delimiter, value) = (random.of(&DELIMITERS), random.of(&VALUES));
                        file.push(format!("{indentation}{key}{delimiter}{value}"));
                    }
                }
                60..75 => {
                    let deeper = random.of(&["  ", "   ", "\t\t\t", "    "]);
                    let text = match in_fallback {
                        true => "k = v",
                        false => random.of(&CONTINUED),
                    };
                    if !in_fallback && random.one_in(30) {
                        file.names.insert("nested lines");
                        file.push(format!("{deeper}a\u{2028}b = c"));
                    } else if faults > 0 || text.contains('=') {
                        file.push(format!("{deeper}{text}"));
                    }
                }
                75..85 => file.push(random.of(&["", "  ", "\t", "\u{a0}"]).to_owned()),
                85..93 => {
                    let comment = random.of(&["# x", ";x = y", "#[x]", ";"]);
                    file.push(format!("{indentation}{comment}"));
                }
                _ if random.below(10) < faults => {
                    let fault = random.of(&[
                        "junk",
                        "= x",
                        ":",
                        "caf\u{f8ff} = 1",
                        "x = caf\u{f8ff}",
                        "",
                        "",
                    ]);
                    let fault = match fault {
                        "" => random.of(&BROKEN_HEADERS),
                        _ => fault,
                    };
                    if fault.starts_with('[') {
                        in_fallback = false;
                        keys.clear();
                    }
                    file.push(format!("{indentation}{fault}"));
                }
                _ => {}
            }
        }
        if file.has_mark {
            file.names.insert("mark");
        }
        file
    }

    /// Adds a line that means the same to botocore.
    fn push(&mut self, line: String) {
        let theirs = line.replace(SEPARATORS, NO_SEPARATOR);
        self.lines.push((line, theirs));
    }

    fn ours(&self) -> Document {
        let lines = self.lines.iter().map(|(ours, _)| ours.as_str());
        let mut bytes = bytes(lines, self.end);
        if self.has_mark {
            bytes.splice(..0, *b"\xef\xbb\xbf");
        }
        Document::parse(bytes, self.kind)
    }

    fn botocores(&self) -> Vec<u8> {
        bytes(
            self.lines.iter().map(|(_, theirs)| theirs.as_str()),
            self.end,
        )
    }

    /// botocore's file without the lines that we refuse.
    fn repaired(&self, document: &Document) -> Vec<u8> {
        let lines = self.lines.iter().enumerate();
        let lines: Vec<String> = lines
            .filter_map(|(index, (_, theirs))| {
                let number = index + 1;
                let mut sections = document.sections.iter().rev();
                match sections.find(|section| section.line <= number) {
                    Some(section) if section.kind == SectionKind::Broken => {
                        (section.line == number).then(|| format!("[{ONLY_BOTOCORE}{index}]"))
                    }
                    _ => {
                        let is_faulty = document.faults.iter().any(|fault| fault.line == number);
                        (!is_faulty).then(|| theirs.clone())
                    }
                }
            })
            .collect();
        bytes(lines.iter().map(String::as_str), self.end)
    }
}

fn bytes<'a>(lines: impl Iterator<Item = &'a str>, end: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        for (index, part) in line.split(BYTE).enumerate() {
            if index > 0 {
                bytes.push(0xe9);
            }
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.extend_from_slice(end.as_bytes());
    }
    bytes
}

/// A value, as botocore has it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
enum Value {
    Text(String),
    Block(Vec<(String, String)>),
}

type Sections = BTreeMap<String, BTreeMap<String, Value>>;

/// The sections in one file by their kinds: `profiles`, `services`, `sso_sessions`.
type File = BTreeMap<String, Sections>;

impl Document {
    fn value_of(&self, entry: &Entry) -> Value {
        let shown = |text: &str| text.replace(SEPARATORS, NO_SEPARATOR);
        let whole = self.whole(entry);
        if !whole.starts_with('\n') {
            return Value::Text(shown(&whole));
        }
        let mut block: Vec<(String, String)> = Vec::new();
        for (key, value) in self.block(entry) {
            let (key, value) = (shown(key), shown(value));
            match block.iter_mut().find(|(own, _)| *own == key) {
                Some((_, own)) => *own = value,
                None => block.push((key, value)),
            }
        }
        Value::Block(block)
    }

    /// The sections without a fault.
    fn undamaged(&self, file: FileKind) -> File {
        let kinds: &[_] = match file {
            Credentials => &[("profiles", SectionKind::Profile)],
            Config => &[
                ("profiles", SectionKind::Profile),
                ("services", SectionKind::Services),
                ("sso_sessions", SectionKind::SsoSession),
            ],
        };
        let sections = |kind: SectionKind| {
            let own = self.sections.iter().filter(|section| section.kind == kind);
            let whole = own.filter(|section| self.fault(kind, &section.name).is_none());
            whole
                .map(|section| (section.name.clone(), self.keys(kind, &section.name)))
                .collect()
        };
        kinds
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), sections(*kind)))
            .collect()
    }

    /// The keys of a section, as botocore would fold their case.
    fn keys(&self, kind: SectionKind, name: &str) -> BTreeMap<String, Value> {
        let keys: BTreeSet<&str> = self
            .entries
            .iter()
            .map(|entry| self.text(&entry.key))
            .collect();
        keys.into_iter()
            .filter_map(|key| {
                let entry = self.entry(kind, name, key)?;
                let shown = key.to_lowercase().replace(SEPARATORS, NO_SEPARATOR);
                Some((shown, self.value_of(entry)))
            })
            .collect()
    }
}

/// What botocore says about each pair: the config file, the credentials file, both together. `None` if it refuses one.
type Answer = [Option<File>; 3];

fn ask(python: &Path, files: &[[Vec<u8>; 2]]) -> Vec<Answer> {
    let directory = tempfile::tempdir().unwrap();
    for (number, pair) in files.iter().enumerate() {
        for (name, bytes) in ["config", "credentials"].into_iter().zip(pair) {
            std::fs::write(directory.path().join(format!("{number}-{name}")), bytes).unwrap();
        }
    }
    let output = Command::new(python)
        .args(["-X", "utf8", "-c", include_str!("oracles/botocore.py")])
        .arg(directory.path())
        .arg(files.len().to_string())
        .env_remove("AWS_PROFILE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let answers = output.stdout.split(|byte| *byte == b'\n');
    let answers = answers.filter(|line| !line.is_empty());
    answers
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Without what is in botocore's files only.
fn known(file: &File) -> File {
    let mut file = file.clone();
    for sections in file.values_mut() {
        sections.retain(|name, _| !name.starts_with(ONLY_BOTOCORE));
        let without = |text: &str| text.replace(ONLY_BOTOCORE, "");
        for value in sections.values_mut().flat_map(BTreeMap::values_mut) {
            *value = match value {
                Value::Text(text) => Value::Text(without(text)),
                Value::Block(block) => {
                    let pairs = block.iter();
                    Value::Block(
                        pairs
                            .map(|(key, value)| (without(key), without(value)))
                            .collect(),
                    )
                }
            };
        }
    }
    file
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn odd_files_are_read_as_botocore_reads_them() {
    let Some(python) = tool::tool("python-venv") else {
        return;
    };
    let count = number("AWS_MFA_PAIRS", 3000) as usize;
    let mut random = Random(number("AWS_MFA_SEED", 1) + 0x9e37_79b9_7f4a_7c15);
    let started = Instant::now();
    let pairs: Vec<[Pair; 2]> = (0..count)
        .map(|_| [Config, Credentials].map(|kind| Pair::random(&mut random, kind)))
        .collect();
    let ours: Vec<[Document; 2]> = pairs
        .iter()
        .map(|pair| pair.each_ref().map(Pair::ours))
        .collect();
    let as_they_are = pairs
        .iter()
        .map(|pair| pair.each_ref().map(Pair::botocores));
    let repaired = pairs
        .iter()
        .zip(&ours)
        .map(|([config, credentials], [own, other])| {
            [config.repaired(own), credentials.repaired(other)]
        });
    let files: Vec<_> = as_they_are.chain(repaired).collect();
    let answers = ask(&python, &files);
    assert_eq!(answers.len(), 2 * count);

    let (mut accepted, mut compared) = (0, 0);
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, (pair, documents)) in pairs.iter().zip(&ours).enumerate() {
        for (index, (file, document)) in pair.iter().zip(documents).enumerate() {
            let shown = || format!("{:?}", String::from_utf8_lossy(&files[number][index]));
            let remarks = document.remarks(file.kind).into_iter();
            let refusals: Vec<_> = remarks.filter(|remark| remark.is_refused).collect();
            let undamaged = document.undamaged(file.kind);
            match &answers[number][index] {
                Some(answer) => {
                    assert!(
                        refusals.is_empty(),
                        "{number}: {} of\n{}",
                        refusals[0].what,
                        shown()
                    );
                    assert_eq!(undamaged, known(answer), "{number}\n{}", shown());
                    accepted += 1;
                    for name in &file.names {
                        *names.entry(name).or_default() += 1;
                    }
                }
                None => {
                    assert!(
                        !refusals.is_empty(),
                        "{number}: botocore refuses\n{}",
                        shown()
                    );
                    if refusals.len() == document.faults.len() {
                        let answer = answers[count + number][index].as_ref();
                        let answer =
                            known(answer.unwrap_or_else(|| panic!("{number}\n{}", shown())));
                        for (kind, sections) in undamaged {
                            for (name, keys) in sections {
                                assert_eq!(
                                    keys,
                                    answer[&kind][&name],
                                    "{number}: {name}\n{}",
                                    shown()
                                );
                                compared += 1;
                            }
                        }
                    }
                }
            }
        }
        let [Some(config), Some(credentials), Some(both)] = &answers[number] else {
            continue;
        };
        let [config, credentials, both] =
            [config, credentials, both].map(|file| known(file).remove("profiles").unwrap());
        both_files(documents, [&config, &credentials], &both);
    }
    println!(
        "{count} pairs in {:.1} s: {accepted} files accepted by botocore, {compared} sections of refused ones; {names:?}",
        started.elapsed().as_secs_f32()
    );
    for (name, ..) in DIFFERENT {
        let is_refused = matches!(name, "open header with =");
        assert!(
            is_refused || names.contains_key(name),
            "{name} was not tried"
        );
    }
    assert!(accepted > count / 2 && compared > count / 4);
}

/// The two files together: the profiles' names and values.
fn both_files(documents: &[Document; 2], files: [&Sections; 2], both: &Sections) {
    let [config, credentials] = documents.each_ref().map(|document| {
        let kind = match std::ptr::eq(document, &documents[0]) {
            true => Config,
            false => Credentials,
        };
        ProfileFile {
            path: PathBuf::from(match kind {
                Config => "config",
                Credentials => "credentials",
            }),
            kind,
            named_by: None,
            includes: false,
            document: Some(Document::parse(document.bytes.clone(), kind)),
        }
    });
    let profiles = Profiles {
        files: vec![credentials, config],
    };
    let names: BTreeSet<&str> = both.keys().map(String::as_str).collect();
    assert_eq!(profiles.names(), names);
    for (name, keys) in both {
        for (key, value) in keys {
            // The SDKs' comments are for the other oracle.
            if !key.is_ascii() || matches!(value, Value::Text(text) if text.contains(['#', ';'])) {
                continue;
            }
            let found = profiles.profile(name).get(key);
            let [config, credentials] =
                files.map(|file| file.get(name).and_then(|own| own.get(key)));
            let is_set = |value: &&Value| **value != Value::Text(String::new());
            match credentials.filter(is_set).or(config.filter(is_set)) {
                None => assert!(found.unwrap().is_none()),
                Some(Value::Text(text)) if !text.contains('\n') => {
                    let found = found
                        .unwrap()
                        .unwrap()
                        .value
                        .replace(SEPARATORS, NO_SEPARATOR);
                    assert_eq!(found, *text);
                }
                Some(_) => assert!(found.is_err(), "{name} {key}"),
            }
        }
    }
}

/// AWS's tests of the format that come out differently here, because the AWS CLI or a value of the user's says so.
const NOT_AS_THE_SDKS: [&str; 9] = [
    // The AWS CLI knows such names.
    "Profile names support alphanumeric characters and - / . % @ _ : +",
    "Invalid profile names are ignored.",
    "Invalid property names are ignored.",
    // The AWS CLI takes it for =.
    "Property definitions must contain an equals sign.",
    // The AWS CLI accepts it.
    "Sub-property definitions cannot have an empty name.",
    // It is kept, and means nothing.
    "Sub-properties can have blank lines that are ignored",
    // For the AWS CLI, the later one counts.
    "Default profile with profile prefix overrides default profile without prefix when profile prefix is first.",
    "Default profiles with mixed prefixes in the config file ignore the one without prefix when merging.",
    "Default profiles with mixed prefixes merge with credentials",
];

#[derive(Deserialize)]
struct FormatTest {
    name: String,
    input: FormatInput,
    output: FormatOutput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatInput {
    #[serde(default)]
    config_file: String,
    #[serde(default)]
    credentials_file: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatOutput {
    config: Option<FormatConfig>,
    error_containing: Option<String>,
}

#[derive(Deserialize)]
struct FormatConfig {
    profiles: BTreeMap<String, BTreeMap<String, String>>,
}

/// AWS's own tests, which the Rust SDK's crate contains.
fn tests_of_aws() -> Option<Vec<FormatTest>> {
    // The crates of other platforms need not have been downloaded.
    let rustc = Command::new("rustc").arg("-vV").output().ok()?;
    let rustc = String::from_utf8(rustc.stdout).ok()?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "))?;
    let cargo = Command::new(option_env!("CARGO")?)
        .args(["metadata", "--locked", "--offline", "--format-version=1"])
        .args(["--filter-platform", host])
        .output()
        .ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).ok()?;
    let packages = metadata["packages"].as_array()?;
    let runtime = packages
        .iter()
        .find(|package| package["name"] == "aws-runtime")?;
    let path = Path::new(runtime["manifest_path"].as_str()?)
        .with_file_name("test-data/profile-parser-tests.json");
    let tests: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    serde_json::from_value(tests["tests"].clone()).ok()
}

#[test]
fn aws_own_tests_of_the_format_pass() {
    let Some(tests) = tests_of_aws() else {
        tool::skip("there is no source of aws-runtime");
        return;
    };
    let mut differ = BTreeSet::new();
    for test in &tests {
        // A key whose value is a word, so that a comment behind it is cut.
        let with_region = |text: &str| text.replace("name", "region").replace("Name", "Region");
        let parse = |text: &str, kind| Document::parse(with_region(text).into(), kind);
        let documents = [
            parse(&test.input.credentials_file, Credentials),
            parse(&test.input.config_file, Config),
        ];
        let mut profiles: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for document in &documents {
            for section in &document.sections {
                if section.kind != SectionKind::Profile {
                    continue;
                }
                let profile = profiles.entry(section.name.clone()).or_default();
                for entry in &document.entries {
                    let key = document.text(&entry.key).to_ascii_lowercase();
                    if let Some(entry) = document.entry(section.kind, &section.name, &key) {
                        let first = document.value(&key, entry, |_, _| false);
                        let more = document.lines_of(entry).iter().map(|line| &line.text);
                        let lines = std::iter::once(&first).chain(more);
                        let lines: Vec<&str> = lines.map(|place| document.text(place)).collect();
                        profile.entry(key).or_insert(lines.join("\n"));
                    }
                }
            }
        }
        let refused = documents.iter().any(|document| !document.faults.is_empty());
        let is_same = match (&test.output.config, &test.output.error_containing) {
            (Some(config), _) => {
                let expected = config.profiles.iter().map(|(name, keys)| {
                    let keys = keys
                        .iter()
                        .map(|(key, value)| (with_region(key), with_region(value)));
                    (name.clone(), keys.collect())
                });
                !refused && profiles == expected.collect()
            }
            (None, Some(_)) => refused,
            (None, None) => false,
        };
        if !is_same {
            differ.insert(test.name.as_str());
        }
    }
    assert_eq!(differ, BTreeSet::from(NOT_AS_THE_SDKS));
    assert!(tests.len() > 60);
}
