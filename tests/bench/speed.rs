//! `cargo bench --profile dev --bench speed`: `load`, `get` and `exec`, compared with other programs.
//!
//! It measures whole processes, two commands in turn. The result is the median of the pairs' ratios, which a busy machine
//! changes least. It measures two builds, independent of the benchmark's own profile: plain, from `cargo build --release`,
//! and on Linux static, as in the releases (`.cargo/static.toml`). `AWS_MFA_STATIC` names another static build, such as a
//! release itself, which is musl's. `--profile dev` avoids optimizing the benchmark itself.
//!
//! With `-- --quick`, every command runs twice; this only shows that the benchmark works. With `-- --only prompt`, only one
//! part runs: load, get, exec, prompt or reload. With `-- --out DIRECTORY`, it writes the rows to `speed.csv` there, and the
//! chart to `speed.svg`.

#![allow(
    dead_code,
    missing_docs,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::use_debug,
    reason = "the benchmark borrows the tests' world"
)]

#[path = "../cli/authority.rs"]
mod authority;
#[path = "chart.rs"]
mod chart;
#[path = "../cli/deadline.rs"]
mod deadline;
#[path = "../cli/fake_iam.rs"]
mod fake_iam;
#[path = "../cli/fake_sign_in.rs"]
mod fake_sign_in;
#[path = "../cli/fake_sts.rs"]
mod fake_sts;
#[path = "../cli/leaks.rs"]
mod leaks;
#[path = "measure.rs"]
mod measure;
#[path = "report.rs"]
mod report;
#[path = "../cli/sandbox.rs"]
mod sandbox;
#[path = "shells.rs"]
mod shells;
#[path = "../cli/tool.rs"]
mod tool;

use authority::Authority;
use fake_sts::FakeSts;
use jiff::{SignedDuration, Timestamp};
use measure::{Bench, Side};
use report::Row;
use sandbox::Sandbox;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use tool::installed;

/// The sizes of environments for `load`: a fresh login, a large development shell, and half of Linux's limit.
const ENVIRONMENTS: [(&str, usize); 3] =
    [("4 kB", 4_000), ("100 kB", 100_000), ("1 MB", 1_000_000)];

/// Linux's limit for one variable is 128 KiB.
const FILLER: usize = 1_000;

const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The parts that are measured for each build.
const PARTS: [(&str, Part); 5] = [
    ("load", load),
    ("get", get),
    ("exec", exec),
    ("prompt", shells::prompt),
    ("reload", shells::reload),
];

type Part = fn(&Bench, &Build, &mut Vec<Row>);

/// A build of aws-mfa, copied as by `cargo install` and package managers. The linker writes its file in small pieces, which
/// Linux then maps in small pieces too, a fifth slower.
struct Build {
    name: &'static str,
    binary: PathBuf,
    _directory: tempfile::TempDir,
}

impl Build {
    fn install(name: &'static str, binary: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let installed = directory.path().join("aws-mfa");
        std::fs::copy(binary, &installed).unwrap();
        Build {
            name,
            binary: installed,
            _directory: directory,
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let directory = arguments
        .iter()
        .position(|argument| argument == "--out")
        .map(|index| PathBuf::from(&arguments[index + 1]));

    let builds = if quick {
        vec![Build::install("plain", &sandbox::binary())]
    } else {
        release_builds()
    };
    let bench = if quick { Bench::quick() } else { Bench::full() };
    let only = arguments
        .iter()
        .position(|argument| argument == "--only")
        .map(|index| arguments[index + 1].as_str());
    let mut rows = Vec::new();
    for build in &builds {
        for (name, part) in PARTS {
            if only.is_none_or(|only| only == name) {
                part(&bench, build, &mut rows);
            }
        }
    }

    print!("{}", report::tables(&rows));
    if quick {
        println!("\n(two runs of each: these numbers mean nothing)");
    } else {
        print!("{}", report::targets(&rows, &builds, crates()));
    }
    if let Some(directory) = directory {
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("speed.csv"), report::csv(&rows)).unwrap();
        std::fs::write(directory.join("speed.svg"), chart::svg(&rows)).unwrap();
    }
}

/// The plain build, `cargo build --release`, and the static one: that in `AWS_MFA_STATIC`, such as a release, or the one
/// that this machine can build.
fn release_builds() -> Vec<Build> {
    let target = sandbox::binary().ancestors().nth(2).unwrap().to_owned();
    let build = |arguments: &[&str]| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo
            .args(["build", "--quiet", "--locked", "--release"])
            .args(["--bin", "aws-mfa"])
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().unwrap().success(), "{cargo:?}");
    };
    build(&[]);
    let plain = Build::install("plain", &target.join("release/aws-mfa"));
    if let Some(binary) = std::env::var_os("AWS_MFA_STATIC") {
        return vec![plain, Build::install("static", Path::new(&binary))];
    }
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return vec![plain];
    }
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    build(&["--config", ".cargo/static.toml", "--target", &triple]);
    let binary = target.join(triple).join("release/aws-mfa");
    vec![plain, Build::install("static", &binary)]
}

