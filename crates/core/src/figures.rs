//! Figures: what a case leaves for counting, and what many of them add up to.
//!
//! A tally holds hashes, names of types and numbers, and no text of a person, so it may outlive the case's journal.

use crate::autonomy::{Mode, Trial};
use crate::case::{self, Case, Times};
use crate::journal::Summary;
use crate::keys::sha256_hex;
use crate::tenant::Tenant;
use crate::{Instant, autonomy, record};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A second case of the same person and type within this time counts as the same trouble.
pub const AGAIN: u64 = 48 * 3_600_000;
/// A closed ticket that is open again within this time was not solved.
pub const REOPENED: u64 = 7 * 24 * 3_600_000;
/// What a clean closeout has; confirmation is counted apart, since most people never say that it works.
const CLEAN: [&str; 4] = ["notes", "time", "status", "type"];

/// Whom an open case waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// The next word or press is the user's.
    User,
    /// Something is out with a vendor, or is to be asked for again.
    Vendors,
}

/// How time goes by in an open case; part of its state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Waiting for the user, in milliseconds.
    pub user: u64,
    /// Waiting for vendors.
    pub vendors: u64,
    /// Whom it waits for now, and since when; nobody means that the time is our own.
    pub waits: Option<(Waits, Instant)>,
    /// Both waits when the user was told.
    pub unblocked: Option<(u64, u64)>,
    /// Changes that were accepted, or that the connector had to look for, by the catalogue's action.
    pub written: BTreeSet<String>,
    /// Messages of the requester.
    pub messages: u32,
    /// Buttons that the requester pressed.
    pub presses: u32,
}

impl Course {
    /// From now on the case waits for somebody else; who it waited for had done their part at `until`.
    pub fn turn(&mut self, waits: Option<Waits>, until: Instant, now: Instant) {
        if self.waits.map(|(who, _)| who) == waits {
            return;
        }
        (self.user, self.vendors) = self.so_far(until);
        self.waits = waits.map(|who| (who, now));
    }

    /// Both waits up to then: for the user and for vendors.
    #[must_use]
    pub fn so_far(&self, until: Instant) -> (u64, u64) {
        match self.waits {
            Some((Waits::User, since)) => (self.user + until.saturating_sub(since), self.vendors),
            Some((Waits::Vendors, since)) => (self.user, self.vendors + until.saturating_sub(since)),
            None => (self.user, self.vendors),
        }
    }
}

/// What the vendor's log said, some hours later, of the first sign-in after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignIn {
    /// Somebody signed in, at this moment.
    Seen(Instant),
    /// Nobody had.
    Unseen,
    /// It cannot be read: a code such as `permission-missing`; of Entra also without P1 (P-24).
    Unavailable(String),
}

/// What an ended case leaves for counting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Hash of who asked, within the tenant.
    pub person: String,
    /// How far it went by itself; unknown where that was never decided.
    #[serde(default, rename = "ran", skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What it shows about the action that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// When things happened.
    pub times: Times,
    /// It came while nobody was at the desk; unknown where the desk's hours are not.
    pub after_hours: Option<bool>,
    /// Waiting for the user until they were told, or until the end.
    pub user: u64,
    /// Waiting for vendors until then.
    pub vendors: u64,
    /// Messages of the requester.
    pub messages: u32,
    /// Buttons that the requester pressed.
    pub presses: u32,
    /// Which parts of a closeout are there: `notes`, `time`, `status`, `type`.
    pub closeout: BTreeSet<String>,
    /// The first sign-in after the change; unknown until the log was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,
}

