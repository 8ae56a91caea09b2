//! A second opinion on a text that was not understood: a language model's, where a connection to one was entered.
//!
//! Its answer is as hostile as the text. It may name an intent that there is, and words that stand in the text; how sure it claims to be is not even read.
//! It opens no way to a change: an action that it names becomes one more button of a question, and only the requester's own press makes that a wish.

use super::reading::PLAUSIBLE;
use super::{Note, Phase, Purpose, Reading, State, Task, clarify, people, plausible, wished};
use crate::Instant;
use crate::redact;
use crate::stage::{Candidate, Entity, INTENTS, Opinion, Outcome, Understanding, Unread, Work};
use crate::tenant::{Role, Tenant};
use serde::{Deserialize, Serialize};

/// Most texts of one case that are asked about: as many as there are questions to its requester.
const MOST: u32 = 2;
/// Characters of a text that leave.
const TEXT: usize = 2_000;
/// Entities that are kept, and characters of one.
const ENTITIES: usize = 16;
const WORDS: usize = 120;
/// What the model may choose among.
fn intents() -> impl Iterator<Item = &'static str> {
    INTENTS.into_iter().chain(["human"])
}
/// What it may point out. A claimed approval is not among it: nobody needs a model for that (P-34).
const KINDS: [&str; 9] = ["affected-person", "mailbox", "group", "share", "licence", "application", "device", "date", "approver"];

/// Texts of a case that a language model was asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consulted {
    /// How many.
    pub texts: u32,
    /// The one that it reads now.
    pub now: Option<Box<Consultation>>,
}

impl Consulted {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A text that a language model reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// The text as it was written.
    pub text: String,
    /// What was understood without it.
    pub understanding: Understanding,
}

/// Asks about a text that was not understood. False if that is not to be done.
pub(super) fn ask(state: &mut State, reading: Reading, understanding: &Understanding, text: String, tenant: &Tenant, now: Instant) -> bool {
    // What is written later is what is meant, and no answer about anything else counts.
    state.tasks.retain(|task| task.purpose != Purpose::Opinion);
    state.case.iter_mut().for_each(|case| case.consulted.now = None);
    let may = state.case.as_ref().is_some_and(|case| !case.quiet && !case.outsider && case.consulted.texts < MOST);
    let Some(model) = tenant.connection_of(Role::Model).filter(|_| may && reading == Reading::Unclear) else { return false };
    let model = model.id.clone();
    let redacted = redact::outgoing(&text).chars().take(TEXT).collect();
    state.start(
        &model,
        Work::Model(Unread { text: redacted, intents: intents().map(str::to_string).collect(), kinds: KINDS.map(str::to_string).into() }),
        Purpose::Opinion,
        now,
    );
    if let Some(case) = &mut state.case {
        case.consulted.texts += 1;
        case.consulted.now = Some(Box::new(Consultation { text, understanding: understanding.clone() }));
    }
    true
}

/// The model has answered, or not.
pub(super) fn given(state: &mut State, task: &Task, outcome: &Outcome, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = &mut state.case else { return };
    let Some(asked) = case.consulted.now.take() else { return };
    // Something else has moved the case on meanwhile.
    if case.phase != Phase::Listening {
        return;
    }
    let Consultation { text, mut understanding } = *asked;
    let opinion = if let Outcome::Opinion(opinion) = outcome { believable(opinion, &text) } else { None };
    let Some(Opinion { intent, entities }) = opinion else {
        case.evidence.push(format!("the language model of `{}` was asked, and gave no answer that can be used", task.connection));
        wished(state, Reading::Unclear, &understanding, tenant, now, notes);
        return;
    };
    case.evidence.push(format!("the language model of `{}` was asked, and read it as `{intent}`", task.connection));
    case.triage.extend(entities.iter().map(|entity| format!("{}, by the language model: {}", entity.kind, entity.words)));
    people::named(case, &entities);
    people::object(case, &intent, &entities);
    if clarify::is_wish(&intent) {
        offer(&mut understanding, &intent);
    }
    // Whoever may want something that can be done is asked for it, whatever a model thinks.
    let reading = match intent.as_str() {
        "other" => Reading::Unclear,
        _ if clarify::is_wish(&intent) || !plausible(&understanding).is_empty() => Reading::Unclear,
        "human" => Reading::Person,
        _ => Reading::Elsewhere("out-of-scope"),
    };
    if reading != Reading::Unclear {
        case.reading = format!("{intent}, as a language model says; before that {}", case.reading);
        case.kind = intent;
    }
    wished(state, reading, &understanding, tenant, now, notes);
}

/// What is left of an answer: an intent that there is, and words that stand in the text.
fn believable(opinion: &Opinion, text: &str) -> Option<Opinion> {
    let stands = |entity: &&Entity| {
        let words = entity.words.trim();
        KINDS.contains(&entity.kind.as_str()) && !words.is_empty() && words.chars().count() <= WORDS && text.contains(words)
    };
    let known = intents().any(|known| known == opinion.intent);
    known.then(|| Opinion { intent: opinion.intent.clone(), entities: opinion.entities.iter().filter(stands).take(ENTITIES).cloned().collect() })
}

/// Makes a wish worth a question; it stays as unsure as it was.
fn offer(understanding: &mut Understanding, intent: &str) {
    match understanding.candidates.iter_mut().find(|candidate| candidate.intent == intent) {
        Some(candidate) => candidate.confidence = candidate.confidence.max(PLAUSIBLE),
        None => understanding.candidates.push(Candidate { intent: intent.into(), confidence: PLAUSIBLE, because: Vec::new() }),
    }
}

#[cfg(test)]
mod tests;
