use super::super::tests::{Play, language_model, opinion, replay};
use super::*;
use crate::stage::Lock;

/// Plays a story of a client with a language model.
fn check(story: &[(&str, &str)]) -> Play {
    let mut play = Play::new("okta", Lock::Locked);
    play.tenant.connections.push(language_model());
    on(play, story)
}

fn on(mut play: Play, story: &[(&str, &str)]) -> Play {
    for (at, (step, expect)) in story.iter().enumerate() {
        assert_eq!(play.line(step), *expect, "line {at}: `{step}`");
    }
    replay(&play);
    play
}

fn consulted(play: &Play) -> bool {
    play.state.tasks.iter().any(|task| task.purpose == Purpose::Opinion)
}

#[test]
fn a_model_is_asked_only_about_what_was_not_understood() {
    for word in ["password_reset", "printer", "human", "german", "two-wishes", "somebody-else", "barred"] {
        let mut play = check(&[]);
        play.line(&format!("says {word}"));
        assert!(!consulted(&play), "{word}");
    }
    for turn_off in
        [|play: &mut Play| play.tenant.connections.retain(|connection| connection.id != "mind"), |play: &mut Play| play.tenant.language_model = false]
    {
        let mut play = check(&[]);
        turn_off(&mut play);
        on(play, &[("says unsure", "listening: clarify")]);
    }
}

#[test]
fn an_action_that_it_names_is_a_question_and_never_more() {
    let choices = |play: &Play| play.state.case.as_ref().unwrap().query.as_ref().unwrap().choices.clone();
    let play = check(&[("says unsure", "listening: consult"), ("opinion password_reset", "listening: which")]);
    assert_eq!(
        (choices(&play), &play.state.case.as_ref().unwrap().action),
        (["reset-password", "something-else", "talk-to-person"].map(String::from).into(), &None)
    );
    on(play, &[("query", "listening"), ("choose reset-password", "identifying: offer-pressed + who; opened password_reset")]);
    // Nor by saying it again.
    check(&[
        ("says unsure", "listening: consult"),
        ("opinion password_reset", "listening: which"),
        ("query, choose something-else", "listening: offer-pressed + clarify"),
        ("says unsure", "listening: consult"),
        ("opinion password_reset", "identifying (unclear): who; opened other"),
    ]);
    // It adds to what may have been meant, and takes nothing away.
    for intent in ["printer", "human", "phishing", "account_unlock", "other"] {
        let play = check(&[("says torn", "listening: consult"), (&format!("opinion {intent}"), "listening: which")]);
        assert_eq!(choices(&play), ["reset-password", "unlock-account", "something-else", "talk-to-person"], "{intent}");
        let case = play.state.case.as_ref().unwrap();
        assert!(!case.query.as_ref().unwrap().known && case.kind == "app_outage", "{intent}");
    }
}

#[test]
fn a_type_that_it_names_goes_to_a_person_under_that_name() {
    let play = check(&[("says unsure", "listening: consult"), ("opinion printer", "identifying (out-of-scope): who; opened printer")]);
    assert!(play.state.case.unwrap().reading.starts_with("printer, as a language model says; before that other at 900/1000, unsure"));
    check(&[("says unsure", "listening: consult"), ("opinion human", "identifying (asked-for-person): who; opened human")]);
    check(&[("says unsure", "listening: consult"), ("opinion other", "listening: clarify")]);
}

#[test]
fn what_it_cannot_know_is_dropped() {
    // "text 1" is what was written.
    let lies = [("device", "text"), ("device", "laptop"), ("secret", "text"), ("mailbox", " "), ("share", "TEXT 1")];
    let mut play = check(&[("says unsure", "listening: consult")]);
    play.done("opinion", Some(opinion("other", &lies)), true);
    assert_eq!(play.state.case.unwrap().triage, ["device, by the language model: text"]);
    for intent in ["greeting", "thanks", "reset_everything", "PASSWORD_RESET"] {
        check(&[("says unsure", "listening: consult"), (&format!("opinion {intent}"), "listening: clarify")]);
    }
}

#[test]
fn whoever_gets_no_answer_goes_on_as_if_there_were_no_model() {
    check(&[("says torn", "listening: consult"), ("stopped opinion", "listening: which")]);
    check(&[
        ("says unsure", "listening: consult"),
        ("opinion fails", "listening: clarify"),
        ("says unsure", "listening: consult"),
        ("opinion fails", "identifying (unclear): who; opened other"),
    ]);
}

#[test]
fn two_texts_at_most_are_asked_about_and_only_the_newest_counts() {
    let play = check(&[("says unsure", "listening: consult"), ("says torn", "listening: consult")]);
    let waiting: Vec<&Task> = play.state.tasks.iter().filter(|task| task.purpose == Purpose::Opinion).collect();
    assert_eq!((waiting.len(), waiting[0].id.as_str()), (1, "t2"));
    let play = on(play, &[("says unsure", "listening: clarify")]);
    assert!(!consulted(&play));
}

#[test]
fn a_case_that_went_on_without_it_does_not_hear_it_any_more() {
    let play = check(&[
        ("says unsure", "listening: consult"),
        ("wait 31", "identifying (no-answer): who; opened other"),
        ("opinion printer", "identifying (no-answer)"),
    ]);
    assert_eq!(play.state.case.unwrap().kind, "other");
    let play = check(&[("says unsure", "listening: consult"), ("says password_reset", "identifying: who; opened password_reset")]);
    assert!(!consulted(&play), "who has said it in other words need not wait");
}

#[test]
fn what_leaves_is_redacted_and_bounded() {
    let mut play = check(&[("writes", "listening")]);
    let text = format!("my password is hunter. {}", "jane@acme.example ".repeat(4_000));
    play.state.unread[0].1.clone_from(&text);
    play.line("read unsure");
    let Work::Model(unread) = &play.state.tasks[0].work else { panic!("{:?}", play.state.tasks) };
    assert!(unread.text.starts_with("my password is [hidden] [address]") && unread.text.chars().count() == TEXT, "{}", unread.text);
}
