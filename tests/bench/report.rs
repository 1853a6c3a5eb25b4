//! The rows as tables for people, and as CSV.

use super::Build;
use super::measure::Comparison;
use std::fmt::Write as _;

/// One comparison with its labels.
pub struct Row {
    /// The subcommand of `aws-mfa`.
    pub command: String,
    /// Which build of it.
    pub build: &'static str,
    /// The size of the environment, or how STS was reached.
    pub scene: String,
    /// The other program.
    pub against: String,
    /// The measurement.
    pub comparison: Comparison,
}

/// The programs compared with `load`, in the order of the columns.
const LOAD_COLUMNS: [&str; 4] = ["/bin/true", "cat", "direnv dump", "the scripts"];

/// One line for each command, build and scene; the columns are the ratios to the others.
pub fn tables(rows: &[Row]) -> String {
    let mut text = String::from(
        "| `load` | build | environment | time | of `/bin/true`'s | of `cat`'s | of `direnv dump`'s | of the scripts' | memory | instructions |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for group in groups(rows, "load") {
        let first = &group[0];
        let cells = LOAD_COLUMNS.map(|column| {
            find(group, column).map_or(String::new(), |row| ratio(row.comparison.wall_ratio))
        });
        let format = first.command.replace("load --format ", "");
        writeln!(
            text,
            "| {format} | {} | {} | {} | {} | {} | {} |",
            first.build,
            first.scene,
            milliseconds(first.comparison.ours.wall),
            cells.join(" | "),
            mebibytes(first.comparison.ours.memory),
            count(first.comparison.ours.instructions),
        )
        .unwrap();
    }
    text.push_str(
        "\n| `get` | build | CPU time | of curl's | of the AWS CLI's | time | of curl's | of the AWS CLI's | memory | curl's |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for group in groups(rows, "get") {
        let first = &group[0];
        let (curl, cli) = (find(group, "curl"), find(group, "the AWS CLI"));
        let cell = |row: Option<&Row>, of: fn(&Comparison) -> f64| {
            row.map_or(String::new(), |row| ratio(of(&row.comparison)))
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            first.scene,
            first.build,
            milliseconds(first.comparison.ours.cpu),
            cell(curl, |comparison| comparison.cpu_ratio),
            cell(cli, |comparison| comparison.cpu_ratio),
            milliseconds(first.comparison.ours.wall),
            cell(curl, |comparison| comparison.wall_ratio),
            cell(cli, |comparison| comparison.wall_ratio),
            mebibytes(first.comparison.ours.memory),
            mebibytes(curl.and_then(|row| row.comparison.theirs.memory)),
        )
        .unwrap();
    }
    text.push_str("\n| `exec -- true` | build | time | of `env true`'s |\n|---|---|---|---|\n");
    for row in rows.iter().filter(|row| row.command.starts_with("exec")) {
        writeln!(
            text,
            "| {} | {} | {} | {} |",
            row.scene,
            row.build,
            milliseconds(row.comparison.ours.wall),
            ratio(row.comparison.wall_ratio)
        )
        .unwrap();
    }
    for (command, title) in [
        (
            "prompt",
            "\n| prompt hook | build | time | beside | ratio |\n|---|---|---|---|---|\n",
        ),
        (
            "reload",
            "\n| direnv's reload of an .envrc | build | time | beside | ratio |\n|---|---|---|---|---|\n",
        ),
    ] {
        text.push_str(title);
        for row in rows.iter().filter(|row| row.command == command) {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                row.scene,
                row.build,
                milliseconds(row.comparison.ours.wall),
                row.against,
                ratio(row.comparison.wall_ratio)
            )
            .unwrap();
        }
    }
    text
}

/// Groups adjacent rows with the same command, build and scene.
fn groups<'a>(rows: &'a [Row], command: &'a str) -> impl Iterator<Item = &'a [Row]> {
    rows.chunk_by(|left, right| {
        (&left.command, left.build, &left.scene) == (&right.command, right.build, &right.scene)
    })
    .filter(move |group| group[0].command.starts_with(command))
}

fn find<'a>(rows: &'a [Row], against: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.against == against)
}

