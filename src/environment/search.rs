//! Finds a command as a shell does.

use super::{Environment, variable};
use std::ffi::OsStr;
use std::path::PathBuf;

/// The command's file: in a directory of `PATH`, unless the name is a path.
#[cfg(not(windows))]
pub fn find(program: &OsStr, environment: &Environment) -> Option<PathBuf> {
    let path = PathBuf::from(program);
    if program.as_encoded_bytes().contains(&b'/') {
        return path.is_file().then_some(path);
    }
    std::env::split_paths(environment.get(variable::PATH)?)
        .map(|directory| directory.join(&path))
        .find(|path| path.is_file())
}

/// The same on Windows, with each extension of `PATHEXT`: `cdk` is `cdk.cmd`. Like PowerShell and unlike cmd, this does
/// not search the current directory, whose files would run with the session.
#[cfg(windows)]
pub fn find(program: &OsStr, environment: &Environment) -> Option<PathBuf> {
    let extensions = environment.get(variable::PATHEXT);
    let extensions = extensions.map_or(DEFAULT_PATHEXT.into(), OsStr::to_string_lossy);
    let names = names(&program.to_string_lossy(), &extensions);
    let is_path = program.to_string_lossy().contains(['/', '\\', ':']);
    let directories: Vec<PathBuf> = match environment.get(variable::PATH) {
        _ if is_path => vec![PathBuf::new()],
        Some(path) => std::env::split_paths(path)
            .filter(|directory| !directory.as_os_str().is_empty())
            .collect(),
        None => Vec::new(),
    };
    // What Windows cannot execute by its name comes last: let Windows say so.
    let as_given = directories.iter().map(|directory| directory.join(program));
    let mut paths = directories
        .iter()
        .flat_map(|directory| names.iter().map(|name| directory.join(name)))
        .chain(as_given);
    paths.find(|path| path.is_file())
}

/// cmd's default if the variable is unset, without the extensions of scripts that need another program.
#[cfg(any(windows, test))]
const DEFAULT_PATHEXT: &str = ".COM;.EXE;.BAT;.CMD";

/// The possible names of the file, in search order: `program` itself if it has one of the extensions, then `program` with
/// each extension.
#[cfg(any(windows, test))]
fn names(program: &str, extensions: &str) -> Vec<String> {
    let extensions = extensions.split(';').map(str::trim).filter(|extension| {
        extension.starts_with('.') && extension.len() > 1 && !extension.contains(['/', '\\'])
    });
    let lower = program.to_lowercase();
    let is_own = |extension: &str| lower.ends_with(&extension.to_lowercase());
    let as_given = extensions.clone().any(is_own).then(|| program.to_owned());
    let extended = extensions.map(|extension| format!("{program}{}", extension.to_lowercase()));
    as_given.into_iter().chain(extended).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_each_extension_in_turn() {
        let all = |program| names(program, DEFAULT_PATHEXT);
        assert_eq!(all("cdk"), ["cdk.com", "cdk.exe", "cdk.bat", "cdk.cmd"]);
        assert_eq!(all("az.CMD")[..2], ["az.CMD", "az.CMD.com"]);
        // The dot belongs to the name.
        assert_eq!(all("python3.11")[0], "python3.11.com");
        assert_eq!(names("x", " .PY; ;;.;exe;.a\\b;.ps1"), ["x.py", "x.ps1"]);
        assert_eq!(names("x", ""), [""; 0]);
    }
}
