//! What a replay adds up to.

use super::{Agreement, Backtest, Course, Replayed};
use serde::Serialize;
use std::collections::BTreeMap;

/// What money and time are counted with.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What a technician's hour costs.
    pub rate: f64,
    /// In this currency.
    pub currency: String,
    /// Minutes that are left to people where an approval is asked for.
    pub approval_minutes: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Terms { rate: 45.0, currency: "USD".into(), approval_minutes: 2 }
    }
}

/// One type of ticket, or all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// Tickets.
    pub tickets: usize,
    /// Would have been closed with nobody touching them.
    pub alone: usize,
    /// With an approval.
    pub approval: usize,
    /// After a question.
    pub question: usize,
    /// By a technician.
    pub handed_over: usize,
    /// Of those not handed over: the technicians did the same.
    pub agrees: usize,
    /// They did not.
    pub disagrees: usize,
    /// Nothing can be said yet.
    pub thin: usize,
    /// Tickets whose type and subtype were foretold by firm evidence, and those of them that were filed so.
    pub filed: (usize, usize),
    /// Tickets that somebody approved for whom firm evidence named an approver, and those of them where it was that one.
    pub approver: (usize, usize),
    /// Recorded minutes that would not have been needed, where the technicians did the same.
    pub minutes: u64,
    /// The same with those about which nothing can be said yet.
    pub minutes_at_most: u64,
    /// Of the tickets that would have been closed, those without recorded time: they save nothing here.
    pub untimed: usize,
    /// Tickets that nobody escalated.
    pub level_one: usize,
    /// Of these, would have been closed, and nobody did otherwise.
    pub level_one_closed: usize,
}

impl Row {
    fn add(&mut self, ticket: &Replayed, terms: &Terms) {
        self.tickets += 1;
        match ticket.course {
            Course::Alone => self.alone += 1,
            Course::Approval => self.approval += 1,
            Course::Question => self.question += 1,
            Course::HandedOver(_) => self.handed_over += 1,
        }
        if let Some((_, same)) = &ticket.filed {
            self.filed.0 += 1;
            self.filed.1 += usize::from(*same);
        }
        if let Some((name, actual)) = ticket.approver.as_ref().and_then(|approver| Some((&approver.name, approver.actual.as_ref()?))) {
            self.approver.0 += 1;
            self.approver.1 += usize::from(*name == actual.to_lowercase());
        }
        let level_one = ticket.record.ticket.escalated.is_none();
        self.level_one += usize::from(level_one);
        let Some(agreement) = &ticket.agreement else { return };
        let left = if ticket.course == Course::Approval { terms.approval_minutes } else { 0 };
        let minutes = ticket.record.ticket.minutes.map_or(0, |minutes| u64::from(minutes.saturating_sub(left)));
        match agreement {
            Agreement::Agrees => {
                self.agrees += 1;
                self.minutes += minutes;
                self.minutes_at_most += minutes;
            }
            Agreement::Thin => {
                self.thin += 1;
                self.minutes_at_most += minutes;
            }
            Agreement::Disagrees(_) => self.disagrees += 1,
        }
        if !matches!(agreement, Agreement::Disagrees(_)) {
            self.untimed += usize::from(ticket.record.ticket.minutes.is_none());
            self.level_one_closed += usize::from(level_one);
        }
    }
}

/// All that is told about a replay in numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// By type, as read.
    pub rows: BTreeMap<String, Row>,
    /// All types together.
    pub all: Row,
    /// First and last ticket, in milliseconds since 1970.
    pub span: (u64, u64),
    /// By week since the first ticket: tickets, and those that would have been closed.
    pub weeks: Vec<(usize, usize)>,
    /// Hours from any moment to the first ticket that would have been closed alone: half of all moments, and nine in ten.
    pub first: Option<(f64, f64)>,
    /// The same for the types that would have been closed alone.
    pub firsts: BTreeMap<String, (f64, f64)>,
    /// Why tickets would have been handed over.
    pub reasons: BTreeMap<String, usize>,
    /// Tickets that are handed over, were approved, and whose approver is known.
    pub approver_known: usize,
}

const HOUR: u64 = 3_600_000;
const WEEK: u64 = 7 * 24 * HOUR;

impl Figures {
    /// Adds up.
    #[must_use]
    pub fn of(backtest: &Backtest, terms: &Terms) -> Self {
        let mut figures = Figures::default();
        let opened = || backtest.tickets.iter().map(|ticket| ticket.record.ticket.opened);
        figures.span = (opened().min().unwrap_or_default(), opened().max().unwrap_or_default());
        for ticket in &backtest.tickets {
            figures.rows.entry(ticket.intent.clone()).or_default().add(ticket, terms);
            figures.all.add(ticket, terms);
            let week = usize::try_from((ticket.record.ticket.opened - figures.span.0) / WEEK).unwrap_or_default();
            if figures.weeks.len() <= week {
                figures.weeks.resize(week + 1, (0, 0));
            }
            if let Some((tickets, closed)) = figures.weeks.get_mut(week) {
                *tickets += 1;
                *closed += usize::from(closable(ticket));
            }
            if let Course::HandedOver(why) = &ticket.course {
                *figures.reasons.entry(why.clone()).or_default() += 1;
                figures.approver_known += usize::from(ticket.approver.as_ref().is_some_and(|approver| approver.actual.is_some()));
            }
        }
        figures.first = first(backtest.tickets.iter(), figures.span.0);
        for name in figures.rows.keys() {
            let of_type = backtest.tickets.iter().filter(|ticket| ticket.intent == *name);
            figures.firsts.extend(first(of_type, figures.span.0).map(|waits| (name.clone(), waits)));
        }
        figures
    }
}

/// Would have been closed, and the technicians did not do otherwise.
fn closable(ticket: &Replayed) -> bool {
    matches!(ticket.agreement, Some(Agreement::Agrees | Agreement::Thin))
}

/// How long somebody who had connected at any full hour would have waited, up to the last ticket that would have been closed alone.
fn first<'a>(tickets: impl Iterator<Item = &'a Replayed>, from: u64) -> Option<(f64, f64)> {
    let mut alone = tickets.filter(|ticket| ticket.course == Course::Alone && closable(ticket)).map(|ticket| ticket.record.ticket.opened).peekable();
    let (mut waits, mut at) = (Vec::new(), from);
    while let Some(next) = alone.peek() {
        if *next < at {
            alone.next();
        } else {
            waits.push((*next - at) as f64 / HOUR as f64);
            at += HOUR;
        }
    }
    waits.sort_by(f64::total_cmp);
    let quantile = |tenths: usize| waits.get((waits.len() * tenths / 10).min(waits.len().saturating_sub(1))).copied();
    Some((quantile(5)?, quantile(9)?))
}
