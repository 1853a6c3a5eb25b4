//! The guide's recipe, with the real mise.

use super::fake_sts::FakeSts;
use super::readme::{GUIDE, blocks};
use super::sandbox::{Outcome, Sandbox};
use super::tool::tool;

#[test]
fn mise_prompt_after_get_or_clear_has_the_current_session() {
    let (Some(mise), Some(bash)) = (tool("mise-npm"), tool("bash")) else {
        return;
    };
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    let toml = blocks(GUIDE, "toml")
        .into_iter()
        .find(|block| block.contains("_.source"))
        .unwrap();
    let source = blocks(GUIDE, "text")
        .into_iter()
        .find(|block| block.starts_with("eval "))
        .unwrap();
    sandbox.write("project/mise.toml", toml);
    sandbox.write("project/aws-mfa.sh", source);
    let home = sandbox.home();
    sandbox
        .unset("AWS_MFA_ARN")
        .unset("AWS_SESSION_FILE")
        .set("AWS_SECURITY_TOKEN", "old")
        .set("MISE_TRUSTED_CONFIG_PATHS", home);
    let script = format!(
        "eval \"$('{mise}' activate bash)\"
         prompt() {{ _mise_hook; echo \"$1: ${{AWS_ACCESS_KEY_ID-none}} ${{AWS_SECURITY_TOKEN-none}}\"; }}
         cd project; prompt missing
         aws-mfa get 111111 >/dev/null; prompt first
         aws-mfa get 222222 >/dev/null; prompt second
         cd /; prompt outside
         cd ~/project; prompt back
         aws-mfa clear >/dev/null; prompt cleared",
        mise = mise.display(),
    );
    let shown = Outcome::of(sandbox.command(bash).args(["--norc", "-c", &script]));
    shown.is(
        0,
        "missing: none none\n\
         first: ASIASESSION000000001 none\n\
         second: ASIASESSION000000002 none\n\
         outside: none old\n\
         back: ASIASESSION000000002 none\n\
         cleared: none none\n",
        "",
    );
}
