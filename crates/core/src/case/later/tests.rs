//! Stories of a desk that is closed: one line in, one line out.

use super::super::tests::Play;
use crate::stage::Lock;
use crate::tenant::{Connection, OnCall};

/// A desk that is open on weekdays; a play begins on Friday 2027-01-15 at 08:00 UTC.
fn play(urgencies: &[&str], hours: &str) -> Play {
    let mut play = Play::new("okta", Lock::Locked);
    play.tenant.hours = ["mon", "fri"].map(|day| (day.to_string(), hours.to_string())).into();
    play.tenant.shared = vec![Connection { id: "staff".into(), vendor: "slack".into(), ..Connection::default() }];
    let urgencies = urgencies.iter().map(|name| (*name).into()).collect();
    play.tenant.on_call = Some(OnCall { name: "Nia".into(), user: Some("U9".into()), phone: None, urgencies });
    play
}

#[track_caller]
fn check(mut play: Play, story: &[(&str, &str)]) -> Play {
    for (at, (step, expect)) in story.iter().enumerate() {
        assert_eq!(play.line(step), *expect, "line {at}: `{step}`");
    }
    play
}

const SHUT: &str = "09:00-18:00";
const OPEN: &str = "00:00-24:00";

#[test]
fn what_is_listed_pages_once_and_only_while_nobody_is_there() {
    let to_human = ("says phishing, who", "finding (out-of-scope): open; opened phishing");
    let paged = [
        to_human,
        ("open", "handingover (out-of-scope): open-direct U9 + hand-over"),
        ("page", "handingover (out-of-scope): page"),
        ("page", "handingover (out-of-scope)"),
        ("hand-over", "telling (out-of-scope): handed-over-paged"),
    ];
    for listed in ["phishing", "Out-Of-Scope", " medium "] {
        check(play(&[listed], SHUT), &paged);
    }
    let unpaged = |play, told| drop(check(play, &[to_human, ("open", "handingover (out-of-scope): hand-over"), ("hand-over", told)]));
    unpaged(play(&["printer", "", "high"], SHUT), "telling (out-of-scope): handed-over-later");
    unpaged(play(&["phishing"], OPEN), "telling (out-of-scope): handed-over");
    let mut always = play(&["phishing"], SHUT);
    always.tenant.hours.clear();
    unpaged(always, "telling (out-of-scope): handed-over");
    let mut nobody = play(&["phishing"], SHUT);
    nobody.tenant.on_call = None;
    unpaged(nobody, "telling (out-of-scope): handed-over-later");
}

#[test]
fn nobody_is_claimed_to_have_been_told_who_was_not() {
    let until = [("says phishing, who, open", "handingover (out-of-scope): open-direct U9 + hand-over; opened phishing")];
    check(
        play(&["phishing"], SHUT),
        &[&until[..], &[("page fails", "handingover (out-of-scope)"), ("hand-over", "telling (out-of-scope): handed-over-later")]].concat(),
    );
    check(
        play(&["phishing"], SHUT),
        &[&until[..], &[("page, page fails", "handingover (out-of-scope)"), ("hand-over", "telling (out-of-scope): handed-over-later")]].concat(),
    );
    // It is still under way when the ticket is written.
    check(
        play(&["phishing"], SHUT),
        &[&until[..], &[("hand-over", "telling (out-of-scope): handed-over-later"), ("page", "telling (out-of-scope): page")]].concat(),
    );
    let mut unreachable = play(&["phishing"], SHUT);
    unreachable.tenant.shared.clear();
    check(
        unreachable,
        &[("says phishing, who, open", "handingover (out-of-scope): hand-over; opened phishing"), ("hand-over", "telling (out-of-scope): handed-over-later")],
    );
}

#[test]
fn what_is_done_without_a_person_wakes_nobody() {
    check(
        play(&["account_unlock", "medium", "no-answer"], SHUT),
        &[
            ("says account_unlock, who, find, open, allow, offer, press yes, allow", "acting: offer-pressed + unlock; opened account_unlock"),
            ("act, deliver", "closing: close"),
            ("close", "telling: closed"),
            ("farewell", "no case; ended closed"),
        ],
    );
}