impl Tally {
    /// The tally of a case as it is now.
    #[must_use]
    pub fn new(case: &Case, tenant: &Tenant) -> Self {
        let (user, vendors) = case.course.unblocked.unwrap_or((case.course.user, case.course.vendors));
        let parts = [("notes", "ticket_note"), ("time", "ticket_time"), ("status", "ticket_status")];
        let mut closeout: BTreeSet<String> =
            parts.iter().filter(|(_, action)| case.course.written.contains(*action)).map(|(part, _)| (*part).to_string()).collect();
        if !matches!(case.kind.as_str(), "" | "other" | "human") {
            closeout.insert("type".into());
        }
        let name = &tenant.tenant;
        Tally {
            person: sha256_hex(format!("{}:{name}{}", name.len(), case.user).as_bytes()).chars().take(16).collect(),
            mode: case::mode(case),
            trial: case.trial.as_ref().map(|(_, trial)| trial.clone()),
            times: case.times.clone(),
            after_hours: tenant.calendar().map(|calendar| !calendar.is_open(case.times.received)),
            user,
            vendors,
            messages: case.course.messages,
            presses: case.course.presses,
            closeout,
            sign_in: None,
        }
    }
}

/// The middle and the slow end, in milliseconds, by nearest rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Half are at most this.
    pub p50: u64,
    /// Nine in ten are at most this.
    pub p90: u64,
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let rank = |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default();
        Spread { p50: rank(50), p90: rank(90) }
    }
}

/// Request to unblocked, for one type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unblocked {
    /// Cases whose user was told that it works.
    pub cases: u64,
    /// All of it.
    pub total: Spread,
    /// Waiting for the user.
    pub user: Spread,
    /// Waiting for vendors.
    pub vendors: Spread,
    /// The rest: our own.
    pub own: Spread,
}

/// View-once links of closed cases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Given to the user.
    pub sent: u64,
    /// Opened in time.
    pub opened: u64,
    /// From the user being told to the link being opened.
    pub after: Spread,
}

/// Cases that came while nobody was at the desk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterHours {
    /// Closed all the same.
    pub closed: u64,
    /// Given to a human.
    pub handed_over: u64,
    /// Ended cases of which nobody can say, since the desk has named no hours.
    pub unknown: u64,
}

/// Figures of one tenant over some days. Times in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Cases received; a greeting or a thank-you alone is none.
    pub seen: u64,
    /// Closed without a person of the MSP.
    pub closed: u64,
    /// Given to a human.
    pub handed_over: u64,
    /// Still open.
    pub open: u64,
    /// Summaries that cannot be read.
    pub unreadable: u64,
    /// From the first case received to the first closed ticket.
    pub first_closed_ticket: Option<u64>,
    /// Request to unblocked, by type.
    pub unblocked: BTreeMap<String, Unblocked>,
    /// Cases of a person and type that had one within 48 hours before.
    pub again: u64,
    /// Closed cases whose notes, time, status and type are there.
    pub clean: u64,
    /// Closed cases whose ticket was open again within seven days.
    pub reopened: u64,
    /// Outside of the desk's hours.
    pub after_hours: AfterHours,
    /// View-once links.
    pub links: Links,
    /// Parts that other closed cases lack.
    pub lacking: BTreeMap<String, u64>,
    /// Closed cases whose user said that it works.
    pub confirmed: u64,
    /// Closed cases whose account signed in afterwards, by the vendor's log.
    pub signed_in: u64,
    /// Closed cases for which that log could be read.
    pub watched: u64,
    /// Hand-overs by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// Times of unblocked cases of one type.
#[derive(Debug, Clone, Default)]
struct Samples {
    total: Vec<u64>,
    user: Vec<u64>,
    vendors: Vec<u64>,
    own: Vec<u64>,
}

/// Adds cases up, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    figures: Figures,
    samples: BTreeMap<String, Samples>,
    opened: Vec<u64>,
    first_received: Option<Instant>,
    first_closed: Option<Instant>,
    /// When a person last had a type of trouble.
    last: BTreeMap<(String, String), Instant>,
}

impl Counter {
    /// A case before the days that are asked for: it matters only for what comes again.
    pub fn before(&mut self, summary: &Summary) {
        self.comes_again(summary);
    }

    fn comes_again(&mut self, summary: &Summary) -> bool {
        let Some(tally) = &summary.tally else { return false };
        let last = self.last.insert((tally.person.clone(), summary.kind.clone()), summary.received);
        last.is_some_and(|last| summary.received.saturating_sub(last) <= AGAIN)
    }

    /// A case whose summary is damaged.
    pub fn unreadable(&mut self) {
        self.figures.seen += 1;
        self.figures.unreadable += 1;
    }

