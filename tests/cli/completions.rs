//! `aws-mfa completions`: profiles are completed by their names, in the real shells.

use super::sandbox::{Outcome, Sandbox};
use super::tool::tool;

fn with_profiles() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        ".aws/config",
        "[profile work]\n[profile work-eu]\n[profile private]\n",
    );
    sandbox.write(".aws/credentials", "[work-keys]\n");
    sandbox
}

/// What a shell prints for a script of its own.
fn runs(sandbox: &Sandbox, shell: &str, script: &str) -> Option<Vec<String>> {
    let shell = tool(shell)?;
    let mut command = sandbox.command(shell);
    let outcome = Outcome::of(command.args(["-c", script]));
    outcome.succeeded();
    Some(outcome.stdout.lines().map(str::to_owned).collect())
}

const WORK: [&str; 3] = ["work", "work-eu", "work-keys"];
const COMMANDS: [&str; 3] = ["clear", "completions", "exec"];

#[test]
fn bash_completion_offers_subcommands_and_profiles() {
    let sandbox = with_profiles();
    let script = "\
        source <(aws-mfa completions bash)
        try() {
            COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
            compopt() { :; }
            _clap_complete_aws_mfa aws-mfa \"${COMP_WORDS[COMP_CWORD]}\" x
            printf '%s\\n' \"${COMPREPLY[@]}\"
        }
        complete -p aws-mfa >/dev/null
        try aws-mfa get -p wor
        try aws-mfa exec --profile pri
        try aws-mfa comp";
    let Some(lines) = runs(&sandbox, "bash", script) else {
        return;
    };
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    assert_eq!(lines, [&WORK[..], &["private", "completions"]].concat());
}

#[test]
fn zsh_completion_sourced_or_in_fpath_offers_profiles() {
    let sandbox = with_profiles();
    // The last step of zsh's own, by which the matches are offered.
    let describe = "_describe() { local -a offered=(${(P)3}); print -l -- ${offered%%:*} }\n";
    let script = format!(
        "autoload -Uz compinit; compinit -u -D
         {describe}
         source <(aws-mfa completions zsh)
         print $_comps[aws-mfa]
         words=(aws-mfa status -p wor) CURRENT=4
         _clap_dynamic_completer_aws_mfa"
    );
    let Some(lines) = runs(&sandbox, "zsh", &script) else {
        return;
    };
    assert_eq!(
        lines,
        [&["_clap_dynamic_completer_aws_mfa"], &WORK[..]].concat()
    );
    let script = format!(
        "mkdir functions; aws-mfa completions zsh > functions/_aws-mfa; fpath=($PWD/functions $fpath)
         autoload -Uz compinit; compinit -u -D
         {describe}
         print $_comps[aws-mfa]
         words=(aws-mfa status -p wor) CURRENT=4
         _aws-mfa; $_comps[aws-mfa]"
    );
    let lines = runs(&sandbox, "zsh", &script).unwrap();
    assert_eq!(lines, [&["_aws-mfa"], &WORK[..], &WORK[..]].concat());
}

#[test]
fn fish_completion_offers_subcommands_and_profiles() {
    let sandbox = with_profiles();
    let script = "\
        aws-mfa completions fish | source
        complete -C 'aws-mfa load -p wor' | string split -f 1 \\t
        complete -C 'aws-mfa c' | string split -f 1 \\t";
    let Some(lines) = runs(&sandbox, "fish", script) else {
        return;
    };
    assert_eq!(lines, [&WORK[..], &COMMANDS[..2]].concat());
}

#[test]
fn elvish_completion_offers_profiles() {
    let sandbox = with_profiles();
    // Its editor, and with it completion, is there in an interactive shell alone: a namespace of
    // the same name stands for it here.
    let script = "\
        var edit: = (ns [&completion:=(ns [&arg-completer=[&]]) &complex-candidate~={|@a &display='' &code-suffix='' &display-suffix=''| put $a[0] }])
        eval (aws-mfa completions elvish | slurp)
        $edit:completion:arg-completer[aws-mfa] aws-mfa load -p wor";
    let Some(lines) = runs(&sandbox, "elvish", script) else {
        return;
    };
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| line.trim_start_matches("▶ "))
        .collect();
    assert_eq!(lines, WORK);
}

#[test]
fn completions_for_powershell_are_printed_and_for_csh_are_a_usage_error() {
    let sandbox = with_profiles();
    let printed = sandbox.run(["completions", "powershell"]).stdout;
    assert!(
        printed.contains("Register-ArgumentCompleter -Native -CommandName aws-mfa"),
        "{printed}"
    );
    assert_eq!(sandbox.run(["completions", "csh"]).status, 2);
}

#[test]
fn completion_with_broken_profiles_still_offers_subcommands() {
    let mut sandbox = with_profiles();
    sandbox.write(".aws/config", "[profile work\n");
    sandbox.set("AWS_MFA_COMPLETE", "fish");
    let outcome = sandbox.run(["--", "aws-mfa", "cle"]);
    outcome.succeeded();
    assert!(outcome.stdout.starts_with("clear"), "{}", outcome.stdout);
}
