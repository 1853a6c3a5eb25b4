//! `aws-mfa completions`, in the real shells.

use super::sandbox::{Outcome, Sandbox, binary, chmod};
use super::tool::tool;
use super::words;
use std::path::Path;

/// A name that a terminal cannot show is not offered.
fn with_profiles() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        ".aws/config",
        "[profile work]\n[profile work-eu]\n[profile private]\n[profile 'work\u{9b}31m']\n",
    );
    sandbox.write(".aws/credentials", "[work-keys]\n");
    sandbox
}

/// The lines that a shell prints for this script.
fn runs(sandbox: &Sandbox, shell: &str, script: &str) -> Option<Vec<String>> {
    let shell = tool(shell)?;
    let mut command = sandbox.command(shell);
    let outcome = Outcome::of(command.args(["-c", script]));
    outcome.succeeded();
    Some(outcome.stdout.lines().map(str::to_owned).collect())
}

const WORK: [&str; 3] = ["work", "work-eu", "work-keys"];

/// With `eval`, because `source <(…)` reads nothing in bash 3.2, which macOS has.
#[test]
fn bash_completion_offers_subcommands_and_profiles() {
    let sandbox = with_profiles();
    let script = "\
        eval \"$(aws-mfa completions bash)\"
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
    // zsh offers the matches through this function.
    let describe = "_describe() { local -a offered=(${(P)3}); print -l -- ${offered%%:*} }\n";
    let script = format!(
        "autoload -Uz compinit; compinit -u -D
         {describe}
         source <(aws-mfa completions zsh)
         print $_comps[aws-mfa]
         words=(aws-mfa status -p wor) CURRENT=4
         _aws_mfa"
    );
    let Some(lines) = runs(&sandbox, "zsh", &script) else {
        return;
    };
    assert_eq!(lines, [&["_aws_mfa"], &WORK[..]].concat());
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
    let commands = ["console", "clear", "completions"];
    assert_eq!(lines, [&WORK[..], &commands].concat());
}

/// Everything that options are completed with.
fn with_everything() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.write(
        ".aws/config",
        "[profile work]\nregion = eu-west-1\nmfa_serial = GAHT12345678\n\
         [profile staging]\nrole_arn = arn:aws:iam::333333333333:role/deploy\nsource_profile = work\n\
         [profile china]\nmfa_serial = arn:aws-cn:iam::444444444444:mfa/igor\n\
         [profile odd]\nrole_arn = arn:aws:iam::1:role/\u{9b}\n",
    );
    sandbox.write(
        ".aws/credentials",
        "[work]\naws_access_key_id = AKIAWORK000000000000\naws_secret_access_key = a\n\
         [home-long-term]\naws_access_key_id = AKIAHOME000000000000\naws_secret_access_key = a\naws_mfa_device = GAHT87654321\n\
         [temporary]\naws_access_key_id = ASIATEMPORARY0000000\naws_secret_access_key = a\naws_session_token = a\n\
         [wrong]\naws_access_key_id = wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00\naws_secret_access_key = a\n",
    );
    let expiration = "2026-11-30T00:00:00Z";
    let credentials = format!(
        "{{\"Credentials\": {{\"AccessKeyId\": \"ASIA\", \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\", \
         \"Expiration\": \"{expiration}\"}}, \"Region\": \"eu-central-1\", \"MasterKeyId\": \"AKIASAVED00000000000\", \
         \"DiscoveredDevice\": \"arn:aws:iam::123456789012:mfa/phone\"}}"
    );
    sandbox.write(".config/aws/session-x", credentials);
    sandbox.write(
        ".config/aws/rotation-123456789012-igor",
        "aws-mfa rotation 1\nstep created\nold AKIAOLD0000000000000\nnew AKIANEW0000000000000\nsecret S3CR3T\nprofile work\n",
    );
    sandbox.set("MASTER_AWS_ACCESS_KEY_ID", "AKIAMASTER0000000000");
    let cat = sandbox.write("bin/cat", "");
    let pass = sandbox.write("bin/pass", "");
    for program in [&cat, &pass] {
        chmod(program, 0o755);
    }
    let path = [binary().parent().unwrap(), cat.parent().unwrap()].map(Path::to_owned);
    sandbox.set("PATH", std::env::join_paths(path).unwrap());
    sandbox
}

