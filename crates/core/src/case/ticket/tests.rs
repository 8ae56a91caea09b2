//! Stories of tickets that begin in the PSA: one line in, one line out.

use super::super::tests::{Play, language_model};
use super::*;
use crate::journal::Fact;
use crate::mailbox::Act;
use crate::stage::{Lock, Ticket};

/// What somebody does to the ticket.
type Change = fn(&mut Seen);

fn seen() -> Seen {
    Seen {
        ticket: Ticket { id: 4711, board: 1, status: 16, status_name: "New".into(), contact: true, priority: "Medium".into() },
        summary: "Locked out".into(),
        text: "I cannot sign in".into(),
        kind: "Account".into(),
        source: "Email".into(),
        contact_name: "Jane Doe".into(),
        contact_email: Some("jane@acme.example".into()),
        closed: false,
        owner: None,
        case: None,
        worked: false,
    }
}

/// A play in the mailbox of ticket 4711, whose board is taken in.
fn desk() -> Play {
    let mut play = Play::new("okta", Lock::Locked);
    play.state = State::new(&Event::of_ticket(4711, "e0".into(), "acme", "desk", 0));
    play.tenant.desk.intake = vec![crate::tenant::Intake { board: 1, types: vec!["account".into()], statuses: vec!["New".into()] }];
    play.ticket = Some(seen());
    play
}

fn check(mut play: Play, story: &[(&str, &str)]) -> Play {
    for (at, (step, expect)) in story.iter().enumerate() {
        assert_eq!(play.line(step), *expect, "line {at}: `{step}`");
    }
    play
}

const TO_QUESTION: &[(&str, &str)] = &[
    ("hint", "listening: look at 4711"),
    ("look", "listening"),
    ("read account_unlock", "identifying: who has jane@acme.example; opened account_unlock"),
    ("who", "identifying: open-direct U1"),
    ("meet", "finding: find JANE@ACME.EXAMPLE"),
    ("find", "finding asks"),
    ("allow", "offering: ask-unlock"),
    ("offer", "offering"),
];

fn asked(rest: &[(&str, &str)]) -> Play {
    check(desk(), &[TO_QUESTION, rest].concat())
}

/// Somebody does something to the ticket, and the PSA hints at it.
fn after(mut play: Play, change: impl FnOnce(&mut Seen), rest: &[(&str, &str)]) -> Play {
    if let Some(seen) = &mut play.ticket {
        change(seen);
    }
    check(play, rest)
}

#[test]
fn the_contact_of_a_ticket_is_asked_and_yes_goes_on() {
    let play = asked(&[
        ("press yes", "acting: offer-pressed + look at 4711"),
        ("look", "acting asks"),
        ("allow", "acting: unlock"),
        ("act", "delivering: unlock-done"),
        ("deliver", "closing: close"),
        ("close", "telling: closed"),
        ("farewell", "no case; ended closed"),
        // Whatever comes later is the technicians'; it only matters whether it is opened again.
        ("hint", "listening: look at 4711"),
    ]);
    let open = after(play, |_| {}, &[("look", "no case; 4711 of 1 may be open since 16"), ("hint", "listening: look at 4711")]);
    let play = after(
        open,
        |seen| seen.closed = true,
        &[
            ("look", "no case"),
            ("wait 10079", "no case: fixed-reminder + first sign-in of u1 since 2027-01-15T08:00:12Z"),
            ("hint, look", "no case"),
            ("wait 2", "no case"),
            ("hint", "no case"),
        ],
    );
    assert_eq!((play.state.connection.as_str(), play.state.channel.as_str()), ("chat", "D9"));
}

#[test]
fn no_changes_nothing_and_goes_to_a_human_at_once() {
    let play = asked(&[
        ("press no", "handingover (requester-denied): offer-pressed + hand-over"),
        ("press again no", "handingover (requester-denied)"),
        ("hand-over", "telling (requester-denied): denied-request"),
        ("farewell", "no case; ended handed-over"),
        ("hint", "no case"),
    ]);
    assert!(play.state.grants.iter().all(|grant| grant.connection != "idp"));
}

#[test]
fn who_never_answers_is_reminded_once_and_then_a_human_has_it() {
    asked(&[
        ("wait 29", "offering"),
        ("wait 2", "offering: ask-reminder"),
        ("wait 10", "offering"),
        ("wait 20", "handingover (no-answer): offer-withdrawn + hand-over"),
        ("hand-over", "telling (no-answer): handed-over"),
    ]);
    // Without a tick in time there is no use in a reminder.
    asked(&[("wait 61", "handingover (no-answer): offer-withdrawn + hand-over")]);
}

