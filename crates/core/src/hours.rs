//! When people are at the desk, in its own time zone.

use crate::Instant;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::collections::{BTreeMap, BTreeSet};

/// Opening hours as people write them: `"mon": "08:00-12:00, 13:00-18:00"`. A day that is not named is closed.
pub type Hours = BTreeMap<String, String>;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];
/// So far ahead the next opening is looked for.
const FAR: usize = 370;
/// 08:00.
const EIGHT: i32 = 8 * 60;
const DAY: i32 = 24 * 60;

/// A desk's week, with its holidays.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    /// Spans in minutes of the day, by weekday from Monday.
    week: [Vec<(i32, i32)>; 7],
    holidays: BTreeSet<Date>,
}

/// When somebody is there, on the desk's own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// `mon` … `sun`.
    pub day: &'static str,
    /// `2026-11-24`.
    pub date: String,
    /// `08:00`.
    pub time: String,
}

impl Calendar {
    /// Reads what a document says.
    ///
    /// # Errors
    /// Every problem, each naming its member.
    pub fn new(time_zone: &str, hours: &Hours, holidays: &[String]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let zone = zone(time_zone).unwrap_or_else(|problem| {
            problems.push(problem);
            TimeZone::UTC
        });
        let mut week: [Vec<(i32, i32)>; 7] = Default::default();
        for (day, text) in hours {
            let slot = DAYS.iter().position(|(name, _)| name == day).and_then(|at| week.get_mut(at));
            match (slot, spans(text)) {
                (Some(slot), Some(spans)) => *slot = spans,
                (None, _) => problems.push(format!("`hours.{day}` is no day: write mon, tue, wed, thu, fri, sat or sun")),
                (Some(_), None) => {
                    problems.push(format!("`hours.{day}`: write spans of one day in order, like `08:00-12:00, 13:00-18:00`, until 24:00 at the latest"))
                }
            }
        }
        let mut dates = BTreeSet::new();
        for (i, text) in holidays.iter().enumerate() {
            match text.parse::<Date>() {
                Ok(date) if text.len() == 10 => drop(dates.insert(date)),
                Ok(_) | Err(_) => problems.push(format!("`holidays.{i}` must be a date like `2026-12-25`")),
            }
        }
        if problems.is_empty() { Ok(Calendar { zone, week, holidays: dates }) } else { Err(problems) }
    }

    /// Its time zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether somebody is there.
    #[must_use]
    pub fn is_open(&self, at: Instant) -> bool {
        self.civil(at).is_some_and(|(date, minute)| self.spans(date).iter().any(|(from, to)| (*from..*to).contains(&minute)))
    }

    /// When somebody is there next: now, if somebody is. `None` if nobody will be for a year.
    #[must_use]
    pub fn next_opening(&self, at: Instant) -> Option<Instant> {
        if self.is_open(at) {
            return Some(at);
        }
        let (first, _) = self.civil(at)?;
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(FAR);
        days.flat_map(|day| self.spans(day).iter().filter_map(move |(from, _)| self.instant(day, *from))).find(|opens| *opens > at)
    }

    /// The next time at which something is due once a day: at this time, else when the desk first opens, else at 08:00 where nobody has said any hours.
    #[must_use]
    pub fn daily(&self, at: Option<&str>, after: Instant) -> Option<Instant> {
        let open = self.week.iter().any(|spans| !spans.is_empty());
        let (first, _) = self.civil(after)?;
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(FAR);
        let at = at.and_then(minutes).or((!open).then_some(EIGHT));
        days.filter_map(|day| self.instant(day, at.or_else(|| self.spans(day).first().map(|(from, _)| *from))?)).find(|due| *due > after)
    }

    /// When so many milliseconds of open time are over. `None` if the desk is not open that long within a year.
    #[must_use]
    pub fn after(&self, from: Instant, time: u64) -> Option<Instant> {
        let (first, _) = self.civil(from)?;
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(FAR);
        let mut left = time;
        for (day, (opens, closes)) in days.flat_map(|day| self.spans(day).iter().map(move |span| (day, *span))) {
            let (Some(opens), Some(closes)) = (self.instant(day, opens), self.instant(day, closes)) else { continue };
            if closes <= from {
                continue;
            }
            let begin = opens.max(from);
            if left <= closes.saturating_sub(begin) {
                return Some(begin + left);
            }
            left -= closes.saturating_sub(begin);
        }
        None
    }

