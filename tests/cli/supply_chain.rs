//! What the releases are made of and by whom: pinned tools and actions, and one list of targets.

use super::deadline::InTime;
use super::tool::tool;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A value that Python reads from standard input, as JSON.
#[track_caller]
fn python(program: &str, input: &str) -> Option<Value> {
    let mut python = Command::new(tool("python-venv")?);
    python.args(["-c", program]).arg(input);
    let output = python.output_in_time();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A TOML file of this repository.
#[track_caller]
fn toml(file: &str) -> Option<Value> {
    const READ: &str = "import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.argv[1])))";
    python(READ, &text(file))
}

/// A workflow.
#[track_caller]
fn workflow(name: &str) -> Option<Value> {
    const READ: &str =
        "import json, sys, yaml; print(json.dumps(yaml.load(sys.argv[1], yaml.SafeLoader)))";
    python(READ, &text(&format!(".github/workflows/{name}.yml")))
}

fn strings(values: &Value) -> BTreeSet<&str> {
    let values = values.as_array().unwrap();
    values.iter().map(|value| value.as_str().unwrap()).collect()
}

/// Actions run with the repository's rights, so they are pinned by commit, which cannot be moved.
#[test]
fn actions_are_pinned_by_commit() {
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows");
    let mut number = 0;
    for file in std::fs::read_dir(workflows).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        // A workflow of this repository is that of the same commit.
        let foreign = |line: &&str| line.contains("uses: ") && !line.contains("uses: ./");
        for line in text.lines().filter(foreign) {
            let (_, pin) = line.split_once('@').unwrap();
            let (commit, version) = pin.split_once(" # v").expect(line);
            assert!(
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{line}"
            );
            assert_eq!(version.split('.').count(), 3, "{line}");
            number += 1;
        }
    }
    assert!(number > 8, "{number}");
}

#[test]
fn python_tools_are_pinned_by_hash() {
    let locked = text(".ci/requirements.txt");
    let packages: Vec<&str> = locked
        .split_inclusive('\n')
        .filter(|line| !line.starts_with([' ', '#']))
        .collect();
    for package in &packages {
        assert!(package.ends_with(" \\\n"), "{package} has no hash");
    }
    let wanted = text(".ci/requirements.in");
    for wanted in wanted.lines().filter(|line| !line.starts_with('#')) {
        // The lock file has the packages of an extra instead of the extra, and normalized names.
        let (name, version) = wanted.split_once("==").unwrap();
        let name = name.split('[').next().unwrap().replace('.', "-");
        let pin = format!("{name}=={version} ");
        assert!(
            packages.iter().any(|package| package.starts_with(&pin)),
            "{wanted} is not locked"
        );
    }
}

/// A script of a package would run with the rights of whoever runs `.ci/setup`. The lock file names no server, so that it
/// holds for any mirror.
#[test]
fn npm_packages_are_pinned_by_hash_and_run_no_script() {
    let lock: Value = serde_json::from_str(&text(".ci/package-lock.json")).unwrap();
    let wanted: Value = serde_json::from_str(&text(".ci/package.json")).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    for (path, package) in packages {
        if path.is_empty() {
            for key in ["name", "dependencies", "optionalDependencies"] {
                assert_eq!(package[key], wanted[key], "run npm as CONTRIBUTING.md says");
            }
            continue;
        }
        let hash = package["integrity"].as_str();
        assert!(
            hash.is_some_and(|hash| hash.starts_with("sha512-")),
            "{path}"
        );
        assert_eq!(package["hasInstallScript"], Value::Null, "{path}");
        assert_eq!(package["resolved"], Value::Null, "{path}");
    }
    let setup = text(".ci/setup");
    let npm: Vec<&str> = setup
        .lines()
        .filter(|line| line.trim_start().starts_with("npm "))
        .collect();
    assert_eq!(npm.len(), 1, "{npm:?}");
    assert!(npm[0].contains("npm ci ") && npm[0].contains(" --ignore-scripts "));
    assert_eq!(wanted["allowScripts"], Value::Null);
}

