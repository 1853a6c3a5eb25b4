//! The license notices in the releases, compared with the lock file and with what is linked here.

use super::deadline::InTime;
use super::tool::skip;
use std::collections::BTreeSet;
use std::process::Command;

const NOTICES: &str = include_str!("../../.github/notices.txt");
const DEBIAN: &str = include_str!("../../.github/copyright");
const LOCK: &str = include_str!("../../Cargo.lock");

const UPDATE: &str = "Cargo.lock has changed: run .github/notices";

/// The crates in the table at the top: `  name version  license  source`.
fn table() -> Vec<[&'static str; 4]> {
    let rows = NOTICES.lines().filter(|line| line.starts_with("  "));
    rows.take_while(|line| !line.starts_with("  Developed at"))
        .map(|line| {
            let (crate_, rest) = line.trim().split_once("  ").unwrap();
            let (name, version) = crate_.split_once(' ').unwrap();
            let (license, source) = rest.trim().split_once("  ").unwrap();
            [name, version, license.trim(), source.trim()]
        })
        .collect()
}

fn noticed() -> BTreeSet<String> {
    let crates = table().into_iter();
    crates
        .map(|[name, version, ..]| format!("{name} {version}"))
        .collect()
}

/// The crates that are in Cargo.lock but in no binary.
fn others() -> BTreeSet<String> {
    let (_, list) = NOTICES.rsplit_once("\n\n").unwrap();
    let crates = list.trim().split(',');
    crates
        .map(|entry| entry.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn notices_divide_the_crates_of_the_lock_file() {
    let value = |package: &str, key: &str| {
        let line = package.lines().find(|line| line.starts_with(key));
        line.map(|line| line.split('"').nth(1).unwrap().to_owned())
    };
    // Without a source: this crate.
    let locked: BTreeSet<String> = LOCK
        .split("[[package]]\n")
        .skip(1)
        .filter(|package| value(package, "source = ").is_some())
        .map(|package| {
            let [name, version] = ["name = ", "version = "].map(|key| value(package, key).unwrap());
            format!("{name} {version}")
        })
        .collect();
    assert!(locked.len() > 200);
    let (noticed, others) = (noticed(), others());
    assert_eq!(noticed.intersection(&others).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(&noticed | &others, locked, "{UPDATE}");
}

/// `.ci/run` compares every released target, for which cargo has to download more.
#[test]
fn crates_linked_here_have_a_notice() {
    if cfg!(windows) && env!("CARGO").starts_with('/') {
        return skip("Wine cannot run the cargo of Linux");
    }
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "tree",
        "--locked",
        "--offline",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
    ]);
    let output = tree.output_in_time();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let noticed = noticed();
    let mut number = 0;
    // The first line is this crate.
    for line in String::from_utf8(output.stdout).unwrap().lines().skip(1) {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        let linked = format!("{name} {}", version.strip_prefix('v').unwrap());
        assert!(noticed.contains(&linked), "{linked}: {UPDATE}");
        number += 1;
    }
    assert!(number > 100, "{number}");
}

/// The texts that a license demands, and for MPL-2.0 where its source is.
#[test]
fn notices_have_the_text_of_each_license() {
    let rule = format!("\n{}\n", "-".repeat(80));
    let texts: Vec<&str> = NOTICES.split(&*rule).skip(2).collect();
    let (_, texts) = texts.split_last().unwrap();
    for [name, version, license, source] in table() {
        let entry = format!("{name} {version}");
        let of_it = texts.iter().filter(|text| {
            let (users, _) = text.split_once("\n\n").unwrap();
            let users = users.replace('\n', " ");
            users.split(", ").any(|user| user == entry)
        });
        let text: String = of_it.copied().collect();
        for license in license.split(" AND ") {
            let phrase = match license {
                "Apache-2.0" => "Apache License",
                "BSD-3-Clause" => "Neither the name of the copyright holder",
                "ISC" => "THE SOFTWARE IS PROVIDED \"AS IS\"",
                "MIT" => "Permission is hereby granted, free of charge",
                "MPL-2.0" => "Mozilla Public License Version 2.0",
                "Unicode-3.0" => "UNICODE LICENSE V3",
                other => panic!("{other} of {entry}: what is its text?"),
            };
            assert!(text.contains(phrase), "{phrase} for {entry}");
        }
        assert!(source.starts_with("https://"), "{entry}: {source}");
        let files = format!("vendor/{name}-{version}/*\n");
        assert!(DEBIAN.contains(&files), "{files}");
    }
    assert_eq!(DEBIAN.matches("vendor/").count(), table().len());
    for of_the_toolchain in ["Rust's standard library", "Rich Felker"] {
        assert!(NOTICES.contains(of_the_toolchain), "{of_the_toolchain}");
    }
}

#[test]
fn license_choices_are_those_that_cargo_deny_allows() {
    let deny = include_str!("../../.deny.toml");
    for [name, _, license, _] in table() {
        for license in license.split(" AND ") {
            let allowed = format!("\"{license}\"");
            assert!(deny.contains(&allowed), "{name}: {license}");
        }
    }
}
