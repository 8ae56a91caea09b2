//! The key-value store: what a backend has to do, and the platform's rules in front of it.

mod disk;
mod manners;
mod memory;
mod redis;

pub use disk::Disk;
pub use manners::{RedisLike, Sqlite};
pub use memory::{Contents, Memory};
pub use redis::{Redis, RedisServer};

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Written by `set`.
    Bytes(Vec<u8>),
    /// Written by `increment`.
    Counter(i64),
}

/// One key that is written, or deleted if there is no value.
pub type Change = (String, Option<Vec<u8>>);

/// Why a backend did not do it.
#[derive(Debug)]
pub enum Failure {
    /// The key is a counter and was to be set, or the other way round. Nothing was changed.
    Mixed(String),
    /// The disk failed.
    Io(anyhow::Error),
}

/// A place that keeps keys. Every call is one transaction, durable when it returns.
pub trait Backend: Send + Sync + 'static {
    /// Reads one key.
    fn get(&self, store: &str, key: &str) -> Result<Option<Value>, Failure>;
    /// Every key of a store, sorted.
    fn keys(&self, store: &str) -> Result<Vec<String>, Failure>;
    /// Writes and deletes, all or nothing. False if everything was as it should be already: then nothing was committed.
    fn write(&self, store: &str, changes: &[Change]) -> Result<bool, Failure>;
    /// Adds to a counter and returns the sum, and whether anything was committed. An absent counter is zero and comes into being.
    fn increment(&self, store: &str, key: &str, delta: i64) -> Result<(i64, bool), Failure>;
    /// How `get` shows a counter: eight raw little-endian bytes on SQLite, decimal text on Redis.
    fn counter(&self, count: i64) -> Vec<u8> {
        count.to_le_bytes().to_vec()
    }
    /// True if a call may take long enough to hold up other work.
    fn blocks(&self) -> bool {
        false
    }
}

/// The label of the application's store.
pub const LABEL: &str = "default";

/// Everything that is stored under the application's label.
///
/// # Errors
/// The store fails.
pub fn contents(backend: &dyn Backend) -> anyhow::Result<Contents> {
    under(backend, "")
}

/// What of it stands under keys that begin so.
///
/// # Errors
/// The store fails.
pub fn under(backend: &dyn Backend, beginning: &str) -> anyhow::Result<Contents> {
    let broken = |failure| anyhow::anyhow!("the store: {failure:?}");
    let mut contents = Contents::new();
    for key in backend.keys(LABEL).map_err(broken)?.into_iter().filter(|key| key.starts_with(beginning)) {
        if let Some(value) = backend.get(LABEL, &key).map_err(broken)? {
            contents.insert((LABEL.to_owned(), key), value);
        }
    }
    Ok(contents)
}

/// Why a call got no result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The component is told.
    Refused(String),
    /// The instance traps.
    Panic(String),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Refused(format!("{error:#}"))
    }
}

/// The longest key that every store of the platform takes.
const KEY_LIMIT: usize = 256;
/// The largest value that every store of the platform takes.
const VALUE_LIMIT: usize = 1_000_000;

/// Store and key of counters that were deleted.
pub(crate) type Retired = BTreeSet<(String, String)>;

/// A backend under the platform's rules.
pub(crate) struct Store {
    backend: Arc<dyn Backend>,
    poisoned: AtomicBool,
    /// Counters that were deleted: setting such a key is as wrong as setting a live one.
    retired: Mutex<Retired>,
}

