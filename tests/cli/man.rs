//! `aws-mfa man`: one complete page that renders without a warning.

#[cfg(unix)]
use super::forgotten::subcommands;
use super::sandbox::{Outcome, Sandbox};
use super::tool::tool;

#[test]
fn man_page_has_every_file() {
    let page = Sandbox::new().run(["man"]);
    let page = page.succeeded().replace("\\-", "-").replace("\\(ti", "~");
    for file in [
        "~/.aws/config",
        "~/.aws/credentials",
        "~/.config/aws/session-",
    ] {
        assert!(page.contains(&format!("\\fB{file}")), "{file}");
    }
}

#[test]
fn every_entry_of_the_man_page_has_a_description() {
    let page = Sandbox::new().run(["man"]).stdout;
    let lines: Vec<&str> = page.lines().collect();
    let mut entries = 0;
    for (number, _) in lines.iter().enumerate().filter(|(_, line)| **line == ".TP") {
        let [term, description] = lines[number + 1..number + 3] else {
            panic!("{}", lines[number]);
        };
        assert!(
            !description.trim().is_empty() && !description.starts_with('.'),
            "{term}"
        );
        entries += 1;
    }
    assert!(entries > 80, "{entries}");
    for command in page.split("\n.SS ").skip(1) {
        let (_, text) = command.split_once("\n.PP\n").unwrap();
        assert!(!text.is_empty() && !text.starts_with('.'), "{command}");
    }
}

/// A wrapped example cannot be copied.
#[cfg(unix)]
#[test]
fn examples_of_the_help_fit_80_columns() {
    let mut sandbox = Sandbox::new();
    let mut seen = 0;
    for subcommand in subcommands() {
        let mut examples = ["80", "200"].map(|columns| {
            sandbox.set("COLUMNS", columns);
            let help = sandbox.run([&subcommand, "--help"]).stdout;
            let examples = help
                .split_once("Examples:\n")
                .map(|(_, text)| text.to_owned());
            examples.unwrap_or_default()
        });
        let [narrow, wide] = &mut examples;
        assert_eq!(narrow, wide);
        seen += narrow.lines().count();
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn man_page_in_groff_renders_without_a_warning() {
    let Some(groff) = tool("groff") else { return };
    let sandbox = Sandbox::new();
    let page = sandbox.write("aws-mfa.1", sandbox.run(["man"]).stdout);
    let mut render = sandbox.command(groff);
    // Without bold and underlined text.
    let arguments = ["-ww", "-man", "-Tutf8", "-P-cbou"];
    let rendered = Outcome::of(render.args(arguments).arg(page));
    rendered.succeeded();
    assert!(rendered.stdout.contains("aws-mfa(1)"));
}

#[test]
fn every_field_of_the_json_report_is_in_the_manual() {
    let mut sandbox = Sandbox::with_session();
    sandbox.set("AWS_MFA_ROLE_ARN", "arn:aws:iam::333333333333:role/deploy");
    let page = sandbox.run(["man"]).stdout.replace("\\fB", " ");
    sandbox.write(".aws/credentials", "[work]\naws_access_key_id = AKIA1\n");
    let section = |title: &str| {
        let (_, section) = page.split_once(&format!(".SH \"{title}\"")).unwrap();
        section.split_once(".SH").unwrap().0.to_owned()
    };
    let own = section("STATUS AS JSON");
    // A session has the same fields in both.
    let all = section("STATUS --ALL AS JSON") + &own;
    for (arguments, section, fields) in [
        (&["status", "--json"][..], &own, 26),
        (&["status", "--all", "--json"], &all, 26),
    ] {
        let report = sandbox.run(arguments).stdout;
        let mut values: Vec<serde_json::Value> = vec![serde_json::from_str(&report).unwrap()];
        let mut number = 0;
        while let Some(value) = values.pop() {
            values.extend(value.as_array().into_iter().flatten().cloned());
            for (name, value) in value.as_object().into_iter().flatten() {
                let words = |c: char| !c.is_alphanumeric() && c != '_';
                assert!(section.split(words).any(|word| word == name), "{name}");
                values.push(value.clone());
                number += 1;
            }
        }
        assert!(number >= fields, "{number}");
    }
}
