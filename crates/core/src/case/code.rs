//! A code by SMS: sent to the mobile number on record, typed on a page of its own, and checked by the vendor that sent it.
//!
//! No component of ours ever makes or knows one but the page, which seals what was typed. Where there is none, or it does not help, the next step-up is asked for.

use super::proof::{self, ending};
use super::{CASE_TIME, ChatAct, Note, Phase, Purpose, State, approval, ask, hand_over, next_offer, replace_offer, set_handover, settle};
use crate::Instant;
use crate::journal::Press;
use crate::stage::{Account, Button, CODE, Outcome, Proof, ProofAct, Question, Work};
use crate::tenant::Tenant;
use serde::{Deserialize, Serialize};

/// How long a code may be typed. Twilio forgets its codes then.
pub const CODE_TIME: u64 = 10 * 60_000;
/// So many wrong ones are taken for an attempt to be somebody else (P-5).
const MOST_WRONG: u32 = 3;
/// Code of a case in which so many were typed.
const WRONG: &str = "identity-wrong-codes";
/// What whoever gets no SMS may press.
const NONE_CAME: &str = "no-code";

/// A code that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Object id of the account that it is about.
    pub target: String,
    /// Where it was sent, in the form of E.164.
    pub number: String,
    /// Wrong ones that were typed.
    pub wrong: u32,
}

/// The number on record that an SMS may be sent to, in the form of E.164: one that the directory names as mobile, with its country. None is guessed.
pub(super) fn number(account: &Account) -> Option<String> {
    let text = account.mobile.as_deref()?.trim();
    let digits: String = text.strip_prefix('+')?.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '\u{a0}')).collect();
    // A zero in brackets is not dialled from abroad, and brackets around anything else are.
    let digits = digits.replace("(0)", "").replace(['(', ')'], "");
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (8..=15).contains(&digits.len()) && !digits.starts_with('0');
    plain.then(|| format!("+{digits}"))
}

/// Has a code sent.
pub(super) fn send(state: &mut State, question: &Question, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let (Some(prover), Some(number)) = (tenant.prover(CODE).map(|prover| prover.id.clone()), number(&question.subject)) else {
        in_vain(state, "there is no number for one", tenant, now);
        return;
    };
    next_offer(state, now + CODE_TIME);
    state.phase(Phase::Proving, now);
    let Some(case) = &mut state.case else { return };
    case.vetting.challenges += 1;
    case.vetting.codes += 1;
    notes.push(Note::Challenged(question.subject.id.clone(), 1));
    let language = tenant.language(case.locale().unwrap_or_default()).to_string();
    case.code = Some(Code { target: question.subject.id.clone(), number: number.clone(), wrong: 0 });
    let task = state.start(&prover, Work::Proof(ProofAct::SendCode(number.clone(), language)), Purpose::Prove, now);
    state.grant(&task, &prover, "code_send", &number, None, now);
}

/// Something was typed on the page of the button series `offer`: it is checked, unless another one is.
pub(super) fn typed(state: &mut State, offer: &str, tenant: &Tenant, now: Instant) {
    let live = |state: &State| {
        let case = state.case.as_ref().filter(|case| case.phase == Phase::Proving)?;
        case.offer.as_ref().filter(|live| live.id == offer && now < live.expires)?;
        Some(case.code.as_ref()?.number.clone())
    };
    let Some(number) = live(state).filter(|_| !state.running(&Purpose::Prove)) else { return };
    let Some(prover) = tenant.prover(CODE).map(|prover| prover.id.clone()) else {
        in_vain(state, "the connection that sent it is gone", tenant, now);
        return;
    };
    if let Some(case) = &mut state.case {
        // What was typed is in the store, sealed.
        case.secret = true;
    }
    let task = state.start(&prover, Work::Proof(ProofAct::CheckCode(number.clone())), Purpose::Prove, now);
    state.grant(&task, &prover, "code_check", &number, None, now);
}

/// Whoever was sent a code says that none came.
pub(super) fn pressed(state: &mut State, press: &Press, tenant: &Tenant, now: Instant) {
    let live = state.case.as_ref().and_then(|case| case.offer.as_ref()).is_some_and(|offer| offer.id == press.offer);
    if live && press.choice == NONE_CAME && !state.running(&Purpose::Prove) {
        in_vain(state, "the requester says that none came", tenant, now);
    }
}

