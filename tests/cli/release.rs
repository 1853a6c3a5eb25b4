//! The release workflow's packages and texts, made here from the tests' binary.

use super::deadline::InTime;
use super::sandbox::binary;
use super::tool::{skip, tool};
use serde_json::Value;
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

/// A directory with the archive. It contains a script instead of the binary, because an unoptimized binary is large and
/// slow to pack.
fn archive() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let stand_in = directory.path().join("aws-mfa");
    let call = format!("#!/bin/sh\nexec '{}' \"$@\"\n", binary().display());
    std::fs::write(&stand_in, call).unwrap();
    std::fs::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut pack = script("release-archive");
    pack.arg(&stand_in).arg(TRIPLE).arg(directory.path());
    stdout(pack.output_in_time());
    let archive = directory
        .path()
        .join(format!("aws-mfa-{VERSION}-{TRIPLE}.tar.gz"));
    (directory, archive)
}

/// As Git for Windows is set up: what is checked out would have CRLF, which bash, the tests and direnv take for text.
#[test]
fn checkout_with_crlf_configured_has_lf() {
    let Some(git) = tool("git") else { return };
    let directory = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut inside = Command::new(&git);
    inside.current_dir(root).args(["rev-parse", "--git-dir"]);
    if !inside.output_in_time().status.success() {
        return skip("the sources are not in a repository");
    }
    let check_out = |ending: [&str; 2], name: &str| {
        let prefix = format!("--prefix={}/", directory.path().join(name).display());
        let mut command = Command::new(&git);
        command.current_dir(root);
        for setting in ending {
            command.args(["-c", setting]);
        }
        stdout(
            command
                .args(["checkout-index", "--all", &prefix])
                .output_in_time(),
        );
    };
    check_out(["core.autocrlf=true", "core.eol=crlf"], "windows");
    check_out(["core.autocrlf=false", "core.eol=lf"], "unix");
    let mut compare = Command::new("diff");
    compare.args(["-rq", "unix", "windows"]);
    let differences = compare.current_dir(directory.path()).output_in_time();
    assert_eq!(String::from_utf8(differences.stdout).unwrap(), "");
    assert!(differences.status.success());
}

