//! What the release workflow packs and writes, made here from the binary of the tests.

use super::sandbox::binary;
use super::tool::tool;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TRIPLE: &str = "x86_64-unknown-linux-musl";

fn script(name: &str) -> Command {
    Command::new(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(".github")
            .join(name),
    )
}

#[track_caller]
fn stdout(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A directory with the archive in it, and the archive. A script takes the binary's place there: one
/// that is not optimised is large, and slow to pack.
fn archive() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let stand_in = directory.path().join("aws-mfa");
    let call = format!("#!/bin/sh\nexec '{}' \"$@\"\n", binary().display());
    std::fs::write(&stand_in, call).unwrap();
    std::fs::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut pack = script("release-archive");
    pack.arg(&stand_in).arg(TRIPLE).arg(directory.path());
    stdout(pack.output().unwrap());
    let archive = directory
        .path()
        .join(format!("aws-mfa-{VERSION}-{TRIPLE}.tar.gz"));
    (directory, archive)
}

#[test]
fn archive_contains_the_binary_its_pages_and_completions() {
    let (_directory, archive) = archive();
    let mut list = Command::new("tar");
    let list = stdout(list.arg("-tzf").arg(archive).output().unwrap());
    let mut files: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("aws-mfa-{VERSION}-{TRIPLE}/")))
        .filter(|file| !file.is_empty() && !file.ends_with('/'))
        .collect();
    files.sort_unstable();
    assert_eq!(
        files,
        [
            "LICENSE",
            "README.md",
            "aws-mfa",
            "completions/_aws-mfa",
            "completions/_aws-mfa.ps1",
            "completions/aws-mfa.bash",
            "completions/aws-mfa.elv",
            "completions/aws-mfa.fish",
            "man/aws-mfa.1",
        ]
    );
}

#[test]
fn debian_package_contains_the_archives_files() {
    let Some(dpkg) = tool("dpkg-deb") else { return };
    let (directory, _) = archive();
    let mut pack = script("debian-package");
    stdout(pack.arg(TRIPLE).arg(directory.path()).output().unwrap());
    let package = directory
        .path()
        .join(format!("aws-mfa_{VERSION}_amd64.deb"));
    let ask = |option: &str| {
        let mut dpkg = Command::new(&dpkg);
        stdout(dpkg.arg(option).arg(&package).output().unwrap())
    };
    assert!(ask("--field").contains(&format!("Version: {VERSION}\n")));
    let contents = ask("--contents");
    for file in [
        "-rwxr-xr-x root/root",
        "./usr/bin/aws-mfa",
        "./usr/share/man/man1/aws-mfa.1.gz",
        "./usr/share/bash-completion/completions/aws-mfa",
        "./usr/share/doc/aws-mfa/copyright",
    ] {
        assert!(contents.contains(file), "{file} in {contents}");
    }
}

#[test]
fn formula_has_each_archive_with_its_checksum() {
    let directory = tempfile::tempdir().unwrap();
    let sums = directory.path().join("SHA256SUMS");
    let triples = [
        "aarch64-apple-darwin",
        "x86_64-apple-darwin",
        "aarch64-unknown-linux-musl",
        "x86_64-unknown-linux-musl",
    ];
    let line = |(number, triple): (usize, &&str)| {
        format!("{number:064}  aws-mfa-{VERSION}-{triple}.tar.gz\n")
    };
    let all: String = triples.iter().enumerate().map(line).collect();
    std::fs::write(&sums, &all).unwrap();
    let formula = || {
        let mut formula = script("homebrew-formula");
        formula.args([VERSION, "owner/repository"]).arg(&sums);
        formula.output().unwrap()
    };
    let text = stdout(formula());
    for (number, triple) in triples.iter().enumerate() {
        let pair = format!(
            "url \"https://github.com/owner/repository/releases/download/v{VERSION}/aws-mfa-{VERSION}-{triple}.tar.gz\"\n      sha256 \"{number:064}\"\n"
        );
        assert!(text.contains(&pair), "{triple} in {text}");
    }
    assert!(text.contains(&format!("  desc \"{}\"\n", env!("CARGO_PKG_DESCRIPTION"))));

    // A release that lacks an archive gets no formula.
    std::fs::write(&sums, all.replace("aarch64-apple-darwin", "other")).unwrap();
    assert!(!formula().status.success());
}

#[test]
fn changelog_has_notes_for_this_version_only() {
    let notes = |version: &str| script("release-notes").arg(version).output().unwrap();
    let text = stdout(notes(VERSION));
    assert!(text.starts_with("### Added\n"), "{text}");
    assert!(!text.contains("## ["), "{text}");
    assert!(!notes("9.9.9").status.success());
}
