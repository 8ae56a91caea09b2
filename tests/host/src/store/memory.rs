//! A store in memory, for tests.

use super::{Backend, Change, Failure, Value};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values by store and key.
pub type Contents = BTreeMap<(String, String), Value>;

/// A store in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Contents>);

impl Memory {
    /// A store that begins with these contents.
    #[must_use]
    pub fn with(contents: Contents) -> Self {
        Self(Mutex::new(contents))
    }

    /// A copy that goes its own way from here on.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::with(self.dump())
    }

    /// Everything that is stored.
    #[must_use]
    pub fn dump(&self) -> Contents {
        self.lock().clone()
    }

    /// Holds these contents instead, behind the application's back.
    pub fn replace(&self, contents: Contents) {
        *self.lock() = contents;
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Memory {
    fn get(&self, store: &str, key: &str) -> Result<Option<Value>, Failure> {
        Ok(self.lock().get(&(store.to_owned(), key.to_owned())).cloned())
    }

    fn keys(&self, store: &str) -> Result<Vec<String>, Failure> {
        Ok(self.lock().keys().filter(|(label, _)| label == store).map(|(_, key)| key.clone()).collect())
    }

    fn write(&self, store: &str, changes: &[Change]) -> Result<bool, Failure> {
        let mut contents = self.lock();
        let place = |key: &str| (store.to_owned(), key.to_owned());
        for (key, value) in changes {
            if let (Some(_), Some(Value::Counter(_))) = (value, contents.get(&place(key))) {
                return Err(Failure::Mixed(key.clone()));
            }
        }
        let mut changed = false;
        for (key, value) in changes {
            let new = value.clone().map(Value::Bytes);
            let old = match new.clone() {
                Some(new) => contents.insert(place(key), new),
                None => contents.remove(&place(key)),
            };
            changed |= old != new;
        }
        Ok(changed)
    }

    fn increment(&self, store: &str, key: &str, delta: i64) -> Result<(i64, bool), Failure> {
        let mut contents = self.lock();
        let place = (store.to_owned(), key.to_owned());
        let (old, absent) = match contents.get(&place) {
            Some(Value::Counter(count)) => (*count, false),
            Some(Value::Bytes(_)) => return Err(Failure::Mixed(key.to_owned())),
            None => (0, true),
        };
        let new = old.wrapping_add(delta);
        contents.insert(place, Value::Counter(new));
        Ok((new, absent || delta != 0))
    }
}
