use super::super::approval::tests::{channel, evidence, phase, play, press, started};
use super::super::tests::{Play, account, replay};
use super::*;
use crate::stage::{Account, Approver, Assurance, Manager, Outcome, Profile};

const OFFERED: &str = "says account_unlock, who, find, open, prove, offer";

/// Everything up to the request that the requester be called back.
fn asked() -> Play {
    let mut play = play(channel());
    play.line(OFFERED);
    play.line("press yes, prove");
    play.line("ask");
    play
}

#[test]
fn the_requester_is_asked_first_and_then_called_back_on_the_number_on_record() {
    let mut play = play(channel());
    play.line(OFFERED);
    assert_eq!(phase(&play), "Offering");
    assert_eq!(play.line("press yes"), "acting asks: offer-pressed");
    assert_eq!(play.line("prove"), "approving: call-back + note + call-back-awaited; challenged u1 1");
    let request = play.state.tasks.iter().find_map(|task| match &task.work {
        crate::stage::Work::Chat(crate::stage::ChatAct::Say(message)) if message.words.sentence == "call-back" => {
            Some((task.connection.clone(), message.clone()))
        }
        _ => None,
    });
    let (connection, message) = request.unwrap();
    assert_eq!((connection.as_str(), message.channel.as_str()), ("nw-slack", "C0STAFF"));
    assert!(message.words.arguments.contains(&("phone".into(), "+44 7700 900123".into())));
    assert_eq!(
        message.buttons.iter().map(|button| (button.choice.as_str(), button.primary)).collect::<Vec<_>>(),
        [("verified", true), ("not-them", false), ("take-over", false)]
    );
}

#[test]
fn who_was_called_back_goes_on_after_the_account_was_read_again() {
    let mut play = asked();
    assert_eq!(press(&mut play, "U0TOM", "verified"), "who is U0TOM");
    let before = play.state.counted;
    play.line("approver");
    assert_eq!(started(&play, before), "call-back-given in C0STAFF, Idp(Find(Sought");
    play.line("find");
    let question = play.state.asked.clone().unwrap();
    assert_eq!(question.vetting.proofs.len(), 1);
    let proof = &question.vetting.proofs[0];
    assert_eq!((proof.kind.as_str(), proof.target.as_str(), proof.stands(&play.tenant)), ("call-back", "u1", true));
    assert_eq!(proof.by, Some(Approver::Staff { workspace: "T0NW".into(), user: "U0TOM".into() }));
    assert!(evidence(&play).contains("identity: Jane called back on the number on record, ending in 23"), "{}", evidence(&play));
    assert!(!evidence(&play).contains("900123"));
    assert_eq!(play.line("allow"), "acting: unlock");
    // A proof is no yes.
    assert!(play.state.case.as_ref().unwrap().approvals.is_empty());
    replay(&play);
    // Taken off the list of staff, whoever vouched does so no more.
    play.tenant.staff.clear();
    assert!(!proof.stands(&play.tenant));
}

#[test]
fn a_proof_counts_for_one_account_as_long_as_a_case_lasts() {
    let mut play = asked();
    press(&mut play, "U0TOM", "verified");
    play.line("approver");
    let case = play.state.case.clone().unwrap();
    assert_eq!(bound(&case, "u1", play.now).len(), 1);
    assert!(bound(&case, "u2", play.now).is_empty());
    assert!(bound(&case, "u1", play.now + CASE_TIME).is_empty());
}

#[test]
fn a_denial_locks_the_case_and_leaves_no_room_for_another_challenge() {
    let mut play = asked();
    press(&mut play, "U0TOM", "not-them");
    assert_eq!(play.line("approver"), "handingover (identity-denied): call-back-denied + hand-over; challenged u1 5");
    let case = play.state.case.as_ref().unwrap();
    assert!(case.vetting.denied && case.vetting.proofs.is_empty() && super::super::later::alerts(case));
    replay(&play);
}

#[test]
fn only_the_msps_own_people_vouch_and_only_with_the_buttons_that_stand_there() {
    let mut play = asked();
    for (user, choice) in [("U0NOBODY", "verified"), ("U1", "verified"), ("U0TOM", "approve"), ("U0TOM", "yes")] {
        assert_eq!(press(&mut play, user, choice), "approval-not-yours in C0STAFF", "{user} {choice}");
    }
    // An approver at the client says yes to a plan, and knows nobody's voice for us.
    play.tenant.approvals.people = vec![crate::tenant::Named { name: "Mo".into(), user: "U0MO".into() }];
    assert_eq!(press(&mut play, "U0MO", "verified"), "approval-not-yours in D0MO");
    // Whoever answers by the API has called nobody.
    let answer = crate::mailbox::Answer { signed: String::new(), by: "Ada".into(), owner: true, mac: String::new() };
    let event = crate::mailbox::Event { to: Some(play.state.id.clone()), ..super::super::tests::event(90, "", crate::mailbox::Act::Answer(answer), play.now) };
    let press = crate::journal::Press { case: play.state.case.as_ref().unwrap().id.clone(), offer: "a1".into(), choice: "verified".into() };
    play.take(event, Some(press));
    assert_eq!((phase(&play).as_str(), play.state.case.as_ref().unwrap().vetting.proofs.len()), ("Approving", 0));
}

#[test]
fn the_button_of_an_approval_is_none_of_a_call_back() {
    let mut play = play(channel());
    play.line("says account_unlock, who, find, open, allow, offer, press yes");
    play.decide_by(crate::stage::Verdict::Approval, "supervised");
    play.line("ask");
    assert_eq!(press(&mut play, "U0TOM", "verified"), "approval-not-yours in C0STAFF");
}

