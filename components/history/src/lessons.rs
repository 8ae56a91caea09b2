//! What a memory says, each statement with its evidence and its exceptions.

use crate::bindings::exports::firstline::history::history::Lesson;
use crate::memory::{FILED, Kind, Memory};
use crate::tally::{IDS, Seen, Tally, thin};
use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

/// Weeks on either side of a trend.
const TREND: u64 = 4;
/// Values of a field, targets of an escalation and questions that are told.
const TOLD: usize = 3;
/// A question that was asked less often is chance.
const ASKED: u32 = 2;

/// About one type, or about all.
pub fn recall(memory: &Memory, intent: Option<&str>) -> Vec<Lesson> {
    let kinds = memory.intents.iter().filter(|(name, _)| intent.is_none_or(|wanted| wanted == name.as_str()));
    let words = words(memory).into_iter().filter(|lesson| intent.is_none_or(|wanted| wanted == lesson.intent));
    kinds.flat_map(|(name, kind)| about(memory, name, kind)).chain(words).collect()
}

/// Names of categories, and things that tickets name, with the type that they go with.
///
/// A category means what was surely read in the tickets filed there; a thing, what the categories mean under which it was filed.
fn words(memory: &Memory) -> Vec<Lesson> {
    let mut categories = BTreeMap::new();
    let mut parts = BTreeMap::new();
    for (intent, kind) in memory.intents.iter().filter(|(intent, _)| !intent.is_empty()) {
        for (value, seen) in kind.fields.get(FILED).map(Tally::ranked).unwrap_or_default() {
            let names: BTreeSet<String> = value.split('/').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty()).collect();
            categories.entry(value.to_owned()).or_insert_with(Votes::default).add(intent, seen);
            names.into_iter().for_each(|name| parts.entry(name).or_insert_with(Votes::default).add(intent, seen));
        }
    }
    let mut all: Vec<Lesson> = parts.iter().filter_map(|(name, votes)| votes.lesson("filed", name)).collect();
    for (thing, tally) in &memory.things {
        let mut votes = Votes { of: tally.of, ..Votes::default() };
        for (value, seen) in tally.ranked() {
            let meant = categories.get(value).and_then(|votes| votes.lesson("", value)).filter(|lesson| !lesson.thin);
            if let Some(lesson) = meant {
                votes.add(&lesson.intent, seen);
                votes.of -= seen.count.min(votes.of);
            }
        }
        all.extend(votes.lesson("named", thing));
    }
    all
}

/// What tickets say that a name goes with.
#[derive(Default)]
struct Votes {
    of: u32,
    intents: BTreeMap<String, Seen>,
}

impl Votes {
    fn add(&mut self, intent: &str, seen: &Seen) {
        let votes = self.intents.entry(intent.to_owned()).or_default();
        votes.count = votes.count.saturating_add(seen.count);
        votes.ids.extend(seen.ids.iter().cloned());
        votes.ids.truncate(IDS);
        self.of = self.of.saturating_add(seen.count);
    }

    fn lesson(&self, about: &str, name: &str) -> Option<Lesson> {
        let (intent, seen) = self.intents.iter().max_by_key(|(_, seen)| seen.count)?;
        let exceptions = self.intents.iter().filter(|(other, _)| *other != intent).flat_map(|(_, seen)| seen.ids.iter().cloned()).take(IDS).collect();
        Some(Lesson {
            kind: "word".into(),
            intent: intent.clone(),
            about: about.into(),
            value: name.into(),
            support: seen.count,
            of: self.of,
            evidence: seen.ids.clone(),
            exceptions,
            thin: thin(seen.count, self.of),
        })
    }
}

fn about(memory: &Memory, intent: &str, kind: &Kind) -> Vec<Lesson> {
    let tickets = kind.tickets.count;
    let lesson = |what: &str, about: &str, value: &str, support: u32, of: u32| Lesson {
        kind: what.into(),
        intent: intent.into(),
        about: about.into(),
        value: value.into(),
        support,
        of,
        evidence: Vec::new(),
        exceptions: Vec::new(),
        thin: thin(support, of),
    };
    let seen = |what: &str, seen: &Seen| Lesson { evidence: seen.ids.clone(), thin: thin_share(tickets), ..lesson(what, "", "", seen.count, tickets) };
    // A share is as good as the number of tickets behind it, however small it is.
    let mut all = vec![Lesson { evidence: kind.tickets.ids.clone(), thin: thin_share(memory.tickets), ..lesson("share", "", "", tickets, memory.tickets) }];
    let weeks = |from: u64| kind.weeks.range(from.min(memory.newest + 1)..=memory.newest).map(|(_, count)| count).sum::<u32>();
    let (now, both) = (weeks((memory.newest + 1).saturating_sub(TREND)), weeks((memory.newest + 1).saturating_sub(2 * TREND)));
    all.push(Lesson { thin: thin_share(both), ..lesson("trend", "", "", now, both) });
    for (name, tally) in &kind.fields {
        all.extend(told("field", name, tally, tally.of, &lesson));
    }
    if let Some(median) = median(&kind.minutes) {
        all.push(Lesson { thin: thin_share(kind.timed), ..lesson("minutes", "", &median.to_string(), kind.timed, tickets) });
    }
    all.extend([seen("after-hours", &kind.after_hours), seen("reopened", &kind.reopened)]);
    let escalated: u32 = named(&kind.escalated);
    all.push(Lesson { thin: thin_share(tickets), ..lesson("escalated", "", "", escalated, tickets) });
    all.extend(told("escalated-to", "", &kind.escalated, escalated, &lesson));
    for (scope, tally) in &kind.approvers {
        let approved = named(tally);
        if approved > 0 {
            all.push(Lesson { thin: thin_share(tally.of), ..lesson("approved", scope, "", approved, tally.of) });
            all.extend(told("approver", scope, tally, approved, &lesson));
        }
    }
    let asked = kind.questions.ranked().into_iter().filter(|(_, seen)| seen.count >= ASKED).take(TOLD);
    all.extend(asked.map(|(question, seen)| Lesson {
        evidence: seen.ids.clone(),
        thin: thin_share(tickets),
        ..lesson("question", "", question, seen.count, tickets)
    }));
    for (part, count) in [("resolution", kind.explained), ("minutes", kind.timed)] {
        all.push(lesson("closeout", part, "", count, tickets));
    }
    all
}

/// The most frequent values of a tally, nobody left out.
fn told<'a>(
    what: &'a str,
    about: &'a str,
    tally: &'a Tally,
    of: u32,
    lesson: &'a dyn Fn(&str, &str, &str, u32, u32) -> Lesson,
) -> impl Iterator<Item = Lesson> + 'a {
    let named = tally.ranked().into_iter().filter(|(value, _)| !value.is_empty()).take(TOLD);
    named.map(move |(value, seen)| Lesson { evidence: seen.ids.clone(), exceptions: tally.others(value), ..lesson(what, about, value, seen.count, of) })
}

/// Tickets of a tally that name somebody.
fn named(tally: &Tally) -> u32 {
    let nobody = tally.ranked().into_iter().find(|(value, _)| value.is_empty()).map_or(0, |(_, seen)| seen.count);
    tally.of.saturating_sub(nobody)
}

/// A number of tickets from which a share may be told without a warning.
fn thin_share(of: u32) -> bool {
    thin(of, of)
}

fn median<'a>(minutes: impl IntoIterator<Item = &'a u32>) -> Option<u32> {
    let mut sorted: Vec<u32> = minutes.into_iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}
