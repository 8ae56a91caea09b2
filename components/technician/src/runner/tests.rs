//! A conversation from the first event to the end, with the world in memory.

use super::*;
use crate::fake::*;
use firstline_core::wire::{Body, Effect, Fill, Request, Target};
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

/// The user presses yes.
fn press(world: &World) -> Event {
    world.event(Act::Press(world.button("yes").unwrap()))
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
                    .any(|(key, value)| key.ends_with("/temporary-password") && key.starts_with("secret/") && !value.is_empty() || !world.links().is_empty())
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
            if !play_through(&world, &stages, &[(at, before)]) {
                break;
            }
            points += 1;
            check_reset(&world, &format!("stop {} effect {at}", if before { "before" } else { "after" }));
        }
    }
    assert!(points > 60, "{points} points");
}

#[test]
fn a_takeover_that_dies_as_well_is_taken_over_again() {
    for seed in 0..60_u32 {
        let (world, stages) = (World::new(), Script::default());
        let stops = [(seed % 40, seed % 2 == 0), (seed % 40 + 1 + seed / 3, seed % 3 == 0), (seed % 40 + 3 + seed / 2, seed % 5 == 0)];
        play_through(&world, &stages, &stops);
        check_reset(&world, &format!("{stops:?}"));
    }
}

/// However it went: one case, one ticket, one change, one link to the password that is set, and nothing left to do.
fn check_reset(world: &World, context: &str) {
    let vendors = world.vendors.borrow();
    assert_eq!((world.end().as_str(), vendors.changes, vendors.revoked >= 1), ("closed", 1, true), "{context}");
    assert_eq!((vendors.tickets.len(), vendors.tickets[0].2, vendors.tickets[0].3.len()), (1, 9, 1), "{context}");
    let links = world.links();
    assert_eq!((links.len(), world.reveal(&links[0]).as_ref()), (1, Some(&vendors.password)), "{context}");
    let mut said: Vec<&str> = vendors.messages.iter().filter_map(|message| message["text"].as_str()).collect();
    said.sort_unstable();
    assert_eq!(said, ["closed", "offer-pressed", "offer-reset", "reset-done"], "{context}");
    assert!(!world.leaked(&vendors.password), "{context}");
    assert!(world.snapshot().unwrap().state.tasks.is_empty(), "{context}");
}

/// Plays the reset while the process dies at these effects: the sender repeats what was not taken, the user presses what stands there, and the scheduler ticks once a minute.
/// False if the story ended before the last stop.
fn play_through(world: &World, stages: &Script, stops: &[(u32, bool)]) -> bool {
    let mut stops = stops.iter().copied();
    world.crash.set(stops.next());
    let revive = |stops: &mut dyn Iterator<Item = (u32, bool)>| {
        if world.dead.replace(false) {
            world.crash.set(stops.next());
        }
    };
    let mut waiting = vec![world.event(Act::Message("password_reset".into()))];
    let mut pressed = false;
    for _ in 0..40 {
        waiting.retain(|event| !world.deliver(stages, event));
        revive(&mut stops);
        if let Some(value) = world.button("yes").filter(|_| !pressed) {
            pressed = true;
            waiting.push(world.event(Act::Press(value)));
            continue;
        }
        if world.end() == "closed" && world.snapshot().is_some_and(|snapshot| snapshot.state.tasks.is_empty()) {
            break;
        }
        world.now.set(world.now.get() + MINUTE);
        world.tick(stages);
        revive(&mut stops);
    }
    world.crash.get().is_none()
}

#[test]
fn only_the_first_to_count_sends_and_the_other_reads_back() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    // Somebody else has the right to the change, and has made it.
    let state = world.snapshot().unwrap().state;
    let act = format!("t{}", state.counted + 2);
    world.counters.borrow_mut().insert(keys::sent(&state.id, &act, 2, 1), 1);
    world.press(&stages, "yes");
    // Nothing was changed, so the connector sends it as a batch of its own.
    assert_eq!(world.counters.borrow()[&keys::sent(&state.id, &act, 2, 1)], 2);
    assert_eq!((world.end().as_str(), world.lines("PATCH https://graph").len(), world.vendors.borrow().changes), ("closed", 1, 1));
    let (reads, patch) = (world.lines("/users/u1").len(), world.lines("/users/u1").iter().position(|line| line.starts_with("PATCH")));
    assert!(patch == Some(2) && reads >= 4, "it was read back before it was sent: {:?}", world.lines("/users/u1"));
}

