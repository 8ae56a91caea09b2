use super::*;
use crate::fake::*;
use firstline_core::evidence::{self, Proof, SealedEntry, Signed, SigningKey, verify};
use firstline_core::seal::base64;

const KEY: [u8; 32] = [5; 32];
/// The day of [`START`].
const TODAY: u64 = START / DAY;

fn world() -> World {
    let mut world = World::new();
    world.variables.insert("signing_private_key", base64(&KEY));
    world.list_tenant("acme");
    world
}

fn public() -> String {
    SigningKey::from_bytes(&KEY).public()
}

fn stored<T: Record>(world: &World, key: &str) -> T {
    world.settings().integrity.read(key, &world.values.borrow()[key]).unwrap()
}

/// The bundle of a case that has ended, as the console puts it together.
fn bundle(world: &World, case: &str) -> String {
    let proof: Evidence = stored(world, &keys::evidence(case));
    let seal: Seal = proof.seal.read().unwrap();
    let mut lines = vec![evidence::header(case, &seal.tenant, &seal.state, Some(&proof))];
    for SealedEntry { entry, .. } in &seal.entries {
        lines.push(evidence::entry(*entry, &world.values.borrow()[&keys::log(conversation_of(case).unwrap(), entry.0, entry.1)]));
    }
    lines.push(evidence::seal(Some(&proof)));
    lines.join("\n")
}

fn ended(world: &World) -> Vec<String> {
    world.cases().into_iter().filter(|case| case.state != "open").map(|case| case.case).collect()
}

#[test]
fn an_ended_case_is_sealed_in_the_commit_that_ends_it_and_the_seal_covers_its_whole_log() {
    let (world, stages) = (world(), Script::default());
    world.say(&stages, "password_reset");
    assert!(!world.values.borrow().keys().any(|key| key.starts_with("evidence/")));
    world.press(&stages, "yes");
    let [case] = ended(&world).try_into().unwrap();
    let Ok(Proof::Case { entries, changes, synopsis, .. }) = verify(&bundle(&world, &case), &public()) else { panic!("the bundle is broken") };
    let logged = world.values.borrow().keys().filter(|key| key.starts_with("log/")).count() as u64;
    let synopsis = synopsis.unwrap();
    assert_eq!((entries, synopsis.ticket, synopsis.kind.as_str()), (logged, Some(1), "password_reset"));
    assert!(changes >= 6 && synopsis.done.iter().any(|line| line.contains("pressed `yes`")), "{changes} {:?}", synopsis.done);
    let summary: Summary = stored(&world, &keys::case(&case));
    let tally = summary.tally.unwrap();
    assert_eq!((tally.messages, tally.presses, tally.closeout.into_iter().collect::<Vec<_>>().join(" ")), (1, 1, "notes status type".to_string()));
}

#[test]
fn wherever_the_process_dies_the_bundle_of_the_ended_case_is_whole() {
    let mut points = 0;
    for at in 0.. {
        let (world, stages) = (world(), Script::default());
        world.say(&stages, "password_reset");
        let value = world.button("yes").unwrap();
        let before = world.effects.get();
        world.crash.set(Some((before + at, at % 2 == 0)));
        world.deliver(&stages, &world.event(firstline_core::mailbox::Act::Press(value)));
        let crashed = world.dead.replace(false);
        world.crash.set(None);
        for _ in 0..40 {
            world.now.set(world.now.get() + MINUTE);
            world.tick(&stages);
        }
        for case in ended(&world) {
            verify(&bundle(&world, &case), &public()).unwrap_or_else(|broken| panic!("effect {at}: {broken}"));
            points += 1;
        }
        if !crashed {
            break;
        }
    }
    assert!(points > 20, "{points}");
}

#[test]
fn without_a_signing_key_cases_work_and_the_bundle_says_so() {
    let (world, stages) = (World::new(), Script::default());
    world.say(&stages, "password_reset");
    world.press(&stages, "yes");
    let [case] = ended(&world).try_into().unwrap();
    assert!(verify(&bundle(&world, &case), &public()).unwrap_err().why.contains("not signed"));
}

/// Runs the tick's part at an hour and minute of a day after [`TODAY`].
fn tick(world: &World, day: u64, minute: u64) {
    world.now.set((TODAY + day) * DAY + minute * MINUTE);
    block_on(close(world, &world.settings())).unwrap();
}

