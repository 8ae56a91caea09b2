use super::super::tests::{Play, language_model, meaning, opinion};
use super::super::{Phase, Want};
use super::*;
use crate::journal::Fact;
use crate::note::plain;
use crate::stage::Lock;

fn person(id: &str, name: &str, department: Option<&str>) -> Person {
    let login = format!("{id}@acme.example");
    Person {
        id: id.into(),
        names: vec![login.clone()],
        login,
        name: name.into(),
        department: department.map(Into::into),
        state: "ACTIVE".into(),
        marks: vec![],
    }
}

fn janes() -> Vec<Person> {
    vec![person("j1", "Jane Doe", Some("Sales")), person("j2", "Jane Miller", Some("Finance"))]
}

/// A text about somebody else is read, and its ticket is open; what comes next is returned with the play.
fn about(words: &str, read: &str) -> (Play, String) {
    let mut play = Play::new("okta", Lock::Open);
    play.line("writes");
    let Some(Want::Understand(event, _, _)) = play.state.wants() else { panic!() };
    let mut understanding = meaning(read);
    understanding.entities.push(Entity { kind: "affected-person".into(), words: words.into() });
    play.apply(Fact::Understood { event, understanding });
    play.line("who");
    let line = play.line("open");
    (play, line)
}

/// And the directory has answered.
fn asked(people: Vec<Person>) -> (Play, Vec<super::super::Note>) {
    let (mut play, line) = about("my colleague Jane's", "somebody-else");
    assert_eq!(line, "finding (somebody-else): look up Jane");
    let notes = play.done("look-up", Some(Outcome::People(people)), true);
    (play, notes)
}

fn note(play: &Play) -> String {
    plain(&crate::note::internal(play.state.case.as_ref().unwrap()))
}

#[test]
fn words_around_a_name_are_left_out_and_what_is_no_name_is_not_looked_up() {
    for (words, expect) in [
        ("Bob's", Some("Bob")),
        ("my colleague Jane", Some("Jane")),
        ("the password for my colleague jane o'hara’s", Some("jane o'hara")),
        ("Olga Petrova", Some("Olga Petrova")),
        ("user bob.reed@acme.example's", Some("bob.reed@acme.example")),
        ("<bob@acme.example>,", Some("bob@acme.example")),
        ("my colleague", None),
        ("my manager's", None),
        ("", None),
        ("123", None),
        ("one two three four five", None),
    ] {
        assert_eq!(name(words).as_deref(), expect, "{words}");
    }
    assert_eq!(name(&"x".repeat(101)), None);
    let (play, line) = about("my colleague", "somebody-else");
    assert!(line.ends_with("hand-over") && play.state.case.unwrap().named.is_none(), "{line}");
}

