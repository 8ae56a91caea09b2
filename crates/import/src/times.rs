//! Dates and durations as people and programs write them.

use firstline_core::Instant;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::ops::Range;

/// Whether day or month stands first where both are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// 22/11/2026.
    DayFirst,
    /// 11/22/2026.
    MonthFirst,
}

impl From<bool> for Order {
    fn from(day_first: bool) -> Self {
        if day_first { Order::DayFirst } else { Order::MonthFirst }
    }
}

impl Order {
    /// Looks for a day that can be no month; false beside it if there is a doubt that no date settles.
    pub fn guess<'a>(dates: impl Iterator<Item = &'a str>) -> (Self, bool) {
        let mut doubt = false;
        for date in dates {
            let Some((first, second, separator)) = pair(date) else { continue };
            match (separator, first > 12, second > 12) {
                // Dots are written where the day comes first.
                ('.', _, _) | (_, true, _) => return (Order::DayFirst, true),
                (_, false, true) => return (Order::MonthFirst, true),
                (_, false, false) => doubt = true,
            }
        }
        (Order::MonthFirst, !doubt)
    }
}

/// The first two numbers of a date that does not begin with its year.
fn pair(date: &str) -> Option<(u32, u32, char)> {
    let separator = date.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '/' | '.' | '-'))?;
    let mut parts = date.split(separator);
    let mut number = || parts.next().filter(|part| (1..=2).contains(&part.len())).and_then(|part| part.parse().ok());
    Some((number()?, number()?, separator))
}

/// From 1980 to 2099, in milliseconds: a ticket is not older than its system, and a year beyond is mistyped.
const PLAUSIBLE: Range<Instant> = 315_532_800_000..4_102_444_800_000;

/// An instant that a ticket may have, if the text is one. Times without a zone are of this one.
pub fn instant(text: &str, order: Order, zone: &TimeZone) -> Option<Instant> {
    any_instant(text, order, zone).filter(|instant| PLAUSIBLE.contains(instant))
}

fn any_instant(text: &str, order: Order, zone: &TimeZone) -> Option<Instant> {
    let text = text.trim();
    let stamp = |stamp: Timestamp| u64::try_from(stamp.as_millisecond()).ok();
    if let Ok(found) = text.parse::<Timestamp>() {
        return stamp(found);
    }
    // Milliseconds since 1970: seconds would have fewer digits.
    if (12..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    // ISO 8601 without a zone, and with a space for the `T`.
    let civil = text.parse::<DateTime>().ok().filter(|_| text.len() >= 10).or_else(|| written(text, order))?;
    stamp(zone.to_ambiguous_timestamp(civil).compatible().ok()?)
}

fn written(text: &str, order: Order) -> Option<DateTime> {
    let (first, second, separator) = pair(text)?;
    let (date, time) = text.split_once([' ', 'T', ',']).unwrap_or((text, ""));
    let year = date.rsplit(separator).next().filter(|_| date.split(separator).count() == 3)?;
    let year: i16 = match (year.len(), year.parse::<i16>().ok()?) {
        (4, year) => year,
        (2, year) => 2000 + year,
        _ => return None,
    };
    let (day, month) = match order {
        Order::DayFirst => (first, second),
        Order::MonthFirst => (second, first),
    };
    let (hour, minute, second) = clock(time)?;
    DateTime::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?, hour, minute, second, 0).ok()
}

/// `14:03`, `2:03:05 PM`, or nothing for midnight.
fn clock(text: &str) -> Option<(i8, i8, i8)> {
    let text = text.trim().to_lowercase().replace('.', "");
    if text.is_empty() {
        return Some((0, 0, 0));
    }
    let (digits, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (None, Some(digits)) => (digits, Some(12)),
        (None, None) => (text.as_str(), None),
    };
    let parts: Vec<i8> = digits.trim().split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (*hour, *minute, 0),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return None,
    };
    match half {
        Some(_) if !(1..=12).contains(&hour) => None,
        Some(half) => Some((hour % 12 + half, minute, second)),
        None => Some((hour, minute, second)),
    }
}