#[test]
fn answers_that_are_late_lost_or_refused() {
    use Trouble::*;
    let (reset, read) = ("PATCH https://graph", "GET https://graph.microsoft.com/v1.0/users/u1");
    for (troubles, end, changes, sent) in [
        // Not applied: sent again, with a new right.
        (vec![(reset, Answers(429, &[("retry-after", "7")]))], "closed", 1, 2),
        (vec![(reset, Refuses), (reset, Refuses)], "closed", 1, 3),
        // Unknown: read back, then sent again if it did not happen.
        (vec![(reset, Answers(503, &[]))], "closed", 1, 2),
        (vec![(reset, Loses(true))], "closed", 1, 1),
        (vec![(reset, Loses(false))], "closed", 1, 2),
        // Refused for good.
        (vec![(reset, Answers(403, &[]))], "handed-over refused-403", 0, 1),
        // Refused until the grant is dead: the user is asked anew.
        (vec![(reset, Refuses); 99], "open", 0, 21),
        // A read is repeated by itself.
        (vec![(read, Answers(503, &[("retry-after", "2")])), (read, Loses(false)), (read, Answers(429, &[]))], "closed", 1, 1),
        (vec![(read, Answers(503, &[])); 7], "closed", 1, 1),
    ] {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        world.troubles.borrow_mut().extend(troubles.clone());
        world.press(&stages, "yes");
        for _ in 0..30 {
            world.now.set(world.now.get() + MINUTE);
            world.tick(&stages);
        }
        let lines: Vec<&str> = troubles.iter().map(|(of, _)| *of).collect();
        assert_eq!((world.end().as_str(), world.vendors.borrow().changes, world.lines(reset).len()), (end, changes, sent), "{lines:?}");
        assert!(world.troubles.borrow().is_empty() || end == "open", "{lines:?}");
        // The same password was sent each time.
        let mut bodies: Vec<String> = world.sent.borrow().iter().filter(|sent| sent.line.starts_with(reset)).map(|sent| sent.body.clone()).collect();
        bodies.dedup();
        assert!(bodies.len() <= 1, "{bodies:?}");
    }
}

#[test]
fn retry_after_is_honoured() {
    for (header, at_least, at_most) in [("7", 7_000, 9_000), ("30", 30_000, 70_000), ("soon", 1_000, 3_000)] {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        let headers: &'static [(&'static str, &'static str)] = vec![("retry-after", header)].leak();
        world.troubles.borrow_mut().push_back(("PATCH https://graph", Trouble::Answers(429, headers)));
        world.press(&stages, "yes");
        for _ in 0..3 {
            world.now.set(world.now.get() + 20_000);
            world.tick(&stages);
        }
        let at: Vec<u64> = world.sent.borrow().iter().filter(|sent| sent.line.starts_with("PATCH https://graph")).map(|sent| sent.at).collect();
        assert!((at_least..at_most).contains(&(at[1] - at[0])), "{header}: {}", at[1] - at[0]);
    }
}

#[test]
fn pauses_grow_to_minutes_and_vary_and_a_vendor_may_ask_for_its_own() {
    for (attempt, asked, least, most) in [
        (1, None, 1_000, 1_250),
        (2, None, 2_000, 2_500),
        (4, None, 8_000, 10_000),
        (9, None, 256_000, 320_000),
        (10, None, LONGEST_PAUSE, LONGEST_PAUSE * 5 / 4),
        (u32::MAX, None, LONGEST_PAUSE, LONGEST_PAUSE * 5 / 4),
        (1, Some(7_000), 7_000, 7_700),
        (9, Some(3_600_000), 3_600_000, 3_960_000),
    ] {
        let [low, high] = [0, 255].map(|byte| pause(attempt, asked, [byte; 32]));
        assert!(low == least && high > low && high < most, "{attempt} {asked:?}: {low} to {high}");
    }
    let now = 1_445_412_480_000;
    for (header, expect) in [
        ("7", Some(7_000)),
        (" 0 ", Some(1_000)),
        ("86400", Some(3_600_000)),
        ("Wed, 21 Oct 2015 07:29:00 GMT", Some(60_000)),
        ("Wed, 21 Oct 2015 07:00:00 GMT", Some(1_000)),
        ("soon", None),
        ("-1", None),
    ] {
        let answer = Incoming { status: 429, headers: vec![("retry-after".into(), header.into())], body: Vec::new() };
        assert_eq!(retry_after(&answer, now), expect, "{header}");
    }
}

#[test]
fn a_token_is_renewed_once_whatever_else_happens_to_its_batch() {
    use Trouble::*;
    let get = "GET https://graph.microsoft.com/v1.0/users/u1";
    for (troubles, tokens) in [
        (vec![(get, Answers(401, &[]))], 2),
        // Busy first; and a token endpoint that does not answer when the new one is due.
        (vec![(get, Answers(429, &[])), (get, Answers(401, &[]))], 2),
        (vec![(get, Answers(401, &[])), ("oauth2", Refuses), ("oauth2", Answers(503, &[]))], 4),
        (vec![(get, Answers(401, &[])), (get, Answers(503, &[])), (get, Loses(false))], 2),
    ] {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        world.troubles.borrow_mut().extend(troubles.clone());
        world.press(&stages, "yes");
        assert_eq!((world.end().as_str(), world.lines("oauth2").len(), world.troubles.borrow().len()), ("closed", tokens, 0), "{}", troubles.len());
    }
}

