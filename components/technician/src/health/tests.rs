use super::*;
use crate::fake::*;

const HOUR: u64 = 60 * MINUTE;

fn world() -> World {
    let world = World::new();
    world.list_tenant("acme");
    world
}

/// The tick's part; what is wrong after it, and since when.
fn look(world: &World) -> Vec<(String, u64, String)> {
    let settings = world.settings();
    block_on(check(world, &settings)).unwrap();
    let health: Health = settings.integrity.read(&keys::health(), &world.values.borrow()[&keys::health()]).unwrap();
    health.problems.into_iter().map(|(name, problem)| (name, problem.since, problem.what)).collect()
}

#[test]
fn every_connection_is_tried_once_a_day_with_a_request_that_changes_nothing() {
    let world = world();
    assert_eq!(look(&world), []);
    let lines: Vec<String> = world.sent.borrow().iter().map(|sent| sent.line.clone()).collect();
    let of = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!([of("POST https://slack.com/api/auth.test"), of("/users/firstline-health-check"), of("/boards/1/statuses")], [1, 2, 1], "{lines:?}");
    let (sent, effects) = (lines.len(), world.effects.get());
    world.now.set(world.now.get() + HOUR);
    look(&world);
    assert_eq!((world.sent.borrow().len(), world.effects.get()), (sent, effects), "nothing is due");
    world.now.set(world.now.get() + 24 * HOUR);
    look(&world);
    assert!(world.sent.borrow().len() >= 2 * sent - 1);
}

#[test]
fn what_fails_is_told_once_tried_again_and_forgotten_when_it_works() {
    for (of, trouble, times, what) in [
        ("boards", Trouble::Refuses, 3, "does not answer"),
        ("boards", Trouble::Answers(503, &[]), 3, "answers 503"),
        ("boards", Trouble::Answers(403, &[]), 3, "refused or lacks a right"),
        ("oauth2", Trouble::Answers(401, &[]), 3, "client-secret"),
        ("okta.com", Trouble::Answers(401, &[]), 6, "refused or lacks a right"),
    ] {
        let world = world();
        let began = world.now.get();
        world.troubles.borrow_mut().extend(vec![(of, trouble); times]);
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(look(&world));
            world.now.set(world.now.get() + MINUTE);
        }
        assert!(seen[0].len() == 1 && seen[0][0].2.contains(what), "{what}: {:?}", seen[0]);
        // The same problem as long as it lasts, and the other connections are left alone.
        assert!(seen.iter().flatten().all(|(_, since, _)| (began..began + MINUTE).contains(since)), "{seen:?}");
        let lasted = seen.iter().filter(|problems| !problems.is_empty()).count();
        assert!((25..=31).contains(&lasted) && world.troubles.borrow().is_empty(), "{what}: {lasted} minutes");
        assert_eq!(world.lines("auth.test").len(), 1);
    }
    // A token that was revoked says nothing about the secret.
    let world = world();
    world.troubles.borrow_mut().push_back(("GET https://graph", Trouble::Answers(401, &[])));
    assert_eq!((look(&world), world.lines("oauth2").len()), (vec![], 2));
}

#[test]
fn a_secret_that_is_missing_and_a_document_that_cannot_be_used_are_problems() {
    let world = world();
    world.values.borrow_mut().remove(&keys::credential("chat", "bot-token"));
    world.list_tenant("globex");
    let found = look(&world);
    assert_eq!(found.iter().map(|(name, _, _)| name.as_str()).collect::<Vec<_>>(), ["chat", "tenant globex"], "{found:?}");
    assert!(found[0].2.contains("has not been entered"), "{found:?}");
}
