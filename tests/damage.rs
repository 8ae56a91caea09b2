//! The application with stored records that cannot be used, and with a clock that jumps.

use crate::stores::{BEGIN, desk};
use firstline_host::desk::Desk;
use firstline_host::store::LABEL;
use firstline_host::visit::{BOB, JANE, Visit};
use firstline_host::{Memory, Value, simulated};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::{Duration, UNIX_EPOCH};

const REQUEST: &str = "I'm locked out and I forgot my password";
const TAKEN_OVER: &str = "I'm an automated assistant and have passed this to a person";

/// Cuts every record whose key begins so to half its length; keys and what now stands there.
fn harm(memory: &Memory, prefix: &str) -> Vec<(String, Value)> {
    let mut all = memory.dump();
    let mut harmed = Vec::new();
    for ((_, key), value) in all.iter_mut().filter(|((_, key), _)| key.starts_with(prefix)) {
        if let Value::Bytes(bytes) = value {
            bytes.truncate(bytes.len() / 2);
            harmed.push((key.clone(), value.clone()));
        }
    }
    memory.replace(all);
    harmed
}

async fn minutes(desk: &Desk, minutes: u64) {
    for _ in 0..minutes {
        tokio::time::sleep(Duration::from_secs(60)).await;
        desk.tick().await.unwrap();
    }
}

fn told(visit: &Visit<'_>) -> usize {
    visit.told().iter().filter(|text| text.starts_with(TAKEN_OVER)).count()
}

