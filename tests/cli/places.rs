//! The guide's recipes for the places where programs run: containers, agents, editors, Windows, cron.

use super::fake_sts::{FakeSts, Role, SECRET, SECRET_WORD, session_json};
use super::readme::{GUIDE, blocks, section};
use super::recipes::{STORE, own_programs_first, program};
use super::sandbox::{Outcome, Sandbox, in_an_hour, mode, read_json};
use super::store::{OTHER_USER, as_other_user, be_that_user};
use super::tool::{root, tool};
use super::words;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The recipes' blocks of this language.
fn recipe(language: &str, start: &str) -> &'static str {
    let recipes = blocks(section(GUIDE, "Recipes"), language);
    let mut recipes = recipes.into_iter().filter(|block| block.starts_with(start));
    let recipe = recipes.next().unwrap();
    assert!(recipes.next().is_none(), "{recipe}");
    recipe
}

/// A user with the profile `work`, and what is typed in bash.
struct User {
    aws: FakeSts,
    sandbox: Sandbox,
}

impl User {
    fn new() -> Option<Self> {
        tool("bash")?;
        let aws = FakeSts::start();
        let mut sandbox = Sandbox::with_profile(&aws);
        sandbox.unset("AWS_MFA_PROFILE");
        sandbox.write(".aws/config", "[profile work]\nregion = eu-west-1\n");
        own_programs_first(&mut sandbox);
        Some(User { aws, sandbox })
    }

    #[track_caller]
    fn types(&self, line: &str) -> Outcome {
        Outcome::of(self.sandbox.command("bash").args(["-c", line]))
    }

    #[track_caller]
    fn with_session() -> Option<Self> {
        let user = User::new()?;
        user.types("aws-mfa get -p work 123456").succeeded();
        Some(user)
    }
}

/// Docker, which gives the container what `-e` names, and what only it knows.
const DOCKER: &str = r#"#!/bin/bash
echo "$*" > ~/arguments
[ "$1 $2" = 'run --rm' ] || exit 1
shift 2
container=(HOME=/root)
while [ "$1" = -e ]; do
  [ -n "${!2+set}" ] && container+=("$2=${!2}")
  shift 2
done
[ "$*" = 'amazon/aws-cli sts get-caller-identity' ] && exec env -i "${container[@]}" env
"#;

#[test]
fn container_gets_the_session_and_no_secret_is_on_its_command_line() {
    let Some(user) = User::with_session() else {
        return;
    };
    program(&user.sandbox, "docker", DOCKER);
    let outcome = user.types(recipe("sh", "aws-mfa exec -p work -- docker"));
    assert_eq!(
        outcome.succeeded(),
        "HOME=/root\nAWS_ACCESS_KEY_ID=ASIASESSION000000001\nAWS_SECRET_ACCESS_KEY=session/S3CR3T+1\n\
         AWS_SESSION_TOKEN=token//S3CR3T+1==\nAWS_REGION=eu-west-1\n"
    );
    let arguments = std::fs::read_to_string(user.sandbox.home().join("arguments")).unwrap();
    assert!(!arguments.contains(SECRET_WORD), "{arguments}");
}

#[test]
fn file_with_the_session_for_docker_is_private_from_the_start() {
    let Some(user) = User::with_session() else {
        return;
    };
    let line = recipe("sh", "(umask 077;").trim_end();
    user.types(&format!("umask 022; {line}")).is(0, "", "");
    let file = user.sandbox.home().join("session.env");
    assert_eq!(mode(&file), 0o600);
    let loaded = user.types("aws-mfa load -p work --format dotenv");
    assert_eq!(std::fs::read_to_string(file).unwrap(), loaded.stdout);
    // Wherever it is shown.
    let help = user.types("aws-mfa load --help").stdout;
    for text in [super::readme::README, &help] {
        assert_eq!(text.matches("> session.env").count(), 1);
        assert!(text.contains(&line.replace(" -p work", "")), "{text}");
    }
}