#[test]
fn a_link_that_could_not_be_delivered_in_time_is_replaced_and_the_old_one_is_dead() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    // The message is lost, and for most of an hour nobody says so.
    world.troubles.borrow_mut().push_back(("chat.postMessage", Trouble::Loses(false)));
    world.troubles.borrow_mut().extend(vec![("conversations.history", Trouble::Refuses); 17]);
    world.press(&stages, "yes");
    let old: Vec<String> = world.values.borrow().keys().filter(|key| key.starts_with("once/")).cloned().collect();
    for _ in 0..75 {
        world.now.set(world.now.get() + MINUTE);
        world.tick(&stages);
    }
    assert_eq!((world.end().as_str(), world.troubles.borrow().len()), ("closed", 0));
    let links = world.links();
    assert_eq!((old.len(), links.len(), world.reveal(&links[0])), (1, 1, Some(world.vendors.borrow().password.clone())));
    let once: Once = read(&world.values.borrow()[&old[0]]).unwrap();
    assert_eq!((once.sealed.as_str(), once.expires), ("", 0));
}

/// The stage lies in one task; the reason stands in the log, and of what it asked for nothing left.
fn check_lie(task: &'static str, requests: Vec<Request>, why: &str) {
    let world = World::new();
    let stages = Script { lie: Some((task, requests)), ..Script::default() };
    world.vendors.borrow_mut().tickets.push(("other".into(), 20, 1, vec![]));
    world.say(&stages, "password_reset");
    if let Some(value) = world.button("yes") {
        world.deliver(&stages, &world.event(Act::Press(value)));
    }
    let reasons: Vec<String> =
        world.seen.borrow().iter().map(|line| String::from_utf8_lossy(line).into_owned()).filter(|line| line.contains("\"what\":\"stopped\"")).collect();
    // What somebody else's account was asked for, or shown, costs more than what was only malformed.
    let code = if why.ends_with("of `u2`") { "wrong-target" } else { "refused-by-monitor" };
    assert!(reasons.iter().any(|line| line.contains(code) && line.contains(why)), "{task}: {why} is not in {reasons:?}");
    let vendors = world.vendors.borrow();
    let honest = u64::from(matches!(task, "reset-done" | "close"));
    assert_eq!((vendors.changes, vendors.tickets[0].2, vendors.tickets[0].3.len()), (honest, 1, 0), "{task}: {why}");
    for host in ["evil", "u2", "tickets/1", "meMessages", "D2"] {
        assert_eq!(world.lines(host), Vec::<String>::new(), "{task}: {why}");
    }
    // The desk's own note may quote what was refused.
    let sent = world.sent.borrow();
    let carries = |sent: &&Sent| sent.body.contains("evil") || sent.headers.iter().any(|(_, value)| value.contains("evil"));
    assert_eq!(sent.iter().filter(|sent| !sent.line.ends_with("/notes")).find(carries).map(|sent| &sent.line), None, "{task}: {why}");
}