#[test]
fn only_the_contacts_own_button_goes_on() {
    for (step, expect) in [("stranger presses yes", "offering"), ("press forged yes", "offering")] {
        asked(&[(step, expect)]);
    }
    // Pressed in the direct conversation, it is passed on to the ticket's mailbox, and answered there alone.
    let (play, mut direct) = (asked(&[]), Play::new("okta", Lock::Locked));
    let press = Press { case: play.state.case.unwrap().id, offer: "d1".into(), choice: "yes".into() };
    let event = Event { connection: "chat".into(), channel: "D1".into(), author: "U1".into(), ..Event::of_ticket(1, "e1".into(), "acme", "chat", 0) };
    let event = Event { act: crate::mailbox::Act::Press("value".into()), ..event };
    let notes = direct.take(event, Some(press));
    assert!(
        matches!(notes.as_slice(), [Note::Forward(event)] if event.to == Some(play.state.id.clone()) && event.conversation() == play.state.id),
        "{notes:?}"
    );
    assert!(direct.state.case.is_none() && direct.state.tasks.is_empty());
}

#[test]
fn who_answers_in_words_is_shown_the_buttons_again_and_opens_nothing() {
    let play = asked(&[
        ("says unsure", "offering: ask-again"),
        ("says thanks", "offering: ask-again"),
        ("says account_unlock", "offering: ask-again"),
        // Nobody is answered for ever.
        ("says greeting", "offering"),
        ("press yes", "acting: offer-pressed + look at 4711"),
    ]);
    assert!(asking(&play.state).is_none() && play.state.case.unwrap().texts.len() == 5);
    asked(&[("says unsure", "offering: ask-again"), ("says human", "handingover (asked-for-person): offer-withdrawn + hand-over")]);

    // Where they are written, words are passed on while the question waits, unless they belong to a request of their own.
    let mut play = asked(&[]);
    let (conversation, Asking { case, .. }) = asking(&play.state).unwrap();
    assert_eq!(conversation, keys::conversation("acme", "chat", "D9", None));
    let other = format!("{}-1", "0123456789abcdef0123456789abcdef");
    let says = |play: &mut Play, asked: &[&String]| {
        play.number += 1;
        let event = super::super::tests::event(play.number, "U1", Act::Message("yes".into()), play.now);
        play.apply(Fact::Taken { number: play.number, event, press: None, asked: asked.iter().map(|case| (*case).clone()).collect() })
    };
    for greeted in [false, true] {
        let mut direct = Play::new("okta", Lock::Locked);
        if greeted {
            direct.line("says greeting");
        }
        let notes = says(&mut direct, &[&case]);
        assert!(matches!(notes.as_slice(), [Note::Forward(event)] if event.conversation() == play.state.id), "{notes:?}");
        assert!(direct.state.case.is_none());
        // Of two tickets none is preferred.
        let notes = says(&mut direct, &[&other, &case]);
        let [Note::Forward(first), Note::Forward(second)] = notes.as_slice() else { panic!("{notes:?}") };
        assert_eq!([first.conversation(), second.conversation()], ["0123456789abcdef0123456789abcdef", &play.state.id]);
    }
    for before in ["says account_unlock", "writes"] {
        let mut direct = Play::new("okta", Lock::Locked);
        direct.line(before);
        assert!(says(&mut direct, &[&case]).is_empty() && direct.state.case.is_some(), "{before}");
    }

    // Given back by another ticket that was asked about as well, it is known here.
    let words = super::super::tests::event(90, "U1", Act::Message("yes".into()), play.now);
    play.take(words.clone(), None);
    let (read, back) = (play.state.unread.len(), Event { id: format!("{}{BACK}", words.id), ..words });
    assert!(play.take(back, None).is_empty() && play.state.unread.len() == read && read > 0);
    play.state.unread.clear();

    // What arrives when nothing is asked any more goes back to where it was written.
    play.line("press no, hand-over, farewell");
    let notes = says(&mut play, &[]);
    assert!(matches!(notes.as_slice(), [Note::Forward(event)] if event.to.is_none() && event.id.ends_with("/back")), "{notes:?}");
    assert!(play.state.case.is_none());
}

#[test]
fn what_is_not_taken_in_is_left_alone() {
    let cases: [(Change, &str); 9] = [
        (|seen| seen.ticket.board = 2, "its board, type or status is not taken in"),
        (|seen| seen.kind = "Printer".into(), "its board, type or status is not taken in"),
        (|seen| seen.ticket.status_name = "Triage".into(), "its board, type or status is not taken in"),
        (|seen| seen.closed = true, "it is closed"),
        (|seen| seen.source = "Monitoring".into(), "it is of a machine"),
        (|seen| seen.ticket.contact = false, "it has no contact"),
        (|seen| seen.owner = Some("dana".into()), "it is assigned"),
        (|seen| seen.worked = true, "somebody works on it"),
        (|seen| seen.ticket.id = 4712, "it could not be read as a ticket of this client"),
    ];
    for (change, why) in cases {
        let play = after(desk(), change, &[("hint", "listening: look at 4711"), ("look", &format!("no case; left alone: {why}"))]);
        assert!(play.state.tasks.is_empty());
    }
    let mut foreign = desk();
    foreign.ticket = None;
    check(foreign, &[("hint, look", "no case; left alone: it could not be read as a ticket of this client")]);
    let mut closed = desk();
    closed.tenant.desk.intake.clear();
    check(closed, &[("hint, look", "no case; left alone: its board, type or status is not taken in")]);
}

