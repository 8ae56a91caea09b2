//! A conversation from the first event to the end, with the world in memory.

use super::*;
use crate::fake::*;
use serde_json::json;

/// Plays the reset to its end: request, button, everything else by itself.
fn reset(world: &World, stages: &Script) {
    world.say(stages, "password_reset");
    world.press(stages, "yes");
}

#[test]
fn a_reset_is_played_to_the_closed_ticket() {
    let (world, stages) = (World::new(), Script::default());
    reset(&world, &stages);
    assert_eq!(world.end(), "closed");
}

/// A step fits if the end and the lines that left are as told.
fn check(world: &World, end: &str, with: &str, lines: &[&str]) {
    assert_eq!(world.end(), end);
    assert_eq!(world.lines(with), lines);
}

#[test]
fn the_secret_reaches_the_user_and_nothing_that_is_stored_or_logged() {
    let (world, stages) = (World::new(), Script::default());
    reset(&world, &stages);
    let password = world.vendors.borrow().password.clone();
    let [link] = world.links().try_into().unwrap();
    assert_eq!(world.reveal(&link).as_deref(), Some(password.as_str()));
    assert!(link.starts_with("https://help.example/s/") && world.vendors.borrow().revoked == 1);
    let token = link.rsplit('/').next().unwrap();
    for secret in [&password, token, "access-token-1"].into_iter().chain(CREDENTIALS.iter().map(|(_, _, secret)| *secret)) {
        assert!(!world.leaked(secret), "`{secret}` is stored or logged");
    }
    // The probe itself can find something.
    assert!(world.leaked("chat.postMessage"));
    // Sealed in the meantime, erased at the end.
    let case = world.cases()[0].case.clone();
    let values = world.values.borrow();
    for name in ["temporary-password", "link"] {
        assert_eq!(values[&keys::case_secret(&case, name)], b"", "{name}");
        let before = [keys::case_secret(&case, name).as_bytes(), &[b'A'; 0]].concat();
        assert!(world.seen.borrow().iter().any(|bytes| bytes.len() > before.len() && bytes.starts_with(&before)), "{name} was sealed");
    }
}

#[test]
fn the_journal_stands_before_a_change_is_sent_and_the_right_to_send_is_taken_after_it() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    // The process dies at the moment of each effect from the press on; what the journal then holds is compared with what left.
    let before = world.effects.get();
    world.press(&stages, "yes");
    let effects = world.effects.get() - before;
    for at in 0..effects {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        let value = world.button("yes").unwrap();
        world.crash.set(Some((before + at, false)));
        world.deliver(&stages, &world.event(Act::Press(value)));
        if world.vendors.borrow().changes == 1 {
            assert!(world.leaked("\"call\":\"reset-password\""), "effect {at}: no entry names the change");
            assert!(world.counters.borrow().iter().any(|(key, count)| key.starts_with("c/sent/") && *count == 1));
            assert!(
                world
                    .values
                    .borrow()
                    .iter()
                    .any(|(key, value)| key.ends_with("/temporary-password") && key.starts_with("secret/") && !value.is_empty() || world.end() == "closed")
            );
        }
    }
}

#[test]
fn a_stop_at_any_point_is_taken_over_and_changes_the_password_once() {
    let mut points = 0;
    for before in [true, false] {
        for at in 0.. {
            let (world, stages) = (World::new(), Script::default());
            world.crash.set(Some((at, before)));
            let pressed = play_through_a_crash(&world, &stages);
            if world.crash.get().is_some() {
                break;
            }
            points += 1;
            let end = world.end();
            let vendors = world.vendors.borrow();
            let context = format!("stop {} effect {at}: {end}", if before { "before" } else { "after" });
            assert_eq!(end, "closed", "{context}");
            assert!(pressed && vendors.changes == 1 && vendors.revoked >= 1, "{context}: {} changes", vendors.changes);
            assert_eq!((vendors.tickets.len(), vendors.tickets[0].2, vendors.tickets[0].3.len()), (1, 9, 1), "{context}");
            assert_eq!(world.links().len(), 1, "{context}");
            assert_eq!(world.reveal(&world.links()[0]).as_ref(), Some(&vendors.password), "{context}");
            let said: Vec<&str> = vendors.messages.iter().filter_map(|message| message["text"].as_str()).collect();
            assert_eq!(said.iter().filter(|text| **text == "closed").count(), 1, "{context}: {said:?}");
            assert!(!world.leaked(&vendors.password), "{context}");
            assert!(world.snapshot().unwrap().state.tasks.is_empty(), "{context}");
        }
    }
    assert!(points > 60, "{points} points");
}

/// The sender repeats what was not taken, the user presses what stands there, the scheduler ticks once a minute.
fn play_through_a_crash(world: &World, stages: &Script) -> bool {
    let mut waiting = vec![world.event(Act::Message("password_reset".into()))];
    let mut pressed = false;
    for _ in 0..30 {
        waiting.retain(|event| !world.deliver(stages, event));
        if world.dead.replace(false) {
            world.crash.set(None);
        }
        if let Some(value) = world.button("yes").filter(|_| !pressed) {
            pressed = true;
            waiting.push(world.event(Act::Press(value)));
            continue;
        }
        world.now.set(world.now.get() + MINUTE);
        world.tick(stages);
        if world.dead.replace(false) {
            world.crash.set(None);
        }
    }
    pressed
}