#[test]
fn one_is_named_to_the_human_with_what_protects_the_account() {
    let (play, _) = asked(vec![Person { marks: vec!["directory role `Global Administrator`".into()], ..person("j1", "Jane Doe", Some("Sales")) }]);
    let told = note(&play);
    for part in ["Jane named-one", "Jane Doe j1@acme.example j1 ACTIVE Sales directory role"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(play.state.tasks.iter().any(|task| task.purpose == Purpose::HandOver));
    // Whoever the client's document protects is named as such, under any name.
    let (mut play, _) = about("Jane", "somebody-else");
    play.tenant.guardrails.protected = vec!["J1@acme.example ".into()];
    play.done("look-up", Some(Outcome::People(vec![person("j1", "Jane Doe", None)])), true);
    assert!(note(&play).contains("protected by the client's document"), "{}", note(&play));
}

#[test]
fn nobody_too_many_or_a_directory_that_is_down_keep_nobody_waiting() {
    for (outcome, part) in [
        (Outcome::People(vec![]), "named-nobody"),
        (Outcome::People((0..5).map(|n| person(&format!("j{n}"), "Jane Doe", None)).collect()), "named-many"),
        (Outcome::Escalate("vendor-down".into(), "no answer".into()), "named-unread vendor-down"),
    ] {
        let (mut play, _) = about("Jane", "somebody-else");
        play.done("look-up", Some(outcome), true);
        assert!(note(&play).contains(part), "{}", note(&play));
        assert!(play.state.tasks.iter().any(|task| task.purpose == Purpose::HandOver));
    }
    let (play, _) = about("Jane", "somebody-else");
    let task = play.state.tasks.iter().find(|task| task.purpose == Purpose::LookUp).unwrap();
    assert_eq!((State::tries(task), play.state.patience(task)), (1, task.started));
}

#[test]
fn several_are_asked_about_once_and_a_press_only_writes_down_who_it_is() {
    let (mut play, _) = asked(janes());
    let case = play.state.case.as_ref().unwrap();
    assert!(case.phase == Phase::Finding && case.query.as_ref().unwrap().choices == ["1", "2", NONE]);
    assert_eq!(play.line("query"), "finding (somebody-else)");
    assert_eq!(play.line("stranger chooses 1"), "finding (somebody-else): not-you");
    assert_eq!(play.line("choose 3"), "finding (somebody-else): expired-offer");
    assert_eq!(play.line("choose 2"), "handingover (somebody-else): offer-pressed + hand-over");
    let told = note(&play);
    assert!(told.contains("Jane named-chosen") && told.contains("Jane Miller") && !told.contains("Jane Doe"), "{told}");
    assert!(play.state.grants.iter().all(|grant| grant.action.starts_with("ticket_") || grant.action.starts_with("message_")));
    assert_eq!(play.line("choose 1"), "handingover (somebody-else)");
    let (mut play, _) = asked(janes());
    play.line("query");
    play.line("choose none-of-these");
    assert!(note(&play).contains("named-several") && note(&play).contains("none-of-these"), "{}", note(&play));
}

#[test]
fn words_that_say_who_it_is_count_and_others_are_left_to_the_human() {
    for (words, part) in [
        ("I mean Jane Miller, of course", "named-chosen"),
        ("j2@acme.example", "named-chosen"),
        ("Jane Doe or Jane Miller", "named-several"),
        ("Jane Millerson", "named-several"),
        ("hurry", "named-several"),
    ] {
        let (mut play, _) = asked(janes());
        play.line("query");
        play.number += 1;
        let event = super::super::tests::event(play.number, "U1", crate::mailbox::Act::Message(words.into()), play.now);
        play.take(event, None);
        assert_eq!(play.line("read unsure"), "handingover (somebody-else): offer-withdrawn + hand-over", "{words}");
        assert!(note(&play).contains(part), "{words}: {}", note(&play));
    }
    let (mut play, _) = asked(janes());
    assert_eq!(play.line("query, says thanks"), "finding (somebody-else)");
    assert_eq!(play.line("says human"), "handingover (somebody-else): offer-withdrawn + hand-over");
}

#[test]
fn who_does_not_answer_is_reminded_once_and_then_nobody_waits() {
    let (mut play, _) = asked(janes());
    assert_eq!(play.line("query, wait 14"), "finding (somebody-else)");
    assert_eq!(play.line("wait 2"), "finding (somebody-else): clarify-reminder");
    assert_eq!(play.line("wait 13"), "finding (somebody-else)");
    assert_eq!(play.line("wait 2"), "handingover (somebody-else): offer-withdrawn + hand-over");
    assert!(note(&play).contains("named-several"), "{}", note(&play));
}

#[test]
fn a_technician_who_takes_the_ticket_ends_the_question() {
    let (mut play, _) = asked(janes());
    play.line("query");
    let now = play.now;
    super::super::hand_over(&mut play.state, ticket::STOOD_DOWN, "the agent steps back", &play.tenant.clone(), now);
    let case = play.state.case.as_ref().unwrap();
    assert_eq!((case.handover.as_ref().unwrap().0.as_str(), waits(case)), (ticket::STOOD_DOWN, false));
}

#[test]
fn nobody_is_asked_a_third_question_nor_where_others_read_nor_whoever_is_no_member() {
    for change in [
        |case: &mut Case| case.said.extend(["which".to_string(), "clarify".to_string()]),
        |case: &mut Case| case.quiet = true,
        |case: &mut Case| case.outsider = true,
        |case: &mut Case| case.profile.iter_mut().for_each(|profile| profile.guest = true),
        |case: &mut Case| case.profile = None,
        |case: &mut Case| case.handover = Some(("asked-for-person".into(), String::new())),
    ] {
        let (mut play, _) = about("Jane", "somebody-else");
        play.state.case.iter_mut().for_each(change);
        play.done("look-up", Some(Outcome::People(janes())), true);
        let case = play.state.case.as_ref().unwrap();
        assert!(!waits(case) && note(&play).contains("named-several"), "{}", note(&play));
    }
    let (mut play, _) = about("Jane", "somebody-else");
    play.state.place = Place::Channel;
    play.done("look-up", Some(Outcome::People(janes())), true);
    assert!(!play.state.case.as_ref().is_some_and(waits));
}

#[test]
fn whoever_a_language_model_points_out_is_looked_up_too() {
    let mut play = Play::new("okta", Lock::Open);
    play.tenant.connections.push(language_model());
    play.line("says unsure");
    play.done("opinion", Some(opinion("group_change", &[("affected-person", "text")])), true);
    assert_eq!(play.line("who, open"), "finding (out-of-scope): look up text");
}

#[test]
fn two_of_one_name_and_department_are_told_apart_by_their_sign_in_names() {
    let twins = [person("j1", "Jane Doe", Some("Sales")), person("j2", "Jane Doe", Some("Sales")), person("j3", "Jane Doe", None)];
    assert_eq!(labels(&twins), ["Jane Doe, j1@acme.example", "Jane Doe, j2@acme.example", "Jane Doe, j3@acme.example"]);
}

fn group(id: &str, name: &str, address: &str) -> Person {
    Person { id: id.into(), login: address.into(), names: vec![], name: name.into(), department: None, state: "security group".into(), marks: vec![] }
}

/// A text is read that names a group, and perhaps somebody, and the directory is asked.
fn about_a_group(kind: &str, entities: &[(&str, &str)]) -> (Play, String) {
    let mut play = Play::new("okta", Lock::Open);
    play.line("writes");
    let Some(Want::Understand(event, _, _)) = play.state.wants() else { panic!() };
    let mut understanding = meaning("printer");
    understanding.candidates[0].intent = kind.into();
    understanding.entities.extend(entities.iter().map(|(kind, words)| Entity { kind: (*kind).into(), words: (*words).into() }));
    play.apply(Fact::Understood { event, understanding });
    play.line("who");
    let line = play.line("open");
    (play, line)
}

#[test]
fn words_around_a_groups_name_are_left_out_and_those_within_it_stay() {
    for (words, expect) in [
        ("VIP group", Some("VIP")),
        ("list \"All Staff", Some("All Staff")),
        ("the distribution list New User Support", Some("New User Support")),
        ("shared mailbox careers@acme.example", Some("careers@acme.example")),
        ("invoices mailbox", Some("invoices")),
        ("Friends of the team Oslo", Some("Friends of the team Oslo")),
        ("one two three four five six seven", None),
        ("the group", None),
        ("group 4711", None),
        ("", None),
    ] {
        assert_eq!(title(words).as_deref(), expect, "{words}");
    }
    assert_eq!(title(&"x".repeat(101)), None);
}

#[test]
fn a_group_is_looked_up_only_where_the_wish_is_about_one() {
    let named = [("group", "the VIP group"), ("mailbox", "invoices mailbox")];
    for (kind, expect) in [("group_change", Some("look up group VIP")), ("mailbox_access", Some("look up mailbox invoices")), ("printer", None)] {
        let (_, line) = about_a_group(kind, &named);
        assert_eq!(line.split(": ").nth(1).filter(|then| then.starts_with("look up")), expect, "{line}");
    }
}

#[test]
fn what_the_directory_says_of_a_group_stands_in_the_note() {
    for (outcome, part) in [
        (Outcome::People(vec![group("g1", "VIP", "")]), "VIP named-one\n"),
        (Outcome::People(vec![]), "VIP named-no-group"),
        (Outcome::People((0..5).map(|n| group(&format!("g{n}"), "VIP", "")).collect()), "named-many-such"),
        (Outcome::Escalate("vendor-down".into(), "no answer".into()), "named-unread vendor-down"),
    ] {
        let (mut play, _) = about_a_group("group_change", &[("group", "VIP group")]);
        play.done("look-up", Some(outcome), true);
        assert!(format!("{}\n", note(&play)).contains(part) || note(&play).contains(part.trim()), "{part}: {}", note(&play));
        assert!(play.state.tasks.iter().any(|task| task.purpose == Purpose::HandOver));
    }
}

#[test]
fn of_several_groups_one_is_chosen_by_a_button_or_by_its_whole_name() {
    let several = || Outcome::People(vec![group("g1", "Finance", ""), group("g2", "Finance Managers", "fm@acme.example"), group("g3", "Finance", "")]);
    let asked = || {
        let (mut play, _) = about_a_group("group_change", &[("group", "Finance group")]);
        play.done("look-up", Some(several()), true);
        play
    };
    let mut play = asked();
    let case = play.state.case.as_ref().unwrap();
    assert_eq!(labels(offered(case)), ["Finance, g1", "Finance Managers, fm@acme.example", "Finance, g3"]);
    assert!(case.said.contains(WHICH) && !case.said.contains(WHOM));
    play.line("query");
    play.line("choose 1");
    let told = note(&play);
    assert!(told.contains("Finance named-chosen") && told.contains("g1") && !told.contains("g2"), "{told}");
    assert!(play.state.grants.iter().all(|grant| grant.action.starts_with("ticket_") || grant.action.starts_with("message_")));
    for (words, part) in [("finance managers", "named-chosen"), ("finance", "named-which"), ("hurry", "named-which")] {
        let mut play = asked();
        play.line("query");
        play.number += 1;
        let event = super::super::tests::event(play.number, "U1", crate::mailbox::Act::Message(words.into()), play.now);
        play.take(event, None);
        play.line("read unsure");
        assert!(note(&play).contains(part), "{words}: {}", note(&play));
    }
}

#[test]
fn somebody_and_a_group_are_looked_up_one_after_the_other_and_at_most_two_questions_are_asked() {
    let both = [("affected-person", "Jane"), ("group", "Finance group")];
    let groups = || Outcome::People(vec![group("g1", "Finance", ""), group("g2", "Finance Managers", "")]);
    let (mut play, line) = about_a_group("group_change", &both);
    assert!(line.ends_with("look up Jane"), "{line}");
    play.done("look-up", Some(Outcome::People(janes())), true);
    play.line("query");
    assert!(play.line("choose 2").ends_with("look up group Finance"));
    play.done("look-up", Some(groups()), true);
    play.line("query");
    play.line("choose 1");
    let told = note(&play);
    assert!(told.contains("Jane named-chosen") && told.contains("Finance named-chosen"), "{told}");
    // Where two were asked already, the note has all of them.
    let (mut play, _) = about_a_group("group_change", &[("group", "Finance group")]);
    play.state.case.as_mut().unwrap().said.extend(["which".to_string(), "clarify".to_string()]);
    play.done("look-up", Some(groups()), true);
    assert!(note(&play).contains("named-which") && note(&play).contains("Finance Managers"), "{}", note(&play));
}