#[test]
fn dev_container_sees_each_new_session_and_another_user_is_told_to_be_the_owner() {
    let Some(user) = User::new() else { return };
    let settings: Value = serde_json::from_str(recipe("json", "{\n  \"mounts\"")).unwrap();
    let mount = settings["mounts"][0].as_str().unwrap();
    let (source, rest) = mount
        .strip_prefix("source=")
        .unwrap()
        .split_once(",target=")
        .unwrap();
    let target = rest.split(',').next().unwrap();
    let home = user.sandbox.home();
    let source = source.replace("${localEnv:HOME}", home.to_str().unwrap());
    // A stand-in for the mount: the same directory under its own name. The home of the container has nothing.
    let mut container = Sandbox::new();
    for (name, value) in settings["containerEnv"].as_object().unwrap() {
        container.set(name, value.as_str().unwrap().replace(target, &source));
    }
    let get = recipe("sh", "aws-mfa get -p work --session-file").trim_end();
    for number in 1..=2 {
        let outcome = user.types(&format!("{get} {number}23456"));
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        let before = std::fs::read_dir(&source).unwrap().count();
        let loaded = container.run(["load", "--format", "json"]);
        let loaded: Value = serde_json::from_str(loaded.succeeded()).unwrap();
        assert_eq!(
            loaded["AWS_ACCESS_KEY_ID"],
            format!("ASIASESSION{number:09}")
        );
        assert_eq!(std::fs::read_dir(&source).unwrap().count(), before);
    }
    assert_eq!(user.aws.requests_for("GetSessionToken").len(), 2);

    if !root("be two users") {
        return;
    }
    let file = std::path::Path::new(&source).join("session");
    let get_load = |container: &Sandbox| container.run(["load", "--format", "process"]);
    let of = |uid| std::os::unix::fs::chown(&file, Some(uid), None).unwrap();
    of(OTHER_USER);
    // The home of the container is another one.
    let rejected = words::session_file_rejected("another user owns it", "FILE")
        .replace("FILE", file.to_str().unwrap());
    let rejected = words::failure(&rejected, &be_that_user());
    get_load(&container).is(3, "", &rejected);
    // As that user.
    for directory in [&home, home.parent().unwrap()] {
        super::sandbox::chmod(directory, 0o755);
    }
    for directory in [".config", ".config/aws", ".config/aws/container"] {
        super::sandbox::chmod(&home.join(directory), 0o755);
    }
    let mut as_owner = as_other_user(&container);
    let loaded = Outcome::of(as_owner.args(["load", "--format", "process"]));
    assert!(loaded.succeeded().contains("ASIASESSION000000002"));
    // With the uid of neither, the file cannot even be read.
    of(0);
    let mut stranger = as_other_user(&container);
    let denied = Outcome::of(stranger.args(["load", "--format", "process"]));
    denied.is(3, "", &rejected);
}

/// It looks for the key in its environment, with the tools for it, and in every file that it may read.
const AGENT: &str = r#"#!/bin/bash
echo "key: $AWS_ACCESS_KEY_ID"
aws-mfa load -p agent --format process > answer
env | grep -F -e MASTER -e AWS_PROFILE -e "$1"
pass show aws/work
aws-mfa exec -p work --no-prompt -- env | grep -F "$1"
grep -rlF "$1" "$HOME" --exclude-dir=vault
echo searched
"#;

