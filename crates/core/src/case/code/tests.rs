use super::super::approval::tests::{channel, evidence, phase, play};
use super::super::tests::{Play, account, at, duo, replay, twilio};
use super::*;
use crate::mailbox::Act;

const OFFERED: &str = "says account_unlock, who, find, open, prove, offer, press yes";

/// Of a client with Twilio, and with people who could call back: up to the code that was sent.
fn sent() -> Play {
    let mut play = play(channel());
    play.tenant.connections.push(twilio());
    play.line(OFFERED);
    assert_eq!(play.line("prove"), "proving: send +447700900123; challenged u1 1");
    assert_eq!(play.line("code"), "proving: code-sent");
    assert_eq!(play.line("code"), "proving");
    play
}

#[test]
fn only_a_mobile_number_with_its_country_is_sent_to() {
    for (mobile, expect) in [
        (Some("+44 7700 900123"), Some("+447700900123")),
        (Some("+44 (0)7700-900.123"), Some("+447700900123")),
        (Some("+1 (555) 010-0199"), Some("+15550100199")),
        (Some("07700 900123"), None),
        (Some("0044 7700 900123"), None),
        (Some("+0 7700 900123"), None),
        (Some("+44 7700 900123 ext 4"), None),
        (Some("+44 77"), None),
        (Some("+4477009001234567"), None),
        (Some(""), None),
        (None, None),
    ] {
        let known = Account { mobile: mobile.map(Into::into), ..account() };
        assert_eq!(number(&known).as_deref(), expect, "{mobile:?}");
    }
}

#[test]
fn a_right_code_is_a_proof_and_the_account_is_read_again() {
    let mut play = sent();
    let message = play.state.tasks.iter().find(|task| matches!(task.work, Work::Proof(_)));
    assert!(message.is_none() && page(&play.state).is_some());
    assert_eq!(play.line("type"), "proving: check");
    assert_eq!(play.line("code"), "approving: code-right + find jane@acme.example");
    play.line("find");
    let proofs = play.state.asked.clone().unwrap().vetting.proofs;
    assert_eq!(proofs.iter().map(|proof| (proof.kind.as_str(), proof.target.as_str(), proof.by.is_none())).collect::<Vec<_>>(), [("code", "u1", true)]);
    assert!(proofs[0].stands(&play.tenant) && evidence(&play).contains("ending in 23, was typed") && !evidence(&play).contains("900123"));
    assert_eq!(play.line("allow"), "acting: unlock");
    replay(&play);
    // Where nobody checks codes any more, an old one counts no more.
    play.tenant.connections.retain(|connection| connection.id != "sms");
    assert!(!proofs[0].stands(&play.tenant));
}

#[test]
fn three_wrong_codes_lock_the_case() {
    let mut play = sent();
    assert_eq!(play.line("type, code wrong"), "proving: code-wrong");
    assert_eq!(play.line("type, code wrong"), "proving: code-wrong");
    assert_eq!(play.line("type, code wrong"), "handingover (identity-wrong-codes): code-locked + hand-over; challenged u1 5 + spent");
    let case = play.state.case.as_ref().unwrap();
    assert!(case.vetting.denied && case.vetting.proofs.is_empty());
    assert_eq!(play.line("type"), "handingover (identity-wrong-codes)");
    replay(&play);
}

#[test]
fn where_no_code_helps_a_technician_calls_back() {
    for steps in ["press no-code", "wait 11", "type, code fails"] {
        let mut play = sent();
        let line = play.line(steps);
        assert!(line.starts_with("approving asks: ") && line.ends_with("code-over"), "{steps}: {line}");
        assert_eq!(play.state.asked.clone().unwrap().vetting.vain, [CODE]);
        assert_eq!(play.line("prove"), "approving: call-back + note + call-back-awaited; challenged u1 1", "{steps}");
        replay(&play);
    }
}

#[test]
fn only_the_requester_says_that_none_came_and_only_the_page_that_waits_is_heard() {
    let mut play = sent();
    assert_eq!(play.line("stranger presses no-code"), "proving: not-you");
    assert_eq!(play.line("press yes"), "proving");
    let event = super::super::tests::event(50, "", Act::Code("o1".into()), play.now);
    play.take(event, None);
    assert_eq!((phase(&play).as_str(), play.state.running(&Purpose::Prove)), ("Proving", false));
    // One at a time: what is typed while another is checked is not.
    assert_eq!(play.line("type"), "proving: check");
    assert_eq!(play.line("type"), "proving");
    // The time is not up while one is checked.
    assert_eq!(play.line("wait 11"), "proving");
    assert_eq!(play.line("code"), "approving: code-right + find jane@acme.example");
}

#[test]
fn what_looks_like_a_code_is_not_kept() {
    let mut play = at(Phase::Proving);
    let texts = play.state.case.as_ref().unwrap().texts.len();
    wrote(&mut play.state, "it says 204 815".into(), play.now);
    wrote(&mut play.state, "one moment".into(), play.now);
    assert_eq!(play.state.case.as_ref().unwrap().texts.len(), texts + 1);
}

/// Of a client with Duo and people who could call back: up to the push that was sent.
fn pushed() -> Play {
    let mut play = play(channel());
    play.tenant.connections.push(duo());
    play.line(OFFERED);
    assert_eq!(play.line("prove"), "proving: push-sent + push jane@acme.example; challenged u1 1");
    assert_eq!(play.line("code"), "proving");
    play
}

#[test]
fn a_push_that_was_approved_is_a_proof_and_one_that_was_denied_locks_the_case() {
    let mut play = pushed();
    assert_eq!(play.line("code"), "approving: push-approved + find jane@acme.example");
    play.line("find");
    let proofs = play.state.asked.clone().unwrap().vetting.proofs;
    assert_eq!(proofs.iter().map(|proof| (proof.kind.as_str(), proof.stands(&play.tenant))).collect::<Vec<_>>(), [("push", true)]);
    replay(&play);
    let mut denied = pushed();
    assert_eq!(denied.line("code wrong"), "handingover (identity-denied): push-denied + hand-over; challenged u1 5");
    assert!(denied.state.case.as_ref().unwrap().vetting.denied);
    replay(&denied);
}

#[test]
fn where_no_push_helps_a_technician_calls_back_and_a_late_answer_counts_no_more() {
    for steps in ["press no-push", "code fails"] {
        let mut play = pushed();
        let line = play.line(steps);
        assert!(line.starts_with("approving asks: ") && line.ends_with("push-over"), "{steps}: {line}");
        assert!(!play.state.running(&Purpose::Prove) && play.state.asked.clone().unwrap().vetting.vain == [PUSH], "{steps}");
        assert_eq!(play.line("prove"), "approving: call-back + note + call-back-awaited; challenged u1 1", "{steps}");
        replay(&play);
    }
    // A code is typed on no page of a push.
    let mut play = pushed();
    assert_eq!((page(&play.state), play.line("type").as_str()), (None, "proving"));
    wrote(&mut play.state, "I have approved it".into(), play.now);
    assert!(play.state.case.as_ref().unwrap().said.contains("push-elsewhere"));
}

#[test]
fn sign_in_names_of_two_clients_may_be_the_same_so_only_a_clients_own_duo_counts() {
    let mut play = play(channel());
    play.tenant.shared.extend([duo(), twilio()]);
    assert!(play.tenant.prover(PUSH).is_none() && play.tenant.prover(CODE).is_some());
    play.tenant.connections.push(duo());
    assert!(play.tenant.prover(PUSH).is_some());
}