#[test]
fn archive_contains_the_binary_its_pages_and_completions() {
    if tool("bash").is_none() {
        return;
    }
    let (_directory, archive) = archive();
    let mut list = Command::new("tar");
    let list = stdout(list.arg("-tzf").arg(archive).output_in_time());
    let mut files: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("aws-mfa-{VERSION}-{TRIPLE}/")))
        .filter(|file| !file.is_empty() && !file.ends_with('/'))
        .collect();
    files.sort_unstable();
    assert_eq!(
        files,
        [
            "CHANGELOG.md",
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
    let (Some(dpkg), Some(_)) = (tool("dpkg-deb"), tool("bash")) else {
        return;
    };
    let (directory, _) = archive();
    let mut pack = script("debian-package");
    stdout(pack.arg(TRIPLE).arg(directory.path()).output_in_time());
    let package = directory
        .path()
        .join(format!("aws-mfa_{VERSION}_amd64.deb"));
    let ask = |option: &str| {
        let mut dpkg = Command::new(&dpkg);
        stdout(dpkg.arg(option).arg(&package).output_in_time())
    };
    assert!(ask("--field").contains(&format!("Version: {VERSION}\n")));
    let contents = ask("--contents");
    for file in [
        "-rwxr-xr-x root/root",
        "./usr/bin/aws-mfa",
        "./usr/share/man/man1/aws-mfa.1.gz",
        "./usr/share/bash-completion/completions/aws-mfa",
        "./usr/share/zsh/vendor-completions/_aws-mfa",
        "./usr/share/fish/vendor_completions.d/aws-mfa.fish",
        "./usr/share/doc/aws-mfa/completions/aws-mfa.elv",
        "./usr/share/doc/aws-mfa/completions/_aws-mfa.ps1",
        "./usr/share/doc/aws-mfa/changelog.gz",
        "./usr/share/doc/aws-mfa/copyright",
    ] {
        assert!(contents.contains(file), "{file} in {contents}");
    }
    assert_dep_5(&package, &dpkg);
}

/// Debian's machine-readable copyright file: paragraphs of fields, whose values continue on indented lines.
fn assert_dep_5(package: &Path, dpkg: &Path) {
    let unpacked = tempfile::tempdir().unwrap();
    let mut unpack = Command::new(dpkg);
    unpack.arg("--extract").arg(package).arg(unpacked.path());
    stdout(unpack.output_in_time());
    let file = unpacked.path().join("usr/share/doc/aws-mfa/copyright");
    let copyright = std::fs::read_to_string(file).unwrap();
    let fields: Vec<Vec<&str>> = copyright
        .split("\n\n")
        .map(|paragraph| {
            paragraph
                .lines()
                .filter(|line| !line.starts_with(' '))
                .map(|line| line.split_once(": ").unwrap().0)
                .collect()
        })
        .collect();
    assert_eq!(
        fields,
        [
            vec!["Format", "Upstream-Name", "Comment"],
            vec!["Files", "Copyright", "License"],
            vec!["License"],
        ]
    );
    assert!(copyright.contains("\nCopyright: 2026 the aws-mfa developers\nLicense: Expat\n"));
    assert!(copyright.contains("\n Permission is hereby granted, free of charge"));
    assert!(copyright.contains("\n .\n THE SOFTWARE IS PROVIDED \"AS IS\""));
}

/// The rust-version is no newer than the dependencies require. Clippy's `incompatible_msrv` and a job in the workflow check
/// the code itself.
#[test]
fn rust_version_is_the_highest_of_the_dependencies() {
    let mut metadata = Command::new(env!("CARGO"));
    metadata.current_dir(env!("CARGO_MANIFEST_DIR"));
    metadata.args(["metadata", "--locked", "--offline", "--format-version=1"]);
    // The crates of other platforms need not be here.
    let libc = if cfg!(target_env = "musl") {
        "musl"
    } else {
        "gnu"
    };
    let platform = format!("{}-unknown-linux-{libc}", std::env::consts::ARCH);
    metadata.args(["--filter-platform", &platform]);
    let metadata: Value =
        serde_json::from_str(&stdout(metadata.output_in_time())).expect("cargo metadata");
    let root = &metadata["resolve"]["root"];
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut linked: Vec<&Value> = vec![root];
    let mut next = 0;
    while let Some(id) = linked.get(next).copied() {
        next += 1;
        let node = nodes.iter().find(|node| node["id"] == *id).unwrap();
        for dependency in node["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"] != "dev")
                && !linked.contains(&&dependency["pkg"])
            {
                linked.push(&dependency["pkg"]);
            }
        }
    }
    let version = |package: &Value| -> Vec<u32> {
        let version = package["rust_version"].as_str().unwrap_or("1.0");
        version
            .split('.')
            .map(|part| part.parse().unwrap())
            .collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    let highest = packages
        .iter()
        .filter(|package| linked.contains(&&package["id"]) && package["id"] != *root)
        .max_by_key(|package| version(package))
        .unwrap();
    assert_eq!(
        env!("CARGO_PKG_RUST_VERSION"),
        highest["rust_version"].as_str().unwrap(),
        "{} decides",
        highest["name"]
    );
}

const WINDOWS: [&str; 2] = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"];

/// The checksums of the archives for Windows, which start with `a` and `b`.
fn windows_sums(directory: &Path) -> PathBuf {
    let sums = directory.join("SHA256SUMS");
    let text: String = WINDOWS
        .iter()
        .zip(["a", "b"])
        .map(|(triple, digit)| format!("{digit:0<64}  aws-mfa-{VERSION}-{triple}.zip\n"))
        .collect();
    std::fs::write(&sums, text).unwrap();
    sums
}

fn manifest(name: &str, sums: &Path) -> Output {
    let mut manifest = script(name);
    manifest.args([VERSION, "owner/repository"]).arg(sums);
    manifest.output_in_time()
}

