//! The release workflow's packages and texts, made here from the tests' binary.

use super::deadline::InTime;
use super::sandbox::binary;
use super::tool::{skip, tool};
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TRIPLE: &str = "x86_64-unknown-linux-musl";

fn script(name: &str) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github");
    let mut script = Command::new(scripts.join(name));
    // The packed sources have no commit to take it from.
    script.env("SOURCE_DATE_EPOCH", "1767225600");
    script
}

/// A value of Cargo.toml's package.
fn manifest_value(key: &str) -> &'static str {
    const MANIFEST: &str = include_str!("../../Cargo.toml");
    let line = MANIFEST
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    line.unwrap().trim_matches(['[', ']', '"'])
}

#[track_caller]
fn stdout(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A directory with the archive for this target. Its binary is not one: like another platform's, it does not run here, so
/// the tests' binary prints the man page and the completions.
fn archive(triple: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let foreign = directory.path().join("aws-mfa");
    std::fs::write(&foreign, "a binary for another platform\n").unwrap();
    let mut pack = script("release-archive");
    pack.arg(&foreign).arg(triple).arg(directory.path());
    stdout(pack.arg(binary()).output_in_time());
    directory
}

fn debian_package(directory: &Path) -> PathBuf {
    let mut pack = script("debian-package");
    pack.arg(TRIPLE).arg(directory);
    stdout(pack.output_in_time());
    directory.join(format!("aws-mfa_{VERSION}_amd64.deb"))
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

/// The files of an archive, relative to its one directory.
fn files(list: &str, triple: &str) -> Vec<String> {
    let top = format!("aws-mfa-{VERSION}-{triple}/");
    let files = list.lines().filter_map(|line| line.strip_prefix(&*top));
    let files = files.filter(|file| !file.is_empty() && !file.ends_with('/'));
    files.map(str::to_owned).collect()
}

const FILES: [&str; 11] = [
    "CHANGELOG.md",
    "LICENSE",
    "NOTICES.txt",
    "README.md",
    "aws-mfa",
    "completions/_aws-mfa",
    "completions/_aws-mfa.ps1",
    "completions/aws-mfa.bash",
    "completions/aws-mfa.elv",
    "completions/aws-mfa.fish",
    "man/aws-mfa.1",
];

#[test]
fn archive_contains_the_binary_its_pages_and_completions() {
    if tool("bash").is_none() {
        return;
    }
    let directory = archive(TRIPLE);
    let packed = directory
        .path()
        .join(format!("aws-mfa-{VERSION}-{TRIPLE}.tar.gz"));
    let mut list = Command::new("tar");
    let list = stdout(list.arg("-tzf").arg(packed).output_in_time());
    assert_eq!(files(&list, TRIPLE), FILES);

    let place = directory.path().join(format!("aws-mfa-{VERSION}-{TRIPLE}"));
    let page = std::fs::read_to_string(place.join("man/aws-mfa.1")).unwrap();
    let printed = stdout(Command::new(binary()).arg("man").output_in_time());
    assert_eq!(page, printed);
    let mode = std::fs::metadata(place.join("aws-mfa")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn archive_for_windows_is_a_zip_of_the_same_files() {
    let (Some(python), Some(_), Some(_)) = (tool("python-venv"), tool("zip"), tool("bash")) else {
        return;
    };
    let triple = WINDOWS[0];
    let directory = archive(triple);
    let packed = directory
        .path()
        .join(format!("aws-mfa-{VERSION}-{triple}.zip"));
    let mut list = Command::new(python);
    list.args([
        "-c",
        "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')",
    ]);
    let list = stdout(list.arg(packed).output_in_time());
    let expected = FILES.map(|file| match file {
        "aws-mfa" => "aws-mfa.exe",
        file => file,
    });
    assert_eq!(files(&list, triple), expected);
}

/// `.ci/reproducible` compares what two builds give. Here one binary is packed twice, by users with other settings.
#[test]
fn archives_and_packages_of_one_binary_are_the_same_bytes_everywhere() {
    if ["bash", "dpkg-deb", "zip"]
        .iter()
        .any(|name| tool(name).is_none())
    {
        return;
    }
    let packed = |umask: &str, time_zone: &str, locale: &str| {
        let directory = tempfile::tempdir().unwrap();
        let environment = [("TZ", time_zone), ("LC_ALL", locale)];
        // The umask is inherited, and only a shell sets it.
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github");
        let foreign = directory.path().join("aws-mfa");
        std::fs::write(&foreign, "a binary\n").unwrap();
        let mut shell = Command::new("bash");
        shell.args([
            "-euc",
            "umask $1; for triple in $2 $3; do \"$4\"/release-archive \"$5\" $triple \"$6\" \"$7\"; done; \
             \"$4\"/debian-package $2 \"$6\"",
            "bash",
            umask,
            TRIPLE,
            WINDOWS[0],
        ]);
        shell.arg(scripts).arg(foreign).arg(directory.path());
        shell.arg(binary()).envs(environment);
        shell.env("SOURCE_DATE_EPOCH", "1767225600");
        stdout(shell.output_in_time());
        [
            format!("aws-mfa-{VERSION}-{TRIPLE}.tar.gz"),
            format!("aws-mfa-{VERSION}-{}.zip", WINDOWS[0]),
            format!("aws-mfa_{VERSION}_amd64.deb"),
        ]
        .map(|name| std::fs::read(directory.path().join(name)).unwrap())
    };
    let one = packed("022", "UTC", "C");
    let other = packed("077", "Asia/Kathmandu", "C.UTF-8");
    for (number, (one, other)) in one.iter().zip(&other).enumerate() {
        assert!(one == other, "{number} differs");
    }
}

#[test]
fn debian_package_contains_the_archives_files() {
    let (Some(dpkg), Some(_)) = (tool("dpkg-deb"), tool("bash")) else {
        return;
    };
    let directory = archive(TRIPLE);
    let package = debian_package(directory.path());
    let ask = |option: &str| {
        let mut dpkg = Command::new(&dpkg);
        stdout(dpkg.arg(option).arg(&package).output_in_time())
    };
    let fields = ask("--field");
    for (field, value) in [
        ("Version", VERSION),
        ("Maintainer", manifest_value("authors")),
        ("Homepage", manifest_value("repository")),
    ] {
        let line = format!("{field}: {value}\n");
        assert!(fields.contains(&line), "{line} in {fields}");
    }
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
        "./usr/share/doc/aws-mfa/NOTICES.txt.gz",
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
    let paragraphs: Vec<Vec<(&str, &str)>> = copyright
        .split("\n\n")
        .map(|paragraph| {
            let fields = paragraph.lines().filter(|line| !line.starts_with(' '));
            fields.map(|line| line.split_once(": ").unwrap()).collect()
        })
        .collect();
    let names = |paragraph: &[(&str, &str)]| -> Vec<String> {
        paragraph.iter().map(|field| field.0.to_owned()).collect()
    };
    let (header, rest) = paragraphs.split_first().unwrap();
    let expected = [
        "Format",
        "Upstream-Name",
        "Upstream-Contact",
        "Source",
        "Comment",
    ];
    assert_eq!(names(header), expected);
    // Each license that a paragraph of files names has a paragraph with its text.
    let (files, licenses): (Vec<_>, Vec<_>) =
        rest.iter().partition(|paragraph| paragraph[0].0 == "Files");
    let licenses: BTreeSet<&str> = licenses.iter().map(|paragraph| paragraph[0].1).collect();
    let mut used = BTreeSet::new();
    for paragraph in files {
        assert_eq!(names(paragraph), ["Files", "Copyright", "License"]);
        used.extend(paragraph[2].1.split(" and "));
    }
    assert_eq!(licenses, used);
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
    assert!(text.contains("    doc.install \"NOTICES.txt\"\n"));

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

/// A repository with the scripts, whose main is `origin/main`, and a `gh` that has this number of passed runs to report.
struct Candidate(tempfile::TempDir);

impl Candidate {
    /// Cargo.toml names a repository.
    fn new() -> Self {
        let candidate = Self(tempfile::tempdir().unwrap());
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::create_dir_all(candidate.path(".github")).unwrap();
        for file in ["release-allowed", "release-notes", "CHANGELOG.md"] {
            let file = Path::new(".github").join(file);
            std::fs::copy(sources.join(&file), candidate.0.path().join(&file)).unwrap();
        }
        candidate.write_manifest(
            "[\"Ann <ann@example.com>\"]",
            "https://github.com/owner/repository",
        );
        for arguments in [&["init", "--quiet"][..], &["add", "--all"]] {
            candidate.git(arguments);
        }
        candidate.commit();
        candidate.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        candidate
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn write_manifest(&self, authors: &str, repository: &str) {
        let text = format!(
            "version = \"{VERSION}\"\nauthors = {authors}\nrepository = \"{repository}\"\n"
        );
        std::fs::write(self.path("Cargo.toml"), text).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(self.0.path()).args(arguments);
        stdout(git.output_in_time());
    }

    fn commit(&self) {
        let identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
        let commit = ["commit", "--quiet", "--allow-empty", "--message=change"];
        self.git(&[&identity[..], &commit].concat());
    }

    /// What release-allowed says, or nothing if it allows the release.
    fn refusal(&self, tag: &str, passed: usize) -> String {
        let gh = self.path("bin/gh");
        std::fs::create_dir_all(gh.parent().unwrap()).unwrap();
        // Only for the question that GitHub would answer.
        let script = format!(
            "#!/bin/sh\ncase \"$1 $2\" in \"api repos/owner/repository/actions/workflows/ci.yml/runs?branch=main&event=push&head_sha=$(git rev-parse HEAD)&status=success\") echo {passed} ;; *) exit 1 ;; esac\n"
        );
        std::fs::write(&gh, script).unwrap();
        std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut allowed = Command::new(self.path(".github/release-allowed"));
        allowed.current_dir(self.0.path());
        allowed.env("PATH", format!("{}:{path}", gh.parent().unwrap().display()));
        let output = allowed.args([tag, "owner/repository"]).output_in_time();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), errors.is_empty(), "{errors}");
        errors
    }
}

#[test]
fn release_is_allowed_only_from_main_with_passed_checks() {
    if tool("bash").is_none() || tool("git").is_none() {
        return;
    }
    let tag = format!("v{VERSION}");
    let candidate = Candidate::new();
    assert_eq!(candidate.refusal(&tag, 1), "");

    let refusal = candidate.refusal("v9.9.9", 1);
    assert_eq!(
        refusal,
        format!("release-allowed: the tag is v9.9.9, but Cargo.toml has the version {VERSION}\n")
    );
    let refusal = candidate.refusal(&tag, 0);
    assert!(refusal.contains("ci.yml has not passed for "), "{refusal}");

    candidate.commit();
    let refusal = candidate.refusal(&tag, 1);
    assert!(refusal.contains(" is not on main; "), "{refusal}");
}

/// The name says it: until somebody replaces the placeholders in Cargo.toml, which is the only place, no release is made.
#[test]
fn repository_in_cargo_toml_is_a_placeholder_or_allows_releases() {
    if tool("bash").is_none() || tool("git").is_none() {
        return;
    }
    let tag = format!("v{VERSION}");
    let candidate = Candidate::new();
    let address = "https://github.com/owner/repository";
    for (authors, repository, refused) in [
        ("[\"Ann <ann@project.invalid>\"]", address, "authors"),
        (
            "[\"Ann <ann@example.com>\"]",
            "https://project.invalid/a",
            "repository",
        ),
        (
            "[\"Ann <ann@example.com>\"]",
            "https://github.com/other/one",
            "repository",
        ),
    ] {
        candidate.write_manifest(authors, repository);
        let refusal = candidate.refusal(&tag, 1);
        let expected = format!("release-allowed: {refused} in Cargo.toml is ");
        assert!(refusal.starts_with(&expected), "{refusal}");
    }

    let (authors, repository) = (manifest_value("authors"), manifest_value("repository"));
    candidate.write_manifest(&format!("[\"{authors}\"]"), repository);
    let refusal = candidate.refusal(&tag, 1);
    if authors.contains(".invalid") || repository.contains(".invalid") {
        assert!(
            refusal.contains(" in Cargo.toml is still a placeholder: "),
            "{refusal}"
        );
    } else {
        let (_, name) = repository.split_once("https://github.com/").unwrap();
        assert_eq!(name.split('/').count(), 2, "{repository}: OWNER/REPOSITORY");
    }
}
