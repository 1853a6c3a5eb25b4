//! The rules for file names on a system.

/// What a system allows in a file name, and what it does not distinguish.
#[derive(Clone, Copy)]
pub struct FileNames {
    /// `Work` and `work` are one file. The system has its own tables for non-ASCII letters.
    ignore_case: bool,
    /// Some characters and names are reserved, and trailing dots and spaces are dropped, see
    /// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>.
    are_windows: bool,
}

impl FileNames {
    /// This system's rules.
    pub const HERE: FileNames = FileNames {
        ignore_case: cfg!(any(windows, target_vendor = "apple")),
        are_windows: cfg!(windows),
    };

    /// `name` as part of a file name, after a prefix such as `session-`. Characters that the system does not allow or does
    /// not distinguish are percent-encoded, and so is `%`: no two names share a file.
    pub fn encode(self, name: &str) -> String {
        let kept = match self.are_windows {
            true => name.trim_end_matches(['.', ' ']).len(),
            false => name.len(),
        };
        let mut encoded = String::with_capacity(name.len());
        for (position, character) in name.char_indices() {
            let encode = "%/\\".contains(character)
                || self.ignore_case && (character.is_ascii_uppercase() || !character.is_ascii())
                || self.are_windows && (position >= kept || is_reserved(character));
            if encode {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            } else {
                encoded.push(character);
            }
        }
        encoded
    }

    /// Whether a file can have this name. On Windows, `NUL` is a device, `a:b` is a stream of the file `a`, and `a.` is
    /// the file `a`.
    pub fn allow(self, name: &str) -> bool {
        !self.are_windows
            || !(name.contains(is_reserved) || name.ends_with(['.', ' ']) || is_device(name))
    }
}

fn is_reserved(character: char) -> bool {
    character < ' ' || "<>:\"|?*".contains(character)
}

/// Whether `name` is a device on Windows, in any directory and with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let stem = stem.to_ascii_uppercase();
    let port = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str())
        || port
            .is_some_and(|number| number.chars().count() == 1 && "0123456789¹²³".contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIX: FileNames = FileNames {
        ignore_case: false,
        are_windows: false,
    };
    const MACOS: FileNames = FileNames {
        ignore_case: true,
        are_windows: false,
    };
    const WINDOWS: FileNames = FileNames {
        ignore_case: true,
        are_windows: true,
    };

    #[test]
    fn names_that_a_system_confuses_are_encoded_there() {
        for (name, on_unix, on_macos, on_windows) in [
            ("work", "work", "work", "work"),
            ("Work", "Work", "%57ork", "%57ork"),
            ("Ä/b%", "Ä%2Fb%25", "%C3%84%2Fb%25", "%C3%84%2Fb%25"),
            // On macOS, the composed and the decomposed letter are one file, and so are the two small sigmas.
            ("é", "é", "%C3%A9", "%C3%A9"),
            ("e\u{301}", "e\u{301}", "e%CC%81", "e%CC%81"),
            ("ς", "ς", "%CF%82", "%CF%82"),
            ("a:b?.", "a:b?.", "a:b?.", "a%3Ab%3F%2E"),
            ("a. .", "a. .", "a. .", "a%2E%20%2E"),
            (
                "<>\"|*\u{1f}",
                "<>\"|*\u{1f}",
                "<>\"|*\u{1f}",
                "%3C%3E%22%7C%2A%1F",
            ),
        ] {
            assert_eq!(UNIX.encode(name), on_unix);
            assert_eq!(MACOS.encode(name), on_macos);
            assert_eq!(WINDOWS.encode(name), on_windows);
        }
    }

    #[test]
    fn encoded_name_is_allowed_and_of_one_name_only() {
        let names = [
            "work", "Work", "wORK", "%57ork", "con", "CON", "nul.txt", "a", "a.", "a ", "a:b", "ß",
            "ss", "ſ", "s", "ı", "i", "İ", "K", "k", "a\\b", "a/b", "*", "?", "\u{0}", "",
        ];
        let mut files = std::collections::BTreeSet::new();
        for name in names {
            let file = format!("session-{}", WINDOWS.encode(name));
            assert!(WINDOWS.allow(&file), "{file}");
            assert!(files.insert(file.to_lowercase()), "{name}");
        }
    }

    #[test]
    fn reserved_names_are_not_allowed_on_windows() {
        for name in [
            "CON",
            "nul",
            "NUL.txt",
            "aux .json",
            "com1",
            "LPT9.a.b",
            "COM¹",
            "conin$",
            "a:b",
            "a?",
            "a*",
            "a|b",
            "a<b",
            "a>b",
            "a\"b",
            "a\tb",
            "a.",
            "a ",
            "...",
        ] {
            assert!(!WINDOWS.allow(name), "{name}");
            assert!(UNIX.allow(name) && MACOS.allow(name), "{name}");
        }
        for name in [
            "session",
            "session-CON",
            "console",
            "com",
            "com10",
            "COMA",
            "lpt",
            "nulls",
            ".con",
            "a b",
            "a.b",
            "ä",
            "",
        ] {
            assert!(WINDOWS.allow(name), "{name}");
        }
    }
}
