use super::super::tests::{check, from_offer};
use crate::stage::Lock;

const TORN: &[(&str, &str)] = &[("says torn", "listening: which"), ("query", "listening")];

/// What follows once somebody was asked what they meant.
fn after(rest: &[(&str, &str)]) -> super::super::tests::Play {
    check("okta", Lock::Locked, &[TORN, rest].concat())
}

#[test]
fn a_button_says_what_was_meant_and_the_change_is_asked_for_all_the_same() {
    let play = after(&[
        ("choose unlock-account", "identifying: offer-pressed + who; opened account_unlock"),
        ("choose unlock-account", "identifying"),
        ("who", "finding: open + find jane@acme.example"),
        ("find, open", "finding asks"),
        ("allow", "offering: offer-unlock"),
        ("offer, press yes, allow", "acting: offer-pressed + unlock"),
    ]);
    let case = play.state.case.unwrap();
    assert_eq!((case.reading.as_str(), case.course.presses), ("account_unlock, chosen by the requester", 2));
}

#[test]
fn other_words_answer_as_well_and_take_the_buttons_away() {
    after(&[("says password_reset", "identifying: offer-withdrawn + who; opened password_reset"), ("choose unlock-account", "identifying")]);
    after(&[("says human", "identifying (asked-for-person): offer-withdrawn + who; opened human")]);
    after(&[("says greeting", "listening: greeting"), ("choose reset-password", "identifying: offer-pressed + who; opened password_reset")]);
    // Answered before it stood there.
    check(
        "okta",
        Lock::Locked,
        &[("says torn", "listening: which"), ("says password_reset", "identifying: who; opened password_reset"), ("query", "identifying: offer-withdrawn")],
    );
}

#[test]
fn who_cannot_sign_in_is_asked_why_before_a_person_gets_it() {
    let asked = &[("says barred", "listening: which"), ("query", "listening")];
    for (step, expect) in [
        ("choose reset-password", "identifying: offer-pressed + who; opened password_reset"),
        ("choose something-else", "identifying (out-of-scope): offer-pressed + who; opened app_outage"),
        ("says barred", "identifying (out-of-scope): offer-withdrawn + who; opened app_outage"),
        ("says printer", "identifying (out-of-scope): offer-withdrawn + who; opened printer"),
    ] {
        check("okta", Lock::Open, &[&asked[..], &[(step, expect)]].concat());
    }
}

#[test]
fn nobody_is_asked_more_than_twice() {
    let twice = "identifying (unclear): offer-withdrawn + who; opened app_outage";
    after(&[("says torn", "listening: offer-withdrawn + clarify"), ("says torn", "identifying (unclear): who; opened app_outage")]);
    check("okta", Lock::Open, &[("says unsure", "listening: clarify"), ("says torn", "listening: which"), ("query", "listening"), ("says torn", twice)]);
    check("okta", Lock::Open, &[("says unsure", "listening: clarify"), ("says unsure", "identifying (unclear): who; opened other")]);
    after(&[("choose something-else", "listening: offer-pressed + clarify"), ("says unsure", "identifying (unclear): who; opened other")]);
    let asked = &[("says unsure", "listening: clarify"), ("says torn", "listening: which"), ("query", "listening")];
    let rest = [("choose something-else", "identifying (unclear): offer-pressed + who; opened app_outage")];
    check("okta", Lock::Open, &[&asked[..], &rest].concat());
    after(&[("choose talk-to-person", "identifying (asked-for-person): offer-pressed + who; opened app_outage")]);
    // A case that has a ticket already asks in the same way, and opens no second one.
    from_offer(
        Lock::Locked,
        &[
            ("press something-else", "listening: offer-pressed + clarify"),
            ("says torn", "listening: which"),
            ("query, choose reset-password", "finding: offer-pressed + find jane@acme.example"),
        ],
    );
}

#[test]
fn who_does_not_answer_is_reminded_once_and_then_a_person_gets_it() {
    after(&[
        ("wait 14", "listening"),
        ("wait 2", "listening: clarify-reminder"),
        ("wait 13", "listening"),
        ("wait 2", "identifying (no-answer): offer-withdrawn + who; opened app_outage"),
        ("choose reset-password", "identifying (no-answer)"),
    ]);
    // After an outage of everything it is too late for a reminder.
    after(&[("wait 40", "identifying (no-answer): offer-withdrawn + who; opened app_outage")]);
    let mut play = after(&[]);
    let asked = play.now;
    assert!(play.state.wake_at().is_some_and(|at| at < asked + super::LISTEN_TIME));
    play.line("wait 16");
    assert!(play.state.wake_at().is_some_and(|at| at > asked + super::REMIND));
}

#[test]
fn only_who_was_asked_can_answer_and_only_what_was_asked() {
    after(&[
        ("stranger chooses reset-password", "listening: not-you"),
        ("press forged x", "listening"),
        ("choose mfa_reset", "listening: expired-offer"),
        ("choose something-else", "listening: offer-pressed + clarify"),
        ("choose reset-password", "listening: expired-offer"),
    ]);
    check("okta", Lock::Open, &[("says unsure", "listening: clarify"), ("press yes", "listening")]);
}