    /// The link of a closed case of the days that are asked for, and when it was opened.
    pub fn link(&mut self, summary: &Summary, opened: Option<Instant>) {
        self.figures.links.sent += 1;
        self.figures.links.opened += u64::from(opened.is_some());
        let delivered = summary.tally.as_ref().and_then(|tally| tally.times.delivered);
        self.opened.extend(opened.zip(delivered).map(|(opened, delivered)| opened.saturating_sub(delivered)));
    }

    /// A case of the days that are asked for.
    pub fn add(&mut self, summary: &Summary) {
        self.figures.seen += 1;
        self.figures.again += u64::from(self.comes_again(summary));
        self.first_received = Some(self.first_received.map_or(summary.received, |first| first.min(summary.received)));
        match summary.state.as_str() {
            "closed" => self.closed(summary),
            "handed-over" => {
                self.figures.handed_over += 1;
                *self.figures.reasons.entry(summary.reason.clone().unwrap_or_default()).or_default() += 1;
            }
            _ => self.figures.open += 1,
        }
        let Some(tally) = &summary.tally else { return };
        let outside = &mut self.figures.after_hours;
        match tally.after_hours {
            Some(true) if summary.state == "closed" => outside.closed += 1,
            Some(true) => outside.handed_over += 1,
            Some(false) => {}
            None => outside.unknown += 1,
        }
    }

    fn closed(&mut self, summary: &Summary) {
        self.figures.closed += 1;
        let Some(tally) = &summary.tally else { return };
        if let Some(ended) = tally.times.ended {
            self.first_closed = Some(self.first_closed.map_or(ended, |first| first.min(ended)));
        }
        let lacking: Vec<&str> = CLEAN.into_iter().filter(|part| !tally.closeout.contains(*part)).collect();
        self.figures.clean += u64::from(lacking.is_empty());
        for part in lacking {
            *self.figures.lacking.entry(part.into()).or_default() += 1;
        }
        self.figures.confirmed += u64::from(tally.times.confirmed.is_some());
        self.figures.signed_in += u64::from(matches!(tally.sign_in, Some(SignIn::Seen(_))));
        self.figures.watched += u64::from(matches!(tally.sign_in, Some(SignIn::Seen(_) | SignIn::Unseen)));
        self.figures.reopened += u64::from(tally.times.reopened.is_some());
        if let Some(delivered) = tally.times.delivered {
            let total = delivered.saturating_sub(tally.times.received);
            let samples = self.samples.entry(summary.kind.clone()).or_default();
            samples.total.push(total);
            samples.user.push(tally.user);
            samples.vendors.push(tally.vendors);
            samples.own.push(total.saturating_sub(tally.user + tally.vendors));
        }
    }

    /// What it all comes to.
    #[must_use]
    pub fn figures(mut self) -> Figures {
        self.figures.first_closed_ticket = self.first_closed.zip(self.first_received).map(|(closed, received)| closed.saturating_sub(received));
        self.figures.links.after = Spread::of(self.opened);
        let spread = |samples: Samples| Unblocked {
            cases: samples.total.len() as u64,
            total: Spread::of(samples.total),
            user: Spread::of(samples.user),
            vendors: Spread::of(samples.vendors),
            own: Spread::of(samples.own),
        };
        self.figures.unblocked = self.samples.into_iter().map(|(kind, samples)| (kind, spread(samples))).collect();
        self.figures
    }
}

/// What becomes known of a case after its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Afterwards {
    /// Its user said that it works.
    Confirmed,
    /// Its ticket is open again.
    Reopened {
        /// The ticket that was read.
        ticket: u64,
    },
    /// What the vendor's log says.
    SignIn(SignIn),
    /// One of the MSP's people says that what was done was wrong.
    Fault,
}

