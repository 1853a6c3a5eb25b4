//! The files in `~/.aws`, and the saved sessions.

use super::{Finding, Setup, error, ok, warning};
use crate::aws_files::{MissingFile, Pointer};
use crate::error::{Failure, reason};
use crate::loader;
use crate::path::in_words;
use crate::session::access::{self, Access, Distrust};
use crate::session::error::{Problem, Warning};
use crate::session::files;
use crate::session::store::SessionStore;
use crate::word;
use std::path::Path;

const CHECK: &str = "files";

/// Sections in `~/.aws/config` that are not profiles, but belong to the AWS CLI.
const OF_THE_CLI: [&str; 2] = ["plugins", "preview"];

/// Whether the files can be read, also by the AWS CLI and the SDKs, who else can read them, and whether a section is ignored
/// by mistake.
pub fn check(setup: &Setup) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut good: Vec<String> = Vec::new();
    match setup.sources.profiles() {
        Err(failure) => findings.push(error(CHECK, failure)),
        Ok(profiles) => {
            for MissingFile { path, pointer } in profiles.missing_files() {
                let (pointer, remedy) = match pointer {
                    Pointer::Variable(name) => {
                        let unset = loader::unset_command(setup.environment, &[name]);
                        (format!("{name} names"), unset)
                    }
                    Pointer::Symlink(link) => {
                        let word = word::of_path(link);
                        let remove = format!("restore it, or remove the symlink: `rm {word}`");
                        (format!("{} leads to", in_words(link)), remove)
                    }
                };
                let message = format!("there is no file {}, which {pointer}", in_words(&path));
                findings.push(warning(CHECK, Failure::setup(message).hint(remedy)));
            }
            for (path, has_secret) in profiles.files() {
                match mode_of(path, has_secret) {
                    Some(finding) => findings.push(finding),
                    None => good.push(in_words(path)),
                }
            }
            for (is_refused, failure) in profiles.remarks() {
                findings.push(match is_refused {
                    true => error(CHECK, failure),
                    false => warning(CHECK, failure),
                });
            }
            for (name, meant, path) in profiles.ignored_sections() {
                if !OF_THE_CLI.contains(&name) {
                    let path = in_words(path);
                    let message = format!("the section [{name}] in {path} is ignored");
                    findings.push(warning(CHECK, Failure::setup(message).hint(meant)));
                }
            }
        }
    }
    let session = setup.store.as_ref().ok().map(|store| &store.value);
    findings.extend(session.and_then(unwritable));
    for store in session.into_iter().chain(&setup.role_stores()) {
        let before = findings.len();
        findings.extend(saved(store, &setup.get_command));
        if findings.len() == before && store.path().exists() {
            good.push(in_words(store.path()));
        }
    }
    if findings.is_empty() {
        findings.push(match good.is_empty() {
            true => ok(CHECK, "none yet"),
            false => ok(CHECK, format!("valid and private: {}", good.join(", "))),
        });
    }
    findings
}

/// What others can do with a file in `~/.aws`. Anyone who can write to it chooses the commands that run.
fn mode_of(path: &Path, has_secret: bool) -> Option<Finding> {
    let shown = in_words(path);
    let word = word::of_path(path);
    let (message, remedy) = match access::of_file(&std::fs::metadata(path).ok()?) {
        Access::Readable { mode } if has_secret => (
            format!("others can read the secret keys in {shown} (mode {mode:04o})"),
            format!("chmod 600 {word}"),
        ),
        Access::Writable { mode } if has_secret => (
            format!("others can write to {shown} (mode {mode:04o})"),
            format!("chmod 600 {word}"),
        ),
        Access::Refused(refusal @ (Distrust::EverybodyWrites(_) | Distrust::GroupWrites(_))) => {
            (format!("{shown}: {refusal}"), format!("chmod go-w {word}"))
        }
        Access::Refused(refusal @ Distrust::ForeignFile) => (
            format!("{shown}: {refusal}, and can choose your keys and the commands that run"),
            format!("sudo chown \"$USER\" {word}"),
        ),
        _ => return None,
    };
    Some(warning(CHECK, Failure::setup(message).hint(remedy)))
}

/// A directory in which no session can be saved. Nothing is tried.
fn unwritable(store: &SessionStore) -> Option<Finding> {
    // Those that are missing are created.
    let directory = files::directory_of(store.path())
        .ancestors()
        .find(|directory| directory.exists())?;
    let why = reason(&access::check_writable(directory).err()?);
    let place = in_words(directory);
    let remedy = access::remedy(directory, 0o700);
    let remedy = remedy.unwrap_or("set AWS_SESSION_FILE to a file that can be created".to_owned());
    let message = format!("no session can be saved in {place}: {why}");
    Some(error(CHECK, Failure::setup(message).hint(remedy)))
}

/// Problems of saved credentials. Missing or expired ones are fine.
fn saved(store: &SessionStore, get_command: &str) -> Vec<Finding> {
    let of_file = match store.read() {
        Ok(loaded) => loaded.warning,
        Err(problem) if matches!(problem.problem, Problem::Missing) => None,
        Err(problem) => return vec![error(CHECK, Failure::from(problem).hint(get_command))],
    };
    let of_directory = store.path().exists().then(|| store.directory_warning());
    let warnings = of_file.into_iter().chain(of_directory.flatten());
    let finding = |found: Warning| warning(CHECK, Failure::setup(found.message).hint(found.remedy));
    warnings.map(finding).collect()
}
