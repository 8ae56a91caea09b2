//! What is kept of closed tickets: counts with some ticket numbers beside them, and what is counted, cut short.

use crate::bindings::exports::firstline::history::history::Ticket;
use crate::tally::{Seen, Tally, short, within};
use crate::{approval, questions};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

#[cfg(test)]
pub(crate) mod tests;

const SCHEMA: u32 = 1;
/// A value in the store is at most 1 MB, with quotes escaped and the tickets' hashes beside it.
const LARGEST: usize = 400 * 1024;
/// Types, fields of a ticket, and what an approver may speak for.
const INTENTS: usize = 40;
const FIELDS: usize = 12;
const SCOPES: usize = 40;
/// Things that tickets name.
const THINGS: usize = 200;
/// The field that says how a ticket was filed.
pub const FILED: &str = "filed";
/// Weeks that are kept for the trend, and tickets for a median.
const WEEKS: usize = 60;
const MEDIAN: usize = 101;
const WEEK: u64 = 7 * 24 * 3_600_000;

/// Everything that was learned.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    schema: u32,
    /// Tickets in all.
    pub tickets: u32,
    /// The newest week that a ticket came in, counted since 1970.
    pub newest: u64,
    /// By type.
    pub intents: BTreeMap<String, Kind>,
    /// How tickets were filed that name a thing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub things: BTreeMap<String, Tally>,
}

/// One type of ticket.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Tickets.
    pub tickets: Seen,
    /// By week since 1970.
    pub weeks: BTreeMap<u64, u32>,
    /// How they were closed.
    pub fields: BTreeMap<String, Tally>,
    /// Minutes of the newest tickets that have any.
    pub minutes: VecDeque<u32>,
    /// Tickets with minutes.
    pub timed: u32,
    /// Came when nobody was there.
    pub after_hours: Seen,
    /// Opened again.
    pub reopened: Seen,
    /// To whom; nobody is empty.
    pub escalated: Tally,
    /// Who approved, by scope; nobody is empty.
    pub approvers: BTreeMap<String, Tally>,
    /// What technicians asked.
    pub questions: Tally,
    /// Tickets with words at the end.
    pub explained: u32,
}

impl Memory {
    /// Reads what [`Memory::write`] wrote. An error says why it cannot be used.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self { schema: SCHEMA, ..Self::default() });
        }
        let memory: Self = serde_json::from_str(text).map_err(|error| format!("the memory cannot be read: {error}"))?;
        if memory.schema == SCHEMA { Ok(memory) } else { Err(format!("the memory has schema {}, not {SCHEMA}", memory.schema)) }
    }

    /// As text for the caller to keep.
    pub fn write(&mut self) -> String {
        let mut rare = 1;
        loop {
            let text = serde_json::to_string(self).unwrap_or_default();
            if text.len() <= LARGEST || rare > 1 << 20 {
                return text;
            }
            // What was seen once names too many tickets; their number stays.
            self.intents.values_mut().for_each(|kind| kind.forget(rare));
            self.things.values_mut().for_each(|thing| thing.forget(rare));
            rare *= 2;
        }
    }

    /// Counts one ticket.
    pub fn learn(&mut self, ticket: &Ticket) {
        let Ticket { id, opened, intent, about, department, fields, minutes, after_hours, reopened, escalated, approver, resolution } = ticket;
        let filed = fields.iter().find(|(name, _)| name == FILED).map_or("", |(_, value)| value);
        if !about.trim().is_empty()
            && let Some(thing) = within(&mut self.things, &about.to_lowercase(), THINGS)
        {
            thing.add(filed, id);
        }
        let Some(kind) = within(&mut self.intents, intent, INTENTS) else { return };
        self.tickets = self.tickets.saturating_add(1);
        let week = opened / WEEK;
        self.newest = self.newest.max(week);
        kind.tickets.add(id);
        *kind.weeks.entry(week).or_default() += 1;
        while kind.weeks.len() > WEEKS {
            kind.weeks.pop_first();
        }
        for (name, value) in fields.iter().filter(|(_, value)| !value.trim().is_empty()) {
            if let Some(tally) = within(&mut kind.fields, name, FIELDS) {
                tally.add(value, id);
            }
        }
        if let Some(minutes) = minutes {
            kind.timed += 1;
            kind.minutes.push_back(*minutes);
            if kind.minutes.len() > MEDIAN {
                kind.minutes.pop_front();
            }
        }
        if *after_hours {
            kind.after_hours.add(id);
        }
        if *reopened {
            kind.reopened.add(id);
        }
        kind.escalated.add(escalated.as_deref().unwrap_or_default(), id);
        let approver = approver
            .as_deref()
            .map(|name| short(&name.to_lowercase()))
            .filter(|name| !name.is_empty())
            .or_else(|| approval::named(resolution))
            .unwrap_or_default();
        let narrower = [("department", department), ("about", about)].into_iter().filter(|(_, of)| !of.trim().is_empty());
        let scopes = std::iter::once(String::new()).chain(narrower.map(|(scope, of)| format!("{scope} {}", of.trim().to_lowercase())));
        for scope in scopes {
            if let Some(tally) = within(&mut kind.approvers, &scope, SCOPES) {
                tally.add(&approver, id);
            }
        }
        for question in questions::asked(resolution) {
            kind.questions.add(&question, id);
        }
        kind.explained += u32::from(!resolution.trim().is_empty());
    }
}

impl Kind {
    fn forget(&mut self, rare: u32) {
        self.fields.values_mut().chain(self.approvers.values_mut()).chain([&mut self.questions, &mut self.escalated]).for_each(|tally| tally.forget(rare));
    }
}
