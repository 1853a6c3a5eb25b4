//! No test passes without testing.

use std::path::Path;

/// A `return` in a loop skips the rest of it too, and where the system is another one, a test belongs behind `cfg`, so that
/// it is not counted.
#[test]
fn tests_skip_one_round_of_a_loop_and_do_not_pass_on_another_system() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    for directory in ["cli", "soak"] {
        for file in std::fs::read_dir(tests.join(directory)).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for number in returns(&text) {
                found.push(format!("{}:{number}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// The numbers of the lines that return nothing from within a loop, or if the system is another one.
fn returns(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    // The indentation of the blocks that are open.
    let mut blocks: Vec<usize> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        if code == "}" || code.starts_with("} ") {
            blocks.retain(|block| *block < indentation);
        }
        let begins = |beginnings: &[&str]| beginnings.iter().any(|begin| code.starts_with(begin));
        if begins(&["fn ", "pub fn "]) {
            blocks.clear();
        } else if begins(&["for ", "while ", "if cfg!(", "if !cfg!("]) {
            blocks.push(indentation);
        }
        if !blocks.is_empty() && (code == "return;" || code.ends_with("{ return };")) {
            found.push(number + 1);
        }
    }
    found
}

#[test]
fn return_in_a_loop_is_found() {
    let text = "fn one() {
    if !cfg!(unix) {
        leave;
    }
    for kind in [
        1,
        2,
    ] {
        let Some(tool) = tool() else { leave };
        if kind {
            leave;
        }
    }
    if tool.is_none() {
        leave;
    }
}
";
    let text = text.replace("leave", "return");
    assert_eq!(returns(&text), [3, 9, 11]);
}
