//! The application on each kind of store that the platform offers: what holds on one holds on all.

use firstline_host::desk::{Desk, Keys, TENANTS, vendors};
use firstline_host::visit::{JANE, Visit};
use firstline_host::{Backend, Config, Disk, Memory, RedisLike, RedisServer, Sqlite, build, simulated};
use firstline_vendors::DEMO;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

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
