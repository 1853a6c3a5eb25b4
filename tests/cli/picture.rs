//! The demo as an animated SVG: two terminals whose lines appear one after the other.

use super::story::{COLUMNS, Part, keys, wrapped};
use std::fmt::Write as _;

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
pub fn svg(story: &[Part]) -> String {
    let mut terminals: [Vec<Row>; 2] = Default::default();
    let mut second = 0.5;
    let mut shell = 0;
    for (index, part) in story.iter().enumerate() {
        // What is told stands in the shell where the next line is typed.
        let next = story[index..].iter().find_map(|part| match part {
            Part::Type(shell, _) => Some(*shell),
            _ => None,
        });
        let (pause, class, text) = match part {
            Part::Say(text) => {
                shell = next.unwrap_or(shell);
                (TYPE, "told", format!("# {text}"))
            }
            Part::Type(number, line) => {
                shell = *number;
                (TYPE, "typed", format!("$ {}", keys(line)))
            }
            Part::Show(text) => (ANSWER, "shown", text.clone()),
        };
        second += pause;
        for line in text.lines() {
            let class = match line.starts_with("aws-mfa: ") {
                true => "notice",
                false => class,
            };
            terminals[shell].extend(wrapped(line, COLUMNS).into_iter().map(|text| Row {
                second,
                class,
                text,
            }));
        }
        if class == "shown" {
            second += READ;
        }
    }
    let length = second + END;

    let width = (COLUMNS as f64 * CHARACTER) as usize + 2 * MARGIN;
    let heights: Vec<usize> = terminals
        .iter()
        .map(|rows| BAR + rows.len() * ROW + 2 * MARGIN)
        .collect();
    let height = heights.iter().sum::<usize>() + MARGIN * (terminals.len() - 1);
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
         <title>One MFA code, typed in one shell, gives both shells a session, and a role</title>\n\
         <desc>Made by the example demo, as CONTRIBUTING.md says</desc>\n\
         <style>\n\
         text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#e6edf3}}\n\
         .bar,.told{{fill:#8b949e}}.typed{{fill:#7ee787}}.notice{{fill:#e3b341}}\n\
         {styles}\
         @media (prefers-reduced-motion:reduce){{text{{animation:none!important}}}}\n\
         </style>\n{drawing}</svg>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
