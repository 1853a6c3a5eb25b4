//! What the header of a section names.

use std::borrow::Cow;

/// The two files of `~/.aws`, which name profiles differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `[work]` is a profile, and nothing but profiles is there.
    Credentials,
    /// `[profile work]` is a profile, and other sections have other prefixes.
    Config,
}

/// What a section is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// A profile.
    Profile,
    /// `[sso-session x]` in the config file.
    SsoSession,
    /// `[services x]` in the config file.
    Services,
    /// `[DEFAULT]`: what the file's other sections lack is looked up there, as Python's configparser does.
    Fallback,
    /// A section that counts for nothing.
    Ignored,
    /// A header without `]`, without a name, or not in UTF-8. Its keys belong to nobody.
    Broken,
}

/// The first words of the headers in the config file.
const PREFIXES: [(&str, SectionKind); 3] = [
    ("profile", SectionKind::Profile),
    ("sso-session", SectionKind::SsoSession),
    ("services", SectionKind::Services),
];

/// What the header, without its brackets, means in this file.
pub fn parse(header: &str, file: FileKind) -> (SectionKind, String) {
    let of_config = || {
        let words = words(header)?;
        let [prefix, name] = <[Cow<str>; 2]>::try_from(words).ok()?;
        let mut prefixes = PREFIXES.into_iter();
        let (_, kind) = prefixes.find(|(word, _)| *word == prefix && header.starts_with(word))?;
        Some((kind, name.into_owned()))
    };
    let kind = match (file, header) {
        (_, "DEFAULT") => SectionKind::Fallback,
        (_, "default") => SectionKind::Profile,
        (FileKind::Config, _) => {
            return of_config().unwrap_or_else(|| (SectionKind::Ignored, header.to_owned()));
        }
        (FileKind::Credentials, _) if of_config().is_some() => SectionKind::Ignored,
        (FileKind::Credentials, _) => SectionKind::Profile,
    };
    (kind, header.to_owned())
}

/// The section of the profile `name`, as it is written in this file.
pub fn section(name: &str, file: FileKind) -> String {
    match file {
        FileKind::Config if name != "default" => format!("[profile {}]", quoted(name)),
        _ => format!("[{name}]"),
    }
}

/// The section that the ignored header was probably meant to be.
pub fn meant(header: &str, file: FileKind) -> String {
    let with_prefix = PREFIXES.iter().find_map(|(word, _)| {
        let name = header.strip_prefix(word)?;
        let name = name.strip_prefix([' ', '\t'])?.trim();
        Some((*word, name))
    });
    let unquoted = |name: &str| match words(name).as_deref() {
        Some([word]) => word.clone().into_owned(),
        _ => name.to_owned(),
    };
    match (file, with_prefix) {
        (FileKind::Credentials, Some((_, name))) => format!("[{}]", unquoted(name)),
        (FileKind::Config, Some((prefix, name))) => {
            format!("[{prefix} {}]", quoted(&unquoted(name)))
        }
        (_, None) => section(&unquoted(header), file),
    }
}

/// A word for the header of a section in the config file.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !"'\"\\[]#;".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if word.contains('\'') {
        let escaped = word.replace('\\', r"\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    } else {
        format!("'{word}'")
    }
}

/// The words of a text, as a POSIX shell splits them; `None` if a quote is open. Exactly Python's `shlex.split`, which
/// reads the headers for the AWS CLI: `#` begins no comment, and only `\` and `"` are escaped in double quotes.
fn words(text: &str) -> Option<Vec<Cow<'_, str>>> {
    const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
    if !text
        .bytes()
        .any(|byte| matches!(byte, b'\'' | b'"' | b'\\'))
    {
        let words = text.split(SPACE).filter(|word| !word.is_empty());
        return Some(words.map(Cow::from).collect());
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let literal = match (quote, character) {
            (Some(open), _) if open == character => {
                quote = None;
                continue;
            }
            (Some('"'), '\\') => {
                let escaped = characters.next()?;
                if !matches!(escaped, '"' | '\\') {
                    word.get_or_insert_default().push('\\');
                }
                escaped
            }
            (Some(_), _) => character,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
                continue;
            }
            (None, '\\') => characters.next()?,
            (None, space) if SPACE.contains(&space) => {
                words.extend(word.take().map(Cow::from));
                continue;
            }
            (None, _) => character,
        };
        word.get_or_insert_default().push(literal);
    }
    words.extend(word.map(Cow::from));
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileKind::{Config, Credentials};

    #[test]
    fn header_names_a_profile_as_the_aws_cli_reads_it() {
        for (header, name) in [
            ("default", Some("default")),
            ("profile work", Some("work")),
            ("profile\t work", Some("work")),
            ("profile 'my work'", Some("my work")),
            ("profile \"work\"", Some("work")),
            (r"profile my\ work", Some("my work")),
            (r#"profile "a\"b\$""#, Some(r#"a"b\$"#)),
            ("profile '#1'", Some("#1")),
            ("profile #1", Some("#1")),
            ("'profile' a", None),
            ("profile default", Some("default")),
            ("work", None),
            ("profile a b", None),
            ("profile it's", None),
            ("profile a\\", None),
            ("profilex a", None),
            ("profile\u{a0}a", None),
            ("Profile a", None),
            ("plugins", None),
            ("DEFAULT", None),
        ] {
            let (kind, found) = parse(header, Config);
            let found = (kind == SectionKind::Profile).then_some(found);
            assert_eq!(found.as_deref(), name, "{header}");
        }
        for (header, is_profile) in [
            ("work", true),
            ("my work", true),
            ("'work'", true),
            ("profile", true),
            ("profile a b", true),
            ("profile work", false),
            ("sso-session work", false),
            ("DEFAULT", false),
        ] {
            let (kind, found) = parse(header, Credentials);
            assert_eq!(kind == SectionKind::Profile, is_profile, "{header}");
            assert_eq!(found, header);
        }
    }

    #[test]
    fn section_is_read_back_as_its_profile() {
        for name in [
            "work", "my work", "it's", "a\"b", r"a\b", "a'\"\\b", "#1", "a;b", "a]b", "default",
            "é",
        ] {
            let section = section(name, Config);
            let header = section
                .strip_prefix('[')
                .unwrap()
                .strip_suffix(']')
                .unwrap();
            let (kind, found) = parse(header, Config);
            assert!(kind == SectionKind::Profile, "{section}");
            assert_eq!(found, name, "{section}");
        }
        assert_eq!(section("My Team", Config), "[profile 'My Team']");
        assert_eq!(section("My Team", Credentials), "[My Team]");
    }

    #[test]
    fn ignored_header_has_a_remedy() {
        for (file, header, meant_) in [
            (Config, "work", "[profile work]"),
            (Config, "my work", "[profile 'my work']"),
            (Config, "profile my work", "[profile 'my work']"),
            (Config, "profile it's", "[profile \"it's\"]"),
            (Config, "services a b", "[services 'a b']"),
            (Credentials, "profile work", "[work]"),
            (Credentials, "profile 'my work'", "[my work]"),
        ] {
            assert_eq!(meant(header, file), meant_, "{header}");
        }
    }
}
