use super::super::approval::tests::{evidence, phase};
use super::super::tests::{Play, replay};
use super::*;
use crate::stage::{Lock, Report};

const TO_THE_PASS: &str = "says mfa_reset, who, find, open, allow, offer, press yes, allow, act";

fn guided() -> Play {
    let mut play = Play::new("entra", Lock::Unknown);
    play.line(TO_THE_PASS);
    play
}

fn not_yet(play: &mut Play) {
    play.done("check", Some(Outcome::Unchanged(Report { evidence: vec!["no new factor".into()], secret: None })), true);
}

#[test]
fn a_pass_is_delivered_and_the_ticket_closes_when_the_new_factor_is_read_back() {
    let mut play = guided();
    assert_eq!(phase(&play), "Delivering");
    assert_eq!(play.line("deliver"), "guiding: revoke; spent");
    assert_eq!(play.line("revoke"), "guiding");
    // The first message stays, since the link in it may not have been opened yet.
    assert_eq!(play.line("press done"), "guiding: mfa-add");
    play.line("offer");
    assert_eq!(play.line("press done"), "guiding: offer-pressed + check-factors");
    assert_eq!(play.line("check"), "closing: close");
    assert_eq!(play.state.case.as_ref().unwrap().resolution.as_deref(), Some("resolution-mfa"));
    replay(&play);
}

#[test]
fn removing_the_lost_phone_goes_under_a_grant_of_its_own() {
    let mut play = Play::new("entra", Lock::Unknown);
    assert_eq!(play.line("says mfa_reset, who, find, open, allow, offer, press yes, allow"), "acting: offer-pressed + reset-factors; opened mfa_reset");
    let grants: Vec<(&str, bool)> =
        play.state.grants.iter().filter(|grant| grant.connection == "idp").map(|grant| (grant.action.as_str(), grant.question.is_some())).collect();
    assert_eq!(grants, [("mfa_remove", false), ("mfa_reset", true)]);
}

#[test]
fn a_factor_that_does_not_show_is_looked_for_three_times() {
    let mut play = guided();
    play.line("deliver, revoke, press done, offer");
    for round in 1..=3 {
        play.line("press done");
        not_yet(&mut play);
        let expect = if round < 3 { "Guiding" } else { "HandingOver (factor-not-registered)" };
        assert_eq!(phase(&play), expect, "{round}");
        if round < 3 {
            play.line("offer");
        }
    }
    replay(&play);
}

#[test]
fn who_is_stuck_or_says_nothing_or_wants_a_person_gets_one() {
    for (step, code) in [("press stuck", "stuck"), ("wait 61", "no-answer"), ("says human", "asked-for-person")] {
        let mut play = guided();
        play.line("deliver, revoke");
        play.line(step);
        assert_eq!(phase(&play), format!("HandingOver ({code})"));
    }
}

#[test]
fn who_is_stuck_may_say_so_at_an_earlier_step() {
    let mut play = guided();
    play.line("deliver, revoke, press done, offer");
    play.line("press again done");
    assert_eq!(phase(&play), "Guiding");
    let first = Press { choice: "stuck".into(), ..play.pressed().unwrap() };
    play.press_with(first);
    assert_eq!(phase(&play), "HandingOver (stuck)");
}

#[test]
fn a_pass_is_of_no_use_after_its_hour() {
    let mut play = guided();
    let case = play.state.case.as_ref().unwrap();
    assert_eq!(case.secret_expires(), Some(play.now + PASS_TIME));
    let task = play.state.tasks.iter().find(|task| task.purpose == Purpose::Deliver).unwrap();
    assert_eq!(play.state.patience(task), play.now + PASS_TIME / 2);
    play.state.case.as_mut().unwrap().action = Some("password_reset".into());
    assert_eq!(play.state.case.as_ref().unwrap().secret_expires(), None);
}

#[test]
fn a_second_press_and_a_strangers_press_are_no_news() {
    let mut play = guided();
    play.line("deliver, revoke, press done, offer");
    assert_eq!(play.line("press again done"), "guiding");
    assert_eq!(play.line("stranger presses done"), "guiding: not-you");
    assert_eq!(evidence(&play).matches("pressed `done`").count(), 1);
}

#[test]
fn what_cannot_be_read_back_is_not_closed() {
    let mut play = guided();
    play.line("deliver, revoke, press done, offer, press done, check fails");
    assert_eq!(phase(&play), "HandingOver (factor-not-read)");
}

#[test]
fn only_entra_and_only_a_direct_conversation_are_served() {
    let play = |idp| Play::new(idp, Lock::Unknown).tenant;
    assert!(served(LOST_PHONE, false, &play("entra")) && !served(LOST_PHONE, true, &play("entra")) && !served(LOST_PHONE, false, &play("okta")));
    assert!(served("password_reset", true, &play("okta")));
    let mut play = Play::new("okta", Lock::Locked);
    play.line("says mfa_reset");
    assert_eq!(play.state.case.as_ref().unwrap().handover.as_ref().unwrap().0, "out-of-scope");
}
