//! A change of subject while a case is under way: the new wish gets a case of its own, in a mailbox of its own.
//!
//! What is written later still goes to the mailbox of the conversation, so only a text that is clearly about something else leaves it.

use super::{Note, Phase, Reading, State};
use crate::Instant;
use crate::keys;
use crate::mailbox::{Act, Event, Place};
use crate::stage::Understanding;

/// Buttons of such a case are pressed in the conversation, whose mailbox is another.
pub(super) const SERIES: &str = "s";
/// From this probability on, in thousandths, a text is about something else, and not about the same thing in other words.
const SURE: u16 = 600;
/// What goes wrong for whoever cannot get in: words about one of these are about all of them.
const ACCESS: [&str; 5] = ["password_reset", "account_unlock", "mfa_reset", "app_outage", "vpn_issue"];

fn subject(kind: &str) -> &str {
    if ACCESS.contains(&kind) { "access" } else { kind }
}

/// The name of a series of buttons in this mailbox.
pub(super) fn series(state: &State, name: &str) -> String {
    if state.second { format!("{SERIES}{name}") } else { name.into() }
}

/// The name of a series of buttons, wherever they stand.
pub(super) fn bare(offer: &str) -> &str {
    offer.strip_prefix(SERIES).unwrap_or(offer)
}

/// The mailbox of the case that a text would open; none if the text belongs to the open case.
pub(super) fn mailbox(state: &State, reading: Reading, understanding: &Understanding) -> Option<String> {
    let case = state.case.as_ref().filter(|case| !case.outsider && state.desk.is_none() && state.place == Place::Direct)?;
    let clear = match reading {
        Reading::Action(_) => true,
        Reading::Elsewhere(code) => ["out-of-scope", "other-system", "somebody-else"].contains(&code),
        Reading::Greeting | Reading::Thanks | Reading::Person | Reading::Unclear => false,
    };
    let first = understanding.candidates.first().filter(|first| clear && !understanding.abstained && first.confidence >= SURE && first.intent != "other")?;
    // Whoever asked for a person, and then says why, is still at the same subject.
    let known = !["", "other", "human"].contains(&case.kind.as_str()) && subject(&case.kind) != subject(&first.intent);
    let under_way = !matches!(case.phase, Phase::Listening | Phase::Telling);
    // More words about that subject come to the same place.
    (known && under_way).then(|| keys::conversation(&state.tenant, &state.connection, &case.id, Some(subject(&first.intent))))
}

/// Passes a text on to the mailbox of the case that it opens.
pub(super) fn forward(state: &State, to: String, event: &str, text: String, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = &state.case else { return };
    notes.push(Note::Forward(Box::new(Event {
        id: event.into(),
        tenant: state.tenant.clone(),
        connection: state.connection.clone(),
        workspace: String::new(),
        author: case.user.clone(),
        author_workspace: None,
        channel: state.channel.clone(),
        thread: None,
        place: state.place,
        message: String::new(),
        act: Act::Message(text),
        at: now,
        received: now,
        to: Some(to),
    })));
}

#[cfg(test)]
mod tests;
