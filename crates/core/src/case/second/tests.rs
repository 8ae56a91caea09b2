use super::super::tests::{Play, at, event, from_offer, meaning};
use super::super::{Note, Phase, Purpose, State, apply};
use super::bare;
use crate::journal::{Fact, Press};
use crate::keys::is_conversation;
use crate::mailbox::{Act, Event};
use crate::stage::Lock;

/// The mailbox that a text goes to, if it leaves the conversation.
fn leaves(play: &mut Play, word: &str) -> Option<Event> {
    play.number += 1;
    let notes = play.take(event(play.number, "U1", Act::Message(format!("text {}", play.number)), play.now), None);
    assert!(notes.is_empty());
    let event = format!("e{}", play.number);
    let notes = play.apply(Fact::Understood { event, understanding: meaning(word) });
    notes.into_iter().find_map(|note| if let Note::Forward(event) = note { Some(*event) } else { None })
}

#[test]
fn a_change_of_subject_leaves_the_open_case_as_it_is() {
    for phase in [Phase::Identifying, Phase::Finding, Phase::Offering, Phase::Approving, Phase::Acting, Phase::Delivering, Phase::Closing] {
        let mut play = at(phase);
        let (texts, tasks) = (play.state.case.as_ref().unwrap().texts.clone(), play.state.tasks.clone());
        let passed = leaves(&mut play, "printer").unwrap_or_else(|| panic!("{phase:?}"));
        assert_eq!((passed.author.as_str(), passed.channel.as_str(), passed.act), ("U1", "D1", Act::Message(format!("text {}", play.number))));
        assert!(passed.to.as_ref().is_some_and(|to| is_conversation(to) && *to != play.state.id));
        let case = play.state.case.as_ref().unwrap();
        assert_eq!((case.phase, &case.texts, &play.state.tasks), (phase, &texts, &tasks));
        // More about the same comes to the same place, and something else does not.
        assert_eq!(leaves(&mut play, "printer").unwrap().to, passed.to);
        assert_ne!(leaves(&mut play, "hardware").unwrap().to, passed.to);
    }
}

#[test]
fn what_may_be_about_the_open_case_stays_with_it() {
    for word in ["app_outage", "vpn_issue", "password_reset", "other-system", "other", "unsure", "torn", "german", "two-wishes", "greeting", "thanks"] {
        assert_eq!(leaves(&mut at(Phase::Offering), word), None, "{word}");
    }
    for phase in [Phase::Listening, Phase::HandingOver] {
        // Nothing was asked for; or a person was, and this may be what for.
        assert_eq!(leaves(&mut at(phase), "printer"), None, "{phase:?}");
    }
    let unlikely = |play: &mut Play| {
        play.number += 1;
        play.take(event(play.number, "U1", Act::Message("x".into()), play.now), None);
        let mut understanding = meaning("printer");
        understanding.candidates[0].confidence = 599;
        play.apply(Fact::Understood { event: format!("e{}", play.number), understanding }).is_empty()
    };
    assert!(unlikely(&mut at(Phase::Offering)));
    let mut guest = at(Phase::Offering);
    guest.state.case.as_mut().unwrap().outsider = true;
    assert_eq!(leaves(&mut guest, "printer"), None);
}

#[test]
fn buttons_of_the_second_case_are_pressed_in_the_conversation_and_belong_to_its_own_mailbox() {
    let mut play = from_offer(Lock::Locked, &[]);
    let passed = leaves(&mut play, "printer").unwrap();
    let mut own = State::new(&passed);
    assert!(own.second && own.channel == "D1" && own.id == passed.to.clone().unwrap());
    apply(&mut own, &Fact::Taken { number: 1, event: passed.clone(), press: None, asked: Vec::new() }, &play.tenant, play.now);
    apply(&mut own, &Fact::Understood { event: passed.id.clone(), understanding: meaning("printer") }, &play.tenant, play.now);
    assert!(own.running(&Purpose::Who));
    let case = own.case.as_ref().unwrap().id.clone();
    for offer in ["so1", "sq3"] {
        let press = Press { case: case.clone(), offer: offer.into(), choice: "yes".into() };
        play.number += 1;
        let notes = play.take(event(play.number, "U1", Act::Press("v".into()), play.now), Some(press));
        assert!(matches!(notes.as_slice(), [Note::Forward(event)] if event.to == passed.to), "{offer}: {notes:?}");
    }
    assert_eq!((super::series(&own, "o"), super::series(&play.state, "o")), ("so".into(), "o".into()));
    assert_eq!((bare("sq3"), bare("q3")), ("q3", "q3"));
}
