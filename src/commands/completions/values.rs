//! What there is here for the values of options: in `~/.aws`, beside the saved sessions and on this system. No network, no
//! secrets.

use crate::account::key_source;
use crate::account::keys::is_key_id;
use crate::account::session_directory;
use crate::aws::partition;
use crate::aws_files::Profiles;
use crate::environment::{Environment, variable};
use crate::escape::escape;
use crate::rotation::journal::Journal;
use crate::rotation::place;
use crate::session::files;
use crate::session::store::SessionStore;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The values of each option, by the id of its argument. A file that cannot be read has none.
pub fn all(environment: &Environment) -> BTreeMap<&'static str, Vec<String>> {
    let mut found = Found::default();
    found.in_profiles(&Profiles::load(environment).unwrap_or_default());
    if let Ok(Some(directory)) = session_directory(environment) {
        found.in_directory(&directory);
    }
    let key = environment.get(variable::MASTER_AWS_ACCESS_KEY_ID);
    found.add("delete", key.and_then(|key| key.to_str()));
    found.regions_of_partitions();
    // A terminal could not show the others, nor may anything but an id be in the place of one.
    let is_shown = |option: &str, value: &String| {
        escape(value) == *value && (option != "delete" || is_key_id(value))
    };
    let sorted = found.values.into_iter().map(|(option, values)| {
        let values = values.into_iter().filter(|value| is_shown(option, value));
        (option, values.collect())
    });
    // In the order of their length, and of the help.
    let own = [
        ("duration", vec!["1h", "8h", "12h", "36h"]),
        ("to", place::stores(environment)),
    ];
    let own = own.map(|(option, values)| (option, values.into_iter().map(str::to_owned).collect()));
    sorted.chain(own).collect()
}

#[derive(Default)]
struct Found {
    values: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Found {
    fn add(&mut self, option: &'static str, value: Option<impl Into<String>>) {
        let values = self.values.entry(option).or_default();
        values.extend(value.map(Into::into));
    }

    fn in_profiles(&mut self, profiles: &Profiles) {
        for name in key_source::names(profiles) {
            self.add("profile", Some(name));
        }
        for name in profiles.names() {
            self.add("profile", Some(name));
            let profile = profiles.profile(name);
            for (option, key) in [
                ("region", "region"),
                ("role_arn", "role_arn"),
                ("serial_number", "mfa_serial"),
                ("serial_number", "aws_mfa_device"),
            ] {
                let value = profile.get(key).ok().flatten();
                self.add(option, value.map(|value| value.value));
            }
            let key = profile.access_key().ok().flatten();
            let key = key.filter(|key| key.token.is_none());
            self.add("delete", key.map(|key| key.id.value));
        }
    }

    /// The directory of the session files.
    fn in_directory(&mut self, directory: &Path) {
        for file in files::in_directory(directory).unwrap_or_default() {
            if let Ok(saved) = SessionStore::new(file).read() {
                let session = saved.session;
                self.add("region", session.region);
                self.add("role_arn", session.provenance.role.map(|role| role.arn));
                self.add("serial_number", session.provenance.discovered_device);
                self.add("delete", session.provenance.master_key_id);
            }
        }
        for (_, rotation) in Journal::all(directory) {
            self.add("delete", Some(rotation.old));
            self.add("delete", Some(rotation.new));
        }
    }

    /// The first region of each partition in use.
    fn regions_of_partitions(&mut self) {
        let arns = ["role_arn", "serial_number"].map(|option| self.values.get(option));
        let arns = arns.into_iter().flatten().flatten();
        let partitions = arns.filter_map(|arn| arn.split(':').nth(1));
        let regions: Vec<&str> = partitions.map(partition::default_region).collect();
        for region in regions {
            self.add("region", Some(region));
        }
    }
}
