//! Making sure who asks, where the chat is too weak a proof: by a push or a code ([`code`]), by their manager, or a technician calls back on the number on record.
//!
//! Stages say how sure it is and what would help; this file asks for it. A denial locks the case (P-5).

use super::approval::{Ask, Given};
use super::{CASE_TIME, Case, ChatAct, Note, Purpose, State, approval, code, leave_note, set_handover, settle};
use crate::Instant;
use crate::stage::{Approver, CALL_BACK, CODE, Decision, MANAGER, PUSH, Proof, Question, Standing};
use crate::tenant::Tenant;

/// What whoever called back may press, the one that goes on first.
pub(super) const CHOICES: [&str; 3] = ["verified", "not-them", "take-over"];
/// What a manager may press.
pub(super) const VOUCHES: [&str; 2] = ["vouch", "not-them"];
/// Code of a case whose requester was said to be somebody else.
pub(super) const DENIED: &str = "identity-denied";
/// So many challenges a denial counts for: it leaves no room for another in that hour.
pub(super) const DENIAL: i64 = 5;

/// What can be asked for: a manager whom the directory names and the client wants to be asked, a push needs Duo, a code needs whoever sends one and a mobile number that the directory knows, a call needs the MSP's own chat, its people, and a number that the directory knows. No number of a text ever counts.
#[must_use]
pub fn means(question: &Question, tenant: &Tenant) -> Vec<String> {
    let reached = tenant.staff_chat().is_some() && tenant.approvals.channel.is_some() && !tenant.staff.is_empty();
    let call = reached && question.subject.phones.iter().any(|phone| phone.chars().any(|c| c.is_ascii_digit()));
    let manager = tenant.approvals.manager_vouches && question.subject.manager.is_some();
    let sms = tenant.prover(CODE).is_some() && code::number(&question.subject).is_some();
    let all = [(PUSH, tenant.prover(PUSH).is_some()), (CODE, sms), (MANAGER, manager), (CALL_BACK, call)]
        .into_iter()
        .filter(|(_, can)| *can)
        .map(|(kind, _)| kind.to_string());
    all.filter(|kind| !question.vetting.vain.contains(kind)).collect()
}

/// What was passed for this account, and still holds.
pub(super) fn bound(case: &Case, target: &str, now: Instant) -> Vec<Proof> {
    case.vetting.proofs.iter().filter(|proof| proof.target == target && now < proof.expires).cloned().collect()
}

/// For the note; nothing where the channel alone decided.
pub(super) fn told(standing: &Standing, decision: &Decision) -> Option<String> {
    let wanted = decision.proof.map(|wanted| format!(", {wanted:?} is wanted")).unwrap_or_default();
    let locked = standing.locked.as_ref().map(|why| format!(", locked: {why}")).unwrap_or_default();
    let plain = standing.because.len() <= 1 && wanted.is_empty() && locked.is_empty();
    (!plain).then(|| format!("identity: {:?} by {}{wanted}{locked}", standing.assurance, standing.because.join(" and ")).to_lowercase())
}

/// A step-up would help. If not, a human has to find out who it is.
pub(super) fn possible(case: &Case, standing: Option<&Standing>) -> Result<(), String> {
    match standing {
        Some(Standing { locked: Some(why), .. }) => Err(why.clone()),
        Some(Standing { step_ups, .. })
            if step_ups.first().is_some_and(|first| [PUSH, CODE, MANAGER, CALL_BACK].contains(&first.as_str())) && !case.vetting.denied =>
        {
            Ok(())
        }
        _ => Err("no-stronger-proof".into()),
    }
}

/// Asks for the first step-up: has a push or a code sent, or asks the MSP's own people to call the requester back.
pub(super) fn ask(
    state: &mut State,
    question: &Question,
    decision: &Decision,
    standing: Option<&Standing>,
    tenant: &Tenant,
    now: Instant,
    notes: &mut Vec<Note>,
) {
    match standing.and_then(|standing| standing.step_ups.first()).map(String::as_str) {
        Some(PUSH) => return code::push(state, question, tenant, now, notes),
        Some(CODE) => return code::send(state, question, tenant, now, notes),
        Some(MANAGER) => return ask_manager(state, question, decision, tenant, now, notes),
        _ => {}
    }
    state.phase(super::Phase::Approving, now);
    let Some(case) = &mut state.case else { return };
    case.vetting.challenges += 1;
    case.ask = Some(Ask { proof: Some(CALL_BACK.into()), ..approval::request(case, question, decision, tenant, now) });
    notes.push(Note::Challenged(question.subject.id.clone(), 1));
    approval::ask_staff(state, tenant, now);
    // Whoever works in the PSA sees it there.
    leave_note(state, super::Purpose::Aside, tenant, now);
    state.say_once("call-back-awaited", &[("msp", &tenant.msp.name)], now);
}