impl Store {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, poisoned: AtomicBool::new(false), retired: Mutex::default() }
    }

    pub(crate) fn blocks(&self) -> bool {
        self.backend.blocks()
    }

    pub(crate) fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>, Stop> {
        self.check(key, 0)?;
        Ok(self.sound(self.backend.get(store, key))?.map(|value| match value {
            Value::Bytes(bytes) => bytes,
            Value::Counter(count) => self.backend.counter(count),
        }))
    }

    pub(crate) fn keys(&self, store: &str) -> Result<Vec<String>, Stop> {
        self.alive()?;
        self.sound(self.backend.keys(store))
    }

    pub(crate) fn write(&self, store: &str, changes: &[Change]) -> Result<bool, Stop> {
        self.alive()?;
        for (key, value) in changes {
            self.check(key, value.as_ref().map_or(0, Vec::len))?;
        }
        let mut deleted = Vec::new();
        for (key, value) in changes {
            match value {
                Some(_) if self.retired().contains(&(store.to_owned(), key.clone())) => return Err(self.poison(key)),
                Some(_) => {}
                None => {
                    if let Some(Value::Counter(_)) = self.sound(self.backend.get(store, key))? {
                        deleted.push((store.to_owned(), key.clone()));
                    }
                }
            }
        }
        let changed = self.sound(self.backend.write(store, changes))?;
        self.retired().extend(deleted);
        Ok(changed)
    }

    pub(crate) fn increment(&self, store: &str, key: &str, delta: i64) -> Result<(i64, bool), Stop> {
        self.check(key, 0)?;
        self.sound(self.backend.increment(store, key, delta))
    }

    /// Limits of the platform's portable floor: keys of 256 bytes, values of 1 MB.
    fn check(&self, key: &str, value: usize) -> Result<(), Stop> {
        self.alive()?;
        if key.len() > KEY_LIMIT {
            return Err(Stop::Refused(format!("key of {} bytes: at most {KEY_LIMIT} are portable", key.len())));
        }
        if value > VALUE_LIMIT {
            return Err(Stop::Refused(format!("value of {value} bytes for `{key}`: at most {VALUE_LIMIT} are portable")));
        }
        Ok(())
    }

    fn alive(&self) -> Result<(), Stop> {
        if self.poisoned.load(SeqCst) {
            return Err(Stop::Panic("host panic: the store is poisoned until the application restarts".into()));
        }
        Ok(())
    }

    fn sound<T>(&self, result: Result<T, Failure>) -> Result<T, Stop> {
        result.map_err(|failure| match failure {
            Failure::Mixed(key) => self.poison(&key),
            Failure::Io(error) => error.into(),
        })
    }

    /// On SQLite, `set` of a key that is ever incremented panics the host, and every later call fails until restart.
    fn poison(&self, key: &str) -> Stop {
        self.poisoned.store(true, SeqCst);
        Stop::Panic(format!("host panic: `{key}` was both set and incremented"))
    }

    pub(crate) fn retired(&self) -> std::sync::MutexGuard<'_, Retired> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a call, and what it must give back.
    fn call(store: &Store, call: &str) -> String {
        let words: Vec<&str> = call.split(' ').collect();
        let shown = match words[..] {
            ["get", key] => store.get("default", key).map(|v| format!("{v:?}")),
            ["keys"] => store.keys("default").map(|k| k.join(",")),
            ["set", key, value] => store.write("default", &[(key.into(), Some(value.into()))]).map(|c| c.to_string()),
            ["delete", key] => store.write("default", &[(key.into(), None)]).map(|c| c.to_string()),
            ["increment", key, delta] => store.increment("default", key, delta.parse().unwrap()).map(|(n, c)| format!("{n} {c}")),
            _ => panic!("{call}"),
        };
        shown.unwrap_or_else(|stop| match stop {
            Stop::Refused(why) => format!("refused: {why}"),
            Stop::Panic(why) => format!("panic: {why}"),
        })
    }

    fn backends() -> [(&'static str, Arc<dyn Backend>); 3] {
        let redis = RedisLike::over(Arc::new(Memory::default()));
        [("memory", Arc::new(Memory::default())), ("disk", Arc::new(Disk::in_memory().unwrap())), ("redis", Arc::new(redis))]
    }

    fn check(calls: &[(&str, &str)]) {
        for (name, backend) in backends() {
            let store = Store::new(backend);
            for (line, expect) in calls {
                assert_eq!(call(&store, line), *expect, "{name}: {line}");
            }
        }
    }

    #[test]
    fn both_backends_read_back_what_was_written_and_count_only_real_changes_as_commits() {
        check(&[
            ("get a", "None"),
            ("set a 1", "true"),
            ("set a 1", "false"),
            ("set a 2", "true"),
            ("get a", "Some([50])"),
            ("set b 1", "true"),
            ("keys", "a,b"),
            ("delete a", "true"),
            ("delete a", "false"),
            ("keys", "b"),
        ]);
    }

    #[test]
    fn reading_a_counter_commits_only_when_it_is_absent() {
        check(&[
            ("increment n 0", "0 true"),
            ("increment n 0", "0 false"),
            ("increment n 3", "3 true"),
            ("increment n -1", "2 true"),
            ("keys", "n"),
            ("delete n", "true"),
            ("increment n 1", "1 true"),
        ]);
    }

    #[test]
    fn a_counter_reads_as_eight_bytes_but_on_redis_as_text() {
        for (name, backend) in backends() {
            let store = Store::new(backend);
            call(&store, "increment n 12");
            let expect = if name == "redis" { format!("Some({:?})", b"12") } else { "Some([12, 0, 0, 0, 0, 0, 0, 0])".into() };
            assert_eq!(call(&store, "get n"), expect, "{name}");
        }
    }

    #[test]
    fn all_labels_of_redis_are_one_store() {
        for (name, backend) in backends() {
            backend.write("one", &[("a".into(), Some(b"1".to_vec()))]).unwrap();
            assert_eq!(backend.get("other", "a").unwrap().is_some(), name == "redis", "{name}");
        }
    }

    #[test]
    fn a_locked_database_has_applied_nothing_and_lets_go_soon() {
        let memory = Arc::new(Memory::default());
        let sqlite = Arc::new(Sqlite::over(memory.clone(), 7));
        let store = Store::new(sqlite.clone());
        let (mut sum, mut in_a_row) = (0, 0);
        while sum < 1_000 {
            match call(&store, "increment n 1").as_str() {
                "refused: database is locked" => {
                    in_a_row += 1;
                    assert!(in_a_row <= 2);
                    assert_eq!(memory.get("default", "n").unwrap().unwrap_or(Value::Counter(0)), Value::Counter(sum));
                }
                counted => {
                    (sum, in_a_row) = (sum + 1, 0);
                    assert_eq!(counted, format!("{sum} true"));
                }
            }
        }
        assert!((50..300).contains(&sqlite.refused()), "{}", sqlite.refused());
    }

    #[test]
    fn a_real_redis_server_keeps_what_it_is_given() {
        let Some(server) = RedisServer::start().unwrap() else {
            println!("not run: redis-server is not installed");
            return;
        };
        let store = Store::new(Arc::new(server.empty().unwrap()));
        for (line, expect) in [
            ("get a", "None"),
            ("set a 1", "true"),
            ("set b 2", "true"),
            ("get a", "Some([49])"),
            ("increment n 12", "12 true"),
            ("increment n -2", "10 true"),
            ("get n", "Some([49, 48])"),
            ("keys", "a,b,n"),
            ("delete a", "true"),
            ("delete a", "false"),
            ("keys", "b,n"),
        ] {
            assert_eq!(call(&store, line), expect, "{line}");
        }
        call(&store, "set a text");
        assert!(call(&store, "increment a 1").starts_with("refused: Redis: ERR value is not an integer"));
        let empty = Store::new(Arc::new(server.empty().unwrap()));
        assert_eq!(call(&empty, "keys"), "");
    }

    #[test]
    fn setting_a_counter_panics_and_poisons_the_store() {
        let poisoned = "panic: host panic: the store is poisoned until the application restarts";
        check(&[
            ("increment n 1", "1 true"),
            ("set n 1", "panic: host panic: `n` was both set and incremented"),
            ("get a", poisoned),
            ("keys", poisoned),
            ("increment n 1", poisoned),
            ("delete n", poisoned),
        ]);
        check(&[("set n 1", "true"), ("increment n 1", "panic: host panic: `n` was both set and incremented"), ("get n", poisoned)]);
        check(&[("increment n 1", "1 true"), ("delete n", "true"), ("set n 1", "panic: host panic: `n` was both set and incremented")]);
    }

    #[test]
    fn a_group_write_that_holds_a_counter_changes_nothing() {
        for (name, backend) in backends() {
            backend.increment("default", "n", 1).unwrap();
            let changes = [("a".to_string(), Some(b"1".to_vec())), ("n".to_string(), Some(b"1".to_vec()))];
            assert!(matches!(backend.write("default", &changes), Err(Failure::Mixed(key)) if key == "n"), "{name}");
            assert_eq!(backend.get("default", "a").unwrap(), None, "{name}");
        }
    }

    #[test]
    fn the_last_of_two_changes_to_one_key_stands() {
        for (name, backend) in backends() {
            let changes = [
                ("a".to_string(), Some(b"1".to_vec())),
                ("a".to_string(), None),
                ("b".to_string(), Some(b"1".to_vec())),
                ("b".to_string(), Some(b"2".to_vec())),
            ];
            assert!(backend.write("default", &changes).unwrap(), "{name}");
            assert_eq!(backend.get("default", "a").unwrap(), None, "{name}");
            assert_eq!(backend.get("default", "b").unwrap(), Some(Value::Bytes(b"2".to_vec())), "{name}");
        }
    }

    #[test]
    fn long_keys_and_large_values_are_refused() {
        for (_, backend) in backends() {
            let store = Store::new(backend);
            let key = |n: usize| "k".repeat(n);
            assert!(store.write("default", &[(key(256), Some(vec![0; 1_000_000]))]).is_ok());
            assert!(matches!(store.write("default", &[(key(257), None)]), Err(Stop::Refused(_))));
            assert!(matches!(store.write("default", &[("a".into(), Some(vec![0; 1_000_001]))]), Err(Stop::Refused(_))));
            assert!(matches!(store.get("default", &key(257)), Err(Stop::Refused(_))));
            assert!(matches!(store.increment("default", &key(257), 1), Err(Stop::Refused(_))));
        }
    }

    #[test]
    fn a_fork_of_the_memory_goes_its_own_way() {
        let first = Memory::default();
        first.write("default", &[("a".into(), Some(b"1".to_vec()))]).unwrap();
        let second = first.fork();
        second.write("default", &[("a".into(), Some(b"2".to_vec()))]).unwrap();
        assert_eq!(first.get("default", "a").unwrap(), Some(Value::Bytes(b"1".to_vec())));
        assert_eq!(second.dump().values().cloned().collect::<Vec<_>>(), [Value::Bytes(b"2".to_vec())]);
    }

    #[test]
    fn what_is_on_disk_is_there_after_a_restart() {
        let folder = std::env::temp_dir().join(format!("firstline-host-store-{}", std::process::id()));
        let path = folder.join("store.redb");
        {
            let disk = Disk::open(&path).unwrap();
            disk.write("default", &[("a".into(), Some(b"1".to_vec()))]).unwrap();
            disk.increment("default", "n", 7).unwrap();
        }
        let disk = Disk::open(&path).unwrap();
        assert_eq!(disk.get("default", "a").unwrap(), Some(Value::Bytes(b"1".to_vec())));
        assert_eq!(disk.increment("default", "n", 1).unwrap(), (8, true));
        drop(disk);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
