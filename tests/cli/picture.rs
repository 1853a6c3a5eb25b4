//! The demo as an animated SVG: two terminals whose lines appear one after the other.

use super::story::Line;
use std::fmt::Write as _;

const COLUMNS: usize = 88;
const CHARACTER: f64 = 8.4;
const ROW: usize = 19;
const MARGIN: usize = 14;
/// The height of the title bar above each terminal.
const BAR: usize = 26;
/// The pauses before typing, before the answer and after it, in seconds.
const TYPE: f64 = 0.6;
const ANSWER: f64 = 0.8;
const READ: f64 = 1.8;
/// How long the last frame stays, in seconds.
const END: f64 = 5.0;

/// A row of a terminal, and when it appears.
struct Row {
    second: f64,
    class: &'static str,
    text: String,
}

/// The picture.
pub fn svg(story: &[Line]) -> String {
    let shells = 1 + story
        .iter()
        .map(|line| line.shell)
        .max()
        .unwrap_or_default();
    let mut terminals: Vec<Vec<Row>> = (0..shells).map(|_| Vec::new()).collect();
    let mut second = 0.5;
    for line in story {
        let mut show = |second, class, text: String| {
            terminals[line.shell].push(Row {
                second,
                class,
                text,
            });
        };
        second += TYPE;
        show(second, "typed", format!("$ {}", line.typed));
        second += ANSWER;
        for text in line.shown.lines() {
            let class = match text.split_once(": ") {
                Some(("direnv", _)) => "direnv",
                Some(("aws-mfa", _)) => "notice",
                _ => "shown",
            };
            for text in wrapped(text) {
                show(second, class, text);
            }
        }
        second += READ;
    }
    let length = second + END;

    let width = (COLUMNS as f64 * CHARACTER) as usize + 2 * MARGIN;
    let heights: Vec<usize> = terminals
        .iter()
        .map(|rows| BAR + rows.len() * ROW + 2 * MARGIN)
        .collect();
    let height = heights.iter().sum::<usize>() + MARGIN * (shells - 1);
    let (mut styles, mut drawing) = (String::new(), String::new());
    let (mut top, mut number) = (0, 0);
    for (shell, rows) in terminals.iter().enumerate() {
        writeln!(
            drawing,
            "<rect y=\"{top}\" width=\"{width}\" height=\"{}\" rx=\"8\" fill=\"#0d1117\"/>\n\
             <text x=\"{MARGIN}\" y=\"{}\" class=\"bar\">shell {}</text>",
            heights[shell],
            top + 20,
            shell + 1
        )
        .unwrap();
        for (index, row) in rows.iter().enumerate() {
            let start = 100.0 * row.second / length;
            writeln!(
                styles,
                "@keyframes r{number}{{0%,{start:.2}%{{opacity:0}}{:.2}%,100%{{opacity:1}}}}\n\
                 #r{number}{{animation:r{number} {length:.1}s infinite}}",
                start + 0.01,
            )
            .unwrap();
            writeln!(
                drawing,
                "<text id=\"r{number}\" class=\"{}\" x=\"{MARGIN}\" y=\"{}\" xml:space=\"preserve\">{}</text>",
                row.class,
                top + BAR + MARGIN + index * ROW + 12,
                escaped(&row.text)
            )
            .unwrap();
            number += 1;
        }
        top += heights[shell] + MARGIN;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n\
         <title>One MFA code, typed in one shell, gives both shells a session</title>\n\
         <desc>Made by the example demo, as CONTRIBUTING.md says</desc>\n\
         <style>\n\
         text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#e6edf3}}\n\
         .bar{{fill:#8b949e}}.typed{{fill:#7ee787}}.direnv{{fill:#8b949e}}.notice{{fill:#e3b341}}\n\
         {styles}\
         @media (prefers-reduced-motion:reduce){{text{{animation:none!important}}}}\n\
         </style>\n{drawing}</svg>\n"
    )
}

/// A line wrapped for a terminal of this width.
fn wrapped(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    characters
        .chunks(COLUMNS)
        .map(|row| row.iter().collect())
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
