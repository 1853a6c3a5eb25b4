//! The README's picture and quick start, played with the real shells.

use super::fake_iam::FakeIam;
use super::fake_sts::{FakeSts, KEY_ID, SECRET_WORD};
use super::moto::Moto;
use super::paste::{Kind, Paste, SHELLS};
use super::picture;
use super::readme::{IAM, README, blocks, section};
use super::recipes::{STORE, own_programs_first, program};
use super::sandbox::{DEVICE, Outcome, Sandbox, profile_keys};
use super::shell::{Shell, plain};
use super::story;
use super::tool::tool;
use super::words;

#[test]
fn demo_tells_its_story_in_80_columns_and_the_picture_is_up_to_date() {
    if tool("bash").is_none() {
        return;
    }
    let aws = FakeSts::start();
    let sandbox = story::machine(&aws);
    let mut parts = Vec::new();
    story::play(&sandbox, |part| parts.push(part));
    let told = |in_colour| -> String {
        let parts = parts.iter().map(|part| story::text(part, in_colour));
        parts.chain([story::end("/bin/bash", in_colour)]).collect()
    };
    let text = told(false);
    assert_eq!(plain(&told(true)), text);
    assert!(
        !text.contains('\u{1b}') && !text.contains(SECRET_WORD),
        "{text}"
    );
    for line in text.lines() {
        assert!(line.chars().count() <= story::COLUMNS, "{line}");
    }
    // Nothing outside of the user's home, where the reader has no such file.
    for directory in ["/home/", "/tmp", "/root"] {
        assert!(!text.contains(directory), "{text}");
    }
    for (shell, lines) in SHELLS.iter().zip(story::QUICK_START) {
        assert!(
            story::end(shell.name, false)
                .ends_with(&format!("now you:\n  {}\n  {}\n", lines[0], lines[1]))
        );
        assert_eq!(
            shell.blocks(section(README, "Quick start"))[..2].concat(),
            lines.map(|line| line.to_owned() + "\n").concat()
        );
    }
    assert_eq!(
        picture::svg(&parts),
        include_str!("../../.github/demo.svg"),
        "renew it: cargo run --example demo -- --picture .github/demo.svg"
    );
}

/// What `get` asks on a terminal.
const QUESTION: &str = "MFA code";

/// Somebody who has just installed the program: with a key in `~/.aws/credentials`, under any name, and one device, which
/// nothing names.
fn newcomer(profile: &str) -> (FakeSts, Sandbox) {
    let aws = FakeSts::start();
    aws.set_iam(FakeIam {
        devices: vec![DEVICE.to_owned()],
        ..FakeIam::default()
    });
    let mut sandbox = Sandbox::new();
    sandbox
        .set("AWS_ENDPOINT_URL_STS", aws.url())
        .set("AWS_ENDPOINT_URL_IAM", aws.url());
    own_programs_first(&mut sandbox);
    sandbox.write(
        ".aws/credentials",
        format!("[{profile}]\n{}", profile_keys()),
    );
    (aws, sandbox)
}

/// The shells that are installed, and the name of a profile.
fn shells() -> impl Iterator<Item = (Kind, &'static str)> {
    let shells = SHELLS.into_iter().zip(["default", "my-keys"]);
    shells.filter(|(kind, _)| tool(kind.name).is_some())
}

#[test]
fn newcomer_with_a_key_types_two_lines_and_every_shell_has_the_session() {
    for (kind, profile) in shells() {
        let blocks = kind.blocks(section(README, "Quick start"));
        let lines: Vec<&str> = blocks[..2].iter().flat_map(|block| block.lines()).collect();
        let [hook, get] = lines[..] else {
            panic!("{lines:?}")
        };
        let (aws, sandbox) = newcomer(profile);
        let mut first = Paste::open(kind, &sandbox);
        first.block(hook);
        let mut second = Paste::open(kind, &sandbox);
        let shown = first.answers(get, &[(QUESTION, "123456")]);
        assert!(shown.contains(&words::session_is_valid("")), "{shown}");
        let asked = aws.requests_for("GetSessionToken");
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].form["SerialNumber"], DEVICE);
        for shell in [&mut first, &mut second, &mut Paste::open(kind, &sandbox)] {
            shell.block("");
            assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000001");
        }
    }
}

/// With direnv, as the quick start goes on.
#[test]
fn project_with_the_envrc_of_the_quick_start_has_the_session_of_its_account() {
    let (Some(_), Some(direnv)) = (tool("bash"), tool("direnv")) else {
        return;
    };
    let (aws, sandbox) = newcomer("work");
    let project = sandbox.project(&direnv, blocks(README, "text")[0]);
    let mut shell = Shell::open(&sandbox, &project, &direnv);
    shell.run("aws-mfa get 123456");
    assert_eq!(
        shell.variable("AWS_MFA_LOADED"),
        "work:ASIASESSION000000001"
    );
    shell.run("cd");
    assert_eq!(shell.variable("AWS_MFA_LOADED"), "unset");
    assert_eq!(aws.requests_for("GetSessionToken").len(), 1);
}