fn records(world: &World, days: std::ops::RangeInclusive<u64>) -> String {
    let pages = days.map(|day| evidence::day(&stored::<Signed>(world, &keys::day_record("acme", TODAY + day, 1))));
    pages.collect::<Vec<_>>().join("\n")
}

/// Puts the n-th case of a day into the list, as the runner does.
fn list(world: &World, day: u64, number: i64, state: &str) {
    let case = format!("{}-{}", World::conversation(), 100 * day + u64::try_from(number).unwrap());
    let mut summary = stored::<Summary>(world, &keys::case(&world.cases()[0].case));
    (summary.case, summary.state) = (case.clone(), state.into());
    let bytes = world.settings().integrity.write(&keys::case(&case), &summary);
    world.values.borrow_mut().insert(keys::case(&case), bytes);
    world.values.borrow_mut().insert(keys::case_of_day("acme", TODAY + day, number), case.into_bytes());
    world.counters.borrow_mut().insert(keys::case_counter("acme", TODAY + day), number);
}

#[test]
fn each_day_is_recorded_once_and_takes_up_what_was_late_or_open() {
    let (world, stages) = (world(), Script::default());
    world.say(&stages, "password_reset");
    world.press(&stages, "yes");
    list(&world, 0, 2, "open");
    tick(&world, 1, 14);
    assert!(!world.values.borrow().contains_key(&keys::day_record("acme", TODAY, 1)), "too early");
    tick(&world, 1, 16);
    // Number 3 is taken after the record, and 4 by a runner that died; 2 ends.
    list(&world, 0, 3, "closed");
    world.counters.borrow_mut().insert(keys::case_counter("acme", TODAY), 4);
    list(&world, 0, 2, "handed-over");
    world.counters.borrow_mut().insert(keys::case_counter("acme", TODAY), 4);
    let effects = world.effects.get();
    tick(&world, 1, 17);
    tick(&world, 1, 1_000);
    assert_eq!(world.effects.get(), effects, "nothing is due, so nothing is written");
    // The next ticks come days later.
    tick(&world, 4, 20);
    let Ok(Proof::Days { days, states, previous, .. }) = verify(&records(&world, 0..=3), &public()) else {
        panic!("{:?}", verify(&records(&world, 0..=3), &public()))
    };
    assert_eq!((days, previous.is_empty()), ((TODAY, TODAY + 3), false), "the first tick recorded the empty day before");
    assert_eq!(states.iter().map(|(state, n)| format!("{n} {state}")).collect::<Vec<_>>(), ["2 closed", "1 handed-over", "1 unused"]);
    let first: Day = stored::<Signed>(&world, &keys::day_record("acme", TODAY, 1)).read().unwrap();
    let sealed: Seal = stored::<Evidence>(&world, &keys::evidence(first.cases[0].case.as_ref().unwrap())).seal.read().unwrap();
    assert_eq!((first.cases[0].head.as_ref(), first.cases[1].state.as_str()), (Some(&sealed.head), "open"));
}

#[test]
fn a_long_silence_of_ticks_is_caught_up_on_little_by_little() {
    let world = world();
    tick(&world, 1, 20);
    tick(&world, 20, 20);
    let last = |world: &World| stored::<DayCursor>(world, &keys::day_cursor("acme")).day - TODAY;
    assert_eq!(last(&world), MOST_DAYS);
    for _ in 0..3 {
        tick(&world, 20, 21);
    }
    assert_eq!(last(&world), 19);
    assert!(verify(&records(&world, 0..=19), &public()).is_ok());
}

#[test]
fn a_damaged_record_is_listed_and_others_are_still_signed() {
    let (world, stages) = (world(), Script::default());
    world.say(&stages, "password_reset");
    list(&world, 0, 2, "closed");
    let key = keys::case(&world.cases()[0].case);
    world.values.borrow_mut().get_mut(&key).unwrap()[70] ^= 1;
    tick(&world, 1, 20);
    let record: Day = stored::<Signed>(&world, &keys::day_record("acme", TODAY, 1)).read().unwrap();
    assert_eq!(record.cases.iter().filter(|case| case.state == "unreadable").count(), 1, "{record:?}");
}