#[test]
fn scoop_manifest_has_each_archive_with_its_checksum() {
    if tool("bash").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let sums = windows_sums(directory.path());
    let text = stdout(manifest("scoop-manifest", &sums));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["version"], VERSION);
    assert_eq!(json["description"], env!("CARGO_PKG_DESCRIPTION"));
    for (architecture, triple, digit) in [("64bit", WINDOWS[0], "a"), ("arm64", WINDOWS[1], "b")] {
        let name = format!("aws-mfa-{VERSION}-{triple}");
        let archive = &json["architecture"][architecture];
        assert_eq!(archive["hash"], format!("{digit:0<64}"));
        assert_eq!(archive["extract_dir"], name);
        assert_eq!(
            archive["url"],
            format!("https://github.com/owner/repository/releases/download/v{VERSION}/{name}.zip")
        );
        let update = &json["autoupdate"]["architecture"][architecture];
        for key in ["url", "extract_dir"] {
            let text = update[key].as_str().unwrap();
            assert_eq!(text.replace("$version", VERSION), archive[key]);
        }
    }

    // Without all archives, there is no manifest.
    std::fs::write(&sums, "").unwrap();
    assert!(!manifest("scoop-manifest", &sums).status.success());
}

#[test]
fn winget_manifest_has_each_archive_with_its_checksum() {
    if tool("bash").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let sums = windows_sums(directory.path());
    let text = stdout(manifest("winget-manifest", &sums));
    for (architecture, triple, digit) in [("x64", WINDOWS[0], "A"), ("arm64", WINDOWS[1], "B")] {
        let name = format!("aws-mfa-{VERSION}-{triple}");
        let installer = format!(
            "  - Architecture: {architecture}\n    \
             InstallerUrl: https://github.com/owner/repository/releases/download/v{VERSION}/{name}.zip\n    \
             InstallerSha256: {digit:0<64}\n    \
             NestedInstallerFiles:\n      \
             - RelativeFilePath: {name}\\aws-mfa.exe\n"
        );
        assert!(text.contains(&installer), "{installer} in {text}");
    }
    for line in [
        "PackageIdentifier: owner.aws-mfa\n".to_owned(),
        format!("PackageVersion: {VERSION}\n"),
        format!("ShortDescription: \"{}\"\n", env!("CARGO_PKG_DESCRIPTION")),
    ] {
        assert!(text.contains(&line), "{line} in {text}");
    }
    std::fs::write(&sums, "").unwrap();
    assert!(!manifest("winget-manifest", &sums).status.success());
}

#[test]
fn formula_has_each_archive_with_its_checksum() {
    if tool("bash").is_none() {
        return;
    }
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
        formula.output_in_time()
    };
    let text = stdout(formula());
    for (number, triple) in triples.iter().enumerate() {
        let pair = format!(
            "url \"https://github.com/owner/repository/releases/download/v{VERSION}/aws-mfa-{VERSION}-{triple}.tar.gz\"\n      sha256 \"{number:064}\"\n"
        );
        assert!(text.contains(&pair), "{triple} in {text}");
    }
    assert!(text.contains(&format!("  desc \"{}\"\n", env!("CARGO_PKG_DESCRIPTION"))));

    // Without all archives, there is no formula.
    std::fs::write(&sums, all.replace("aarch64-apple-darwin", "other")).unwrap();
    assert!(!formula().status.success());
}

#[test]
fn changelog_has_notes_for_this_version_only() {
    if tool("bash").is_none() {
        return;
    }
    let notes = |version: &str| script("release-notes").arg(version).output_in_time();
    let text = stdout(notes(VERSION));
    assert!(text.starts_with("### Added\n"), "{text}");
    assert!(!text.contains("## ["), "{text}");
    assert!(!notes("9.9.9").status.success());
}

#[test]
fn top_level_has_only_what_cargo_and_readers_look_for_there() {
    let entries = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let known = |name: &String| {
        // Cargo.toml.orig is in a published crate.
        let known = [
            "Cargo.lock",
            "Cargo.toml",
            "Cargo.toml.orig",
            "LICENSE",
            "README.md",
            "src",
            "target",
            "tests",
        ];
        name.starts_with('.') || known.contains(&name.as_str())
    };
    let others: Vec<String> = names.filter(|name| !known(name)).collect();
    assert_eq!(others, [""; 0]);
}