/// How many other packages are built into the binary or run to build it.
fn crates() -> usize {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .args(["--no-dedupe", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let tree = String::from_utf8(cargo.output().unwrap().stdout).unwrap();
    let mut packages: Vec<&str> = tree.lines().filter(|line| !line.is_empty()).collect();
    packages.sort_unstable();
    packages.dedup();
    packages.len() - 1
}

/// `load`, compared with `true`, with `cat`, and with the two scripts.
fn load(bench: &Bench, build: &Build, rows: &mut Vec<Row>) {
    for (environment, size) in ENVIRONMENTS {
        let (sandbox, session_file) = shell_of(size);
        let load = |format| {
            Side::new(build.name, {
                let sandbox = &sandbox;
                move || {
                    let mut command = sandbox.command(&build.binary);
                    command.args(["load", "--format", format]);
                    command
                }
            })
        };
        let other = |name, program: &'static str, argument: Option<PathBuf>| {
            let sandbox = &sandbox;
            let path = installed(program)?;
            Some(Side::new(name, move || {
                let mut command = sandbox.command(&path);
                command.args(&argument);
                command
            }))
        };
        let nothing = other("/bin/true", "true", None);
        let reading = other("cat", "cat", Some(session_file));
        let dump = other("direnv dump", "direnv", Some("dump".into()));
        let scripts = installed("jq")
            .and_then(|_| installed("direnv"))
            .and_then(|_| other("the scripts", "bash", Some(script("aws_load_session"))));
        for (format, others) in [
            ("sh", vec![&nothing, &reading]),
            ("direnv", vec![&nothing, &reading, &scripts, &dump]),
        ] {
            let command = format!("load --format {format}");
            for other in others.into_iter().flatten() {
                let scene = format!("{command} {environment}");
                rows.push(Row {
                    command: command.clone(),
                    build: build.name,
                    scene: environment.to_owned(),
                    against: other.name.to_owned(),
                    comparison: bench.compare(&scene, &load(format), other),
                });
            }
        }
    }
}

/// A shell with a session, with an environment of this many bytes.
fn shell_of(size: usize) -> (Sandbox, PathBuf) {
    let mut sandbox = Sandbox::new();
    let expiration = Timestamp::now() + SignedDuration::from_hours(12);
    // STS's tokens have about this length.
    let json = fake_sts::session_json(expiration).replace("token//", &"t0ken/".repeat(150));
    let session_file = sandbox.write(sandbox.session_file(), json);
    let dump_file = sandbox.write("dump", "");
    sandbox
        .set("AWS_SESSION_FILE", &session_file)
        .set("DIRENV_DUMP_FILE_PATH", dump_file);
    if let Some(watches) = watches(&sandbox) {
        sandbox.set("DIRENV_WATCHES", watches);
    }
    for number in 0..size / FILLER {
        sandbox.set(&format!("FILLER_{number:04}"), "x".repeat(FILLER - 13));
    }
    (sandbox, session_file)
}

/// The watches of a shell with an .envrc, as direnv writes them.
fn watches(sandbox: &Sandbox) -> Option<String> {
    let mut direnv = sandbox.command(installed("direnv")?);
    let output = direnv.args(["watch", "bash", ".envrc"]).output().ok()?;
    let script = String::from_utf8(output.stdout).ok()?;
    let (_, value) = script.split_once("DIRENV_WATCHES=")?;
    Some(value.trim_matches(['$', '\'', ';', '\n']).to_owned())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/bench")
        .join(name)
}

/// `get`, compared with the same signed request from curl, and with the script that uses the AWS CLI. STS is on loopback, so
/// that this does not measure the network.
fn get(bench: &Bench, build: &Build, rows: &mut Vec<Row>) {
    let authority = Authority::new();
    let tls = authority.server("127.0.0.1");
    let roots = std::fs::read_to_string(SYSTEM_ROOTS).ok();
    let scenes = [
        ("HTTP", FakeSts::start(), None),
        ("HTTPS, one CA", FakeSts::start_with_tls(tls.clone()), None),
        (
            "HTTPS, the system's roots",
            FakeSts::start_with_tls(tls),
            roots,
        ),
    ];
    for (scene, sts, roots) in scenes {
        if scene.contains("roots") && roots.is_none() {
            println!("skipped: no {SYSTEM_ROOTS}");
            continue;
        }
        let mut sandbox = Sandbox::with_user(&sts);
        sandbox.set("AWS_DEFAULT_REGION", "us-east-1");
        // All of them have the same roots, through the variable that each one reads.
        let bundle = match roots {
            Some(roots) => {
                let bundle = sandbox.write("roots.pem", roots + &authority.pem());
                sandbox.set("SSL_CERT_FILE", &bundle);
                bundle
            }
            None => {
                let bundle = sandbox.write("ca.pem", authority.pem());
                sandbox
                    .set("AWS_CA_BUNDLE", &bundle)
                    .set("CURL_CA_BUNDLE", &bundle);
                bundle
            }
        };
        let codes = Cell::new(100_000);
        let code = || {
            codes.set(codes.get() + 1);
            codes.get().to_string()
        };
        let ours = Side::new(build.name, || {
            let mut command = sandbox.command(&build.binary);
            command.arg("get").arg(code());
            command
        });
        let curl = installed("curl").map(|curl| {
            let (sandbox, sts, code) = (&sandbox, &sts, &code);
            Side::new("curl", move || {
                let mut command = sandbox.command(&curl);
                command
                    .args([
                        "--silent",
                        "--show-error",
                        "--fail",
                        "--output",
                        "session.xml",
                    ])
                    .args(["--aws-sigv4", "aws:amz:us-east-1:sts"])
                    .args([
                        "--user",
                        &format!("{}:{}", fake_sts::KEY_ID, fake_sts::SECRET),
                    ])
                    .args([
                        "--data",
                        "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=43200",
                    ])
                    .args([
                        "--data-urlencode",
                        &format!("SerialNumber={}", sandbox::DEVICE),
                    ])
                    .args(["--data", &format!("TokenCode={}", code())])
                    .arg(format!("{}/", sts.url()));
                command
            })
        });
        let script = installed("aws").map(|aws| {
            let (sandbox, code, bundle) = (&sandbox, &code, &bundle);
            let path = std::env::var_os("PATH").unwrap_or_default();
            let own = std::iter::once(aws.parent().unwrap().to_owned());
            let path = std::env::join_paths(own.chain(std::env::split_paths(&path))).unwrap();
            Side::new("the AWS CLI", move || {
                let mut command = sandbox.command("bash");
                command
                    .arg(script("aws_get_session"))
                    .arg(code())
                    .env("PATH", &path)
                    .env("AWS_CA_BUNDLE", bundle);
                command
            })
            .uncounted()
        });
        for other in [curl, script].into_iter().flatten() {
            rows.push(Row {
                command: "get".to_owned(),
                build: build.name,
                scene: scene.to_owned(),
                against: other.name.to_owned(),
                comparison: bench.compare(&format!("get {scene}"), &ours, &other),
            });
        }
    }
}

/// `exec`, compared with `env`, which also runs a command in a changed environment.
fn exec(bench: &Bench, build: &Build, rows: &mut Vec<Row>) {
    let (sandbox, _) = shell_of(ENVIRONMENTS[0].1);
    let help = sandbox
        .command(&build.binary)
        .args(["exec", "--help"])
        .output()
        .unwrap();
    if !help.status.success() {
        println!("skipped: there is no exec");
        return;
    }
    let ours = Side::new(build.name, || {
        let mut command = sandbox.command(&build.binary);
        command.args(["exec", "--", "true"]);
        command
    });
    let env = Side::new("env", || {
        let mut command = sandbox.command("env");
        command.arg("true");
        command
    });
    rows.push(Row {
        command: "exec -- true".to_owned(),
        build: build.name,
        scene: ENVIRONMENTS[0].0.to_owned(),
        against: "env true".to_owned(),
        comparison: bench.compare("exec", &ours, &env),
    });
}
