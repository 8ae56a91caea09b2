//! Asking what was meant: at most two short questions, one with buttons and one without, then one reminder, and then a person.
//!
//! A button only says what is wished. Whether it may be done, and on which account, is asked afterwards like for any other wish.

use super::{Case, LISTEN_TIME, Note, Phase, Purpose, Reading, State, begin, people, plausible, replace_offer, second, set_handover};
use crate::Instant;
use crate::journal::Press;
use crate::mailbox::{Event, Place};
use crate::stage::{Button, ChatAct, Understanding};
use crate::tenant::Tenant;
use serde::{Deserialize, Serialize};

/// Questions have names of their own among what can be pressed.
pub(super) const SERIES: &str = "q";
/// The question with buttons, and the one without. Each is asked once.
const WHICH: &str = "which";
const CLARIFY: &str = "clarify";
/// When the user is reminded. As long after that a person gets the case.
const REMIND: u64 = LISTEN_TIME / 2;
const REMINDER: &str = "clarify-reminder";
/// Labels of buttons, and what each means.
const WISHES: [(&str, &str); 2] = [("reset-password", "password_reset"), ("unlock-account", "account_unlock")];
const ELSE: &str = "something-else";
const PERSON: &str = "talk-to-person";

/// A question with buttons that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Its id, signed into the buttons.
    pub id: String,
    /// The message that holds it, once posted.
    pub message: Option<String>,
    /// What may be pressed.
    pub choices: Vec<String>,
    /// The type was understood; if it is nothing of this, a person gets it as such.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
}

/// A wish that a button can stand for.
pub(super) fn is_wish(intent: &str) -> bool {
    WISHES.iter().any(|(_, wish)| *wish == intent)
}

/// There is a question left to ask: two in all.
pub(super) fn may_ask(case: &Case) -> bool {
    [WHICH, CLARIFY, people::WHOM, people::WHICH].iter().filter(|question| case.said.contains(**question)).count() < 2
}

/// Asks what was meant by a text that does not say it. False if that was asked before, or nobody is to be asked.
pub(super) fn ask(state: &mut State, reading: Reading, understanding: &Understanding, tenant: &Tenant, now: Instant) -> bool {
    let Some(case) = state.case.as_ref().filter(|case| !case.quiet && state.desk.is_none()) else { return false };
    let wishes = plausible(understanding);
    let labels = WISHES.iter().filter(|(_, wish)| wishes.contains(wish)).map(|(label, _)| *label);
    let mut choices: Vec<String> = labels.map(Into::into).collect();
    // Others read in a channel, and press.
    if !choices.is_empty() && !case.said.contains(WHICH) && state.place == Place::Direct {
        choices.extend([ELSE.to_string(), PERSON.to_string()]);
        which(state, choices, reading != Reading::Unclear, tenant, now);
        return true;
    }
    let free = reading == Reading::Unclear && !case.said.contains(CLARIFY);
    if free {
        in_words(state, tenant, now);
    }
    free
}

fn which(state: &mut State, choices: Vec<String>, known: bool, tenant: &Tenant, now: Instant) {
    let mut message = state.message(WHICH, &[("msp", &tenant.msp.name)]);
    message.buttons =
        choices.iter().map(|choice| Button { label: choice.clone(), choice: choice.clone(), primary: choice != ELSE && choice != PERSON }).collect();
    let id = format!("{}{SERIES}{}", second::series(state, ""), state.counted + 1);
    if let Some(case) = &mut state.case {
        case.since = now;
        case.said.insert(WHICH.into());
        case.query = Some(Query { id, message: None, choices, known });
    }
    state.chat(ChatAct::Say(message), Purpose::Query, now);
}

/// Asks for other words.
pub(super) fn in_words(state: &mut State, tenant: &Tenant, now: Instant) {
    if let Some(case) = &mut state.case {
        case.since = now;
        case.said.insert(CLARIFY.into());
    }
    state.say(CLARIFY, &[("msp", &tenant.msp.name)], now);
}

/// The question stands there, or was answered before it did.
pub(super) fn posted(state: &mut State, message: &str, now: Instant) {
    match state.case.as_mut().and_then(|case| case.query.as_mut()) {
        Some(query) => query.message = Some(message.into()),
        None => replace_offer(state, message, "offer-withdrawn", &[], now),
    }
}

/// The question was answered in words, or need not be answered any more.
pub(super) fn withdraw(state: &mut State, now: Instant) {
    if let Some(message) = state.case.as_mut().and_then(|case| case.query.take()).and_then(|query| query.message) {
        replace_offer(state, &message, "offer-withdrawn", &[], now);
    }
}

fn waits(case: &Case) -> bool {
    case.phase == Phase::Listening && (case.said.contains(WHICH) || case.said.contains(CLARIFY)) && !case.idle() && !case.said.contains(REMINDER)
}

/// When the user is reminded of what they were asked.
pub(super) fn remind_at(case: &Case) -> Option<Instant> {
    waits(case).then_some(case.since + REMIND)
}

/// Reminds, once. False if it is not the time for it.
pub(super) fn remind(state: &mut State, at: Instant) -> bool {
    let due = |case: &Case| remind_at(case).is_some_and(|remind| at >= remind && at < case.since + LISTEN_TIME);
    let due = state.case.as_ref().is_some_and(due);
    if due {
        state.say_once(REMINDER, &[], at);
    }
    due
}

/// The button belongs to such a question.
pub(super) fn is_of(press: &Press) -> bool {
    second::bare(&press.offer).starts_with(SERIES)
}

/// Somebody pressed a button of a question.
pub(super) fn pressed(state: &mut State, event: &Event, press: &Press, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = state.case.as_mut().filter(|case| case.id == press.case) else {
        state.say("expired-offer", &[], now);
        return;
    };
    if case.user != event.author {
        state.say("not-you", &[], now);
        return;
    }
    if people::waits(case) {
        people::pressed(state, event, press, tenant, now);
        return;
    }
    // A second press of the same button is no news while its work runs.
    if case.phase != Phase::Listening {
        return;
    }
    let Some(query) = case.query.take_if(|query| query.id == press.offer && query.choices.contains(&press.choice)) else {
        state.say("expired-offer", &[], now);
        return;
    };
    case.course.presses += 1;
    case.evidence.push(format!("the requester pressed `{}` at {now}", press.choice));
    let wish = WISHES.iter().find(|(label, _)| *label == press.choice).map(|(_, wish)| *wish);
    if let Some(wish) = wish {
        case.kind = wish.into();
        case.action = Some(wish.into());
        case.reading = format!("{wish}, chosen by the requester");
    }
    let told = case.said.contains(CLARIFY);
    replace_offer(state, &event.message, "offer-pressed", &[("choice", &press.choice)], now);
    match press.choice.as_str() {
        ELSE if query.known => set_handover(state, "out-of-scope", "out-of-scope, as the requester says when asked"),
        ELSE if !told => {
            in_words(state, tenant, now);
            return;
        }
        ELSE => set_handover(state, "unclear", "intent detection was not sure, also after asking twice"),
        PERSON => set_handover(state, "asked-for-person", "the requester asked for a person"),
        _ => {}
    }
    open(state, notes);
    begin(state, tenant, now);
}

/// From now on the case appears in lists.
pub(super) fn open(state: &State, notes: &mut Vec<Note>) {
    if let Some(case) = state.case.as_ref().filter(|case| case.profile.is_none()) {
        notes.push(Note::Opened(Box::new(case.clone())));
    }
}

#[cfg(test)]
mod tests;
