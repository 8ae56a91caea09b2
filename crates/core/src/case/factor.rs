//! A lost phone: once who asks is proved and somebody else has agreed, a pass leads to a new factor, step by step (P-6).
//!
//! The ticket closes only when the directory shows the new factor.

use super::{ChatAct, Phase, Purpose, State, hand_over, next_offer, replace_offer, settle};
use crate::Instant;
use crate::journal::Press;
use crate::mailbox::{Event, Place};
use crate::stage::{Button, IdpAct, Message, Outcome, Subject, Work};
use crate::tenant::{Role, Tenant, vendor};

/// The action.
pub const LOST_PHONE: &str = "mfa_reset";
/// How long the pass works, and the buttons beside it.
pub(super) const PASS_TIME: u64 = 60 * 60_000;
/// So often a new factor is looked for.
const MOST_LOOKS: u32 = 3;
/// What is said after so many steps; the first brings the link.
const STEPS: [&str; 2] = ["mfa-signin", "mfa-add"];

/// Whether an action is done here at all. A lost phone is guided in a direct conversation, and only Entra is known to take passes.
pub(super) fn served(action: &str, at_desk: bool, tenant: &Tenant) -> bool {
    let entra = tenant.connection_of(Role::Idp).and_then(|idp| vendor(&idp.vendor)).is_some_and(|vendor| vendor.name == "entra");
    action != LOST_PHONE || entra && !at_desk
}

/// The case leads somebody to a new factor.
pub(super) fn guides(state: &State) -> bool {
    state.place == Place::Direct && state.case.as_ref().is_some_and(|case| case.action.as_deref() == Some(LOST_PHONE))
}

/// The words that bring the pass, with the first step.
pub(super) fn first_step(state: &mut State, login: &str, tenant: &Tenant, now: Instant) -> Message {
    next_offer(state, now + PASS_TIME);
    let minutes = tenant.link_minutes.min(PASS_TIME / 60_000).to_string();
    buttons(state.message("mfa-signin", &[("login", login), ("minutes", &minutes)]))
}

fn buttons(message: Message) -> Message {
    let buttons = ["done", "stuck"].map(|name| Button { label: name.into(), choice: name.into(), primary: name == "done" }).into();
    Message { buttons, ..message }
}

/// The user has the link.
pub(super) fn delivered(state: &mut State, message: &str, now: Instant) {
    state.phase(Phase::Guiding, now);
    if let Some(offer) = state.case.as_mut().and_then(|case| case.offer.as_mut()) {
        offer.message = Some(message.into());
    }
}

/// The user pressed a button of a step.
pub(super) fn pressed(state: &mut State, event: &Event, press: &Press, tenant: &Tenant, now: Instant) {
    let Some(case) = &mut state.case else { return };
    let done = press.choice == "done";
    // A second press of the same button is no news; but whoever is stuck may say so at any step.
    if done && !case.offer.as_ref().is_some_and(|offer| offer.id == press.offer && now < offer.expires) {
        return;
    }
    let label = if done { "done" } else { "stuck" };
    case.course.presses += 1;
    case.evidence.push(format!("the requester pressed `{label}` of step {} at {now}", case.guide.0 + 1));
    case.offer = None;
    case.guide.0 += 1;
    let step = case.guide.0;
    // The first message holds the link, which may not have been opened yet.
    if step > 1 {
        replace_offer(state, &event.message, "offer-pressed", &[("choice", label)], now);
    }
    match STEPS.get(step as usize) {
        _ if !done => hand_over(state, "stuck", "the requester cannot get on with registering a new factor; the pass works for at most an hour", tenant, now),
        Some(sentence) => say_step(state, sentence, now),
        None => look(state, tenant, now),
    }
}

fn say_step(state: &mut State, sentence: &str, now: Instant) {
    next_offer(state, now + PASS_TIME);
    let message = buttons(state.message(sentence, &[]));
    state.chat(ChatAct::Say(message), Purpose::Offer, now);
}

/// Reads back whether there is a new factor.
fn look(state: &mut State, tenant: &Tenant, now: Instant) {
    let account = state.case.as_ref().and_then(|case| case.account.as_ref());
    let subject = account.map(|account| Subject { id: account.id.clone(), login: account.login.clone() });
    match (subject, tenant.connection_of(Role::Idp).map(|idp| idp.id.clone())) {
        (Some(subject), Some(idp)) => drop(state.start(&idp, Work::Idp(IdpAct::CheckFactors(subject)), Purpose::Check, now)),
        _ => hand_over(state, "not-configured", super::NOT_CONFIGURED, tenant, now),
    }
}

/// It was looked for.
pub(super) fn checked(state: &mut State, outcome: &Outcome, tenant: &Tenant, now: Instant) {
    let Some(case) = &mut state.case else { return };
    if let Outcome::Changed(report) | Outcome::Unchanged(report) = outcome {
        case.evidence.extend(report.evidence.iter().cloned());
    }
    match outcome {
        _ if case.handover.is_some() => settle(state, tenant, now),
        Outcome::Changed(_) => {
            state.phase(Phase::Closing, now);
            settle(state, tenant, now);
        }
        Outcome::Unchanged(_) if case.guide.1 + 1 < MOST_LOOKS => {
            // The step stays, so that the next press looks again.
            case.guide = (case.guide.0.saturating_sub(1), case.guide.1 + 1);
            say_step(state, "mfa-not-yet", now);
        }
        Outcome::Unchanged(_) => {
            hand_over(state, "factor-not-registered", "no new factor shows in the directory, though the requester says that it is done", tenant, now);
        }
        other => {
            let text = format!("whether a new factor is registered could not be read: {}", super::describe(other));
            hand_over(state, "factor-not-read", &text, tenant, now);
        }
    }
}

#[cfg(test)]
mod tests;