/// Asks the requester's manager whether it is them. Their answer is a proof and no approval.
fn ask_manager(state: &mut State, question: &Question, decision: &Decision, tenant: &Tenant, now: Instant, notes: &mut Vec<Note>) {
    let Some(manager) = &question.subject.manager else {
        vain(state, MANAGER, "the directory names none", tenant, now);
        return;
    };
    state.phase(super::Phase::Approving, now);
    let Some(case) = &mut state.case else { return };
    case.vetting.challenges += 1;
    let request = approval::request(case, question, decision, tenant, now);
    // Somebody waits, and there is another way: one reminder, and as long again.
    let expires = tenant.in_minutes(now, 2 * tenant.approvals.remind_minutes).min(request.expires);
    case.ask = Some(Ask { proof: Some(MANAGER.into()), staff: false, expires, remind: request.remind.filter(|remind| *remind < expires), ..request });
    notes.push(Note::Challenged(question.subject.id.clone(), 1));
    let connection = state.connection.clone();
    state.chat_on(&connection, ChatAct::Find(manager.address.clone()), Purpose::Ask, now);
    state.say_once("vouch-awaited", &[], now);
}

/// A kind of proof does not help: the next step-up is asked for.
pub(super) fn vain(state: &mut State, kind: &str, why: &str, tenant: &Tenant, now: Instant) {
    let Some(case) = &mut state.case else { return };
    case.vetting.vain.push(kind.into());
    case.evidence.push(format!("no {kind} proves who asks: {why}"));
    if case.handover.is_some() {
        settle(state, tenant, now);
    } else {
        super::ask(state, tenant, now);
    }
}

/// Whoever called back, or the manager, has answered. False if the request was no challenge, or is taken over like any other.
#[allow(clippy::too_many_arguments, reason = "an answer, and what it is applied to")]
pub(super) fn answered(
    state: &mut State,
    ask: &Ask,
    given: &Given,
    name: &str,
    names: &[String],
    tenant: &Tenant,
    now: Instant,
    notes: &mut Vec<Note>,
) -> bool {
    let (Some(kind), Some(case)) = (&ask.proof, &mut state.case) else { return false };
    let manager = ask.of_manager();
    match given.choice.as_str() {
        "verified" | "vouch" => {
            let mut names = names.to_vec();
            names.extend(if let Approver::Manager { account, .. } = &given.by { Some(account.clone()) } else { None });
            let proof = Proof { kind: kind.clone(), target: ask.target.clone(), at: now, expires: now + CASE_TIME, by: Some(given.by.clone()), names };
            case.vetting.proofs.push(proof);
            if manager {
                case.evidence.push(format!("identity: {name}, the requester's manager in the directory, says that it is them"));
                approval::withdraw(state, "vouch-given", &[("name", name)], now);
                approval::find_again(state, tenant, now);
                return true;
            }
            let number = case.account.iter().flat_map(|account| &account.phones).map(|phone| ending(phone)).collect::<Vec<_>>().join(" or ");
            case.evidence.push(format!("identity: {name} called back on the number on record, {number}"));
            approval::withdraw(state, "call-back-given", &[("name", name)], now);
            approval::find_again(state, tenant, now);
            true
        }
        "not-them" => {
            case.vetting.denied = true;
            notes.push(Note::Challenged(ask.target.clone(), DENIAL));
            approval::withdraw(state, "call-back-denied", &[("name", name)], now);
            let who = if manager { "is the requester's manager" } else { "called back on the number on record" };
            set_handover(state, DENIED, &format!("{name} {who} and says that it is not them: the case is locked"));
            settle(state, tenant, now);
            true
        }
        _ => false,
    }
}

/// The end of a number, which tells one from another and calls nobody.
pub(super) fn ending(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    let last: String = digits.iter().skip(digits.len().saturating_sub(2)).collect();
    format!("ending in {last}")
}

#[cfg(test)]
mod tests;
