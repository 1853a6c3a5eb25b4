//! The user's time zone.

use super::{Environment, variable};
use jiff::tz::TimeZone;
use std::path::Path;

/// The user's time zone: from `TZ` (tzset(3)), else the system's. An unknown zone is UTC, as in the C library.
pub fn time_zone(environment: &Environment) -> TimeZone {
    let file = environment.get(variable::TZ).unwrap_or_default();
    match Path::new(file).metadata() {
        // jiff would wait for a FIFO, and read all of /dev/zero.
        Ok(metadata) if !metadata.is_file() => TimeZone::UTC,
        _ => TimeZone::system(),
    }
}