/// The targets of the releases.
#[track_caller]
fn targets(release: &Value) -> BTreeSet<&str> {
    let builds = &release["jobs"]["build"]["strategy"]["matrix"]["include"];
    let builds = builds.as_array().unwrap();
    builds
        .iter()
        .map(|build| build["triple"].as_str().unwrap())
        .collect()
}

#[test]
fn lists_of_targets_are_the_releases() {
    let (Some(release), Some(deny), Some(manifest)) =
        (workflow("release"), toml(".deny.toml"), toml("Cargo.toml"))
    else {
        return;
    };
    let targets = targets(&release);

    // The one more is that of the tests and of `cargo install` on Linux.
    let mut denied = targets.clone();
    denied.insert("x86_64-unknown-linux-gnu");
    assert_eq!(strings(&deny["graph"]["targets"]), denied, ".deny.toml");

    // Wine runs what MinGW builds, and only on x86_64.
    let cross = text(".ci/cross");
    let line = cross
        .lines()
        .find(|line| line.starts_with("targets=("))
        .unwrap();
    let crossed = line
        .strip_prefix("targets=(")
        .unwrap()
        .strip_suffix(")")
        .unwrap();
    let crossed: BTreeSet<&str> = crossed.split(' ').collect();
    let released = |target: &&str| !target.contains("-windows-");
    let mut expected: BTreeSet<&str> = targets.iter().copied().filter(released).collect();
    expected.insert("x86_64-pc-windows-gnu");
    assert_eq!(crossed, expected, ".ci/cross");

    // Each override is for a target of the releases, or sends a computer with glibc to the static binary.
    let binstall = &manifest["package"]["metadata"]["binstall"];
    for (target, settings) in binstall["overrides"].as_object().unwrap() {
        match settings["pkg-url"].as_str() {
            None => assert!(targets.contains(&**target), "{target}"),
            Some(url) => assert!(
                targets
                    .iter()
                    .any(|released| url.ends_with(&format!("-{released}.tar.gz"))),
                "{url}"
            ),
        }
    }
    for target in &targets {
        let format = &binstall["overrides"][target]["pkg-fmt"];
        let zip = target.contains("-windows-").then_some("zip");
        assert_eq!(format.as_str(), zip, "{target}");
    }
}

/// A workflow's jobs by name.
#[track_caller]
fn jobs(workflow: &Value) -> &serde_json::Map<String, Value> {
    workflow["jobs"].as_object().unwrap()
}

fn steps(job: &Value) -> &[Value] {
    job["steps"].as_array().map_or(&[], Vec::as_slice)
}

/// Crates with their build scripts, tools and tests run only where nothing can be published, signed or changed.
#[test]
fn release_jobs_with_rights_run_no_foreign_code() {
    let Some(release) = workflow("release") else {
        return;
    };
    assert_eq!(release["permissions"], json!({}));
    let permissions: BTreeMap<&str, &Value> = jobs(&release)
        .iter()
        .map(|(name, job)| (&**name, &job["permissions"]))
        .collect();
    let read = json!({"contents": "read"});
    let expected = json!({
        "allowed": {"contents": "read", "actions": "read"},
        "advisories": read,
        "build": read,
        "sbom": read,
        "pack": read,
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"contents": "write"},
        "crate": {"contents": "read", "id-token": "write"},
    });
    assert_eq!(json!(permissions), expected);

    for (name, job) in jobs(&release) {
        let rights = job["permissions"].as_object().unwrap();
        if rights.values().all(|right| right == "read") {
            continue;
        }
        for step in steps(job) {
            let action = step["uses"].as_str().unwrap_or_default();
            let (action, _) = action.split_once('@').unwrap_or_default();
            match (name.as_str(), action, step["run"].as_str()) {
                (_, "actions/download-artifact", None) => {}
                ("attest", "actions/attest", None) => {}
                ("publish", "", Some(run)) => {
                    assert!(run.starts_with("gh release create ") && !run.contains('\n'));
                }
                ("crate", "actions/checkout" | "rust-lang/crates-io-auth-action", None) => {}
                // Without --no-verify, cargo would build the crate, and with it run the build scripts of others.
                ("crate", "", Some("cargo publish --locked --no-verify")) => {}
                ("crate", "", Some(run)) => assert!(run.starts_with("rustup toolchain install ")),
                _ => panic!("{name}: {step}"),
            }
        }
    }
}

