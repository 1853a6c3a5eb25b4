//! Independent programs: moto as STS, the AWS CLI, jq.

use super::fake_sts::FakeSts;
use super::moto::Moto;
use super::sandbox::{DEVICE, Outcome, Sandbox};
use super::tool::tool;

#[test]
fn aws_cli_with_a_session_from_moto_is_authenticated() {
    let (Some(moto_server), Some(aws), Some(_)) = (tool("moto_server"), tool("aws"), tool("bash"))
    else {
        return;
    };
    let mut sandbox = Sandbox::new();
    let moto = Moto::start(&sandbox, &moto_server);
    let file = sandbox.session_file();
    sandbox
        .set("MASTER_AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .set("MASTER_AWS_SECRET_ACCESS_KEY", super::fake_sts::SECRET)
        .set("AWS_MFA_ARN", DEVICE)
        .set("AWS_SESSION_FILE", &file)
        .set("AWS_ENDPOINT_URL", &moto.url);
    let outcome = sandbox.run(["get", "123456"]);
    outcome.succeeded();
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(!saved.contains('.'), "moto's microseconds are cut: {saved}");

    let script = format!(
        "eval \"$(aws-mfa load)\" && {} --region us-east-1 sts get-caller-identity --query Account --output text",
        aws.display()
    );
    let identity = Outcome::of(sandbox.command("bash").args(["-c", &script]));
    identity.is(0, "123456789012\n", "");

    // Conversely, load reads what the AWS CLI saves.
    let script = format!(
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=x {} --region us-east-1 \
         sts get-session-token --output json > \"$AWS_SESSION_FILE\" && aws-mfa load",
        aws.display()
    );
    let loaded = Outcome::of(sandbox.command("bash").args(["-c", &script]));
    loaded.succeeded();
    assert!(
        loaded.stdout.starts_with("export AWS_ACCESS_KEY_ID='"),
        "{}",
        loaded.stdout
    );
}

#[test]
fn session_file_in_jq_and_the_old_scripts_gives_the_session() {
    let (Some(jq), Some(_)) = (tool("jq"), tool("bash")) else {
        return;
    };
    let sts = FakeSts::start();
    let sandbox = Sandbox::with_user(&sts);
    sandbox.get("123456");
    // The main line of aws_load_session.
    let script = format!(
        "jq='{}'
         export AWS_ACCESS_KEY_ID=$($jq -r .Credentials.AccessKeyId \"$AWS_SESSION_FILE\")
         export AWS_SECRET_ACCESS_KEY=$($jq -r .Credentials.SecretAccessKey \"$AWS_SESSION_FILE\")
         export AWS_SESSION_TOKEN=$($jq -r .Credentials.SessionToken \"$AWS_SESSION_FILE\")
         env | grep -E '^AWS_(ACCESS|SECRET|SESSION_TOKEN)' | sort",
        jq.display()
    );
    let read = Outcome::of(sandbox.command("bash").args(["-c", &script]));
    read.is(
        0,
        "AWS_ACCESS_KEY_ID=ASIASESSION000000001\n\
         AWS_SECRET_ACCESS_KEY=session/S3CR3T+1\n\
         AWS_SESSION_TOKEN=token//S3CR3T+1==\n",
        "",
    );
}