#[test]
fn an_own_ticket_that_comes_back_is_told_to_its_case_and_changes_nothing() {
    let mut play = desk();
    let case = format!("{}-3", "0123456789abcdef0123456789abcdef");
    play.ticket.as_mut().unwrap().case = Some(case);
    let told = "forward to ticket 4711 + left alone: it is a case's own";
    check(play, &[("hint, look", &format!("no case; 4711 of 3 may be open since 1 + {told}"))]);
    let mut chat = Play::new("okta", Lock::Locked);
    chat.ticket = Some(seen());
    check(
        chat,
        &[
            ("hint", "no case"),
            ("says account_unlock, who, find, open, allow, offer", "offering; opened account_unlock"),
            ("hint", "offering: look at 4711"),
            ("hint", "offering"),
            ("look", "offering: look at 4711"),
            ("look", "offering"),
        ],
    );
}

#[test]
fn the_agent_stands_down_as_soon_as_a_technician_takes_part() {
    let changes: [Change; 4] =
        [|seen| seen.owner = Some("dana".into()), |seen| seen.worked = true, |seen| seen.ticket.status = 17, |seen| seen.ticket.board = 2];
    for change in changes {
        let rest = &[
            ("hint, look", "handingover (stood-down): offer-withdrawn + hand-over"),
            ("hand-over", "telling (stood-down): stood-down"),
            ("farewell", "no case; ended handed-over"),
        ];
        after(asked(&[]), change, rest);
        // Though no callback came: the ticket is read again before anything is changed.
        after(
            asked(&[]),
            change,
            &[
                ("press yes", "acting: offer-pressed + look at 4711"),
                ("look", "handingover (stood-down): hand-over"),
                ("hand-over", "telling (stood-down): stood-down"),
            ],
        );
        // A ticket that the agent opened itself is no different.
        let mut chat = Play::new("okta", Lock::Locked);
        chat.ticket = Some(seen());
        let chat = check(chat, &[("says account_unlock, who, find, open, allow, offer", "offering; opened account_unlock")]);
        after(chat, change, rest);
        // Nobody was spoken to: nothing is written, and nothing said.
        let early = check(desk(), &TO_QUESTION[..4]);
        after(early, change, &[("hint, look", "identifying (stood-down)"), ("meet", "no case; ended handed-over")]);
    }
    let mut own = asked(&[]);
    own.tenant.desk.member = Some("firstline".into());
    after(own, |seen| seen.owner = Some("firstline".into()), &[("hint, look", "offering")]);
}

#[test]
fn a_change_that_was_begun_is_finished_before_the_agent_steps_back() {
    let play = asked(&[("press yes, look, allow", "acting: offer-pressed + unlock"), ("hint", "acting: look at 4711")]);
    after(
        play,
        |seen| seen.worked = true,
        &[
            ("look", "acting (stood-down)"),
            ("act", "delivering (stood-down): unlock-done"),
            ("deliver", "handingover (stood-down): hand-over"),
            ("hand-over", "telling (stood-down): stood-down"),
        ],
    );
}

