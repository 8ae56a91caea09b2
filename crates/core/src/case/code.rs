//! What a vendor checks: a code by SMS to the mobile number on record, typed on a page of its own, or a push to an enrolled device.
//!
//! No component of ours ever makes or knows a code but the page, which seals what was typed. Where nothing comes, or it does not help, the next step-up is asked for.

use super::proof::{self, ending};
use super::{CASE_TIME, ChatAct, Note, Phase, Purpose, State, approval, end_task, hand_over, next_offer, replace_offer, set_handover, settle};
use crate::Instant;
use crate::journal::Press;
use crate::stage::{Account, Button, CODE, Message, Outcome, PUSH, Proof, ProofAct, Question, Work};
use crate::tenant::Tenant;
use serde::{Deserialize, Serialize};

/// How long a code may be typed. Twilio forgets its codes then.
pub const CODE_TIME: u64 = 10 * 60_000;
/// So many wrong ones are taken for an attempt to be somebody else (P-5).
const MOST_WRONG: u32 = 3;
/// Code of a case in which so many were typed.
const WRONG: &str = "identity-wrong-codes";
/// What whoever gets none may press.
const NO_CODE: &str = "no-code";
const NO_PUSH: &str = "no-push";
/// How long a push waits at most; Duo gives it up after a minute.
const PUSH_TIME: u64 = 3 * 60_000;

/// A code or a push that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// `code` or `push`.
    pub kind: String,
    /// Object id of the account that it is about.
    pub target: String,
    /// Where it was sent: a number in the form of E.164, or a sign-in name.
    pub to: String,
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
        in_vain(state, CODE, "there is no number for one", tenant, now);
        return;
    };
    begin(state, CODE, question, &number, now + CODE_TIME, now, notes);
    let Some(case) = &mut state.case else { return };
    let language = tenant.language(case.locale().unwrap_or_default()).to_string();
    let task = state.start(&prover, Work::Proof(ProofAct::SendCode(number.clone(), language)), Purpose::Prove, now);
    state.grant(&task, &prover, "code_send", &number, None, now);
}

/// Has a push sent, and tells the requester so.
pub(super) fn push(state: &mut State, question: &Question, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(prover) = tenant.prover(PUSH).map(|prover| prover.id.clone()) else {
        in_vain(state, PUSH, "nobody sends any", tenant, now);
        return;
    };
    let login = question.subject.login.clone();
    begin(state, PUSH, question, &login, now + PUSH_TIME, now, notes);
    let message = Message { buttons: vec![none_came(NO_PUSH)], ..state.message("push-sent", &[("login", &login)]) };
    state.chat(ChatAct::Say(message), Purpose::Prove, now);
    let task = state.start(&prover, Work::Proof(ProofAct::Push(login.clone())), Purpose::Prove, now);
    state.grant(&task, &prover, "push_send", &login, None, now);
}

fn begin(state: &mut State, kind: &str, question: &Question, to: &str, expires: Instant, now: Instant, notes: &mut Vec<Note>) {
    next_offer(state, expires);
    state.phase(Phase::Proving, now);
    let Some(case) = &mut state.case else { return };
    case.vetting.challenges += 1;
    case.vetting.sent += 1;
    let target = question.subject.id.clone();
    notes.push(Note::Challenged(target.clone(), 1));
    case.code = Some(Code { kind: kind.into(), target, to: to.into(), wrong: 0 });
}

fn none_came(choice: &str) -> Button {
    Button { label: choice.into(), choice: choice.into(), primary: false }
}

/// Something was typed on the page of the button series `offer`: it is checked, unless another one is.
pub(super) fn typed(state: &mut State, offer: &str, tenant: &Tenant, now: Instant) {
    let live = |state: &State| {
        let case = state.case.as_ref().filter(|case| case.phase == Phase::Proving)?;
        case.offer.as_ref().filter(|live| live.id == offer && now < live.expires)?;
        Some(case.code.as_ref().filter(|code| code.kind == CODE)?.to.clone())
    };
    let Some(number) = live(state).filter(|_| !state.running(&Purpose::Prove)) else { return };
    let Some(prover) = tenant.prover(CODE).map(|prover| prover.id.clone()) else {
        in_vain(state, CODE, "the connection that sent it is gone", tenant, now);
        return;
    };
    if let Some(case) = &mut state.case {
        // What was typed is in the store, sealed.
        case.secret = true;
    }
    let task = state.start(&prover, Work::Proof(ProofAct::CheckCode(number.clone())), Purpose::Prove, now);
    state.grant(&task, &prover, "code_check", &number, None, now);
}

/// Whoever was sent one says that none came. A code that was typed is checked first.
pub(super) fn pressed(state: &mut State, press: &Press, tenant: &Tenant, now: Instant) {
    let live = state.case.as_ref().and_then(|case| case.offer.as_ref()).is_some_and(|offer| offer.id == press.offer);
    match press.choice.as_str() {
        NO_CODE if live && !state.running(&Purpose::Prove) => in_vain(state, CODE, "the requester says that none came", tenant, now),
        NO_PUSH if live => {
            // Whatever is said to it now is too late.
            let waits: Vec<String> = state.tasks.iter().filter(|task| task.purpose == Purpose::Prove).map(|task| task.id.clone()).collect();
            waits.iter().for_each(|task| drop(end_task(state, task)));
            in_vain(state, PUSH, "the requester cannot approve one", tenant, now);
        }
        _ => {}
    }
}

