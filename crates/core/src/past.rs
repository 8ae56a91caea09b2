//! Closed tickets and what was learned from them, as they are stored and exchanged. The shapes follow the stage `history`, but these are our own.

use crate::Instant;
use crate::record::Record;
use crate::stage::Understanding;
use crate::tenant::ACTIONS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A closed ticket. Its texts are hostile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closed {
    /// Its number.
    pub id: String,
    /// When it came.
    pub opened: Instant,
    /// What was read in its first words; empty if that was unsure.
    pub intent: String,
    /// What it was about.
    pub about: String,
    /// For whom.
    pub department: String,
    /// How it was closed.
    pub fields: BTreeMap<String, String>,
    /// Minutes that were recorded.
    pub minutes: Option<u32>,
    /// It came when nobody was there.
    pub after_hours: bool,
    /// It was opened again.
    pub reopened: bool,
    /// To whom it was escalated.
    pub escalated: Option<String>,
    /// Who approved it.
    pub approver: Option<String>,
    /// The technicians' words.
    pub resolution: String,
}

impl Closed {
    /// With what was read in its first words.
    #[must_use]
    pub fn read_as(self, understanding: &Understanding) -> Self {
        const THINGS: [&str; 5] = ["share", "group", "mailbox", "licence", "application"];
        let things = THINGS.iter().find_map(|kind| understanding.entities.iter().find(|entity| entity.kind == *kind));
        let about = things.map(|entity| entity.words.clone()).unwrap_or_default();
        Self { intent: intent(understanding).into(), about, ..self }
    }
}

/// The type that a text is counted under; empty if it was unsure.
#[must_use]
pub fn intent(understanding: &Understanding) -> &str {
    let sure = understanding.candidates.first().filter(|_| !understanding.abstained);
    sure.map_or("", |candidate| candidate.intent.as_str())
}

/// One thing that was learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// `share`, `field`, `approver`, …
    pub kind: String,
    /// The type of ticket; empty for what was not understood.
    pub intent: String,
    /// A field's name, or for what an approver speaks.
    pub about: String,
    /// What was seen most.
    pub value: String,
    /// Tickets that say so.
    pub support: u32,
    /// Tickets that could have.
    pub of: u32,
    /// Some of those that say so.
    pub evidence: Vec<String>,
    /// Some of those that say otherwise.
    pub exceptions: Vec<String>,
    /// Too little to build on (P-32).
    pub thin: bool,
}

/// A name that a tenant's closed tickets firmly use for one type: less than the text, it may name what is handed over, and never bring an action about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Familiar {
    /// The words, in small letters.
    pub phrase: String,
    /// The type.
    pub intent: String,
}

/// A tenant's own names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// The best known first.
    pub names: Vec<Familiar>,
}

impl Vocabulary {
    /// Those names at most are kept.
    const MOST: usize = 200;

    /// The names that lessons are firm about (P-32), those of actions left out.
    #[must_use]
    pub fn of(lessons: &[Lesson]) -> Self {
        let firm = |lesson: &&Lesson| lesson.kind == "word" && !lesson.thin && !lesson.intent.is_empty() && !ACTIONS.contains(&lesson.intent.as_str());
        let mut firm: Vec<&Lesson> = lessons.iter().filter(firm).collect();
        firm.sort_by_key(|lesson| std::cmp::Reverse(lesson.support));
        let names = firm.into_iter().take(Self::MOST).map(|lesson| Familiar { phrase: lesson.value.clone(), intent: lesson.intent.clone() });
        Self { names: names.collect() }
    }
}

impl Record for Vocabulary {
    const SCHEMA: u64 = 1;
}

/// Makes a [`Lesson`] of the stage's own record, of which each side of the contract has a type of its own.
#[macro_export]
macro_rules! lesson {
    ($of:expr) => {{
        let of = $of;
        $crate::past::Lesson {
            kind: of.kind,
            intent: of.intent,
            about: of.about,
            value: of.value,
            support: of.support,
            of: of.of,
            evidence: of.evidence,
            exceptions: of.exceptions,
            thin: of.thin,
        }
    }};
}

/// What is kept of a tenant's past: counts, ticket numbers, and what is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The memory of the stage `history`.
    pub memory: String,
    /// Tickets that were learned.
    pub learned: u64,
    /// Short hashes of their numbers, the newest last, so that none is learned twice.
    pub seen: Vec<String>,
    /// Counts the imports.
    pub turn: u64,
    /// When the last one was.
    pub at: Instant,
    /// How far the PSA's closed tickets were read; empty if they were not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub read_to: String,
}

impl Record for Past {
    const SCHEMA: u64 = 1;
}
