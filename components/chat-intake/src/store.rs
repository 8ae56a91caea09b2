//! Stores an event and tells whether a runner has to be woken.

use crate::host::{Fault, Host};
use firstline_core::Instant;
use firstline_core::mailbox::{self, Event};

/// Longest time from taking a number to the stored event: half of the three seconds after which Slack sends again.
/// A later event could fall behind the sweep that reads its minute.
pub const PATIENCE: u64 = 1_500;
/// So many numbers are taken before the store counts as failed.
const ATTEMPTS: usize = 3;
/// The portable limit of a value is 1 MB; the rest is for the store's own overhead.
const LARGEST: usize = 900_000;

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is stored; nobody runs, so the technician must be woken, in this epoch.
    Wake(i64),
    /// It is stored, and a runner is under way or will be.
    Running,
    /// It is larger than a value of the store may be.
    TooLarge,
}

/// Stores one event by the mailbox protocol: number, due entry, one commit, epoch, pending counter.
///
/// # Errors
/// [`Fault`] if the store failed. The event may be stored all the same; a duplicate is recognised by its id.
pub async fn store(host: &impl Host, event: &Event) -> Result<Stored, Fault> {
    let conversation = event.conversation();
    if mailbox::event_writes(event, i64::MAX, i64::MAX).iter().any(|(_, value)| value.len() > LARGEST) {
        return Ok(Stored::TooLarge);
    }
    for _ in 0..ATTEMPTS {
        if write(host, event).await? <= PATIENCE {
            return Ok(mailbox::wake(host, &conversation).await?.map_or(Stored::Running, Stored::Wake));
        }
    }
    Err(Fault("the store is too slow".into()))
}

/// Returns how long it took from the number to the stored event.
async fn write(host: &impl Host, event: &Event) -> Result<Instant, Fault> {
    let began = host.now();
    mailbox::put(host, &Event { received: began, ..event.clone() }).await?;
    Ok(host.now().saturating_sub(began))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Fake, event, run};
    use crate::host::Store as _;
    use firstline_core::keys;
    use firstline_core::record;

    /// Stores the event and returns the outcome with the numbers under which events are stored.
    fn check(host: &Fake, expect: Result<Stored, Fault>, numbers: &[i64]) {
        let event = event("hi");
        assert_eq!(run(store(host, &event)), expect);
        let stored: Vec<i64> = (1..10).filter(|n| host.values.borrow().contains_key(&keys::event(&event.conversation(), *n))).collect();
        assert_eq!(stored, numbers);
    }

    #[test]
    fn the_first_event_wakes_and_the_next_finds_a_runner() {
        let host = Fake::at(1_000_000);
        check(&host, Ok(Stored::Wake(0)), &[1]);
        check(&host, Ok(Stored::Running), &[1, 2]);
    }

    #[test]
    fn a_drained_mailbox_and_a_new_epoch_are_woken_again() {
        let host = Fake::at(1_000_000);
        let id = event("hi").conversation();
        check(&host, Ok(Stored::Wake(0)), &[1]);
        run(host.increment(&keys::pending(&id, 0), -1)).unwrap();
        check(&host, Ok(Stored::Wake(0)), &[1, 2]);
        run(host.increment(&keys::epoch(&id), 1)).unwrap();
        check(&host, Ok(Stored::Wake(1)), &[1, 2, 3]);
    }

    #[test]
    fn event_and_second_look_are_one_commit_and_carry_our_time() {
        let host = Fake::at(1_000_000);
        check(&host, Ok(Stored::Wake(0)), &[1]);
        let minute = mailbox::minute(mailbox::second_look(1_000_000));
        assert_eq!(host.commits.borrow().iter().map(Vec::len).collect::<Vec<_>>(), [3]);
        assert!(host.values.borrow().contains_key(&keys::due(minute, 1)));
        let stored: Event = record::read(&host.values.borrow()[&keys::event(&event("hi").conversation(), 1)]).unwrap();
        assert_eq!(stored.received, 1_000_000);
    }

    #[test]
    fn a_slow_write_takes_a_new_number_and_stores_again() {
        let host = Fake { slow_writes: 1.into(), ..Fake::at(1_000_000) };
        check(&host, Ok(Stored::Wake(0)), &[1, 2]);
        let host = Fake { slow_writes: 9.into(), ..Fake::at(1_000_000) };
        check(&host, Err(Fault("the store is too slow".into())), &[1, 2, 3]);
    }

    #[test]
    fn a_failing_store_is_a_fault_wherever_it_fails() {
        for (fails, stored) in [("c/event", &[][..]), ("c/due", &[]), ("event/", &[]), ("c/epoch", &[1]), ("c/pending", &[1])] {
            check(&Fake { fails: Some(fails), ..Fake::at(1_000_000) }, Err(Fault(format!("{fails} failed"))), stored);
        }
    }

    #[test]
    fn a_long_text_is_stored_and_one_beyond_the_store_is_not() {
        let host = Fake::at(1_000_000);
        assert_eq!(run(store(&host, &event(&"ü".repeat(100_000)))), Ok(Stored::Wake(0)));
        assert_eq!(run(store(&host, &event(&"\u{1}".repeat(200_000)))), Ok(Stored::TooLarge));
    }
}
