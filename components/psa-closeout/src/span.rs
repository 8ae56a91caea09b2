//! The span of a time entry.

use firstline_connector::types::{Error, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A fiftieth of an hour: the smallest step of hours with two decimals that is at least a minute.
const UNIT_SECONDS: u64 = 72;
/// A day: what a time entry can hold.
const MOST_UNITS: u64 = 24 * 50;

/// Start, end and hours that agree with one another.
#[derive(Debug, PartialEq)]
pub struct Span {
    /// ISO 8601 in UTC, to the second.
    pub start: String,
    /// The start and the hours.
    pub end: String,
    /// Rounded up to 0.02, at least 0.02, at most 24.
    pub hours: f64,
}

/// Rounds up what lies between two instants. An end before the start counts as the start.
///
/// # Errors
/// `invalid` for an instant that no calendar holds.
pub fn span(start: Instant, end: Instant) -> Result<Span, Error> {
    let first = start / 1000;
    let units = end.div_ceil(1000).saturating_sub(first).div_ceil(UNIT_SECONDS).clamp(1, MOST_UNITS);
    // At most 2400, so the conversion is exact; dividing last keeps 0.06 from becoming 0.06000000000000001.
    let hundredths = u16::try_from(units * 2).map_err(|_| invalid())?;
    Ok(Span { start: stamp(first)?, end: stamp(first.saturating_add(units * UNIT_SECONDS))?, hours: f64::from(hundredths) / 100.0 })
}

/// So many minutes that end here.
///
/// # Errors
/// `invalid` for an instant that no calendar holds.
pub fn fixed(end: Instant, minutes: u32) -> Result<Span, Error> {
    let last = end / 1000;
    // To the nearest hundredth of an hour.
    let hundredths = u16::try_from((minutes * 100).saturating_add(30) / 60).map_err(|_| invalid())?;
    Ok(Span { start: stamp(last.saturating_sub(u64::from(minutes) * 60))?, end: stamp(last)?, hours: f64::from(hundredths) / 100.0 })
}

fn stamp(seconds: u64) -> Result<String, Error> {
    let seconds = i64::try_from(seconds).map_err(|_| invalid())?;
    let at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| invalid())?;
    at.format(&Rfc3339).map_err(|_| invalid())
}

fn invalid() -> Error {
    Error::Invalid("the time of the work is outside the calendar".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(start: Instant, end: Instant, expect: &str) {
        let got = span(start, end).map_or_else(|error| error.to_string(), |s| format!("{} {} {}", s.start, s.end, s.hours));
        assert_eq!(got, expect);
    }

    const T: Instant = 1_795_341_600_000;

    #[test]
    fn hours_are_rounded_up_and_agree_with_start_and_end() {
        check(T, T, "2026-11-22T10:00:00Z 2026-11-22T10:01:12Z 0.02");
        check(T, T + 1, "2026-11-22T10:00:00Z 2026-11-22T10:01:12Z 0.02");
        check(T, T + 72_000, "2026-11-22T10:00:00Z 2026-11-22T10:01:12Z 0.02");
        check(T, T + 72_001, "2026-11-22T10:00:00Z 2026-11-22T10:02:24Z 0.04");
        check(T + 900, T + 200_000, "2026-11-22T10:00:00Z 2026-11-22T10:03:36Z 0.06");
        check(T, T + 3_600_000, "2026-11-22T10:00:00Z 2026-11-22T11:00:00Z 1");
    }

    #[test]
    fn fixed_minutes_end_where_the_work_ends() {
        for (minutes, expect) in [
            (1, "2026-11-22T09:59:00Z 2026-11-22T10:00:00Z 0.02"),
            (10, "2026-11-22T09:50:00Z 2026-11-22T10:00:00Z 0.17"),
            (15, "2026-11-22T09:45:00Z 2026-11-22T10:00:00Z 0.25"),
            (480, "2026-11-22T02:00:00Z 2026-11-22T10:00:00Z 8"),
        ] {
            let Span { start, end, hours } = fixed(T + 900, minutes).unwrap();
            assert_eq!(format!("{start} {end} {hours}"), expect);
        }
    }

    #[test]
    fn odd_instants_are_handled() {
        check(T, T - 5_000, "2026-11-22T10:00:00Z 2026-11-22T10:01:12Z 0.02");
        check(T, T + 400_000_000, "2026-11-22T10:00:00Z 2026-11-23T10:00:00Z 24");
        check(T, u64::MAX, "2026-11-22T10:00:00Z 2026-11-23T10:00:00Z 24");
        check(u64::MAX, 0, r#"Error::Invalid("the time of the work is outside the calendar")"#);
    }
}