    /// A time as the desk's own clock shows it.
    #[must_use]
    pub fn shown(&self, at: Instant) -> Option<Opening> {
        let (date, minute) = self.civil(at)?;
        let (day, _) = DAYS.iter().find(|(_, day)| *day == date.weekday())?;
        Some(Opening { day, date: date.to_string(), time: format!("{:02}:{:02}", minute / 60, minute % 60) })
    }

    fn spans(&self, date: Date) -> &[(i32, i32)] {
        if self.holidays.contains(&date) {
            return &[];
        }
        let at = DAYS.iter().position(|(_, day)| *day == date.weekday());
        at.and_then(|at| self.week.get(at)).map(Vec::as_slice).unwrap_or_default()
    }

    fn civil(&self, at: Instant) -> Option<(Date, i32)> {
        let time = Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()?.to_zoned(self.zone.clone());
        Some((time.date(), i32::from(time.hour()) * 60 + i32::from(time.minute())))
    }

    /// A time that the clock skips in spring is the one after the gap.
    fn instant(&self, date: Date, minute: i32) -> Option<Instant> {
        let time = date.at(0, 0, 0, 0).checked_add(minute.minutes()).ok()?;
        let time = self.zone.to_ambiguous_zoned(time).compatible().ok()?;
        u64::try_from(time.timestamp().as_millisecond()).ok()
    }
}

/// A time zone by its IANA name.
///
/// # Errors
/// The name is not known.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("`time_zone`: `{name}` is not known; write a name like `Europe/London` or `UTC`"))
}

fn spans(text: &str) -> Option<Vec<(i32, i32)>> {
    let mut spans: Vec<(i32, i32)> = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.trim().split_once('-')?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        if from >= to || spans.last().is_some_and(|(_, before)| *before > from) {
            return None;
        }
        spans.push((from, to));
    }
    Some(spans)
}

pub(crate) fn minutes(text: &str) -> Option<i32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str| if text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) { text.parse::<i32>().ok() } else { None };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= DAY).then_some(all)
}

/// A moment as `2026-11-24T08:00:00Z`.
#[must_use]
pub fn stamp(at: Instant) -> Option<String> {
    let seconds = i64::try_from(at / 1_000).ok()?;
    Some(Timestamp::from_second(seconds).ok()?.to_string())
}