/// The record of an ended case with what became known at a time. `None` if it cannot be read, is of another ticket, or nothing is new.
#[must_use]
pub fn amend(key: &record::IntegrityKey, under: &str, stored: &[u8], what: Afterwards, at: Instant) -> Option<Vec<u8>> {
    let mut summary: Summary = key.read(under, stored).ok()?;
    let (closed, own) = (summary.state == "closed", summary.ticket);
    let tally = summary.tally.as_mut()?;
    let place = match what {
        Afterwards::Fault => {
            let trial = tally.trial.as_mut().filter(|trial| trial.failed.is_none())?;
            trial.failed = Some((autonomy::FAULT.into(), at));
            return Some(key.write(under, &summary));
        }
        Afterwards::SignIn(seen) => {
            if tally.sign_in.is_some() {
                return None;
            }
            tally.sign_in = Some(seen);
            return Some(key.write(under, &summary));
        }
        Afterwards::Confirmed => &mut tally.times.confirmed,
        Afterwards::Reopened { ticket } => {
            let ended = tally.times.ended?;
            // What was read before the end saw the ticket as it was before.
            let counts = closed && own == Some(ticket) && at > ended && at - ended <= REOPENED;
            counts.then_some(&mut tally.times.reopened)?
        }
    };
    if place.is_some() {
        return None;
    }
    *place = Some(at);
    Some(key.write(under, &summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `state kind person received delivered user vendors lacking`, hours and minutes aside: plain numbers, `-` for none.
    fn summary(text: &str) -> Summary {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        let received = number(3).unwrap();
        let lacks = words.get(7).copied().unwrap_or_default();
        let times = Times { received, delivered: number(4), ended: number(4).map(|at| at + 5), ..Times::default() };
        Summary {
            case: String::new(),
            tenant: "acme".into(),
            state: words[0].into(),
            kind: words[1].into(),
            ticket: None,
            received,
            ended: None,
            reason: Some("somebody-else".into()),
            from: (0, 0),
            to: None,
            tally: Some(Tally {
                person: words[2].into(),
                times,
                user: number(5).unwrap_or_default(),
                vendors: number(6).unwrap_or_default(),
                closeout: CLEAN.iter().filter(|part| **part != lacks).map(|part| (*part).into()).collect(),
                ..Tally::default()
            }),
        }
    }

    #[test]
    fn a_spread_is_by_nearest_rank() {
        for (values, p50, p90) in
            [(vec![], 0, 0), (vec![7], 7, 7), (vec![2, 1], 1, 2), ((1..=10).collect(), 5, 9), ((1..=11).rev().collect(), 6, 10), (vec![5; 100], 5, 5)]
        {
            assert_eq!(Spread::of(values.clone()), Spread { p50, p90 }, "{values:?}");
        }
    }

    #[test]
    fn cases_add_up() {
        let mut counter = Counter::default();
        counter.before(&summary("closed reset jane 0 10"));
        for text in [
            &format!("closed reset jane {AGAIN} {} 30 20", AGAIN + 100),
            &format!("closed reset jane {} {} 10 10 time", 2 * AGAIN + 1, 2 * AGAIN + 41),
            &format!("closed unlock jane {} {} 0 1", 2 * AGAIN + 2, 2 * AGAIN + 9),
            &format!("handed-over reset jane {} - ", 3 * AGAIN),
            &format!("open reset bob {} -", 3 * AGAIN),
        ] {
            counter.add(&summary(text));
        }
        counter.unreadable();
        let figures = counter.figures();
        assert_eq!((figures.seen, figures.closed, figures.handed_over, figures.open, figures.unreadable), (6, 3, 1, 1, 1));
        assert_eq!(figures.first_closed_ticket, Some(105));
        assert_eq!((figures.again, figures.clean), (2, 2), "one at the very limit, one a millisecond past it, one again");
        assert_eq!((figures.lacking, figures.reasons), (BTreeMap::from([("time".into(), 1)]), BTreeMap::from([("somebody-else".into(), 1)])));
        let reset = &figures.unblocked["reset"];
        assert_eq!((reset.cases, reset.total, reset.own), (2, Spread { p50: 40, p90: 100 }, Spread { p50: 20, p90: 50 }));
        assert_eq!((reset.user, reset.vendors), (Spread { p50: 10, p90: 30 }, Spread { p50: 10, p90: 20 }));
        assert_eq!(figures.unblocked["unlock"].cases, 1);
    }

    #[test]
    fn waits_take_turns_and_a_repeat_changes_nothing() {
        let mut course = Course::default();
        for (waits, until, now) in [
            (None, 5, 5),
            (Some(Waits::Vendors), 10, 10),
            (Some(Waits::Vendors), 12, 12),
            (Some(Waits::User), 30, 30),
            // The user wrote at 70, and it was seen at 75.
            (None, 70, 75),
            (None, 80, 80),
            (Some(Waits::Vendors), 90, 90),
        ] {
            course.turn(waits, until, now);
        }
        assert_eq!((course.user, course.vendors, course.so_far(95)), (40, 20, (40, 25)));
    }

    #[test]
    fn a_case_is_confirmed_once() {
        let key = record::IntegrityKey::parse(&crate::seal::base64(&[7; 32])).unwrap();
        let stored = key.write("k", &summary("closed reset jane 0 10"));
        let confirm = |under: &str, stored: &[u8], at| amend(&key, under, stored, Afterwards::Confirmed, at);
        let confirmed = confirm("k", &stored, 99).unwrap();
        assert_eq!(key.read::<Summary>("k", &confirmed).unwrap().tally.unwrap().times.confirmed, Some(99));
        let looked = amend(&key, "k", &confirmed, Afterwards::SignIn(SignIn::Seen(7)), 100).unwrap();
        assert_eq!(key.read::<Summary>("k", &looked).unwrap().tally.unwrap().sign_in, Some(SignIn::Seen(7)));
        assert!(amend(&key, "k", &looked, Afterwards::SignIn(SignIn::Unseen), 101).is_none());
        assert!(confirm("k", &confirmed, 100).is_none() && confirm("other", &stored, 99).is_none());
    }

    #[test]
    fn a_closed_ticket_is_open_again_within_seven_days_of_its_end() {
        let key = record::IntegrityKey::parse(&crate::seal::base64(&[7; 32])).unwrap();
        let ended = 15;
        for (state, own, read, at, counts) in [
            ("closed", Some(7), 7, ended + 1, true),
            ("closed", Some(7), 7, ended + REOPENED, true),
            ("closed", Some(7), 7, ended + REOPENED + 1, false),
            ("closed", Some(7), 7, ended, false),
            ("closed", Some(7), 8, ended + 1, false),
            ("closed", None, 7, ended + 1, false),
            ("handed-over", Some(7), 7, ended + 1, false),
        ] {
            let stored = Summary { ticket: own, ..summary(&format!("{state} reset jane 0 10")) };
            let amended = amend(&key, "k", &key.write("k", &stored), Afterwards::Reopened { ticket: read }, at);
            assert_eq!(amended.is_some(), counts, "{state} {own:?} {read} {at}");
            let Some(amended) = amended else { continue };
            assert_eq!(key.read::<Summary>("k", &amended).unwrap().tally.unwrap().times.reopened, Some(at));
            assert!(amend(&key, "k", &amended, Afterwards::Reopened { ticket: read }, at + 1).is_none(), "once");
        }
    }

    #[test]
    fn links_and_hours_add_up() {
        let mut counter = Counter::default();
        for (text, after_hours, link) in [
            ("closed reset jane 0 10", Some(true), Some(Some(14))),
            ("closed reset bob 0 10", Some(false), Some(None)),
            ("closed reset lee 0 10", None, Some(Some(30))),
            ("handed-over reset ann 0 -", Some(true), None),
            ("open reset ann 0 -", Some(true), None),
        ] {
            let mut summary = summary(text);
            summary.tally = summary.tally.filter(|_| summary.state != "open").map(|tally| Tally { after_hours, ..tally });
            counter.add(&summary);
            link.into_iter().for_each(|opened| counter.link(&summary, opened));
        }
        let figures = counter.figures();
        assert_eq!(figures.after_hours, AfterHours { closed: 1, handed_over: 1, unknown: 1 });
        assert_eq!(figures.links, Links { sent: 3, opened: 2, after: Spread { p50: 4, p90: 20 } });
    }
}
