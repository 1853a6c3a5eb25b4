//! Where a new format, shell, subcommand, option, variable, exit status or check of `doctor` has to be. The lists come from
//! the program, and a failure names every place that lacks something.

use super::fake_sts::FakeSts;
use super::readme::{GUIDE, README};
use super::sandbox::Sandbox;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const CHANGELOG: &str = include_str!("../../.github/CHANGELOG.md");
const CONTRIBUTING: &str = include_str!("../../.github/CONTRIBUTING.md");

/// What is missing, and where.
#[derive(Default)]
struct Forgotten(Vec<String>);

impl Forgotten {
    fn unless(&mut self, is_there: bool, what: &str, place: &str) {
        if !is_there {
            self.0.push(format!("{what} is not in {place}"));
        }
    }

    #[track_caller]
    fn nothing(self) {
        assert!(self.0.is_empty(), "\n{}\n", self.0.join("\n"));
    }
}

/// The values of an argument, from the help of its subcommand.
pub fn values(subcommand: &str) -> Vec<String> {
    let help = Sandbox::new().run([subcommand, "--help"]).stdout;
    // On one line, if no value has a description.
    if let Some((_, list)) = help.split_once("[possible values: ") {
        let (list, _) = list.split_once(']').unwrap();
        return list
            .split(", ")
            .map(|name| name.trim().to_owned())
            .collect();
    }
    let (_, list) = help.split_once("Possible values:\n").unwrap();
    let items = list
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty());
    let names = items.map(|item| item.trim_start_matches("- ").split(':').next().unwrap());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 4, "{help}");
    names
}

/// The subcommands that `--help` shows, except `help`.
pub fn subcommands() -> Vec<String> {
    let help = Sandbox::new().run(["--help"]).stdout;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names
        .map(str::to_owned)
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() > 7, "{help}");
    names
}

/// The long options of a subcommand, from its help, without `--help`.
pub fn options(subcommand: &str) -> Vec<String> {
    let help = Sandbox::new().run([subcommand, "--help"]).stdout;
    let option = |line: &str| {
        let line = line.trim_start();
        let line = line
            .split_once(", ")
            .map_or(line, |(short, long)| match short.len() {
                2 => long,
                _ => line,
            });
        let name = line.split([' ', '[', '=']).next().unwrap();
        name.starts_with("--").then(|| name.to_owned())
    };
    let is_item = |line: &&str| line.starts_with("  -") || line.starts_with("      --");
    let names = help.lines().filter(is_item).filter_map(option);
    names.filter(|name| name != "--help").collect()
}

/// The source of the tests, but not of this file, which names everything.
fn tests() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let files = std::fs::read_dir(directory).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let others = files.filter(|file| !file.ends_with("forgotten.rs"));
    others
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect()
}

fn test_file(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    std::fs::read_to_string(directory.join(name).with_extension("rs")).unwrap_or_default()
}

/// Whether the text has this word, such as `sh`, and not only a longer one, such as `fish`.
fn has_word(text: &str, word: &str) -> bool {
    let is_boundary = |c: char| !c.is_alphanumeric() && c != '-' && c != '_';
    text.split(is_boundary).any(|other| other == word)
}

/// The examples of a subcommand's help.
fn examples(subcommand: &str) -> String {
    let help = Sandbox::new().run([subcommand, "--help"]).stdout;
    let (_, examples) = help.split_once("Examples:\n").unwrap_or_default();
    examples.to_owned()
}

/// What `status` tells the users of this shell to run.
fn hint_for(program: &str) -> String {
    let mut sandbox = Sandbox::new();
    sandbox.set("SHELL", format!("/usr/bin/{program}"));
    let status = sandbox.run(["status"]).stdout;
    let row = status
        .lines()
        .find(|line| line.starts_with("integration: "));
    row.unwrap().to_owned()
}

/// The program of a shell in the help.
fn program(shell: &str) -> &str {
    match shell {
        "powershell" => "pwsh",
        "nushell" => "nu",
        "sh" => "bash",
        shell => shell,
    }
}

/// Of `load`, for programs rather than shells: no `SHELL` asks for them. Only Windows tells that the shell is cmd, see
/// `windows`.
const NOT_FOR_A_SHELL: [&str; 5] = ["json", "dotenv", "process", "direnv", "cmd"];

