//! The manners of the platform's real back ends, over a store of our own: what is right under each of them is right on all.

use super::{Backend, Change, Failure, Value};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

/// Spin's default store: SQLite, with another process on the same file.
///
/// Counters read as eight raw bytes, a `set` on a counter panics the host, and now and then a write is refused with `database is locked`; it has then not been applied.
pub struct Sqlite {
    inner: Arc<dyn Backend>,
    lock: Mutex<Lock>,
    refused: AtomicU64,
}

/// The other process: a generator with a seed, so that a failure replays.
struct Lock {
    random: u64,
    in_a_row: u32,
}

/// One write in so many meets the other process.
const ONE_IN: u64 = 8;
/// The other process lets go after so many tries at the latest.
const MOST_IN_A_ROW: u32 = 2;

impl Sqlite {
    /// These manners over a store.
    #[must_use]
    pub fn over(inner: Arc<dyn Backend>, seed: u64) -> Self {
        Self { inner, lock: Mutex::new(Lock { random: seed, in_a_row: 0 }), refused: AtomicU64::new(0) }
    }

    /// How many writes were refused so far.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(SeqCst)
    }

    fn free(&self) -> Result<(), Failure> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // Knuth's linear congruential generator; its high bits are the random ones.
        lock.random = lock.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if lock.in_a_row == MOST_IN_A_ROW || !(lock.random >> 33).is_multiple_of(ONE_IN) {
            lock.in_a_row = 0;
            return Ok(());
        }
        lock.in_a_row += 1;
        self.refused.fetch_add(1, SeqCst);
        Err(Failure::Io(anyhow::anyhow!("database is locked")))
    }
}

impl Backend for Sqlite {
    fn get(&self, store: &str, key: &str) -> Result<Option<Value>, Failure> {
        self.inner.get(store, key)
    }

    fn keys(&self, store: &str) -> Result<Vec<String>, Failure> {
        self.inner.keys(store)
    }

    fn write(&self, store: &str, changes: &[Change]) -> Result<bool, Failure> {
        self.free()?;
        self.inner.write(store, changes)
    }

    fn increment(&self, store: &str, key: &str, delta: i64) -> Result<(i64, bool), Failure> {
        self.free()?;
        self.inner.increment(store, key, delta)
    }

    fn blocks(&self) -> bool {
        self.inner.blocks()
    }
}

/// Redis under Spin: counters read as decimal text, and every label means the same keys.
///
/// A real Redis lets a counter be set; here that still breaks the store, since no component may do it.
pub struct RedisLike(Arc<dyn Backend>);

/// The one store behind all labels.
const ONE: &str = "";

impl RedisLike {
    /// These manners over a store.
    #[must_use]
    pub fn over(inner: Arc<dyn Backend>) -> Self {
        Self(inner)
    }
}

impl Backend for RedisLike {
    fn get(&self, _: &str, key: &str) -> Result<Option<Value>, Failure> {
        self.0.get(ONE, key)
    }

    fn keys(&self, _: &str) -> Result<Vec<String>, Failure> {
        self.0.keys(ONE)
    }

    fn write(&self, _: &str, changes: &[Change]) -> Result<bool, Failure> {
        self.0.write(ONE, changes)
    }

    fn increment(&self, _: &str, key: &str, delta: i64) -> Result<(i64, bool), Failure> {
        self.0.increment(ONE, key, delta)
    }

    fn counter(&self, count: i64) -> Vec<u8> {
        count.to_string().into_bytes()
    }

    fn blocks(&self) -> bool {
        self.0.blocks()
    }
}
