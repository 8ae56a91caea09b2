//! Due entries: what must happen though nobody writes. No key is scanned; entries are numbered within their minute.

use crate::host::{Fault, Host};
use crate::runner::{Look, Settings, look};
use crate::tenants;
use firstline_core::journal::{Summary, conversation_of};
use firstline_core::keys;
use firstline_core::mailbox::{Due, counter, minute};
use firstline_core::record::read;
use std::collections::BTreeSet;

/// The cursor stays so many minutes behind, so that an entry that was numbered but stored late is still found.
const BEHIND: u64 = 10;
/// A sweep reads at most so many minutes, and goes on at the next tick.
const MOST_MINUTES: u64 = 3 * 24 * 60;

/// Reads every due entry up to now; returns the conversations to run, with their epochs.
///
/// # Errors
/// The store failed.
pub async fn sweep<H: Host>(host: &H, settings: &Settings) -> Result<Vec<(String, i64)>, Fault> {
    let now = host.now();
    let last = minute(now);
    let cursor = host.get(&keys::due_cursor()).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
    let first = cursor.unwrap_or(last.saturating_sub(24 * 60)).min(last.saturating_sub(BEHIND));
    let end = last.min(first + MOST_MINUTES);
    let mut runs: Vec<(String, i64)> = Vec::new();
    let mut looked: BTreeSet<String> = BTreeSet::new();
    let mut at = first;
    while at <= end {
        if host.get(&keys::due_hour(at / 60)).await?.is_none() {
            at = (at / 60 + 1) * 60;
            continue;
        }
        let count = counter(host.get(&keys::due_counter(at)).await?.as_deref()).unwrap_or(0);
        for number in 1..=count {
            let Some(bytes) = host.get(&keys::due(at, number)).await? else { continue };
            let conversations = match read::<Due>(&bytes) {
                Ok(due) if due.at <= now => vec![due.conversation],
                Ok(_) => vec![],
                Err(why) => {
                    let line =
                        serde_json::json!({"component": "technician", "what": "damaged due entry", "key": keys::due(at, number), "why": why.to_string()});
                    host.log(line.to_string());
                    // Nobody can tell whose it was: every case that is open gets a look.
                    open_cases(host, settings).await?
                }
            };
            for conversation in conversations.into_iter().filter(|id| keys::is_conversation(id)) {
                if !looked.insert(conversation.clone()) {
                    continue;
                }
                // INVARIANT: whoever wakes a runner leaves a due entry for the time when it may be dead, so the cursor need not wait.
                match look(host, settings, &conversation).await? {
                    Look::Settled | Look::Busy => {}
                    Look::Run(conversation, epoch) => runs.push((conversation, epoch)),
                }
            }
        }
        at += 1;
    }
    let next = end.saturating_sub(BEHIND).max(first);
    if cursor != Some(next) {
        let latest = host.get(&keys::latest()).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok()).unwrap_or(0);
        host.set_many(vec![(keys::due_cursor(), next.to_string().into_bytes()), (keys::latest(), latest.max(now).to_string().into_bytes())]).await?;
    }
    Ok(runs)
}

/// An open case has moved within so many days, or waits for nobody's clock.
const OPEN_DAYS: u64 = 3;