#[test]
fn format_is_in_the_help_the_documents_the_hints_and_the_tests() {
    let mut forgotten = Forgotten::default();
    let man = Sandbox::new().run(["man"]).stdout.replace("\\-", "-");
    let examples = examples("load");
    for format in &values("load") {
        let line = match format.as_str() {
            "sh" => "\"$(aws-mfa load)\"".to_owned(),
            "direnv" => "direnv_load aws-mfa load".to_owned(),
            format => format!("aws-mfa load --format {format}"),
        };
        for (place, text) in [
            ("the examples of `load` in src/cli.rs", examples.as_str()),
            ("the man page", &man),
        ] {
            // A credential_process names its profile.
            let with_profile = line.replace("aws-mfa load", "aws-mfa load -p work");
            let is_there = [&line, &with_profile].iter().any(|it| text.contains(*it));
            forgotten.unless(is_there, &line, place);
        }
        let is_documented = [README, GUIDE].iter().any(|text| {
            text.contains(&line)
                || text.contains(&line.replace("aws-mfa load", "aws-mfa load --profile work"))
        });
        forgotten.unless(is_documented, &line, "README.md or GUIDE.md");
        forgotten.unless(
            man.contains(&format!("\n.IP \\(bu 2\n{format}: ")),
            format,
            "the formats of the man page",
        );
        forgotten.unless(has_word(CHANGELOG, format), format, "CHANGELOG.md");
        forgotten.unless(
            super::formats::printed(format).is_some(),
            format,
            "`printed` in tests/cli/formats.rs",
        );
        if !NOT_FOR_A_SHELL.contains(&format.as_str()) {
            forgotten.unless(
                hint_for(program(format)).contains(&line),
                &line,
                "the hint of src/commands/integration.rs",
            );
        }
    }
    forgotten.nothing();
}

#[test]
fn hook_is_in_the_help_the_documents_the_hints_and_the_tests() {
    let mut forgotten = Forgotten::default();
    let man = Sandbox::new().run(["man"]).stdout.replace("\\-", "-");
    let examples = examples("init");
    let hooks = ["shell", "hooks", "direnv", "sdks"].map(test_file).concat();
    for tool in &values("init") {
        let line = format!("aws-mfa init {tool}");
        for (place, text) in [
            ("the examples of `init` in src/cli.rs", examples.as_str()),
            ("the man page", &man),
        ] {
            forgotten.unless(text.contains(&line), &line, place);
        }
        let is_documented = README.contains(&line) || GUIDE.contains(&line);
        forgotten.unless(is_documented, &line, "README.md or GUIDE.md");
        forgotten.unless(has_word(CHANGELOG, tool), tool, "CHANGELOG.md");
        let is_tested = [format!("init {tool}"), format!("\"init\", \"{tool}\"")];
        forgotten.unless(
            is_tested.iter().any(|call| hooks.contains(call)),
            tool,
            "the tests of the hooks: `init_lines` in tests/cli/shell.rs, and tests/cli/hooks.rs",
        );
        if !["direnv", "aws-config"].contains(&tool.as_str()) {
            forgotten.unless(
                README.contains(&line),
                &line,
                "the table of shells in README.md",
            );
            forgotten.unless(
                hint_for(program(tool)).contains(&line),
                &line,
                "the hint of src/commands/integration.rs",
            );
        }
    }
    for shell in &values("completions") {
        let line = format!("aws-mfa completions {shell}");
        forgotten.unless(GUIDE.contains(&line), &line, "GUIDE.md");
        let tests = test_file("completions");
        let is_tested = [
            format!("completions {shell}"),
            format!("\"completions\", \"{shell}\""),
        ];
        forgotten.unless(
            is_tested.iter().any(|call| tests.contains(call)),
            shell,
            "tests/cli/completions.rs",
        );
    }
    forgotten.nothing();
}

#[test]
fn subcommand_and_its_options_are_in_the_documents_the_completions_and_the_tests() {
    let mut forgotten = Forgotten::default();
    let mut sandbox = Sandbox::new();
    let man = sandbox.run(["man"]).stdout.replace("\\-", "-");
    sandbox.set("AWS_MFA_COMPLETE", "fish");
    let completed = |words: &[&str]| -> BTreeSet<String> {
        let outcome = sandbox.run([&["--", "aws-mfa"], words].concat());
        let lines = outcome.succeeded().lines();
        let names = lines.map(|line| {
            let (name, description) = line.split_once('\t').unwrap_or((line, ""));
            assert!(!description.trim().is_empty(), "{name} has no description");
            name.to_owned()
        });
        names.collect()
    };
    let (tests, main) = (tests(), test_file("main"));
    for subcommand in &subcommands() {
        let line = format!("aws-mfa {subcommand}");
        let is_documented = README.contains(&line) || GUIDE.contains(&line);
        forgotten.unless(is_documented, &line, "README.md or GUIDE.md");
        forgotten.unless(
            examples(subcommand).contains(&line),
            &line,
            "the examples of its help",
        );
        forgotten.unless(has_word(CHANGELOG, subcommand), subcommand, "CHANGELOG.md");
        let section = format!("\n.SS {subcommand}\n");
        let (_, section) = man.split_once(&section).unwrap_or_default();
        let section = section.split("\n.S").next().unwrap();
        forgotten.unless(!section.is_empty(), subcommand, "the man page");
        forgotten.unless(
            completed(&[""]).contains(subcommand),
            subcommand,
            "the completions",
        );
        let file = match subcommand.as_str() {
            "init" => "hooks",
            name => name,
        };
        forgotten.unless(
            main.contains(&format!("\nmod {file};\n")),
            subcommand,
            &format!("tests/cli/{file}.rs"),
        );
        let options = options(subcommand);
        let offered = completed(&[subcommand, "--"]);
        for option in &options {
            let what = format!("{subcommand} {option}");
            // An entry of its own, not a mention in another's description.
            let entry = section.lines().any(|line| {
                line.starts_with("\\fB-")
                    && has_word(&line.replace("\\fB", " ").replace("\\fR", " "), option)
            });
            forgotten.unless(entry, &what, "the man page");
            forgotten.unless(offered.contains(option), &what, "the completions");
            forgotten.unless(has_word(&tests, option), &what, "tests/cli");
        }
    }
    forgotten.nothing();
}