#[test]
fn a_lying_stage_gets_nothing_out() {
    let on_u2 = || Request { target: Target::Path(vec!["users".into(), "u2".into()]), ..reset_request() };
    let body = |text: &str| Request { body: Body::Json(text.into()), ..reset_request() };
    let follow = |url: &str| vec![Request { target: Target::Follow(url.into()), ..request("GET", "", None) }];
    let post = |body: serde_json::Value| request("POST", "chat.postMessage", Some(body));
    let say = |channel: &str, url: &str| {
        post(json!({"channel": channel, "text": "x", "blocks": [{"elements": [{"url": url}]}], "metadata": {}, "unfurl_links": false, "unfurl_media": false}))
    };
    let fill = |pointer: &str, name: &str| vec![Fill { pointer: pointer.into(), name: name.into() }];
    // What a request is.
    check_lie("reset", vec![Request { effect: Effect::Read, ..reset_request() }], "the stage says Read");
    check_lie("find", vec![Request { effect: Effect::Read, ..on_u2() }], "the stage says Read");
    check_lie("reset", vec![on_u2()], "no live grant for `password_reset` of `u2`");
    check_lie("find", vec![reset_request()], "no live grant");
    check_lie("reset", vec![request("POST", "users/u1/revokeSignInSessions", None)], "no live grant for `revoke_sessions`");
    check_lie("reset", vec![request("DELETE", "users/u1", None)], "no row");
    check_lie("reset", vec![reset_request(), reset_request()], "two changes of `u1` in one batch");
    check_lie("reset", vec![], "a batch of 0");
    check_lie("find", vec![request("GET", "users/u1", None); 17], "a batch of 17");
    // Where it goes.
    for url in [
        "https://evil.example/v1.0/users",
        "https://graph.microsoft.com.evil.example/v1.0/users",
        "https://graph.microsoft.com/v1.0evil/users",
        "https://graph.microsoft.com/beta/users?evil",
        "https://graph.microsoft.com/v1.0/users/../../evil/users",
        "https://graph.microsoft.com/v1.0/users/..?evil",
        "https://graph.microsoft.com/v1.0/%2e%2e/users?evil",
        "https://graph.microsoft.com/v1.0/users/u1/meMessages",
        "https://graph.microsoft.com/v1.0/users/%2e%2e/ownedObjects?evil",
        "https://graph.microsoft.com/v1.0/users#evil",
        "https://user:evil@graph.microsoft.com/v1.0/users",
        "//evil/v1.0/users",
    ] {
        check_lie("find", follow(url), "link");
    }
    for segment in ["..", ".", "", "u2/meMessages/../.."] {
        check_lie("find", vec![request("GET", &format!("users/{segment}/meMessages"), None)], "no row");
    }
    for segment in ["..", "."] {
        check_lie("find", vec![request("GET", &format!("users/{segment}/ownedObjects"), None)], "no row");
    }
    // What it carries.
    for header in ["authorization", "Host", "x-forwarded-for", "ConsistencyLevel"] {
        check_lie("reset", vec![Request { headers: vec![(header.into(), "evil".into())], ..reset_request() }], "is not allowed");
    }
    check_lie("find", vec![Request { query: vec![("$expand".into(), "evil".into())], ..request("GET", "users/u1", None) }], "query `$expand`");
    check_lie("reset", vec![body(r#"{"evil":1,"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":""}}"#)], "`/evil` is not allowed");
    check_lie("reset", vec![body(r#"{"passwordProfile":{"forceChangePasswordNextSignIn":false,"password":""}}"#)], "not allowed");
    check_lie("reset", vec![body(r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"evil"}}"#)], "must not be filled");
    check_lie(
        "reset",
        vec![Request { fill: vec![], ..body(r#"{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"evil"}}"#) }],
        "not allowed",
    );
    check_lie("reset", vec![Request { fill: fill("/passwordProfile/password", "link"), ..reset_request() }], "must not be filled");
    // Secrets and links.
    check_lie("reset-done", vec![say("D1", "https://evil.example")], "not allowed");
    let plain = |channel: &str| post(json!({"channel": channel, "text": "", "blocks": [], "metadata": {}, "unfurl_links": false, "unfurl_media": false}));
    check_lie("reset-done", vec![Request { fill: fill("/text", "link"), ..plain("D1") }], "must not be filled");
    check_lie("offer-reset", vec![Request { fill: fill("/blocks/0/elements/0/url", "temporary-password"), ..say("D1", "") }], "must not be filled");
    check_lie("offer-reset", vec![say("D2", "")], "not allowed");
    check_lie("offer-reset", vec![plain("D2")], "no live grant for `message_send` of `D2`");
    // The desk that all clients share.
    let note = json!({"text": "x", "detailDescriptionFlag": false, "internalAnalysisFlag": true, "resolutionFlag": false});
    check_lie("close", vec![request("POST", "service/tickets/1/notes", Some(note))], "`1` was not seen to belong to this tenant");
    let ticket = json!({"summary": "x", "recordType": "ServiceTicket", "company": {"id": 20}, "board": {"id": 1}, "externalXRef": "evil"});
    check_lie("open", vec![request("POST", "service/tickets", Some(ticket))], "`/company/id` has a value");
}

#[test]
fn a_member_that_stands_twice_is_sent_as_it_was_checked() {
    let world = World::new();
    let text = r#"{"channel":"D2","text":"x","blocks":[],"metadata":{},"unfurl_links":false,"unfurl_media":false,"channel":"D1"}"#;
    let stages = Script {
        lie: Some(("offer-reset", vec![Request { body: Body::Json(text.into()), ..request("POST", "chat.postMessage", None) }])),
        ..Script::default()
    };
    world.say(&stages, "password_reset");
    let bodies: Vec<String> = world.sent.borrow().iter().filter(|sent| sent.line.contains("postMessage")).map(|sent| sent.body.clone()).collect();
    assert!(bodies.iter().all(|body| !body.contains("D2") && body.matches("channel").count() == 1), "{bodies:?}");
}

#[test]
fn a_claim_without_a_change_delivers_nothing() {
    let world = World::new();
    let claim =
        || Step::Done(firstline_core::stage::Outcome::Changed(firstline_core::stage::Report { evidence: vec![], secret: Some("temporary-password".into()) }));
    let stages = Script { claim: Some(("reset", claim)), ..Script::default() };
    reset(&world, &stages);
    assert_eq!((world.end().as_str(), world.links().len()), ("handed-over delivery-failed", 0));
}

#[test]
fn a_connector_without_end_is_stopped() {
    for claim in [|| Step::Wait(0), || Step::Checkpoint("again".into())] as [fn() -> _; 2] {
        let world = World::new();
        let stages = Script { claim: Some(("find", claim)), ..Script::default() };
        world.say(&stages, "password_reset");
        for _ in 0..5 {
            world.now.set(world.now.get() + 2 * MINUTE);
            world.tick(&stages);
        }
        assert_eq!(world.end(), "handed-over too-much");
    }
}

#[test]
fn guardrails_are_asked_again_just_before_sending() {
    use Verdict::*;
    for (verdicts, end, changes) in [
        (vec![Some(Autonomous); 3], "closed", 1),
        // At the offer, after the button, just before sending.
        (vec![Some(Deny)], "handed-over scripted", 0),
        (vec![Some(Autonomous), Some(Approval)], "open", 0),
        (vec![Some(Autonomous), Some(Autonomous), Some(Deny)], "handed-over refused-by-monitor", 0),
        (vec![Some(Autonomous), Some(Autonomous), Some(Approval)], "handed-over refused-by-monitor", 0),
        // An error means deny.
        (vec![None], "handed-over guardrails-failed", 0),
        (vec![Some(Autonomous), Some(Autonomous), None], "handed-over refused-by-monitor", 0),
    ] {
        let (world, stages) = (World::new(), Script::default());
        stages.verdicts.borrow_mut().extend(verdicts.clone());
        world.say(&stages, "password_reset");
        if let Some(value) = world.button("yes") {
            world.deliver(&stages, &world.event(Act::Press(value)));
        }
        assert_eq!((world.end().as_str(), world.vendors.borrow().changes), (end, changes), "{verdicts:?}");
    }
}

#[test]
fn a_grant_that_has_expired_sends_nothing() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    let before = world.effects.get();
    // The process dies after the entry that names the change, and nobody ticks for an hour.
    let mut at = before;
    loop {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        world.crash.set(Some((at, false)));
        world.deliver(&stages, &press(&world));
        if !world.leaked("\"call\":\"reset-password\"") {
            at += 1;
            continue;
        }
        world.dead.set(false);
        world.crash.set(None);
        world.now.set(world.now.get() + 60 * MINUTE);
        world.tick(&stages);
        // The user is asked anew, and a new button makes a new grant.
        assert!(world.leaked("\"grant-expired\""));
        assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("open", 0));
        world.press(&stages, "yes");
        assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("closed", 1));
        break;
    }
    // Its own ticket may still be opened.
    for at in 0..before {
        let (world, stages) = (World::new(), Script::default());
        world.crash.set(Some((at, false)));
        let event = world.event(Act::Message("password_reset".into()));
        let taken = world.deliver(&stages, &event);
        world.dead.set(false);
        world.now.set(world.now.get() + 60 * MINUTE);
        world.tick(&stages);
        assert!(!taken || world.vendors.borrow().tickets.len() == 1, "effect {at}");
    }
}

/// State and head as the next runner would load them.
fn state(world: &World, stages: &Script) -> Option<(State, String)> {
    let settings = world.settings();
    block_on(Run::load(world, stages, &settings, &World::conversation(), 0, 0)).unwrap().map(|run| (run.state, run.head))
}

#[test]
fn a_connector_that_was_upgraded_in_mid_case_leads_to_a_human() {
    let mut diverged = 0;
    for at in 0..40 {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        world.crash.set(Some((world.effects.get() + at, false)));
        world.deliver(&stages, &press(&world));
        world.dead.set(false);
        world.crash.set(None);
        let named = state(&world, &stages).is_some_and(|(state, _)| state.tasks.iter().any(|task| task.batch.is_some() && task.purpose == Purpose::Act));
        stages.upgraded.set(true);
        let before = world.vendors.borrow().changes;
        world.now.set(world.now.get() + 2 * MINUTE);
        world.tick(&stages);
        if named {
            diverged += 1;
            assert!(world.leaked("\"diverged\"") && world.vendors.borrow().changes == before, "effect {at}");
        }
    }
    assert!(diverged > 0);
}

/// What authorized the requests to a host.
fn authorized(world: &World, host: &str) -> Vec<String> {
    let wanted = |name: &str| ["authorization", "clientid"].contains(&name);
    let show =
        |sent: &Sent| sent.headers.iter().filter(|(name, _)| wanted(name)).map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ");
    let mut all: Vec<String> = world.sent.borrow().iter().filter(|sent| sent.line.contains(host)).map(show).collect();
    all.dedup();
    all
}

#[test]
fn each_scheme_writes_exactly_its_headers() {
    let (world, stages) = (World::new(), Script::default());
    reset(&world, &stages);
    let basic = firstline_core::seal::base64(b"nw+cw-public:cw-private");
    assert_eq!(authorized(&world, "slack.com"), ["authorization: Bearer xoxb-bot-token"]);
    assert_eq!(authorized(&world, "graph.microsoft.com"), ["authorization: Bearer access-token-1"]);
    assert_eq!(authorized(&world, "myconnectwise.net"), [format!("authorization: Basic {basic}, clientid: cw-app")]);
    let token = world.sent.borrow().iter().find(|sent| sent.line.contains("oauth2")).cloned().unwrap();
    assert_eq!(
        token.body,
        "grant_type=client%5Fcredentials&client_id=app%201&client_secret=client%20secret%2F1&scope=https%3A%2F%2Fgraph%2Emicrosoft%2Ecom%2F%2Edefault"
    );
    assert_eq!(token.headers.iter().filter(|(name, _)| name == "authorization").count(), 0);
    // Okta, in the place of Entra.
    let world = World::new();
    let mut okta = tenant();
    okta.connections.retain(|connection| connection.vendor != "entra");
    world.save(&okta);
    let stages = Script { lie: Some(("find", vec![request("GET", "api/v1/users/u1", None)])), ..Script::default() };
    world.say(&stages, "password_reset");
    assert_eq!(authorized(&world, "okta.com"), ["authorization: SSWS okta-api-token"]);
}

#[test]
fn a_changed_address_or_a_missing_credential_needs_a_person() {
    let change = |world: &World, with: &dyn Fn(&mut Tenant)| {
        let mut changed = tenant();
        with(&mut changed);
        world.save(&changed);
    };
    for (name, with) in [
        ("base URL", (&|tenant: &mut Tenant| tenant.connections[1].base_url = "https://graph.microsoft.com/beta".into()) as &dyn Fn(&mut Tenant)),
        ("token URL", &|tenant| tenant.connections[1].token_url = "https://login.microsoftonline.com/evil/oauth2/v2.0/token".into()),
        ("foreign token URL", &|tenant| tenant.connections[1].token_url = "https://evil.example/token".into()),
        ("foreign base URL", &|tenant| tenant.connections[1].base_url = "https://evil.example".into()),
        ("other connection", &|tenant| tenant.connections[1].id = "idp-2".into()),
    ] {
        let (world, stages) = (World::new(), Script::default());
        change(&world, with);
        world.say(&stages, "password_reset");
        assert!(world.end().starts_with("handed-over"), "{name}: {}", world.end());
        for host in ["graph.", "login.", "evil"] {
            assert_eq!(world.lines(host), Vec::<String>::new(), "{name}");
        }
        // Entered again, it works.
        if name == "base URL" {
            world.enter("idp", "client-secret", "new");
            world.say(&stages, "password_reset");
            assert!(world.lines("login.").len() == 1, "{name}");
        }
    }
}

#[test]
fn a_token_is_cached_sealed_and_renewed_once() {
    let (world, stages) = (World::new(), Script::default());
    reset(&world, &stages);
    assert_eq!((world.lines("oauth2").len(), world.leaked("access-token-1")), (1, false));
    // The next case finds it in the store.
    world.now.set(world.now.get() + 30 * MINUTE);
    reset(&world, &stages);
    assert_eq!(world.lines("oauth2").len(), 1);
    // Revoked: one new one, and nothing is lost. At once, and in the ten seconds in which the last one was fetched.
    for seconds in [60, 0] {
        let now = world.now.get();
        world.now.set(now - now % 10_000 + 10_000 + seconds * 1_000);
        let (fetched, ended) = (world.lines("oauth2").len(), world.cases().len());
        world.vendors.borrow_mut().tokens += 100;
        reset(&world, &stages);
        let tokens = world.lines("oauth2").len() - fetched;
        assert!(tokens == 1 && world.cases().len() == ended + 1 && world.cases().iter().all(|case| case.state == "closed"), "{seconds}: {tokens} tokens");
    }
    // Refused however fresh: one renewal, then a human.
    let (world, stages) = (World::new(), Script::default());
    world.troubles.borrow_mut().extend(vec![("GET https://graph", Trouble::Answers(401, &[])); 9]);
    world.say(&stages, "password_reset");
    assert_eq!((world.end().as_str(), world.lines("oauth2").len(), world.lines("GET https://graph").len()), ("handed-over answered-401", 2, 2));
    // It dies with the hour.
    let (world, stages) = (World::new(), Script::default());
    reset(&world, &stages);
    world.now.set(world.now.get() + 60 * MINUTE);
    reset(&world, &stages);
    assert_eq!(world.lines("oauth2").len(), 2);
}

#[test]
fn a_token_endpoint_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    for (trouble, times, end, asked) in [
        (Trouble::Answers(503, &[]), 2, "closed", 3),
        (Trouble::Refuses, 2, "closed", 3),
        (Trouble::Loses(false), 2, "closed", 3),
        (Trouble::Answers(401, &[]), 2, "handed-over credential-missing", 2),
        (Trouble::Answers(200, &[]), 2, "handed-over credential-missing", 2),
    ] {
        let (world, stages) = (World::new(), Script::default());
        world.troubles.borrow_mut().extend(vec![("oauth2", trouble); times]);
        world.say(&stages, "password_reset");
        if let Some(value) = world.button("yes") {
            world.deliver(&stages, &world.event(Act::Press(value)));
        }
        assert_eq!((world.end().as_str(), world.lines("oauth2").len()), (end, asked));
        assert!(!world.leaked("client secret") && !world.leaked("client%20secret"));
    }
}

#[test]
fn two_cases_of_one_run_share_no_secret() {
    let (world, stages) = (World::new(), Script::default());
    let press = ("offer-reset", "press yes");
    world.arrivals.borrow_mut().extend([press, ("closed", "password_reset"), press]);
    world.say(&stages, "password_reset");
    assert_eq!((world.cases().len(), world.arrivals.borrow().len()), (2, 0));
    let links = world.links();
    assert_eq!(links.len(), 2);
    let shown: Vec<_> = links.iter().map(|link| world.reveal(link)).collect();
    assert!(shown[0] != shown[1] && shown[1].as_ref() == Some(&world.vendors.borrow().password), "{shown:?}");
}

#[test]
fn a_button_counts_only_with_its_mac() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    let value = world.button("yes").unwrap();
    let (signed, mac) = value.rsplit_once('.').unwrap();
    let other = signed.replace("o1", "o2");
    for forged in [signed.to_string(), format!("{other}.{mac}"), format!("{signed}.{}", "0".repeat(64)), String::new(), "....".into(), format!("{value}0")] {
        world.deliver(&stages, &world.event(Act::Press(forged.clone())));
        assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("open", 0), "{forged}");
    }
    world.deliver(&stages, &world.event(Act::Press(value)));
    assert_eq!(world.end(), "closed");
}

#[test]
fn a_lost_snapshot_costs_nothing() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    let before = world.snapshot().unwrap().state;
    world.values.borrow_mut().remove(&keys::snapshot(&World::conversation()));
    world.say(&stages, "thanks");
    let after = world.snapshot().unwrap().state;
    // Only the figures tell that something was said.
    let still = |case: Option<Case>| case.map(|case| Case { course: firstline_core::figures::Course::default(), ..case });
    assert_eq!((still(after.case), after.tasks.len(), after.counted), (still(before.case), before.tasks.len(), before.counted));
    world.press(&stages, "yes");
    assert_eq!(world.end(), "closed");
}

#[test]
fn a_snapshot_that_a_late_runner_wrote_over_a_newer_one_loses_no_timer() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    // As a runner saw it that was held since the first event was read, and knows that one to be taken.
    let key = keys::snapshot(&World::conversation());
    let fresh = world.snapshot().unwrap();
    let mut late = Snapshot { covers: [(0, 0)].into(), head: String::new(), due: None, entries: Vec::new(), state: fresh.state };
    (late.state.case, late.state.tasks) = (None, Vec::new());
    let bytes = world.settings().integrity.write(&key, &late);
    world.values.borrow_mut().insert(key, bytes);
    world.now.set(world.now.get() + 31 * MINUTE);
    world.tick(&stages);
    assert!(world.tick(&stages) == 0 && world.snapshot().unwrap().covers[&0] > 1, "it is mended, and nobody is woken for it again");
}

#[test]
fn a_batch_of_which_one_member_is_refused_is_not_sent_at_all() {
    use Verdict::*;
    for (last, reads, changes) in [(Autonomous, 1, 1), (Deny, 0, 0)] {
        let world = World::new();
        let stages = Script { lie: Some(("reset", vec![request("GET", "users/u1", None), reset_request()])), ..Script::default() };
        stages.verdicts.borrow_mut().extend([Some(Autonomous), Some(Autonomous), Some(last)]);
        world.say(&stages, "password_reset");
        world.deliver(&stages, &press(&world));
        // After its lie the stage escalates, as it cannot make sense of the replies.
        let first: Vec<String> = world.lines("/users/u1").into_iter().take(2).collect();
        assert_eq!((first.iter().filter(|line| line.starts_with("GET")).count(), world.vendors.borrow().changes), (reads, changes), "{first:?}");
    }
}

#[test]
fn a_message_in_a_channel_goes_on_in_the_direct_conversation_wherever_it_stops() {
    for at in 0.. {
        let (world, stages) = (World::new(), Script::default());
        world.crash.set(Some((at, false)));
        let event = Event { place: mailbox::Place::Channel, channel: "C1".into(), ..world.event(Act::Message("password_reset".into())) };
        let mut waiting = vec![event];
        for _ in 0..8 {
            waiting.retain(|event| !world.deliver(&stages, event));
            if world.dead.replace(false) {
                world.crash.set(None);
            }
            world.now.set(world.now.get() + MINUTE);
            world.tick(&stages);
        }
        let vendors = world.vendors.borrow();
        let said: Vec<String> = vendors.messages.iter().map(|m| format!("{} {}", m["channel"].as_str().unwrap(), m["text"].as_str().unwrap())).collect();
        let mut sorted = said.clone();
        sorted.sort_unstable();
        assert_eq!((sorted, world.end().as_str()), (vec!["C1 moved-to-direct".into(), "D1 offer-reset".into()], "open"), "effect {at}");
        if world.crash.get().is_some() {
            break;
        }
    }
}

#[test]
fn the_log_alone_yields_the_state_at_every_point() {
    let mut points = 0;
    for at in (0..).step_by(3) {
        let (world, stages) = (World::new(), Script::default());
        world.pace.set(700);
        world.arrivals.borrow_mut().push_back(("offer-reset", "press yes"));
        world.crash.set(Some((at, false)));
        world.deliver(&stages, &world.event(Act::Message("password_reset".into())));
        let over = !world.dead.replace(false);
        if let Some(whole) = state(&world, &stages) {
            world.values.borrow_mut().remove(&keys::snapshot(&World::conversation()));
            assert_eq!(state(&world, &stages), Some(whole), "effect {at}");
            points += 1;
        }
        if over {
            break;
        }
    }
    assert!(points > 10, "{points} points");
}

/// A ticket that a mail opened, under this company, and the hint that it is there.
fn mailed(world: &World, stages: &Script, company: u64) -> Event {
    let mut tenant = tenant();
    tenant.desk.intake = vec![firstline_core::tenant::Intake { board: 1, types: vec![], statuses: vec![] }];
    world.save(&tenant);
    world.vendors.borrow_mut().tickets.push((String::new(), company, 1, vec!["a note of the client's".into()]));
    let ticket = world.vendors.borrow().tickets.len() as u64;
    let hint = Event::of_ticket(ticket, format!("hint {ticket}"), "acme", "desk", world.now.get());
    assert!(world.deliver(stages, &hint));
    hint
}

#[test]
fn a_mailed_ticket_is_closed_once_its_contact_has_pressed_yes_in_the_chat() {
    let (world, stages) = (World::new(), Script::default());
    let hint = mailed(&world, &stages, 19);
    assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("open", 0));
    // The same hint again changes nothing.
    let sent = world.sent.borrow().len();
    world.deliver(&stages, &hint);
    assert_eq!(world.sent.borrow().len(), sent);
    world.press(&stages, "yes");
    assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("closed", 1));
    assert_eq!(world.vendors.borrow().tickets.len(), 1, "no second ticket is opened");
    let [case] = world.cases().try_into().unwrap();
    assert_eq!(case.ticket, Some(1));
    world.deliver(&stages, &Event { id: "later".into(), ..hint });
    assert_eq!((world.cases().len(), world.vendors.borrow().changes), (1, 1));
}