/// Nothing was typed in time.
pub(super) fn tick(state: &mut State, tenant: &Tenant, at: Instant) {
    let over = state.case.as_ref().and_then(|case| case.offer.as_ref()).is_some_and(|offer| at >= offer.expires);
    if over && !state.running(&Purpose::Prove) {
        in_vain(state, "none was typed in time", tenant, at);
    }
}

/// A code was sent or checked, or its page is known to the requester.
pub(super) fn done(state: &mut State, work: &Work, outcome: &Outcome, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = state.case.as_mut().filter(|case| case.handover.is_none() && case.phase == Phase::Proving) else {
        settle(state, tenant, now);
        return;
    };
    let Some(code) = &mut case.code else { return };
    let end = ending(&code.number);
    match (work, outcome) {
        (Work::Proof(ProofAct::SendCode(..)), Outcome::Sent) => {
            case.evidence.push(format!("a code was sent to the mobile number on record, {end}"));
            let mut message = state.message("code-sent", &[("end", end.trim_start_matches("ending in ")), ("minutes", &(CODE_TIME / 60_000).to_string())]);
            message.secret_link = Some("code-page".into());
            message.buttons = vec![Button { label: NONE_CAME.into(), choice: NONE_CAME.into(), primary: false }];
            state.chat(ChatAct::Say(message), Purpose::Prove, now);
        }
        (Work::Chat(_), Outcome::Posted(message)) => {
            if let Some(offer) = &mut case.offer {
                offer.message = Some(message.clone());
            }
        }
        (Work::Proof(ProofAct::CheckCode(_)), Outcome::Passed) => {
            case.evidence.push(format!("identity: the code that was sent to the mobile number on record, {end}, was typed"));
            let target = code.target.clone();
            case.vetting.proofs.push(Proof { kind: CODE.into(), target, at: now, expires: now + CASE_TIME, by: None, names: Vec::new() });
            over(state, "code-right", now);
            approval::find_again(state, tenant, now);
        }
        (Work::Proof(ProofAct::CheckCode(_)), Outcome::Refused) => {
            code.wrong += 1;
            let wrong = code.wrong;
            case.evidence.push(format!("identity: a wrong code was typed ({wrong} of {MOST_WRONG})"));
            if wrong < MOST_WRONG {
                state.say("code-wrong", &[], now);
                return;
            }
            case.vetting.denied = true;
            notes.push(Note::Challenged(code.target.clone(), proof::DENIAL));
            over(state, "code-locked", now);
            set_handover(state, WRONG, "wrong codes were typed again and again: the case is locked");
            settle(state, tenant, now);
        }
        (_, other) => in_vain(state, &super::describe(other), tenant, now),
    }
}

/// The buttons go, and the case is where it was before.
fn over(state: &mut State, sentence: &str, now: Instant) {
    state.phase(Phase::Approving, now);
    let Some(case) = &mut state.case else { return };
    case.code = None;
    if let Some(message) = case.offer.take().and_then(|offer| offer.message) {
        replace_offer(state, &message, sentence, &[], now);
    }
}

/// No code helps: the next step-up is asked for.
fn in_vain(state: &mut State, why: &str, tenant: &Tenant, now: Instant) {
    over(state, "code-over", now);
    let Some(case) = &mut state.case else { return };
    case.vetting.vain.push(CODE.into());
    case.evidence.push(format!("no code proves who asks: {why}"));
    if case.handover.is_some() {
        settle(state, tenant, now);
    } else {
        ask(state, tenant, now);
    }
}

/// The requester wrote instead of typing on the page. What looks like a code is not kept.
pub(super) fn wrote(state: &mut State, text: String, now: Instant) {
    if let Some(case) = state.case.as_mut().filter(|_| text.chars().filter(char::is_ascii_digit).count() < 4) {
        super::keep(case, text);
    }
    state.say_once("code-elsewhere", &[], now);
}

/// The requester wants a person instead.
pub(super) fn person(state: &mut State, tenant: &Tenant, now: Instant) {
    hand_over(state, "asked-for-person", "the requester asked for a person instead of typing the code", tenant, now);
}

/// The page of the code that may be typed now: its series of buttons, and until when.
#[must_use]
pub fn page(state: &State) -> Option<(String, Instant)> {
    let case = state.case.as_ref().filter(|case| case.phase == Phase::Proving && case.code.is_some())?;
    case.offer.as_ref().map(|offer| (offer.id.clone(), offer.expires))
}

/// The id of the event about the n-th thing that was typed on a page.
#[must_use]
pub fn event_id(page: &str, n: i64) -> String {
    format!("code:{page}:{n}")
}

#[cfg(test)]
mod tests;