/// Minutes: of a number the header says the unit (hours, unless it speaks of minutes or seconds), else `1:30`, `1h 30m`.
pub fn minutes(text: &str, header: &str) -> Option<u32> {
    let text = text.trim().to_lowercase();
    let whole = |minutes: f64| (minutes.is_finite() && (0.0..=60_000.0).contains(&minutes)).then(|| minutes.round() as u32);
    if let Ok(number) = text.replace(',', ".").parse::<f64>() {
        let header = header.to_lowercase();
        let unit = if header.contains("sec") {
            1.0 / 60.0
        } else if header.contains("min") {
            1.0
        } else {
            60.0
        };
        return whole(number * unit);
    }
    if let Some((hours, rest)) = text.split_once(':') {
        let minutes = rest.split(':').next().unwrap_or_default();
        return whole(hours.parse::<f64>().ok()? * 60.0 + minutes.parse::<f64>().ok()?);
    }
    let mut total = 0.0;
    let mut number = String::new();
    let mut found = false;
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '0'..='9' | '.' => number.push(c),
            'd' | 'h' | 'm' | 's' if !number.is_empty() => {
                let unit = match c {
                    'd' => 8.0 * 60.0,
                    'h' => 60.0,
                    'm' => 1.0,
                    _ => 1.0 / 60.0,
                };
                total += number.parse::<f64>().ok()? * unit;
                number.clear();
                found = true;
            }
            // The rest of "hours" and "min".
            'a'..='z' if found => {}
            _ => return None,
        }
    }
    if found && number.is_empty() { whole(total) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_that_exports_write() {
        let zone = TimeZone::get("Europe/London").unwrap();
        for (text, order, expect) in [
            ("2026-07-01T13:04:05Z", Order::MonthFirst, "2026-07-01T13:04:05Z"),
            ("2026-07-01T13:04:05.123+02:00", Order::MonthFirst, "2026-07-01T11:04:05.123Z"),
            // In summer London is an hour ahead.
            ("2026-07-01 13:04:05", Order::MonthFirst, "2026-07-01T12:04:05Z"),
            ("2026-07-01", Order::DayFirst, "2026-06-30T23:00:00Z"),
            ("7/1/2026 1:04 PM", Order::MonthFirst, "2026-07-01T12:04:00Z"),
            ("12/1/26 12:04:00 AM", Order::MonthFirst, "2026-12-01T00:04:00Z"),
            ("01/07/2026 13:04", Order::DayFirst, "2026-07-01T12:04:00Z"),
            ("1.12.2026, 13:04", Order::DayFirst, "2026-12-01T13:04:00Z"),
        ] {
            let expect = u64::try_from(expect.parse::<Timestamp>().unwrap().as_millisecond()).unwrap();
            assert_eq!(instant(text, order, &zone), Some(expect), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "13/13/2026",
            "2026",
            "1/2",
            "30/02/2026",
            "1/2/2026 25:00",
            "1/2/2026 13:00 PM",
            "-1/2/2026",
            "1/2/99999",
            "1969-01-01",
            "128006933100000",
            "100000000000",
            "05/06/6026",
        ] {
            assert_eq!(instant(text, Order::DayFirst, &zone), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_that_of_the_whole_column() {
        for (dates, expect) in [
            (&["01/02/2026", "13/02/2026"][..], (Order::DayFirst, true)),
            (&["01/02/2026", "02/13/2026"], (Order::MonthFirst, true)),
            (&["1.2.2026"], (Order::DayFirst, true)),
            (&["01/02/2026"], (Order::MonthFirst, false)),
            (&["2026-02-01", ""], (Order::MonthFirst, true)),
        ] {
            assert_eq!(Order::guess(dates.iter().copied()), expect, "{dates:?}");
        }
    }

    #[test]
    fn times_spent_are_minutes() {
        for (text, header, expect) in [
            ("0.25", "Actual Hours", Some(15)),
            ("0,25", "Hours", Some(15)),
            ("90", "Time Spent (minutes)", Some(90)),
            ("5400", "Time Spent (seconds)", Some(90)),
            ("1:30", "Time", Some(90)),
            ("01:30:59", "Time", Some(90)),
            ("1h 30m", "Time", Some(90)),
            ("2 hours", "Time", Some(120)),
            ("1 d", "Time", Some(480)),
            ("", "Time", None),
            ("-1", "Time", None),
            ("NaN", "Time", None),
            ("1e99", "Time", None),
            ("h", "Time", None),
            ("1h 30", "Time", None),
        ] {
            assert_eq!(minutes(text, header), expect, "{text}");
        }
    }
}
