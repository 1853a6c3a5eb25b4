//! The user's time zone.

use super::{Environment, variable};
use crate::file;
use jiff::tz::TimeZone;
use std::path::Path;

/// The largest time zone file, in bytes: real ones have a few kilobytes.
const LARGEST_ZONE: u64 = 64 * 1024;

/// The user's time zone: from `TZ`, else the system's. As in the C library, an unknown zone is UTC.
///
/// `TZ` is a POSIX rule, a name in the time zone database or in `TZDIR`, or the path of a time zone file (tzset(3)).
/// jiff's own [`TimeZone::system`] would block on a FIFO.
pub fn time_zone(environment: &Environment) -> TimeZone {
    let Some(value) = environment.get(variable::TZ) else {
        return TimeZone::system();
    };
    let value = value.to_string_lossy();
    let name = value.strip_prefix(':').unwrap_or(&value);
    let zone = match (TimeZone::posix(name), environment.get(variable::TZDIR)) {
        (Ok(zone), _) => Some(zone),
        (Err(_), Some(directory)) => zone_in(&Path::new(directory).join(name)),
        (Err(_), None) if Path::new(name).is_absolute() => zone_in(Path::new(name)),
        (Err(_), None) => TimeZone::get(name).ok(),
    };
    zone.unwrap_or(TimeZone::UTC)
}

fn zone_in(path: &Path) -> Option<TimeZone> {
    let data = file::read(path, LARGEST_ZONE).ok()?;
    TimeZone::tzif("", &data).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn zone_is_a_rule_a_name_or_a_file() {
        let offset = |variables: &[(&str, &str)]| {
            let environment = variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            let zone = time_zone(&environment);
            zone.to_offset("2026-11-24T12:00:00Z".parse().unwrap())
                .seconds()
                / 60
        };
        for (text, minutes) in [
            ("XYZ-5:30", 330),
            (":Asia/Kolkata", 330),
            ("Asia/Kolkata", 330),
            ("/usr/share/zoneinfo/Asia/Kolkata", 330),
            ("Nowhere/Near", 0),
            ("/etc/passwd", 0),
        ] {
            assert_eq!(offset(&[("TZ", text)]), minutes, "{text}");
        }
        let directory = ("TZDIR", "/usr/share/zoneinfo/Asia");
        assert_eq!(offset(&[("TZ", "Kolkata"), directory]), 330);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn zone_that_names_a_fifo_a_device_or_a_huge_file_is_utc_at_once() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let directory = tempfile::tempdir().unwrap();
        let (fifo, huge) = (directory.path().join("fifo"), directory.path().join("huge"));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let file = std::fs::File::create(&huge).unwrap();
        file.set_len(1 << 40).unwrap();
        for path in [fifo.as_path(), huge.as_path(), Path::new("/dev/zero")] {
            let by_path = [("TZ".into(), path.into())].into_iter().collect();
            assert_eq!(time_zone(&by_path), TimeZone::UTC);
            let by_name = [
                ("TZ".into(), path.file_name().unwrap().to_owned()),
                ("TZDIR".into(), path.parent().unwrap().into()),
            ]
            .into_iter()
            .collect();
            assert_eq!(time_zone(&by_name), TimeZone::UTC);
        }
    }
}