#[test]
fn values_of_options_are_those_that_exist_here() {
    let mut sandbox = with_everything();
    sandbox.set("AWS_MFA_COMPLETE", "fish");
    for (line, expected) in [
        (
            "get --region ",
            "cn-north-1 eu-central-1 eu-west-1 us-east-1",
        ),
        ("get --region eu-w", "eu-west-1"),
        ("load --role-arn ", "arn:aws:iam::333333333333:role/deploy"),
        (
            "get --serial-number ",
            "GAHT12345678 GAHT87654321 arn:aws-cn:iam::444444444444:mfa/igor arn:aws:iam::123456789012:mfa/phone",
        ),
        ("get -d ", "1h 8h 12h 36h"),
        ("get --duration=1", "--duration=1h --duration=12h"),
        (
            "rotate --delete ",
            "AKIAHOME000000000000 AKIAMASTER0000000000 AKIANEW0000000000000 AKIAOLD0000000000000 AKIASAVED00000000000 AKIAWORK000000000000",
        ),
        ("rotate --to ", "file pass"),
        ("status -p w", "work wrong"),
        ("status -p h", "home home-long-term"),
        ("-p w", "work wrong"),
        ("-p work stat", "status"),
        ("-p work status --j", "--json"),
    ] {
        let words = ["--", "aws-mfa"].into_iter().chain(line.split(' '));
        let outcome = sandbox.run(words);
        let offered = outcome
            .succeeded()
            .lines()
            .map(|line| line.split('\t').next().unwrap());
        assert_eq!(offered.collect::<Vec<_>>().join(" "), expected, "{line}");
    }
}

#[test]
fn bash_completion_takes_an_arn_and_an_option_with_its_value_for_one_word() {
    let mut sandbox = with_everything();
    let path = std::env::var_os("PATH").unwrap();
    let own = binary().parent().unwrap().to_owned();
    let path = std::iter::once(own).chain(std::env::split_paths(&path));
    sandbox.set("PATH", std::env::join_paths(path).unwrap());
    let bash = "\
        eval \"$(aws-mfa completions bash)\"
        compopt() { :; }
        try() {
            COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
            _aws_mfa aws-mfa \"${COMP_WORDS[COMP_CWORD]}\" x
            printf '%s\\n' \"${COMPREPLY[@]}\"
        }
        try aws-mfa load --role-arn ''
        try aws-mfa load --role-arn arn : aws : iam :: 333333333333 : role/d
        try aws-mfa load --role-arn arn :
        _aws_mfa aws-mfa '' x; echo \"$COMPREPLY\"
        try aws-mfa load --profile = stag
        try aws-mfa load --role-arn=a";
    if let Some(lines) = runs(&sandbox, "bash", bash) {
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        let arn = "arn:aws:iam::333333333333:role/deploy";
        assert_eq!(
            lines,
            [
                arn,
                "role/deploy",
                ":aws:iam::333333333333:role/deploy",
                "aws:iam::333333333333:role/deploy",
                "staging",
                &format!("--role-arn={arn}")
            ]
        );
    }
}

/// A user with a command and a file to complete after `exec`.
fn with_command_to_run() -> Sandbox {
    let mut sandbox = with_profiles();
    let program = sandbox.write("bin/frobnicate", "#!/bin/sh\n");
    chmod(&program, 0o755);
    sandbox.write("tables.txt", "");
    let path = std::env::var_os("PATH").unwrap();
    let directories = [binary().parent().unwrap(), program.parent().unwrap()]
        .map(Path::to_owned)
        .into_iter()
        .chain(std::env::split_paths(&path));
    sandbox.set("PATH", std::env::join_paths(directories).unwrap());
    sandbox
}

const COMMAND_LINES: [&str; 6] = [
    "exec -- frobni",
    "exec frobni",
    "exec -p work -- frobni",
    "-p work exec -- frobni",
    "exec --profile=work -- frobnicate tab",
    "exec frobnicate tab",
];

const COMPLETED: [&str; 6] = [
    "frobnicate",
    "frobnicate",
    "frobnicate",
    "frobnicate",
    "tables.txt",
    "tables.txt",
];