/// The program sets it, or only Windows does.
const NOT_SET_BY_A_TEST: [&str; 4] = [
    "AWS_MFA_INSIDE_COMMAND",
    "COMSPEC",
    "PATHEXT",
    "USERPROFILE",
];

#[test]
fn variable_and_exit_status_are_in_the_man_page_and_the_tests() {
    let mut forgotten = Forgotten::default();
    let man = Sandbox::new().run(["man"]).stdout.replace("\\-", "-");
    let section = |title: &str| {
        let (_, section) = man.split_once(&format!(".SH \"{title}\"\n")).unwrap();
        let section = section.split("\n.SH ").next().unwrap();
        let terms = section.lines().filter_map(|line| {
            let term = line.strip_prefix("\\fB")?;
            Some(term.strip_suffix("\\fR")?.to_owned())
        });
        terms.collect::<Vec<String>>()
    };
    let tests = tests();
    let variables = section("ENVIRONMENT");
    assert!(variables.len() > 40, "{variables:?}");
    for variable in &variables {
        if !NOT_SET_BY_A_TEST.contains(&variable.as_str()) {
            forgotten.unless(has_word(&tests, variable), variable, "tests/cli");
        }
    }
    let statuses = section("EXIT STATUS");
    let kinds = include_str!("../../src/error.rs");
    let kinds = kinds.lines().filter_map(|line| {
        let (_, status) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        status.parse::<u8>().is_ok().then_some(status)
    });
    let kinds: Vec<&str> = kinds.collect();
    assert!(kinds.len() >= 6, "{kinds:?}");
    for status in ["0"].iter().chain(&kinds) {
        forgotten.unless(
            statuses.iter().any(|known| known == status),
            status,
            "the exit statuses of the man page",
        );
    }
    forgotten.nothing();
}

#[test]
fn check_of_doctor_is_in_the_help_the_documents_and_the_tests() {
    let mut forgotten = Forgotten::default();
    let sts = FakeSts::start();
    let mut sandbox = Sandbox::with_user(&sts);
    sandbox.set("AWS_ENDPOINT_URL_IAM", sts.url());
    let report = sandbox.run(["doctor", "--roles", "--json"]).stdout;
    let report: Value = serde_json::from_str(&report).unwrap();
    let mut checks: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["check"].as_str().unwrap())
        .collect();
    checks.dedup();
    assert!(checks.len() > 9, "{checks:?}");

    let (_, table) = GUIDE
        .split_once("| check | what it looks at |\n|---|---|\n")
        .unwrap();
    let rows = table
        .lines()
        .map_while(|row| row.strip_prefix("| ")?.split(" |").next());
    let rows: Vec<&str> = rows.collect();
    let help = sandbox.run(["doctor", "--help"]).stdout;
    let man = sandbox.run(["man"]).stdout;
    let (_, fields) = man.split_once("\\fBfindings[].check\\fR\n").unwrap();
    let fields = fields.lines().next().unwrap();
    let tests = test_file("doctor");
    for check in &checks {
        forgotten.unless(rows.contains(check), check, "the table in GUIDE.md");
        forgotten.unless(
            has_word(&help, check),
            check,
            "`doctor --help`, in src/cli.rs",
        );
        forgotten.unless(
            has_word(fields, check),
            check,
            "the fields of `doctor --json` in the manual",
        );
        let is_tested = ["ok", "warning", "error", "skipped"]
            .iter()
            .any(|mark| tests.contains(&format!("{mark:7} {check}: ")));
        forgotten.unless(is_tested, check, "tests/cli/doctor.rs");
    }
    forgotten.nothing();
    assert_eq!(rows, checks, "in the order of the guide");
}

/// Each recipe names the test that tells what was forgotten.
#[test]
fn tests_that_the_recipes_name_exist() {
    let words = CONTRIBUTING.split('`').skip(1).step_by(2);
    let named = words.filter_map(|word| word.strip_prefix("forgotten::"));
    let named: BTreeSet<&str> = named.collect();
    let here = include_str!("forgotten.rs");
    for name in &named {
        assert!(here.contains(&format!("\nfn {name}() {{\n")), "{name}");
    }
    assert_eq!(named.len(), 5, "{named:?}");
}