/// What [`stamp`] wrote, and others of its kind.
#[must_use]
pub fn moment(text: &str) -> Option<Instant> {
    u64::try_from(text.trim().parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    fn london() -> Calendar {
        let hours = [("mon", "08:00-12:00, 13:00-18:00"), ("tue", "08:00-18:00"), ("fri", "22:00-24:00"), ("sun", "01:30-03:00")];
        let hours = hours.map(|(day, text)| (day.to_string(), text.to_string())).into();
        Calendar::new("Europe/London", &hours, &["2026-12-28".into(), "2026-12-25".into()]).unwrap()
    }

    #[test]
    fn a_moment_is_written_in_universal_time() {
        assert_eq!(stamp(1_800_000_000_999).as_deref(), Some("2027-01-15T08:00:00Z"));
        assert_eq!(stamp(u64::MAX), None);
    }

    #[test]
    fn a_desk_is_open_in_its_own_time_zone() {
        for (time, open, next) in [
            ("2026-11-23T07:59:00Z", false, "2026-11-23T08:00:00Z"),
            ("2026-11-23T08:00:00Z", true, "2026-11-23T08:00:00Z"),
            ("2026-11-23T12:30:00Z", false, "2026-11-23T13:00:00Z"),
            ("2026-11-23T23:00:00Z", false, "2026-11-24T08:00:00Z"),
            // Friday until midnight, and not a minute longer.
            ("2026-11-27T23:59:59Z", true, "2026-11-27T23:59:59Z"),
            ("2026-11-28T00:00:00Z", false, "2026-11-29T01:30:00Z"),
            // In summer London is an hour ahead.
            ("2026-07-06T07:00:00Z", true, "2026-07-06T07:00:00Z"),
            ("2026-07-06T17:00:00Z", false, "2026-07-07T07:00:00Z"),
            // The holiday of a Friday, and of the Monday after.
            ("2026-12-25T22:30:00Z", false, "2026-12-27T01:30:00Z"),
            ("2026-12-28T10:00:00Z", false, "2026-12-29T08:00:00Z"),
            // On that Sunday the clock goes from 01:00 to 02:00, so half past one is not on it.
            ("2026-03-28T12:00:00Z", false, "2026-03-29T01:30:00Z"),
        ] {
            assert_eq!((london().is_open(at(time)), london().next_opening(at(time))), (open, Some(at(next))), "{time}");
        }
        assert_eq!(london().shown(at("2026-07-06T07:00:00Z")), Some(Opening { day: "mon", date: "2026-07-06".into(), time: "08:00".into() }));
        assert_eq!(Calendar::new("UTC", &Hours::new(), &[]).unwrap().next_opening(at("2026-07-06T07:00:00Z")), None);
    }

    #[test]
    fn only_open_time_counts() {
        for (from, minutes, over) in [
            ("2026-11-23T09:00:00Z", 30, "2026-11-23T09:30:00Z"),
            ("2026-11-23T11:50:00Z", 30, "2026-11-23T13:20:00Z"),
            ("2026-11-23T12:00:00Z", 0, "2026-11-23T13:00:00Z"),
            ("2026-11-23T17:00:00Z", 60, "2026-11-23T18:00:00Z"),
            ("2026-11-23T17:00:00Z", 61, "2026-11-24T08:01:00Z"),
            // Friday night, Saturday shut, Sunday half an hour into the open time.
            ("2026-11-27T23:00:00Z", 90, "2026-11-29T02:00:00Z"),
        ] {
            assert_eq!(london().after(at(from), minutes * 60_000), Some(at(over)), "{from} and {minutes} minutes");
        }
        assert_eq!(Calendar::new("UTC", &Hours::new(), &[]).unwrap().after(at("2026-11-23T09:00:00Z"), 1), None);
    }

    #[test]
    fn what_is_due_once_a_day_is_due_at_its_time_or_when_the_desk_opens() {
        let hours = [("mon", "09:00-12:00, 13:00-18:00"), ("wed", "10:00-12:00")].map(|(day, span)| (day.to_string(), span.to_string())).into();
        let with = |hours: &Hours| Calendar::new("Europe/Berlin", hours, &["2026-11-25".into()]).unwrap();
        let (some, none) = (with(&hours), with(&Hours::default()));
        for (calendar, at, after, expect) in [
            (&some, None, "2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z"),
            // Not at noon again; on Wednesday it is closed, so it is Monday.
            (&some, None, "2026-11-23T08:00:00Z", "2026-11-30T08:00:00Z"),
            (&some, Some("07:30"), "2026-11-25T00:00:00Z", "2026-11-25T06:30:00Z"),
            (&none, None, "2026-11-23T08:00:00Z", "2026-11-24T07:00:00Z"),
            // The night in which the clock goes forward.
            (&none, Some("02:30"), "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
        ] {
            let due = calendar.daily(at, moment(after).unwrap()).and_then(stamp);
            assert_eq!(due.as_deref(), Some(expect), "{at:?} {after}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (zone, day, text, holiday, expect) in [
            ("Europe/Londn", "mon", "08:00-18:00", "2026-12-25", "`time_zone`"),
            ("", "mon", "08:00-18:00", "2026-12-25", "`time_zone`"),
            ("UTC", "monday", "08:00-18:00", "2026-12-25", "`hours.monday`"),
            ("UTC", "mon", "8:00-18:00", "2026-12-25", "`hours.mon`"),
            ("UTC", "mon", "22:00-06:00", "2026-12-25", "`hours.mon`"),
            ("UTC", "mon", "08:00-24:01", "2026-12-25", "`hours.mon`"),
            ("UTC", "mon", "08:00-12:00, 11:00-13:00", "2026-12-25", "`hours.mon`"),
            ("UTC", "mon", "", "2026-12-25", "`hours.mon`"),
            ("UTC", "mon", "08:60-12:00", "2026-12-25", "`hours.mon`"),
            ("UTC", "mon", "08:00-18:00", "2026-02-30", "`holidays.0`"),
            ("UTC", "mon", "08:00-18:00", "25.12.2026", "`holidays.0`"),
        ] {
            let problems = Calendar::new(zone, &[(day.to_string(), text.to_string())].into(), &[holiday.into()]).unwrap_err();
            assert!(problems.len() == 1 && problems[0].contains(expect), "{problems:?} should be about {expect}");
        }
    }
}