/// What a tag publishes, and what a manual run does.
#[test]
fn release_publishes_what_was_allowed_built_and_approved() {
    let Some(release) = workflow("release") else {
        return;
    };
    let job = |name: &str| &release["jobs"][name];
    for (name, needs) in [
        ("build", json!(["allowed", "advisories"])),
        ("sbom", json!(["allowed", "advisories"])),
        ("pack", json!(["build", "sbom"])),
        ("attest", json!("pack")),
        ("publish", json!("attest")),
        ("crate", json!("build")),
    ] {
        assert_eq!(job(name)["needs"], needs, "{name}");
    }
    let tag = "github.event_name == 'push' && github.ref_type == 'tag'";
    let manual =
        "github.event_name == 'workflow_dispatch' && github.ref_type == 'tag' && inputs.crate";
    for (name, condition, environment) in [
        ("attest", tag, None),
        ("publish", tag, Some("release")),
        ("crate", manual, Some("crate")),
    ] {
        assert_eq!(job(name)["if"], condition, "{name}");
        assert_eq!(job(name)["environment"].as_str(), environment, "{name}");
    }
    // `on` is a boolean in YAML 1.1.
    let inputs = &release["true"]["workflow_dispatch"]["inputs"];
    assert_eq!(inputs.as_object().unwrap().len(), 1);
    assert_eq!(inputs["crate"]["default"], false);

    let runs = |name: &str, command: &str| {
        let mut runs = steps(job(name))
            .iter()
            .filter_map(|step| step["run"].as_str());
        runs.any(|run| run.contains(command))
    };
    assert!(runs(
        "allowed",
        ".github/release-allowed \"$GITHUB_REF_NAME\""
    ));
    assert!(runs("build", ".github/release-build "));
    assert!(runs("sbom", ".github/sbom "));
    assert!(runs("pack", " *.cdx.json > SHA256SUMS"));
    assert_eq!(
        job("advisories")["uses"],
        "./.github/workflows/advisories.yml"
    );
    let advisories = workflow("advisories").unwrap();
    assert!(
        advisories["true"]
            .as_object()
            .unwrap()
            .contains_key("workflow_call")
    );
}

/// A token would last until somebody steals it. Jobs get one of their own from GitHub, for minutes.
#[test]
fn workflows_have_no_secret_and_checks_only_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(root.join(".github/workflows")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("secrets."), "{}", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "release" {
            continue;
        }
        let Some(workflow) = workflow(name) else {
            continue;
        };
        assert_eq!(
            workflow["permissions"],
            json!({"contents": "read"}),
            "{name}"
        );
        for (job, settings) in jobs(&workflow) {
            assert_eq!(settings["permissions"], Value::Null, "{name}: {job}");
        }
    }
}

/// A release needs the checks of its commit on main.
#[test]
fn checks_compare_two_builds_and_no_push_to_main_cancels_them() {
    let Some(checks) = workflow("ci") else { return };
    let reproducible = &checks["jobs"]["reproducible"];
    let mut runs = steps(reproducible)
        .iter()
        .filter_map(|step| step["run"].as_str());
    assert!(runs.any(|run| run.starts_with(".ci/reproducible ")));
    assert_eq!(
        checks["concurrency"]["group"],
        "ci-${{ github.ref == 'refs/heads/main' && github.sha || github.ref }}"
    );
}
