//! `aws-mfa init`: prints the integration code for a shell, direnv or `~/.aws/config`.
//!
//! For a shell, this is a hook in the shell's language, in `init/`. [`super::prompt`] decides what the hooks do at each
//! prompt.

mod aws_config;

use crate::cli::{Init, Selection, Tool};
use crate::environment::Environment;
use crate::error::Failure;
use crate::shell::{self, Language};
use std::path::{PathBuf, absolute};

/// The placeholder in a hook for the options of `init`.
const OPTIONS: &str = "@OPTIONS@";

/// Runs `aws-mfa init`.
pub fn run(init: &Init, environment: &Environment) -> anyhow::Result<()> {
    let options = options(&init.selection)?;
    if init.ask && init.tool != Tool::AwsConfig {
        let message =
            "only `init aws-config` takes --ask: neither a hook nor direnv asks for a code";
        return Err(Failure::usage(message).into());
    }
    let (hook, language) = match init.tool {
        Tool::Bash => (include_str!("init/bash.sh"), Language::Sh),
        Tool::Zsh => (include_str!("init/zsh.zsh"), Language::Sh),
        Tool::Fish => (include_str!("init/fish.fish"), Language::Fish),
        Tool::Powershell => (include_str!("init/powershell.ps1"), Language::Powershell),
        Tool::Elvish => (include_str!("init/elvish.elv"), Language::Elvish),
        Tool::Tcsh => (include_str!("init/tcsh.csh"), Language::Tcsh),
        Tool::Nushell => (include_str!("init/nushell.nu"), Language::Json),
        Tool::Direnv if options.is_empty() => return super::print(include_str!("init/direnv.sh")),
        Tool::AwsConfig if options.is_empty() => {
            return super::print(&aws_config::stanzas(environment, init.ask)?);
        }
        Tool::AwsConfig => Err(
            Failure::usage("`init aws-config` takes no option but --ask")
                .hint("it prints the profiles of all roles and MFA devices"),
        )?,
        Tool::Direnv => Err(Failure::usage("`init direnv` takes no options")
            .hint("set the profile in the .envrc: `use aws_mfa --profile <name>`"))?,
    };
    let words = options.iter().map(|option| shell::word(option, language));
    let mut words = words.collect::<Result<Vec<_>, _>>()?.join(" ");
    let mut hook = hook.to_owned();
    if language == Language::Tcsh {
        words = in_tcsh_alias(&words)?;
        hook = without_comments(&hook);
    }
    super::print(&hook.replace(OPTIONS, &words))
}

/// Quotes words for a command substitution in an alias: inside the alias's quotes, and inside the substitution's double
/// quotes, where tcsh expands variables regardless of other quotes.
fn in_tcsh_alias(words: &str) -> Result<String, Failure> {
    if words.contains(['$', '`', '"']) {
        let message = "tcsh cannot carry an option that contains $, ` or \"";
        return Err(Failure::usage(message));
    }
    let quoted = shell::word(words, Language::Tcsh)?;
    let inside = quoted.strip_prefix('\'');
    let inside = inside.and_then(|rest| rest.strip_suffix('\''));
    Ok(inside.unwrap_or(&quoted).to_owned())
}

/// A script without the lines that begin with `#`.
fn without_comments(script: &str) -> String {
    let lines = script.split_inclusive('\n');
    lines.filter(|line| !line.starts_with('#')).collect()
}

/// The options for the hook. A relative path becomes absolute, because the hook runs in every directory.
fn options(selection: &Selection) -> Result<Vec<String>, Failure> {
    let absolute = |path: &PathBuf| absolute(path).unwrap_or_else(|_| path.clone());
    let path = selection.session_file.as_ref().map(absolute);
    let path = path
        .map(|path| path.into_os_string().into_string())
        .transpose();
    let path = path.map_err(|_| Failure::usage("--session-file is not valid UTF-8"))?;
    let options = [
        ("--profile", selection.profile.clone()),
        ("--role-arn", selection.role_arn.clone()),
        ("--session-file", path),
    ];
    let given = |(name, value): (&str, Option<String>)| Some(format!("{name}={}", value?));
    Ok(options.into_iter().filter_map(given).collect())
}
