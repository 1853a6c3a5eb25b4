//! The README's picture and quick start, played with the real shells.

use super::deadline::InTime;
use super::moto::Moto;
use super::picture;
use super::readme::{README, blocks};
use super::sandbox::{Outcome, Sandbox};
use super::shell::Shell;
use super::story;
use super::tool::tool;
use super::words;
use std::process::Stdio;

#[test]
fn demo_picture_is_up_to_date() {
    let (Some(_), Some(direnv)) = (tool("bash"), tool("direnv")) else {
        return;
    };
    let mut story = Vec::new();
    story::two_shells(&direnv, |line| story.push(line));
    assert_eq!(
        picture::svg(&story),
        include_str!("../../.github/demo.svg"),
        "renew it: cargo run --example demo -- --picture .github/demo.svg"
    );
}

/// The quick start, word for word, on an empty account: CloudShell is bash with an administrator's credentials, AWS is moto
/// (which accepts every code), and the user's machine has bash and direnv.
#[test]
fn quick_start_on_an_empty_account_succeeds() {
    let (Some(moto_server), Some(aws), Some(bash), Some(direnv)) = (
        tool("moto_server"),
        tool("aws"),
        tool("bash"),
        tool("direnv"),
    ) else {
        return;
    };
    let quick_start = README
        .split("## ")
        .find(|section| section.starts_with("Quick start"));
    let [policy, device, key, hook, save, profile, project, _scripts] =
        blocks(quick_start.unwrap(), "sh")[..]
    else {
        panic!("the quick start has other steps");
    };
    let mut sandbox = Sandbox::new();
    sandbox.set("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
    let moto = Moto::start(&sandbox, &moto_server);
    sandbox.set("AWS_ENDPOINT_URL", &moto.url);

    // In CloudShell.
    let mut cloud_shell = sandbox.command(&bash);
    let script = format!(
        "set -eu\nPATH='{}':$PATH\ncd \"$TMPDIR\"\n{policy}{device}{key}",
        aws.parent().unwrap().display()
    );
    cloud_shell
        .args(["-c", &script])
        .env("AWS_ACCESS_KEY_ID", "ASIAADMINISTRATOR000")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("AWS_DEFAULT_REGION", "us-east-1");
    let shown = Outcome::of(&mut cloud_shell);
    let shown = shown.succeeded();
    let key = shown.get(shown.rfind('{').unwrap()..).unwrap();

    // On the user's machine.
    let run = |script: &str, paste: &str| {
        let mut child = sandbox
            .command(&bash)
            .args(["-euc", script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut keyboard = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut keyboard, paste.as_bytes()).unwrap();
        drop(keyboard);
        assert!(child.status_in_time().success(), "{script}");
    };
    let hook = hook.strip_suffix("exec bash\n").unwrap();
    run(hook, "");
    let bashrc = std::fs::read_to_string(sandbox.home().join(".bashrc")).unwrap();
    assert_eq!(bashrc, "eval \"$(direnv hook bash)\"\n");
    run(save, key);
    run(profile, "");

    // In a shell with that hook.
    let mut shell = Shell::open(&sandbox, &sandbox.home(), &direnv);
    shell.run(&format!(
        "PATH=\"$PATH:{}\"",
        aws.parent().unwrap().display()
    ));
    let (start, identity) = project.split_once("aws-mfa get 123456\n").unwrap();
    for line in start.lines() {
        shell.type_line(line);
    }
    let shown = shell.run("aws-mfa get 123456");
    // moto lists it, to the user who signs the request.
    for said in [
        words::found_the_device("arn:aws:iam::123456789012:mfa/igor"),
        words::session_is_valid(""),
    ] {
        assert!(shown.contains(&said), "{shown}");
    }
    assert!(shown.contains("+AWS_ACCESS_KEY_ID"), "{shown}");
    assert!(shown.contains("+AWS_REGION"), "{shown}");
    let shown = shell.run(identity.trim());
    assert!(shown.contains("\"Account\": \"123456789012\""), "{shown}");
    assert_eq!(shell.variable("AWS_REGION"), "eu-central-1");

    // moto lets the keys alone do everything.
    let shown = shell.run("aws-mfa doctor | cat");
    for line in [
        "ok      shell: the session is loaded by direnv (",
        "belongs to arn:aws:iam::123456789012:user/igor",
        "ok      keys: AKIA",
        "is 0 days old",
        "ok      device: arn:aws:iam::123456789012:mfa/igor belongs to igor, and has codes",
        "warning policy: MFA is not enforced: IAM lists the access keys for the keys alone",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("error "), "{shown}");
}