/// While Jane's offer stands the records are harmed; she presses. A human gets her case, once, with its reason; nothing is overwritten; Bob is served, and so is she the next time.
async fn check(prefix: &str, reason: &str) {
    let memory = Arc::new(Memory::default());
    let desk = desk(memory.clone(), |_| {}).await;
    let jane = Visit::new(&desk, JANE);
    jane.say("hi").await.unwrap();
    jane.say(REQUEST).await.unwrap();
    if prefix == "log/" {
        // The log is read only where the snapshot does not reach.
        let mut all = memory.dump();
        all.retain(|(_, key), _| !key.starts_with("snap/"));
        memory.replace(all);
    }
    let harmed = harm(&memory, prefix);
    assert!(!harmed.is_empty(), "{prefix}");
    jane.press("Yes").await.unwrap();
    minutes(&desk, 5).await;
    assert_eq!(told(&jane), 1, "{prefix}: {:#?}", jane.told());
    let ticket = jane.ticket();
    assert_eq!(ticket["status"]["name"], "Needs Dispatch", "{prefix}");
    let notes = desk.vendors.state()["connectwise"]["notes"].to_string();
    assert!(notes.contains("Handed over: damaged-record") && notes.contains(reason), "{prefix}: {notes}");
    Visit::new(&desk, BOB).main_job().await.unwrap();
    minutes(&desk, 2).await;
    jane.main_job().await.unwrap();
    let all = memory.dump();
    for (key, value) in harmed {
        assert_eq!(all[&(LABEL.to_string(), key.clone())], value, "`{key}` was overwritten");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_snapshot_is_a_humans_and_stays() {
    check("snap/", "In detail: the stored record `snap/").await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_log_is_a_humans_and_stays() {
    check("log/", "In detail: the stored record `log/").await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_credential_is_a_humans_and_the_reason_names_it() {
    let memory = Arc::new(Memory::default());
    let desk = desk(memory.clone(), |_| {}).await;
    let jane = Visit::new(&desk, JANE);
    let harmed = harm(&memory, "credential/acme-entra/");
    jane.say(REQUEST).await.unwrap();
    minutes(&desk, 3).await;
    assert_eq!(told(&jane), 1);
    let notes = desk.vendors.state()["connectwise"]["notes"].to_string();
    assert!(notes.contains("`client-secret` of connection `acme-entra`"), "{notes}");
    assert_eq!(harmed.len(), 1);
    assert_eq!(memory.dump()[&(LABEL.to_string(), harmed[0].0.clone())], harmed[0].1);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_link_shows_nothing_and_stays() {
    let memory = Arc::new(Memory::default());
    let desk = desk(memory.clone(), |_| {}).await;
    let jane = Visit::new(&desk, JANE);
    jane.say(REQUEST).await.unwrap();
    jane.press("Yes").await.unwrap();
    let harmed = harm(&memory, "once/");
    let (status, _) = jane.open(&jane.link().unwrap()).await.unwrap();
    assert_eq!((status, harmed.len()), (503, 1));
    assert_eq!(memory.dump()[&(LABEL.to_string(), harmed[0].0.clone())], harmed[0].1);
    // The case went on without it, and a person is one message away.
    jane.say("talk to a person").await.unwrap();
    minutes(&desk, 3).await;
    assert_eq!(told(&jane), 1);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_tenant_document_stops_only_its_own_cases_until_it_is_put_again() {
    let memory = Arc::new(Memory::default());
    let desk = desk(memory.clone(), |_| {}).await;
    let (jane, lee) = (Visit::new(&desk, JANE), Visit::new(&desk, ("T0GLOBEX", "U0LEE")));
    jane.say(REQUEST).await.unwrap();
    harm(&memory, "tenant/acme");
    let before = jane.messages().len();
    jane.press("Yes").await.unwrap();
    minutes(&desk, 5).await;
    assert_eq!(jane.messages().len(), before);
    lee.say("my account is locked").await.unwrap();
    assert!(!lee.told().is_empty());
    desk.enter(&serde_json::from_str(firstline_host::desk::TENANTS).unwrap()).await.unwrap();
    minutes(&desk, 40).await;
    // The offer has expired in the meantime, or the press has counted: either way Jane hears of it.
    assert!(jane.messages().len() > before);
}

/// A clock that can be put forward and back.
fn jumping() -> (firstline_host::Clock, Arc<AtomicI64>) {
    let (inner, offset) = (simulated(UNIX_EPOCH + BEGIN), Arc::new(AtomicI64::new(0)));
    let moved = offset.clone();
    let clock = Arc::new(move || {
        let seconds = moved.load(SeqCst);
        let by = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 { inner() - by } else { inner() + by }
    });
    (clock, offset)
}

const HOUR: i64 = 3_600;

#[tokio::test(start_paused = true)]
async fn an_offer_that_has_expired_stays_so_when_the_clock_goes_back() {
    let (clock, offset) = jumping();
    let desk = desk(Arc::new(Memory::default()), |config| config.clock = clock).await;
    let jane = Visit::new(&desk, JANE);
    jane.say(REQUEST).await.unwrap();
    minutes(&desk, 31).await;
    assert_eq!(told(&jane), 1);
    offset.store(-HOUR, SeqCst);
    // The button is gone from the chat; nothing was changed, whatever the clock says now.
    assert!(jane.press("Yes").await.is_err());
    minutes(&desk, 90).await;
    assert_eq!((told(&jane), jane.link()), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_has_expired_stays_so_when_the_clock_goes_back() {
    let (clock, offset) = jumping();
    let desk = desk(Arc::new(Memory::default()), |config| config.clock = clock).await;
    let jane = Visit::new(&desk, JANE);
    jane.say(REQUEST).await.unwrap();
    jane.press("Yes").await.unwrap();
    let link = jane.link().unwrap();
    minutes(&desk, 61).await;
    offset.store(-HOUR, SeqCst);
    let (status, _) = jane.open(&link).await.unwrap();
    assert_eq!(status, 410);
}

#[tokio::test(start_paused = true)]
async fn no_timer_is_lost_when_the_clock_jumps_in_mid_case() {
    for jump in [-HOUR, 24 * HOUR] {
        let (clock, offset) = jumping();
        let desk = desk(Arc::new(Memory::default()), |config| config.clock = clock).await;
        let (jane, bob) = (Visit::new(&desk, JANE), Visit::new(&desk, BOB));
        jane.say(REQUEST).await.unwrap();
        minutes(&desk, 12).await;
        offset.store(jump, SeqCst);
        minutes(&desk, 3).await;
        // Who comes now is served, by the new time.
        bob.main_job().await.unwrap();
        minutes(&desk, 90).await;
        assert_eq!((told(&jane), jane.link()), (1, None), "a jump by {jump} s");
        // And when it is put right again.
        offset.store(0, SeqCst);
        jane.main_job().await.unwrap();
    }
}