/// The commands for a clone of the repository are run by `.ci/run`; here, a stand-in for cargo notes them.
#[test]
fn every_block_of_the_readme_survives_a_paste() {
    for (kind, profile) in shells() {
        let (aws, sandbox) = newcomer(profile);
        program(&sandbox, "cargo", "#!/bin/sh\necho \"$*\" >> ~/cargo\n");
        program(&sandbox, "pass", STORE);
        sandbox.write(format!("pass-aws%{profile}"), "");
        let mut shell = Paste::open(kind, &sandbox);
        let blocks = kind.blocks(README);
        for block in &blocks {
            match *block {
                "aws-mfa get\n" => shell.answers(block, &[(QUESTION, "123456")]),
                block => shell.block(block),
            };
        }
        assert_eq!(blocks.len(), 5);
        let cargo = std::fs::read_to_string(sandbox.home().join("cargo")).unwrap();
        assert_eq!(cargo, "run --example demo\ntest --locked\n");
        // The key is out of the file, where it worked without MFA, and the session is still there.
        let keys = aws.iam().keys;
        let is_active = |id: &str| keys.iter().find(|key| key.id == id).unwrap().is_active;
        assert!(!is_active(KEY_ID) && is_active("AKIANEW0000000000001"));
        let file = std::fs::read_to_string(sandbox.home().join(".aws/credentials")).unwrap();
        assert_eq!(file, format!("[{profile}]\n"));
        assert_eq!(shell.variable("AWS_ACCESS_KEY_ID"), "ASIASESSION000000001");
    }
}

/// The first section of the page about IAM and then the quick start, on an empty account. AWS is moto, which accepts every
/// code. What the user does in the console, the test does: it enables a device.
#[test]
fn every_block_from_an_empty_account_to_the_first_session_survives_a_paste() {
    let (Some(moto_server), Some(aws)) = (tool("moto_server"), tool("aws")) else {
        return;
    };
    for (kind, _) in shells() {
        let [user, key, configure] = kind.blocks(section(IAM, "From an empty account"))[..] else {
            panic!("the section has other blocks");
        };
        let quick_start = kind.blocks(section(README, "Quick start"));
        let mut machine = Sandbox::new();
        machine.set("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
        let moto = Moto::start(&machine, &moto_server);
        machine.set("AWS_ENDPOINT_URL", &moto.url);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs =
            [super::sandbox::binary(), aws.clone()].map(|file| file.parent().unwrap().to_owned());
        let path = std::env::join_paths(programs.into_iter().chain(std::env::split_paths(&path)));
        let path = path.unwrap();
        machine.set("PATH", &path);
        let mut cloud = Sandbox::new();
        cloud
            .set("AWS_ENDPOINT_URL", &moto.url)
            .set("AWS_ACCESS_KEY_ID", "ASIAADMINISTRATOR000")
            .set("AWS_SECRET_ACCESS_KEY", "x")
            .set("AWS_DEFAULT_REGION", "us-east-1")
            .set("PATH", path);

        let mut cloud_shell = Paste::open(kind, &cloud);
        cloud_shell.block(user);
        for call in [
            "create-virtual-mfa-device --virtual-mfa-device-name phone --bootstrap-method QRCodePNG --outfile code.png",
            "enable-mfa-device --user-name igor --authentication-code1 123456 --authentication-code2 654321 \
             --serial-number arn:aws:iam::123456789012:mfa/phone",
        ] {
            let mut console = cloud.command(&aws);
            Outcome::of(console.arg("iam").args(call.split_whitespace())).succeeded();
        }
        let shown = cloud_shell.block(key);
        let words: Vec<&str> = shown.split_whitespace().collect();
        let id = words
            .iter()
            .position(|word| word.starts_with("AKIA"))
            .expect(&shown);
        let secret = words[id..]
            .iter()
            .find(|word| word.len() == 40)
            .expect(&shown);

        let mut shell = Paste::open(kind, &machine);
        shell.answers(
            configure,
            &[
                ("Access Key ID [None]: ", words[id]),
                ("Secret Access Key [None]: ", secret),
                ("region name [None]: ", "eu-central-1"),
                ("output format [None]: ", ""),
            ],
        );
        shell.block(quick_start[0]);
        let shown = shell.answers(quick_start[1], &[(QUESTION, "123456")]);
        assert!(shown.contains(&words::session_is_valid("")), "{shown}");
        shell.block("");
        assert_eq!(shell.variable("AWS_REGION"), "eu-central-1");
        let shown = shell.block("aws sts get-caller-identity");
        assert!(shown.contains("\"Account\": \"123456789012\""), "{shown}");

        // moto lets the keys alone do everything.
        let shown = shell.block("aws-mfa doctor | cat");
        for line in [
            "ok      shell: ",
            "belongs to arn:aws:iam::123456789012:user/igor",
            "ok      keys: AKIA",
            "is 0 days old",
            "ok      device: arn:aws:iam::123456789012:mfa/phone belongs to igor",
            "warning policy: MFA is not enforced",
        ] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        assert!(!shown.contains("error "), "{shown}");
    }
}
