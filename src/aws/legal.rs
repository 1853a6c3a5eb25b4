//! What STS and IAM accept: the lengths and the characters in their API models, in one table.

use std::fmt;

/// The legal values of a parameter: so many letters, digits and other characters, all of them ASCII unless said otherwise.
pub struct Legal {
    least: usize,
    most: usize,
    others: &'static str,
    has_every_script: bool,
}

/// SerialNumber.
pub const SERIAL_NUMBER: Legal = Legal::new(9, 256, "_+=/:,.@-");

/// RoleSessionName.
pub const SESSION_NAME: Legal = Legal::new(2, 64, "_+=,.@-");

/// ExternalId.
pub const EXTERNAL_ID: Legal = Legal::new(2, 1224, "_+=,.@:/-");

/// SourceIdentity.
pub const SOURCE_IDENTITY: Legal = Legal::new(2, 256, "_+=,.@-");

/// The key of a session tag.
pub const TAG_KEY: Legal = Legal::new(1, 128, "_.:/=+@-").in_every_script();

/// The value of a session tag.
pub const TAG_VALUE: Legal = Legal::new(0, 256, "_.:/=+@-").in_every_script();

/// The most session tags in a request.
pub const MOST_TAGS: usize = 50;

/// The name of a role, without its path.
pub const ROLE_NAME: Legal = Legal::new(1, 64, "_+=,.@-");

/// The name of a user, without its path.
pub const USER_NAME: Legal = Legal::new(1, 128, "_+=,.@-");

/// The id of an access key. AWS's have at least 16 characters; emulators' are shorter.
pub const ACCESS_KEY_ID: Legal = Legal::new(1, 128, "_");

impl Legal {
    const fn new(least: usize, most: usize, others: &'static str) -> Self {
        Legal {
            least,
            most,
            others,
            has_every_script: false,
        }
    }

    /// The same with the letters, digits and spaces of every script. std cannot tell a letter from the marks that belong to
    /// some, so AWS may still refuse one of these.
    const fn in_every_script(self) -> Self {
        Legal {
            has_every_script: true,
            ..self
        }
    }

    /// Whether the value is legal.
    pub fn accepts(&self, value: &str) -> bool {
        (self.least..=self.most).contains(&value.chars().count())
            && value.chars().all(|c| self.allows(c))
    }

    /// Whether a legal value may have this character.
    pub fn allows(&self, character: char) -> bool {
        let is_of_a_script =
            character.is_alphanumeric() || character.is_whitespace() && !character.is_control();
        character.is_ascii_alphanumeric()
            || self.others.contains(character)
            || self.has_every_script && is_of_a_script
    }
}

impl fmt::Display for Legal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {} letters, digits{} and characters from {}",
            self.least,
            self.most,
            if self.has_every_script {
                ", spaces"
            } else {
                ""
            },
            self.others
        )
    }
}

/// Whether this is a role's path with its name: `team/deploy`. A path has at most 512 characters, all but white space.
pub fn is_role(text: &str) -> bool {
    let (path, name) = match text.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), text),
    };
    let is_path = path == "/" || path.len() > 2 && path.chars().all(|c| c.is_ascii_graphic());
    is_path && path.len() <= 512 && ROLE_NAME.accepts(name)
}

/// Whether this is an account's number.
/// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_legal_up_to_its_limits() {
        for (legal, least, most, odd) in [
            (SERIAL_NUMBER, 9, 256, "a ~"),
            (SESSION_NAME, 2, 64, ":/~"),
            (EXTERNAL_ID, 2, 1224, " ~é"),
            (SOURCE_IDENTITY, 2, 256, ":/ "),
            (TAG_KEY, 1, 128, "\t,;#\u{85}"),
            (TAG_VALUE, 0, 256, "\n,*\u{2713}"),
            (ROLE_NAME, 1, 64, "/:"),
            (USER_NAME, 1, 128, "/ "),
            (ACCESS_KEY_ID, 1, 128, "-+"),
        ] {
            let of = |length: usize| "x".repeat(length);
            assert!(legal.accepts(&of(least)) && legal.accepts(&of(most)));
            assert!(least == 0 || !legal.accepts(&of(least - 1)));
            assert!(!legal.accepts(&of(most + 1)));
            assert!(legal.others.chars().all(|c| legal.allows(c)));
            assert!(!odd.chars().all(|c| legal.allows(c)), "{odd}");
            let other_script = "\u{e4}\u{4e2d}\u{a0}\u{664}";
            assert_eq!(legal.accepts(other_script), legal.has_every_script);
        }
    }

    /// Prints the limits and the characters of these parameters in botocore's models. `re` knows no classes of Unicode.
    const MODELS: &str = r#"
import re, unicodedata, botocore.session
classes = {r"\p{%s}" % kind: "".join(c for c in map(chr, range(128)) if unicodedata.category(c)[0] == kind) for kind in "LZN"}
session = botocore.session.Session()
for service, name in [("sts", "serialNumberType"), ("sts", "roleSessionNameType"), ("sts", "externalIdType"),
                      ("sts", "sourceIdentityType"), ("sts", "tagKeyType"), ("sts", "tagValueType"),
                      ("iam", "roleNameType"), ("iam", "existingUserNameType"), ("iam", "accessKeyIdType"),
                      ("iam", "pathType")]:
    model = session.get_service_model(service).shape_for(name).metadata
    pattern = model["pattern"]
    for name_of_class, characters in classes.items():
        pattern = pattern.replace(name_of_class, characters)
    legal = re.compile(pattern, re.ASCII)
    around = "/" if name == "pathType" else ""
    print(model["min"], model["max"], "".join(c for c in map(chr, range(128)) if legal.fullmatch(around + c + around)))
print(session.get_service_model("sts").shape_for("tagListType").metadata["max"])
"#;

    #[test]
    fn table_is_that_of_botocores_models() {
        use crate::aws_files::oracles::tool::tool;
        let Some(python) = tool("python-venv") else {
            return;
        };
        let mut command = std::process::Command::new(python);
        let output = command.args(["-c", MODELS]).output().unwrap();
        let models = String::from_utf8(output.stdout).unwrap();
        let ascii = || (0..128u8).map(char::from);
        let row = |legal: &Legal, least: usize| {
            let characters: String = ascii().filter(|c| legal.allows(*c)).collect();
            format!("{least} {} {characters}\n", legal.most)
        };
        let path: String = ascii().filter(|c| is_role(&format!("{c}/x"))).collect();
        assert_eq!(
            models,
            [
                row(&SERIAL_NUMBER, SERIAL_NUMBER.least),
                row(&SESSION_NAME, SESSION_NAME.least),
                row(&EXTERNAL_ID, EXTERNAL_ID.least),
                row(&SOURCE_IDENTITY, SOURCE_IDENTITY.least),
                row(&TAG_KEY, TAG_KEY.least),
                row(&TAG_VALUE, TAG_VALUE.least),
                row(&ROLE_NAME, ROLE_NAME.least),
                row(&USER_NAME, USER_NAME.least),
                row(&ACCESS_KEY_ID, 16),
                format!("1 512 {path}\n"),
                format!("{MOST_TAGS}\n"),
            ]
            .concat()
        );
    }

    #[test]
    fn role_has_any_path_and_a_name() {
        let long = format!("{}/x", "p".repeat(510));
        for role in ["Deploy", "team~x/Deploy", "a//b", "a/b!/c", &long] {
            assert!(is_role(role), "{role}");
        }
        let longer = format!("p{long}");
        for role in ["", "team/", "team x/a", "a/b!", "/a", "té/a", &longer] {
            assert!(!is_role(role), "{role}");
        }
    }
}
