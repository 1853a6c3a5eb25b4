//! The guide's table of what each shape of a profile costs: codes, calls to STS and durations.

use super::fake_sts::{FakeSts, KEY_ID, Role, SECRET};
use super::readme::GUIDE;
use super::sandbox::{DEVICE, Sandbox, profile_keys};

const HEAD: &str = "| shape | `aws-mfa` | codes | calls to STS, and how long their credentials last |\n|---|---|---|---|\n";

/// The profiles above the table, and its rows.
fn table() -> (&'static str, Vec<[&'static str; 4]>) {
    let (before, rows) = GUIDE.split_once(HEAD).unwrap();
    let (_, config) = before.rsplit_once("```ini\n").unwrap();
    let (config, _) = config.split_once("```\n").unwrap();
    let rows = rows.lines().map_while(|row| {
        let cells = row.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        Some(cells.collect::<Vec<_>>().try_into().unwrap())
    });
    (config, rows.collect())
}

/// The calls so far: the action, and the duration if it asks for credentials.
fn calls(sts: &FakeSts) -> String {
    let calls = sts.requests().into_iter().map(|request| {
        let hours = request.form.get("DurationSeconds").map(|seconds| {
            let seconds: u32 = seconds.parse().unwrap();
            format!(" {}h", seconds / 3600)
        });
        request.form["Action"].clone() + &hours.unwrap_or_default()
    });
    calls.collect::<Vec<_>>().join(", ")
}

#[test]
fn each_shape_of_a_profile_costs_what_the_guide_says() {
    let (config, rows) = table();
    assert_eq!(rows.len(), 10);
    for [shape, commands, codes, expected] in rows {
        let sts = FakeSts::start();
        let mut sandbox = match shape.contains("`MASTER_*`") {
            true => Sandbox::with_user(&sts),
            false => Sandbox::new(),
        };
        sandbox.set("AWS_ENDPOINT_URL_STS", sts.url());
        sandbox.write(".aws/config", config);
        let keys = profile_keys();
        sandbox.write(".aws/credentials", format!("[work]\n{keys}[other]\n{keys}"));
        for arn in config
            .lines()
            .filter_map(|line| line.strip_prefix("role_arn = "))
        {
            let role = Role {
                // A role's credentials carry none.
                needs_mfa: !arn.ends_with("/chained"),
                longest: 4 * 3600,
                ..Role::default()
            };
            sts.add_role(arn, role);
            if shape.contains("`AWS_MFA_ROLE_ARN`") {
                sandbox.set("AWS_MFA_ROLE_ARN", arn);
            }
        }
        for (number, command) in commands.split(", ").enumerate() {
            let code = format!("{}", 111_111 * (number + 1));
            let command = command.trim_matches('`').replace("<code>", &code);
            sandbox.run(command.split(' ')).succeeded();
        }
        assert_eq!(calls(&sts), expected, "{shape}");
        let requests = sts.requests();
        let with_code = requests
            .iter()
            .filter(|request| request.form.contains_key("TokenCode"));
        assert_eq!(with_code.count().to_string(), codes, "{shape}");
        // Until something expires, nothing asks again.
        for command in commands.split(", ") {
            let words: Vec<&str> = command.trim_matches('`').split(' ').collect();
            let selection = words.iter().skip_while(|word| **word != "-p").take(2);
            let load = ["load"].iter().chain(selection);
            sandbox.run(load).succeeded();
        }
        assert_eq!(calls(&sts), expected, "{shape}");
    }
    assert!(config.contains(DEVICE) && !config.contains(KEY_ID) && !config.contains(SECRET));
}