#[test]
fn a_press_on_the_way_to_its_ticket_survives_a_crash_anywhere() {
    for at in 0.. {
        for before in [true, false] {
            let (world, stages) = (World::new(), Script::default());
            mailed(&world, &stages, 19);
            let event = world.event(Act::Press(world.button("yes").unwrap()));
            world.crash.set(Some((world.effects.get() + at, before)));
            let taken = world.deliver(&stages, &event);
            let died = world.dead.replace(false);
            if !taken {
                world.deliver(&stages, &event);
            }
            for _ in 0..20 {
                world.now.set(world.now.get() + MINUTE);
                world.tick(&stages);
            }
            assert_eq!((world.end().as_str(), world.vendors.borrow().changes), ("closed", 1), "effect {at}, before {before}");
            if !died {
                assert!(at > 20, "{at}");
                return;
            }
        }
    }
}

#[test]
fn another_companys_ticket_is_left_alone_and_nothing_of_it_is_kept() {
    let (world, stages) = (World::new(), Script::default());
    mailed(&world, &stages, 20);
    assert_eq!((world.cases().len(), world.vendors.borrow().messages.len()), (0, 0));
    assert!(!world.leaked("a note of the client's"));
    assert!(world.lines("/notes").is_empty(), "what hangs below it is not even read");
    assert!(world.leaked("ticket left alone"));
    // A stage that reads on is stopped.
    let lie = Script { lie: Some(("look", vec![request("GET", "service/tickets/1/notes", None)])), ..Script::default() };
    let world = World::new();
    mailed(&world, &lie, 20);
    assert!(world.lines("/notes").is_empty());
}