/// The script's calls of `try` for each line.
fn tried() -> String {
    COMMAND_LINES
        .map(|line| format!("try aws-mfa {line}\n"))
        .concat()
}

#[test]
fn bash_completion_after_exec_offers_commands_and_files() {
    let sandbox = with_command_to_run();
    // bash itself offers the files, because of `compopt -o default`.
    let script = "\
        eval \"$(aws-mfa completions bash)\"
        try() {
            COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; COMPREPLY=()
            compopt() { [[ $* != '-o default' ]] || compgen -f \"${COMP_WORDS[COMP_CWORD]}\"; }
            _aws_mfa aws-mfa \"${COMP_WORDS[COMP_CWORD]}\" x
            [[ ! ${COMPREPLY-} ]] || printf '%s\\n' \"${COMPREPLY[@]}\"
        }
        [[ $(complete -p aws-mfa) = *'-F _aws_mfa '* ]] || exit
        try aws-mfa exec --no-p\n"
        .to_owned()
        + &tried();
    if let Some(lines) = runs(&sandbox, "bash", &script) {
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        assert_eq!(lines, [&["--no-prompt"], &COMPLETED[..]].concat());
    }
}

#[test]
fn bash_completion_after_exec_is_that_of_the_command() {
    let sandbox = with_command_to_run();
    let script = "\
        eval \"$(aws-mfa completions bash)\"
        _command_offset() { echo \"${COMP_WORDS[@]:$1}\"; }
        COMP_WORDS=(aws-mfa exec -p work -- frobnicate --all x); COMP_CWORD=7
        _aws_mfa aws-mfa x --all";
    if let Some(lines) = runs(&sandbox, "bash", script) {
        assert_eq!(lines, ["frobnicate --all x"]);
    }
}

#[test]
fn zsh_completion_after_exec_is_that_of_the_command() {
    let sandbox = with_command_to_run();
    let script = "\
        autoload -Uz compinit; compinit -u -D
        source <(aws-mfa completions zsh)
        _normal() { print $words[CURRENT] of $words }
        _clap_dynamic_completer_aws_mfa() { print aws-mfa }
        try() { words=($@) CURRENT=$#; _aws_mfa }
        try aws-mfa exec --no-p\n"
        .to_owned()
        + &tried();
    let Some(lines) = runs(&sandbox, "zsh", &script) else {
        return;
    };
    assert_eq!(
        lines,
        [
            "aws-mfa",
            "frobni of frobni",
            "frobni of frobni",
            "frobni of frobni",
            "frobni of frobni",
            "tab of frobnicate tab",
            "tab of frobnicate tab"
        ]
    );
}

#[test]
fn fish_completion_after_exec_is_that_of_the_command() {
    let sandbox = with_command_to_run();
    let script = "\
        aws-mfa completions fish | source
        complete --command frobnicate --long-option all
        function try; complete -C \"$argv\" | string split -f 1 \\t; true; end
        try aws-mfa exec --no-p
        try aws-mfa exec -p work -- frobnicate --al\n"
        .to_owned()
        + &tried();
    if let Some(lines) = runs(&sandbox, "fish", &script) {
        assert_eq!(lines, [&["--no-prompt", "--all"], &COMPLETED[..]].concat());
    }
}

#[test]
fn elvish_completion_offers_profiles() {
    let sandbox = with_profiles();
    // The editor, which has completion, exists only in an interactive shell. This namespace replaces it.
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

/// A stray variable with anything in it.
#[test]
fn completion_for_an_unknown_shell_is_an_error_that_a_terminal_can_show() {
    let mut sandbox = with_profiles();
    sandbox.set("AWS_MFA_COMPLETE", "x\u{1b}[31m");
    sandbox.run(["status"]).is(
        2,
        "",
        &words::failure(
            "AWS_MFA_COMPLETE is not the name of a shell: x\\u{1b}[31m",
            "unset AWS_MFA_COMPLETE: the scripts of `aws-mfa completions` set it for themselves",
        ),
    );
    sandbox.unset("AWS_MFA_COMPLETE");
    assert!(sandbox.run(["status"]).stdout.starts_with("session: "));
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