/// Conversations of the cases that began lately and are still open, by the lists of each tenant.
async fn open_cases<H: Host>(host: &H, settings: &Settings) -> Result<Vec<String>, Fault> {
    let today = host.now() / 86_400_000;
    let mut open = Vec::new();
    for tenant in &tenants::names(host, &settings.integrity).await? {
        for day in today.saturating_sub(OPEN_DAYS)..=today {
            let count = counter(host.get(&keys::case_counter(tenant, day)).await?.as_deref()).unwrap_or(0);
            for number in 1..=count {
                let Some(case) = host.get(&keys::case_of_day(tenant, day, number)).await?.and_then(|id| String::from_utf8(id).ok()) else { continue };
                let Some(conversation) = conversation_of(&case) else { continue };
                let summary = host.get(&keys::case(&case)).await?.map(|bytes| settings.integrity.read::<Summary>(&keys::case(&case), &bytes));
                if summary.is_none_or(|summary| summary.is_ok_and(|summary| summary.ended.is_none())) {
                    open.push(conversation.to_string());
                }
            }
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::*;
    use crate::runner::{post, run};
    use firstline_core::mailbox::{Act, RUN_LIMIT, TAKEOVER_MARGIN, due_writes};

    fn sweep_now(world: &World) -> usize {
        block_on(sweep(world, &world.settings())).unwrap().len()
    }

    fn epoch(world: &World) -> i64 {
        world.counters.borrow().get(&keys::epoch(&World::conversation())).copied().unwrap_or(0)
    }

    fn wait(world: &World, minutes: u64) {
        world.now.set(world.now.get() + minutes * MINUTE);
    }

    #[test]
    fn what_is_due_is_found_also_late_and_after_a_long_silence() {
        for silence in [29, 31, 39, 120, 20 * 60] {
            let (world, stages) = (World::new(), Script::default());
            world.say(&stages, "password_reset");
            world.tick(&stages);
            wait(&world, silence);
            world.tick(&stages);
            assert_eq!(world.end(), if silence > 30 { "handed-over no-answer" } else { "open" }, "{silence}");
            // Ticked on, it ends at the half hour in any case.
            wait(&world, 2);
            world.tick(&stages);
            assert_eq!(world.end(), "handed-over no-answer", "{silence}");
        }
    }

    #[test]
    fn an_entry_that_is_stored_ten_minutes_late_is_still_found() {
        let (world, stages) = (World::new(), Script::default());
        for minute in 0..30 {
            wait(&world, 1);
            world.tick(&stages);
            if minute == 9 {
                // Its number was taken at the start; it is stored only now.
                let event = world.event(Act::Message("password_reset".into()));
                let conversation = event.conversation();
                block_on(world.increment(&keys::event_counter(&conversation), 1)).unwrap();
                let number = block_on(world.increment(&keys::due_counter(minute_of(START)), 1)).unwrap();
                let mut writes = due_writes(&conversation, START, number);
                writes.push((keys::event(&conversation, 1), firstline_core::record::write(&event)));
                block_on(world.set_many(writes)).unwrap();
            }
        }
        assert_eq!(world.end(), "open");
    }

    fn minute_of(at: u64) -> u64 {
        minute(at)
    }

    #[test]
    fn a_takeover_waits_for_the_lease_and_the_margin_and_gets_a_new_epoch() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "greeting");
        wait(&world, 5);
        world.tick(&stages);
        // A runner is woken and never heard of again.
        let event = world.event(Act::Message("password_reset".into()));
        let woken = block_on(post(&world, &event)).unwrap();
        assert_eq!(woken, Some((World::conversation(), 0)));
        let began = world.now.get();
        for (after, runs, expect) in [(0, 0, 0), (RUN_LIMIT, 0, 0), (RUN_LIMIT + TAKEOVER_MARGIN - 1_000, 0, 0), (RUN_LIMIT + TAKEOVER_MARGIN, 1, 1)] {
            world.now.set(began + after);
            assert_eq!((sweep_now(&world), epoch(&world)), (runs, expect), "after {after}");
        }
        // That runner has not committed yet either, so it is left alone as long.
        let took = world.now.get();
        for (after, runs, expect) in [(1_000, 0, 1), (RUN_LIMIT + TAKEOVER_MARGIN - 1_000, 0, 1), (RUN_LIMIT + TAKEOVER_MARGIN, 1, 2)] {
            world.now.set(took + after);
            assert_eq!((sweep_now(&world), epoch(&world)), (runs, expect), "after {after} again");
        }
        block_on(run(&world, &stages, &world.settings(), &World::conversation(), 2));
        assert_eq!(world.end(), "open");
        assert!(world.button("yes").is_some());
    }

    #[test]
    fn a_second_poke_and_a_poke_of_nobody_do_nothing() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "password_reset");
        // Stored, but its writer has not woken anybody yet.
        let (event, number) = (world.event(Act::Message("human".into())), 2);
        block_on(world.increment(&keys::event_counter(&World::conversation()), 1)).unwrap();
        block_on(world.set_many(firstline_core::mailbox::event_writes(&event, number, 1))).unwrap();
        let (sent, entries) = (world.sent.borrow().len(), world.seen.borrow().len());
        block_on(run(&world, &stages, &world.settings(), &World::conversation(), 0));
        block_on(run(&world, &stages, &world.settings(), &"0".repeat(32), 0));
        assert_eq!((world.sent.borrow().len(), world.seen.borrow().len()), (sent, entries));
    }

    #[test]
    fn an_event_behind_a_hole_is_worked_on_and_the_hole_when_it_fills() {
        let (world, stages) = (World::new(), Script::default());
        let late = world.event(Act::Message("human".into()));
        let number = block_on(world.increment(&keys::event_counter(&World::conversation()), 1)).unwrap();
        world.say(&stages, "greeting");
        assert_eq!(world.snapshot().unwrap().state.holes.len(), 1);
        // Stored late, by a writer that dies before it wakes anybody.
        let due = block_on(world.increment(&keys::due_counter(minute_of(world.now.get())), 1)).unwrap();
        let mut writes = due_writes(&World::conversation(), world.now.get(), due);
        writes.push((keys::event(&World::conversation(), number), firstline_core::record::write(&late)));
        block_on(world.set_many(writes)).unwrap();
        wait(&world, 1);
        world.tick(&stages);
        assert_eq!(world.end(), "handed-over asked-for-person");
        assert!(world.snapshot().unwrap().state.holes.is_empty());
    }

    #[test]
    fn a_conversation_that_cannot_be_read_does_not_hold_up_the_others() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "greeting");
        let key = keys::snapshot(&World::conversation());
        world.values.borrow_mut().insert(key, b"broken".to_vec());
        world.deliver(&stages, &world.event(Act::Message("human".into())));
        for _ in 0..100 {
            wait(&world, 5);
            world.tick(&stages);
        }
        let cursor: u64 = String::from_utf8(world.values.borrow()[&keys::due_cursor()].clone()).unwrap().parse().unwrap();
        assert!(minute(world.now.get()) - cursor <= BEHIND, "the cursor is {} minutes behind", minute(world.now.get()) - cursor);
        assert!(epoch(&world) < 30, "it is looked at ever more rarely: {} times", epoch(&world));
    }

    #[test]
    fn quiet_hours_cost_one_look_each() {
        let (world, stages) = (World::new(), Script::default());
        world.say(&stages, "greeting");
        wait(&world, 40);
        world.tick(&stages);
        wait(&world, 24 * 60);
        assert_eq!(world.tick(&stages), 0);
        let before = world.effects.get();
        assert_eq!(world.tick(&stages), 0);
        assert_eq!(world.effects.get(), before, "a tick without work writes nothing");
    }
}
