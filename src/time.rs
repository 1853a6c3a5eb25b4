//! The clock, and durations and times of day for people.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A duration in at most two units: `12h`, `1h 30m`, `14m`, `40s`.
pub fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600, seconds / 60);
    let two = |large: i64, unit: &str, small: i64, sub_unit: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit} {small}{sub_unit}"),
    };
    match seconds {
        172_800.. => two(days, "d", hours % 24, "h"),
        3_600.. => two(hours, "h", minutes % 60, "m"),
        60.. => format!("{minutes}m"),
        _ => format!("{seconds}s"),
    }
}

/// A duration rounded to the nearest minute: a 12-hour session that STS issued half a second ago is `12h`, not
/// `11h 59m`.
pub fn rounded_span(length: SignedDuration) -> String {
    if length < SignedDuration::from_mins(1) {
        return span(length);
    }
    span(SignedDuration::from_mins(
        (length + SignedDuration::from_secs(30)).as_mins(),
    ))
}

/// The time of day in `zone` at which something ends: `03:14`, with the date if it is a day or more away.
pub fn until(end: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let format = match end.duration_since(now) < SignedDuration::from_hours(24) {
        true => "%H:%M",
        false => "%Y-%m-%d %H:%M",
    };
    let end = end.to_zoned_datetime(zone.clone());
    end.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn span_has_at_most_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (899, "14m"),
            (3_600, "1h"),
            (5_400, "1h 30m"),
            (43_200, "12h"),
            (129_600, "36h"),
            (172_800, "2d"),
            (180_000, "2d 2h"),
        ] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn new_session_is_rounded_to_its_requested_duration() {
        assert_eq!(rounded_span(SignedDuration::from_millis(43_199_200)), "12h");
        assert_eq!(rounded_span(SignedDuration::from_secs(5_400)), "1h 30m");
        assert_eq!(rounded_span(SignedDuration::from_secs(59)), "59s");
    }

    #[test]
    fn end_a_day_or_more_away_includes_the_date() {
        let now = time("2026-11-24T15:14:00Z");
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        assert_eq!(until(time("2026-11-25T03:14:00Z"), now, &zone), "04:14");
        assert_eq!(
            until(time("2026-11-26T03:14:00Z"), now, &zone),
            "2026-11-26 04:14"
        );
    }
}
