//! The browser: the one in `BROWSER`, else the system's.

use crate::environment::Environment;
use crate::environment::variable;
use crate::error::{Failure, reason};
use std::io::{Error, Result};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Browsers that need the terminal: those of Debian's `sensible-browser`, and the names that they go by.
const TEXT_BROWSERS: [&str; 6] = ["www-browser", "w3m", "lynx", "links", "links2", "elinks"];

/// A command that fails at all does so sooner.
const FAILS_WITHIN: Duration = Duration::from_secs(1);

/// What separates the browsers in `BROWSER`, as in Python's `webbrowser`.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// Opens `url` in the first browser that starts. Does not wait for a graphical one; a text browser has the terminal until
/// it ends.
///
/// # Errors
/// No browser starts, or the last one fails. The URL, which is a secret, is not in the message.
pub fn open(url: &str, environment: &Environment) -> std::result::Result<(), Failure> {
    let chosen = environment.first(&[variable::BROWSER])?;
    let (browsers, origin) = match chosen {
        Some((name, list)) => (of_list(list, url), format!(" in {name}")),
        None => (of_system(url, environment), String::new()),
    };
    let mut failure = Failure::setup(format!(
        "there is no browser{origin} to open the console in"
    ));
    for mut browser in browsers {
        match start(&mut browser) {
            Ok(()) => return Ok(()),
            Err(error) => {
                let program = browser.get_program().to_string_lossy();
                let reason = reason(&error);
                failure = Failure::setup(format!("cannot open the browser {program}: {reason}"));
            }
        }
    }
    Err(failure)
}

/// The commands in a list like `firefox:w3m %s`. `%s` stands for the URL, which otherwise comes last. No shell is involved.
/// <https://docs.python.org/3/library/webbrowser.html>
fn of_list(list: &str, url: &str) -> Vec<Command> {
    let command = |line: &str| {
        let mut words = shlex::split(line)?;
        // Browsers are not waited for anyway.
        words.pop_if(|word| word == "&");
        let has_place = words.iter().any(|word| word.contains("%s"));
        let mut words = words.into_iter();
        let mut command = Command::new(words.next()?);
        command.args(words.map(|word| word.replace("%s", url)));
        if !has_place {
            command.arg(url);
        }
        Some(command)
    };
    list.split(SEPARATOR).filter_map(command).collect()
}

/// What the system opens URLs with. On Linux it needs a display, except from WSL, where Windows does it: without one,
/// `xdg-open` would start a text browser that has no terminal.
fn of_system(url: &str, environment: &Environment) -> Vec<Command> {
    let has_display = cfg!(any(windows, target_os = "macos")) || environment.has_display();
    let commands = open::commands(url).into_iter();
    commands
        .filter(|command| has_display || command.get_program() == "powershell.exe")
        .collect()
}

fn start(browser: &mut Command) -> Result<()> {
    let name = Path::new(browser.get_program()).file_stem();
    let is_text = name.is_some_and(|name| TEXT_BROWSERS.iter().any(|text| name == *text));
    if is_text {
        let status = browser.status()?;
        return match status.success() {
            true => Ok(()),
            false => Err(Error::other(status.to_string())),
        };
    }
    let null = Stdio::null;
    browser.stdin(null()).stdout(null()).stderr(null());
    // Ctrl-C in this terminal is not for the browser.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(browser, 0);
    let mut child = browser.spawn()?;
    // On Windows, the status of `explorer` means nothing.
    let deadline = Instant::now() + FAILS_WITHIN;
    while cfg!(not(windows)) && Instant::now() < deadline {
        match child.try_wait()? {
            Some(status) if status.success() => break,
            Some(status) => return Err(Error::other(status.to_string())),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    Ok(())
}