#[test]
fn nobody_is_spoken_to_out_of_the_blue() {
    let taken = ("hint, look", "listening");
    for intent in ["printer", "human", "unsure", "thanks", "somebody-else"] {
        let code = match intent {
            "printer" => "out-of-scope",
            "human" => "asked-for-person",
            "somebody-else" => "somebody-else",
            _ => "unclear",
        };
        let mut play = check(desk(), &[taken]);
        let line = play.line(&format!("read {intent}"));
        assert!(line.starts_with(&format!("handingover ({code}): hand-over; opened")), "{line}");
        assert_eq!(play.line("hand-over"), "no case; ended handed-over", "{intent}");
    }
    let triage = |change: fn(&mut Play), expect: &str| {
        let mut play = check(desk(), &[taken]);
        change(&mut play);
        assert_eq!(play.line("read account_unlock"), expect);
        assert_eq!(play.line("hand-over"), "no case; ended handed-over");
    };
    triage(|play| play.tenant.connections.retain(|c| c.id != "chat"), "handingover (no-chat): hand-over; opened account_unlock");
    triage(|play| play.state.case.as_mut().unwrap().intake.as_mut().unwrap().address = None, "handingover (no-address): hand-over; opened account_unlock");
    let identified = [taken, ("read account_unlock", "identifying: who has jane@acme.example; opened account_unlock")];
    for (change, code) in [
        ((|profile| profile.guest = true) as fn(&mut Profile), "chat-guest"),
        (|profile| profile.inactive = true, "chat-guest"),
        (|profile| profile.email = None, "unknown-requester"),
        (|profile| profile.email = Some("mallory@acme.example".into()), "unknown-requester"),
    ] {
        let mut play = check(desk(), &identified);
        let mut profile = Profile {
            id: "U1".into(),
            workspace: "T1".into(),
            email: Some("jane@acme.example".into()),
            name: "Jane".into(),
            guest: false,
            inactive: false,
            locale: None,
        };
        change(&mut profile);
        play.done("who", Some(Outcome::Profile(profile)), true);
        assert_eq!(play.state.case.as_ref().and_then(|case| case.handover.clone()).map(|(code, _)| code).as_deref(), Some(code));
        assert_eq!(play.line("hand-over"), "no case; ended handed-over", "{code}");
    }
    for fails in ["who fails", "who, meet fails", "who, meet, find fails"] {
        let mut play = check(desk(), &identified);
        play.line(fails);
        assert_eq!(play.line("hand-over"), "no case; ended handed-over", "{fails}");
    }
}

#[test]
fn a_psa_that_does_not_answer_is_asked_again() {
    check(
        desk(),
        &[
            ("hint, look silent", "listening"),
            ("wait 2", "listening: look at 4711"),
            ("look silent", "listening"),
            ("wait 3", "listening: look at 4711"),
            ("look", "listening"),
        ],
    );
    asked(&[("press yes, look silent", "acting: offer-pressed"), ("wait 2", "acting: look at 4711"), ("look", "acting asks")]);
}

#[test]
fn another_contact_is_another_request() {
    after(
        asked(&[]),
        |seen| seen.contact_email = Some("mallory@acme.example".into()),
        &[("hint, look", "handingover (contact-changed): offer-withdrawn + hand-over")],
    );
}

#[test]
fn a_ticket_waits_in_the_status_that_the_desk_names_and_that_is_no_technicians() {
    let waiting = |mut play: Play| {
        play.tenant.desk.waiting_status = Some("Waiting".into());
        play
    };
    let play = check(
        waiting(desk()),
        &[
            ("hint, look, read account_unlock, who, meet, find, allow", "offering: ask-unlock; opened account_unlock"),
            ("offer", "offering: wait"),
            // Our own change comes back before we know of it.
            ("hint, look", "offering"),
            ("status", "offering: look at 4711"),
        ],
    );
    let play = after(play, |seen| seen.ticket.status = 13, &[("look", "offering"), ("hint, look", "offering")]);
    assert_eq!(play.state.case.as_ref().and_then(|case| case.ticket.as_ref()).map(|ticket| ticket.status), Some(13));
    // What it was first seen with stays known.
    assert_eq!(play.state.case.as_ref().and_then(|case| case.ticket.as_ref()).map(|ticket| ticket.priority.as_str()), Some("Medium"));
    // A technician moves it on.
    after(play, |seen| seen.ticket.status = 14, &[("hint, look", "handingover (stood-down): offer-withdrawn + hand-over")]);
    // A look that began before our change ends after it.
    let mut play =
        check(waiting(Play::new("okta", Lock::Locked)), &[("says account_unlock, who, find, open, allow, offer", "offering: wait; opened account_unlock")]);
    play.ticket = Some(seen());
    let play = check(play, &[("hint", "offering: look at 4711"), ("status", "offering"), ("look", "offering: look at 4711")]);
    after(play, |seen| seen.ticket.status = 13, &[("look", "offering")]);
    // It could not be set: that stops nothing.
    check(
        waiting(Play::new("okta", Lock::Locked)),
        &[
            ("says account_unlock, who, find, open, allow", "offering: offer-unlock; opened account_unlock"),
            ("offer", "offering: wait"),
            ("press yes", "acting asks: offer-pressed"),
            ("allow", "acting: unlock"),
            ("act, deliver", "closing"),
            ("status fails", "closing: close"),
        ],
    );
}

#[test]
fn a_language_model_only_names_what_a_ticket_is_about() {
    for (intent, expect) in [
        ("printer", "handingover (out-of-scope): hand-over; opened printer"),
        ("password_reset", "handingover (unclear): hand-over; opened other"),
        ("other", "handingover (unclear): hand-over; opened other"),
    ] {
        let mut play = desk();
        play.tenant.connections.push(language_model());
        let story = [("hint", "listening: look at 4711"), ("look", "listening"), ("read unsure", "listening: consult"), (&format!("opinion {intent}"), expect)];
        check(play, &story);
    }
}