#[test]
fn nobody_who_answers_in_time_leaves_it_to_a_human() {
    let mut play = asked();
    assert_eq!(play.line("wait 241"), "handingover (call-back-expired): call-back-is-over + hand-over".replace("call-back-is-over", "approval-over"));
}

#[test]
fn where_nothing_stronger_can_be_asked_for_a_human_finds_out_who_it_is() {
    for (standing, code) in [
        (Some(Standing { assurance: Assurance::Chat, because: vec![], step_ups: vec![], locked: None }), "no-stronger-proof"),
        (Some(Standing { assurance: Assurance::Chat, because: vec![], step_ups: vec!["palm-reading".into()], locked: None }), "no-stronger-proof"),
        (
            Some(Standing { assurance: Assurance::Chat, because: vec![], step_ups: vec![CALL_BACK.into()], locked: Some("too-many-challenges".into()) }),
            "too-many-challenges",
        ),
        (None, "no-stronger-proof"),
    ] {
        let play = asked();
        assert_eq!(possible(play.state.case.as_ref().unwrap(), standing.as_ref()), Err(code.into()));
    }
}

#[test]
fn a_call_needs_the_msps_chat_its_people_and_a_number_on_record() {
    let mut play = play(channel());
    play.line("says account_unlock, who, find, open");
    let question = play.state.asked.clone().unwrap();
    assert_eq!(means(&question, &play.tenant), [CALL_BACK]);
    let change = |change: fn(&mut Tenant, &mut Question)| {
        let (mut tenant, mut question) = (play.tenant.clone(), question.clone());
        change(&mut tenant, &mut question);
        means(&question, &tenant)
    };
    for lacks in [
        (|tenant, _| tenant.staff.clear()) as fn(&mut Tenant, &mut Question),
        |tenant, _| tenant.shared.clear(),
        |tenant, _| tenant.approvals.channel = None,
        |_, question| question.subject.phones.clear(),
        |_, question| question.subject.phones = vec!["none".into()],
    ] {
        assert!(change(lacks).is_empty());
    }
}

#[test]
fn the_end_of_a_number_tells_nobody_the_number() {
    for (phone, expect) in [("+44 7700 900123", "ending in 23"), ("7", "ending in 7"), ("", "ending in ")] {
        assert_eq!(ending(phone), expect);
    }
}

/// Up to the request to the requester's manager, whom the directory names, and who is in the chat.
fn manager_asked() -> Play {
    let mut approvals = channel();
    approvals["manager_vouches"] = true.into();
    let mut play = play(approvals);
    play.line("says account_unlock, who");
    found_with_manager(&mut play);
    play.line("open, prove, offer, press yes");
    assert_eq!(play.line("prove"), "approving: who has mo@acme.example + vouch-awaited; challenged u1 1");
    let mo = Profile {
        id: "U0MO".into(),
        workspace: "T1".into(),
        email: Some("mo@acme.example".into()),
        name: "Mo".into(),
        guest: false,
        inactive: false,
        locale: None,
    };
    play.done("ask", Some(Outcome::Profile(mo)), true);
    play.line("ask");
    play.line("ask");
    play
}

fn found_with_manager(play: &mut Play) {
    let manager = Some(Manager { id: "m1".into(), name: "Mo".into(), address: "mo@acme.example".into() });
    play.done("find", Some(Outcome::Found(Account { manager, ..account() })), true);
}

#[test]
fn a_manager_vouches_with_a_button_of_their_own_and_as_long_as_they_are_the_manager() {
    let mut play = manager_asked();
    for (user, choice) in [("U0TOM", "vouch"), ("U0NIA", "vouch"), ("U0NOBODY", "vouch"), ("U0MO", "verified"), ("U0MO", "approve")] {
        assert!(press(&mut play, user, choice).starts_with("approval-not-yours"), "{user} {choice}");
    }
    assert_eq!(press(&mut play, "U0MO", "vouch"), "who is U0MO");
    let before = play.state.counted;
    play.line("approver");
    assert_eq!(started(&play, before), "vouch-given in D9, Idp(Find(Sought");
    found_with_manager(&mut play);
    let question = play.state.asked.clone().unwrap();
    let counts = |question: &Question, tenant: &Tenant| question.proofs(tenant).map(|proof| proof.kind.clone()).collect::<Vec<_>>();
    assert_eq!(counts(&question, &play.tenant), ["manager"]);
    // Every name of theirs, so that nobody vouches for themselves under another.
    assert_eq!(question.vouchers(&play.tenant), ["T1/U0MO", "jane@acme.example", "m1"]);
    let mut another = question.clone();
    another.subject.manager = Some(Manager { id: "m2".into(), ..question.subject.manager.clone().unwrap() });
    assert!(counts(&another, &play.tenant).is_empty());
    play.tenant.approvals.manager_vouches = false;
    assert!(counts(&question, &play.tenant).is_empty() && means(&question, &play.tenant) == [CALL_BACK]);
    replay(&play);
}

#[test]
fn a_manager_who_does_not_answer_or_is_not_there_costs_no_more_than_time() {
    let mut play = manager_asked();
    assert_eq!(play.line("wait 31"), "approving: approval-reminder");
    assert_eq!(play.line("wait 31"), "approving asks: approval-over");
    assert_eq!(play.state.asked.clone().unwrap().vetting.vain, [MANAGER]);
    assert_eq!(play.line("prove"), "approving: call-back + note; challenged u1 1".replace("note;", "note + call-back-awaited;"));
    replay(&play);
    let mut denied = manager_asked();
    press(&mut denied, "U0MO", "not-them");
    assert_eq!(denied.line("approver"), "handingover (identity-denied): call-back-denied + hand-over; challenged u1 5");
    replay(&denied);
}
