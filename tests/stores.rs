//! The application on each kind of store that the platform offers: what holds on one holds on all.

use firstline_host::desk::{Desk, Keys, TENANTS, vendors};
use firstline_host::scale::{Copies, PAUSE, RUN, Scale};
use firstline_host::store::{LABEL, contents};
use firstline_host::visit::{JANE, Visit};
use firstline_host::{Backend, Config, Disk, Memory, RedisLike, RedisServer, Sqlite, build, simulated, story};
use firstline_vendors::DEMO;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Monday 2026-11-23, 09:00 UTC.
pub const BEGIN: Duration = Duration::from_secs(1_795_424_400);

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The demo's desk on this store, in simulated time.
pub async fn desk(backend: Arc<dyn Backend>, change: impl FnOnce(&mut Config)) -> Desk {
    build::once(&root()).unwrap();
    let mut config = Config::new(root().join("spin.toml"));
    config.backend = backend;
    config.clock = simulated(UNIX_EPOCH + BEGIN);
    change(&mut config);
    let vendors = vendors(&config.clock);
    vendors.seed(&serde_json::from_str(DEMO).unwrap()).unwrap();
    let desk = Desk::start(config, vendors, Duration::from_millis(100), Keys::make().unwrap()).unwrap();
    desk.enter(&serde_json::from_str(TENANTS).unwrap()).await.unwrap();
    desk
}

/// The main job twice, the second time in a conversation that has a past.
async fn check(backend: Arc<dyn Backend>) {
    let desk = desk(backend, |_| {}).await;
    for _ in 0..2 {
        Visit::new(&desk, JANE).main_job().await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        desk.tick().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_main_job_is_done_on_sqlite_that_another_process_locks_now_and_then() {
    for seed in 0..5 {
        let sqlite = Arc::new(Sqlite::over(Arc::new(Memory::default()), seed));
        check(sqlite.clone()).await;
        assert!(sqlite.refused() > 5, "the lock was met {} times only", sqlite.refused());
    }
}

#[tokio::test(start_paused = true)]
async fn the_main_job_is_done_where_counters_are_text_and_labels_mean_nothing() {
    check(Arc::new(RedisLike::over(Arc::new(Memory::default())))).await;
}

#[tokio::test(start_paused = true)]
async fn the_main_job_is_done_on_a_real_redis_server() {
    let Some(server) = RedisServer::start().unwrap() else {
        println!("not run: redis-server is not installed");
        return;
    };
    check(Arc::new(server.empty().unwrap())).await;
}

#[tokio::test(start_paused = true)]
async fn the_main_job_is_done_on_disk() {
    let folder = std::env::temp_dir().join(format!("firstline-stores-{}", std::process::id()));
    let disk = Disk::open(&folder.join("store.redb")).unwrap();
    check(Arc::new(disk)).await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// Every story on stores of one kind; the secrets are looked for in what is stored, as always.
fn check_stories(name: &str, backend: impl Fn() -> Arc<dyn Backend>) {
    build::once(&root()).unwrap();
    let began = Instant::now();
    let stories = story::all(&root()).unwrap();
    let mut failures = Vec::new();
    for (story, path) in &stories {
        match story::read(path).and_then(|read| story::play_on(&root(), &read, backend())) {
            Ok(outcome) => failures.extend(outcome.failures.into_iter().map(|failure| format!("{story}: {failure}"))),
            Err(error) => failures.push(format!("{story}: {error:#}")),
        }
    }
    println!("{} stories on {name} in {:.1} s", stories.len(), began.elapsed().as_secs_f64());
    assert!(failures.is_empty(), "on {name}:\n{}", failures.join("\n"));
}

#[test]
fn every_story_holds_on_sqlite_that_another_process_locks_now_and_then() {
    let seed = AtomicU64::new(100);
    check_stories("SQLite's manners", || Arc::new(Sqlite::over(Arc::new(Memory::default()), seed.fetch_add(1, SeqCst))));
}

#[test]
fn every_story_holds_where_counters_are_text_and_labels_mean_nothing() {
    check_stories("Redis's manners", || Arc::new(RedisLike::over(Arc::new(Memory::default()))));
}

#[test]
fn every_story_holds_on_a_real_redis_server() {
    let Some(server) = RedisServer::start().unwrap() else {
        println!("not run: redis-server is not installed");
        return;
    };
    check_stories("a Redis server", || Arc::new(server.empty().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_new_ticket_costs_the_same_host_calls_beside_300_closed_cases() {
    build::once(&root()).unwrap();
    let keys = Keys::make().unwrap();
    let mut costs = Vec::new();
    for closed in [0, 300] {
        let memory = Arc::new(Memory::default());
        let config = Config { backend: memory.clone(), clock: simulated(UNIX_EPOCH + BEGIN), ..Config::new(root().join("spin.toml")) };
        if closed > 0 {
            Scale::start(config.clone(), keys.clone()).await.unwrap().close(RUN).await.unwrap();
            let mut copies = Copies::of(&contents(memory.as_ref()).unwrap(), &keys).unwrap();
            let mut entries: Vec<_> = (0..closed / RUN - 1).flat_map(|_| copies.another().unwrap()).collect();
            entries.extend(copies.counters());
            let cases = entries.iter().filter(|(key, _)| key.starts_with("cases/")).count();
            assert_eq!(cases + RUN, closed);
            let mut all = memory.dump();
            all.extend(entries.into_iter().map(|(key, value)| ((LABEL.to_string(), key), value)));
            memory.replace(all);
        }
        let scale = Scale::start(config, keys.clone()).await.unwrap();
        scale.ticket().await.unwrap();
        tokio::time::sleep(PAUSE).await;
        costs.push(scale.ticket().await.unwrap());
    }
    assert_eq!(costs[0].calls, costs[1].calls, "{costs:?}");
    assert!(costs[0].bytes.abs_diff(costs[1].bytes) < 100, "{costs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_copied_case_reads_like_the_one_that_was_run() {
    let memory = Arc::new(Memory::default());
    let desk = desk(memory.clone(), |_| {}).await;
    Visit::new(&desk, JANE).main_job().await.unwrap();
    let mut copies = Copies::of(&contents(memory.as_ref()).unwrap(), &desk.keys).unwrap();
    let mut all = memory.dump();
    all.extend(copies.another().unwrap().into_iter().chain(copies.counters()).map(|(key, value)| ((LABEL.to_string(), key), value)));
    memory.replace(all);
    let mut journals = Vec::new();
    for (_, key) in contents(memory.as_ref()).unwrap().into_keys() {
        let Some(case) = key.strip_prefix("case/") else { continue };
        let (status, journal) = desk.api("GET", &format!("/api/cases/{case}/journal"), "").await.unwrap();
        assert_eq!(status, 200, "{journal}");
        journals.push(journal.to_string().replace(case.split('-').next().unwrap(), "").len());
    }
    assert_eq!(journals.len(), 2);
    assert_eq!(journals[0], journals[1]);
}