#[test]
fn agent_has_a_role_and_finds_no_key() {
    let Some(mut user) = User::with_session() else {
        return;
    };
    user.aws
        .add_role("arn:aws:iam::333333333333:role/agent", Role::default());
    let sandbox = &mut user.sandbox;
    // A store that is locked while this file is there.
    let locked = STORE.replacen('\n', "\n[ ! -e ~/locked ] || { echo locked; exit 1; }\n", 1);
    program(sandbox, "pass", &locked.replace("file=~/", "file=~/vault/"));
    sandbox.write("vault/pass-aws%work", "");
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIAOTHER")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", SECRET);
    let moved = user.types("aws-mfa rotate -p work --to pass && aws-mfa rotate -p work --finish");
    assert_eq!(moved.status, 0, "{}", moved.stderr);
    let config = user.sandbox.home().join(".aws/config");
    let config = std::fs::read_to_string(config).unwrap();
    user.sandbox.write(
        ".aws/config",
        config + "[profile agent]\nrole_arn = arn:aws:iam::333333333333:role/agent\nsource_profile = work\n",
    );
    user.sandbox.write("locked", "");
    let stored = read_json(&user.sandbox.home().join("vault/pass-aws%work"));
    let secret = stored["SecretAccessKey"].as_str().unwrap();
    program(&user.sandbox, "my-agent", AGENT);
    let line = recipe("sh", "aws-mfa exec -p agent").trim_end();
    let outcome = user.types(&format!("{line} '{secret}'"));
    assert_eq!(
        outcome.stdout, "key: ASIAROLE000000000001\nlocked\nsearched\n",
        "{}",
        outcome.stderr
    );
    let answer = read_json(&user.sandbox.home().join("answer"));
    assert_eq!(answer["AccessKeyId"], "ASIAROLE000000000001");
}

#[test]
fn program_that_an_editor_starts_has_the_session_by_its_profile() {
    let (Some(user), Some(python)) = (User::with_session(), tool("python-venv")) else {
        return;
    };
    let settings: Value = serde_json::from_str(recipe("json", "{\n  \"configurations\"")).unwrap();
    let configuration = &settings["configurations"][0];
    let config = super::readme::blocks(super::readme::README, "ini")[1];
    assert!(config.contains("[profile work-mfa]"));
    user.sandbox
        .write(".aws/config", format!("[profile work]\n{config}"));
    let app = configuration["program"].as_str().unwrap();
    user.sandbox.write(
        app,
        "import boto3\nprint(boto3.Session().get_credentials().access_key)\n",
    );
    let mut launch = user.sandbox.command(python);
    launch.arg(app);
    for (name, value) in configuration["env"].as_object().unwrap() {
        launch.env(name, value.as_str().unwrap());
    }
    assert_eq!(
        Outcome::of(&mut launch).succeeded(),
        "ASIASESSION000000001\n"
    );
}

#[test]
fn program_of_windows_asks_wsl_for_the_session() {
    let Some(user) = User::with_session() else {
        return;
    };
    program(
        &user.sandbox,
        "wsl.exe",
        "#!/bin/sh\n[ \"$1\" = --exec ] && shift && exec \"$@\"\n",
    );
    let (_, line) = recipe("ini", "[profile work-mfa]")
        .split_once("credential_process = ")
        .unwrap();
    let line = line.lines().next().unwrap();
    let line = line.replace("/home/igor/.cargo/bin/", "");
    let answer = user.types(&line);
    assert!(answer.succeeded().contains("ASIASESSION000000001"));
}

#[test]
fn cron_runs_its_job_with_a_session_and_is_silent_without_one() {
    let Some(user) = User::with_session() else {
        return;
    };
    let home = user.sandbox.home();
    let (path, job) = recipe("text", "PATH=").split_once('\n').unwrap();
    let path = path.strip_prefix("PATH=").unwrap();
    let job = job.trim_end().splitn(6, ' ').last().unwrap();
    program(
        &user.sandbox,
        "backup",
        "#!/bin/sh\necho \"$AWS_ACCESS_KEY_ID\"\n",
    );
    let own = super::sandbox::binary();
    let run = || {
        let mut cron = user.sandbox.command("/bin/sh");
        cron.args(["-c", job]).env_clear();
        let path = format!(
            "{}:{}:{path}",
            home.join("bin").display(),
            own.parent().unwrap().display()
        );
        Outcome::of(
            cron.env("HOME", &home)
                .env("LOGNAME", "igor")
                .env("SHELL", "/bin/sh")
                .env("PATH", path),
        )
    };
    run().is(0, "ASIASESSION000000001\n", "");
    let file = home.join(".config/aws/session-work");
    for left in [SignedDuration::from_mins(10), SignedDuration::from_mins(-1)] {
        user.sandbox
            .write(&file, session_json(Timestamp::now() + left));
        run().is(3, "", "");
    }
    user.sandbox.write(&file, session_json(in_an_hour()));
    run().is(0, "ASIASESSION000000000\n", "");
}