/// The project's goals, and this run's results.
pub fn targets(rows: &[Row], builds: &[Build], crates: usize) -> String {
    let mut text = String::from("\n");
    let mut line = |what: &str, value: f64, limit: f64| {
        let verdict = if value <= limit { "met" } else { "MISSED" };
        writeln!(text, "{verdict:6}  {what}: {value:.3} (at most {limit})").unwrap();
    };
    let smallest = |row: &&Row| row.scene == "4 kB" && row.command.starts_with("load");
    for row in rows.iter().filter(smallest) {
        let limit = match (row.build, row.against.as_str()) {
            ("static", "cat") => 0.90,
            ("static", "/bin/true") => 1.25,
            ("plain", "cat") => 1.45,
            _ => continue,
        };
        let what = format!("{} {}, of {}", row.build, row.command, row.against);
        line(&what, row.comparison.wall_ratio, limit);
    }
    for row in rows.iter().filter(|row| row.command.starts_with("load")) {
        let limit = match row.against.as_str() {
            "the scripts" => 1.0 / 40.0,
            "direnv dump" => 1.0,
            _ => continue,
        };
        let what = format!("{} {}, of {}", row.build, row.scene, row.against);
        line(&what, row.comparison.wall_ratio, limit);
    }
    for row in rows.iter().filter(|row| row.against == "curl") {
        let what = |what: &str| format!("{} get, {}: {what}", row.build, row.scene);
        match row.scene.as_str() {
            "HTTP" => line(&what("CPU of curl's"), row.comparison.cpu_ratio, 0.55),
            "HTTPS, the system's roots" => {
                line(&what("CPU of curl's"), row.comparison.cpu_ratio, 0.25);
            }
            _ => {}
        }
        let (ours, theirs) = (row.comparison.ours.memory, row.comparison.theirs.memory);
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            line(&what("memory of curl's"), ours as f64 / theirs as f64, 1.0);
        }
    }
    for row in rows.iter().filter(|row| row.build == "static") {
        let limit = match (row.command.as_str(), row.against.as_str()) {
            ("prompt", "/bin/true") => 1.6,
            ("reload", _) if row.scene.starts_with("use aws_mfa") => 1.25,
            _ => continue,
        };
        line(
            &format!("{}, {}, of {}", row.command, row.scene, row.against),
            row.comparison.wall_ratio,
            limit,
        );
    }
    for build in builds {
        let size = std::fs::metadata(&build.binary).unwrap().len();
        line(
            &format!("{} binary, MB", build.name),
            size as f64 / 1e6,
            6.5,
        );
    }
    line("crates", crates as f64, 170.0);
    for build in builds {
        growth(rows, build.name, &mut text);
    }
    text
}

/// Nanoseconds per additional byte of the environment, from the small to the middle one and from the middle to the large
/// one. They are equal if the time grows linearly.
fn growth(rows: &[Row], build: &str, text: &mut String) {
    for (who, of) in [
        (
            "load --format direnv",
            (|comparison| comparison.ours.wall) as fn(&Comparison) -> f64,
        ),
        ("direnv dump", |comparison| comparison.theirs.wall),
    ] {
        let times: Vec<f64> = rows
            .iter()
            .filter(|row| row.build == build && row.against == "direnv dump")
            .map(|row| of(&row.comparison))
            .collect();
        if let [small, middle, large] = times[..] {
            writeln!(
                text,
                "growth  {build} {who}: {:.2} ns a byte up to 100 kB, {:.2} from there to 1 MB",
                (middle - small) * 1e6 / 96_000.0,
                (large - middle) * 1e6 / 900_000.0
            )
            .unwrap();
        }
    }
}

/// Every row with all measurements.
pub fn csv(rows: &[Row]) -> String {
    let mut text = String::from(
        "command,build,scene,against,pairs,wall_ms,against_wall_ms,wall_ratio,wall_ratio_q1,wall_ratio_q3,\
         cpu_ms,against_cpu_ms,cpu_ratio,memory_kib,against_memory_kib,instructions,against_instructions\n",
    );
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    for row in rows {
        let comparison = &row.comparison;
        let (ours, theirs) = (comparison.ours, comparison.theirs);
        writeln!(
            text,
            "{},{},\"{}\",{},{},{:.3},{:.3},{:.3},{:.3},{:.3},{:.3},{:.3},{:.3},{},{},{},{}",
            row.command,
            row.build,
            row.scene,
            row.against,
            comparison.pairs,
            ours.wall,
            theirs.wall,
            comparison.wall_ratio,
            comparison.quartiles.0,
            comparison.quartiles.1,
            ours.cpu,
            theirs.cpu,
            comparison.cpu_ratio,
            number(ours.memory),
            number(theirs.memory),
            number(ours.instructions),
            number(theirs.instructions),
        )
        .unwrap();
    }
    text
}

fn ratio(value: f64) -> String {
    match value {
        0.0..0.1 => format!("1/{:.0}", 1.0 / value),
        _ => format!("{value:.2}"),
    }
}

fn milliseconds(value: f64) -> String {
    format!("{value:.2} ms")
}

fn mebibytes(kib: Option<u64>) -> String {
    kib.map_or(String::new(), |kib| {
        format!("{:.1} MiB", kib as f64 / 1024.0)
    })
}

fn count(instructions: Option<u64>) -> String {
    instructions.map_or(String::new(), |count| {
        format!("{:.2} M", count as f64 / 1e6)
    })
}
