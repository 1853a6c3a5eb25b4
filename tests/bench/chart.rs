//! The chart in .github/SPEED.md: a bar for each program, one panel for `load` and one for `get`.

use super::report::Row;
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
/// Where the bars begin, after their labels.
const LEFT: f64 = 190.0;
/// Room for the number after the longest bar.
const RIGHT: f64 = 90.0;
const LINE: f64 = 26.0;

struct Panel {
    title: &'static str,
    bars: Vec<(String, f64)>,
}

/// The rows as an SVG picture.
pub fn svg(rows: &[Row]) -> String {
    let panels = [load(rows), get(rows)];
    let lines: usize = panels.iter().map(|panel| panel.bars.len() + 2).sum();
    let height = lines as f64 * LINE + 16.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"14\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let mut y = LINE;
    for panel in panels {
        y = draw(&panel, y, &mut text);
    }
    text.push_str("</svg>\n");
    text
}

/// The time of `load` for direnv in a small environment, and of the other programs.
fn load(rows: &[Row]) -> Panel {
    let here: Vec<&Row> = rows
        .iter()
        .filter(|row| row.command == "load --format direnv" && row.scene == "4 kB")
        .collect();
    bars(
        "load in an .envrc, environment of 4 kB: milliseconds",
        &here,
        |row| (row.comparison.ours.wall, row.comparison.theirs.wall),
    )
}

/// The CPU time of `get`, and of the other programs.
fn get(rows: &[Row]) -> Panel {
    let here: Vec<&Row> = rows
        .iter()
        .filter(|row| row.command == "get" && row.scene.contains("roots"))
        .collect();
    bars(
        "get over HTTPS with the system's roots: milliseconds of CPU",
        &here,
        |row| (row.comparison.ours.cpu, row.comparison.theirs.cpu),
    )
}

/// One bar for each program, the fastest first.
fn bars(title: &'static str, rows: &[&Row], costs: fn(&Row) -> (f64, f64)) -> Panel {
    let mut bars: Vec<(String, f64)> = Vec::new();
    for row in rows {
        let (ours, theirs) = costs(row);
        let both = [
            (format!("aws-mfa ({})", row.build), ours),
            (row.against.clone(), theirs),
        ];
        for (name, cost) in both {
            if !bars.iter().any(|(known, _)| *known == name) {
                bars.push((name, cost));
            }
        }
    }
    bars.sort_by(|left, right| left.1.total_cmp(&right.1));
    Panel { title, bars }
}

fn draw(panel: &Panel, mut y: f64, text: &mut String) -> f64 {
    writeln!(
        text,
        "<text x=\"12\" y=\"{y}\" font-weight=\"bold\" fill=\"#1f2328\">{}</text>",
        panel.title
    )
    .unwrap();
    let longest = panel
        .bars
        .iter()
        .map(|(_, cost)| *cost)
        .fold(1e-9, f64::max);
    for (name, cost) in &panel.bars {
        y += LINE;
        let width = (cost / longest * (WIDTH - LEFT - RIGHT)).max(1.0);
        let colour = if name.starts_with("aws-mfa") {
            "#1a7f37"
        } else {
            "#8c959f"
        };
        writeln!(
            text,
            "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\" fill=\"#1f2328\">{name}</text>\n\
             <rect x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"18\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{y}\" fill=\"#1f2328\">{}</text>",
            LEFT - 8.0,
            y - 14.0,
            LEFT + width + 6.0,
            if *cost < 10.0 {
                format!("{cost:.2}")
            } else {
                format!("{cost:.0}")
            },
        )
        .unwrap();
    }
    y + 2.0 * LINE
}