/// Nothing was typed in time.
pub(super) fn tick(state: &mut State, tenant: &Tenant, at: Instant) {
    let over = state.case.as_ref().and_then(|case| case.offer.as_ref()).is_some_and(|offer| at >= offer.expires);
    let kind = state.case.as_ref().and_then(|case| case.code.as_ref()).map(|code| code.kind.clone());
    if let Some(kind) = kind.filter(|_| over && !state.running(&Purpose::Prove)) {
        in_vain(state, &kind, "nothing came of it in time", tenant, at);
    }
}

/// A code was sent or checked, or its page is known to the requester.
pub(super) fn done(state: &mut State, work: &Work, outcome: &Outcome, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(case) = state.case.as_mut().filter(|case| case.handover.is_none() && case.phase == Phase::Proving) else {
        settle(state, tenant, now);
        return;
    };
    let Some(code) = &mut case.code else { return };
    let (kind, end) = (code.kind.clone(), ending(&code.to));
    match (work, outcome) {
        (Work::Proof(ProofAct::SendCode(..)), Outcome::Sent) => {
            case.evidence.push(format!("a code was sent to the mobile number on record, {end}"));
            let mut message = state.message("code-sent", &[("end", end.trim_start_matches("ending in ")), ("minutes", &(CODE_TIME / 60_000).to_string())]);
            message.secret_link = Some("code-page".into());
            message.buttons = vec![none_came(NO_CODE)];
            state.chat(ChatAct::Say(message), Purpose::Prove, now);
        }
        (Work::Chat(_), Outcome::Posted(message)) => {
            if let Some(offer) = &mut case.offer {
                offer.message = Some(message.clone());
            }
        }
        (Work::Proof(ProofAct::CheckCode(_) | ProofAct::Push(_)), Outcome::Passed) => {
            let (how, sentence) = if kind == PUSH {
                (format!("a push to the enrolled device of `{}` was approved", code.to), "push-approved")
            } else {
                (format!("the code that was sent to the mobile number on record, {end}, was typed"), "code-right")
            };
            case.evidence.push(format!("identity: {how}"));
            let target = code.target.clone();
            case.vetting.proofs.push(Proof { kind, target, at: now, expires: now + CASE_TIME, by: None, names: Vec::new() });
            over(state, sentence, now);
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
            lock(state, "code-locked", (WRONG, "wrong codes were typed again and again: the case is locked"), tenant, now, notes);
        }
        // Somebody who did not ask was asked: that is an attempt to be them.
        (Work::Proof(ProofAct::Push(_)), Outcome::Refused) => {
            let why = "the push was denied on the enrolled device: the case is locked";
            lock(state, "push-denied", (proof::DENIED, why), tenant, now, notes);
        }
        (_, other) => in_vain(state, &kind, &super::describe(other), tenant, now),
    }
}

/// Nothing more is believed here (P-5).
fn lock(state: &mut State, sentence: &str, (code, why): (&str, &str), tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    if let Some(case) = &mut state.case {
        case.vetting.denied = true;
        notes.extend(case.code.as_ref().map(|code| Note::Challenged(code.target.clone(), proof::DENIAL)));
    }
    over(state, sentence, now);
    set_handover(state, code, why);
    settle(state, tenant, now);
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

/// It does not help: the next step-up is asked for.
fn in_vain(state: &mut State, kind: &str, why: &str, tenant: &Tenant, now: Instant) {
    over(state, if kind == PUSH { "push-over" } else { "code-over" }, now);
    proof::vain(state, kind, why, tenant, now);
}

/// The requester wrote instead of typing on the page. What looks like a code is not kept.
pub(super) fn wrote(state: &mut State, text: String, now: Instant) {
    if let Some(case) = state.case.as_mut().filter(|_| text.chars().filter(char::is_ascii_digit).count() < 4) {
        super::keep(case, text);
    }
    let push = state.case.as_ref().and_then(|case| case.code.as_ref()).is_some_and(|code| code.kind == PUSH);
    state.say_once(if push { "push-elsewhere" } else { "code-elsewhere" }, &[], now);
}

/// The requester wants a person instead.
pub(super) fn person(state: &mut State, tenant: &Tenant, now: Instant) {
    hand_over(state, "asked-for-person", "the requester asked for a person instead of proving who they are", tenant, now);
}

/// The page of the code that may be typed now: its series of buttons, and until when.
#[must_use]
pub fn page(state: &State) -> Option<(String, Instant)> {
    let case = state.case.as_ref().filter(|case| case.phase == Phase::Proving && case.code.as_ref().is_some_and(|code| code.kind == CODE))?;
    case.offer.as_ref().map(|offer| (offer.id.clone(), offer.expires))
}

/// The id of the event about the n-th thing that was typed on a page.
#[must_use]
pub fn event_id(page: &str, n: i64) -> String {
    format!("code:{page}:{n}")
}

#[cfg(test)]
mod tests;
