//! A store on disk, in one file.

use super::{Backend, Change, Failure, Value};
use anyhow::{Context as _, Result};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use std::path::Path;

type Place = (&'static str, &'static str);
const VALUES: TableDefinition<'_, Place, &[u8]> = TableDefinition::new("values");
const COUNTERS: TableDefinition<'_, Place, i64> = TableDefinition::new("counters");

/// A store on disk. Every change is on the disk before its call returns.
pub struct Disk(Database);

impl Disk {
    /// Opens a file, or makes it and its folder.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        Ok(Self(Database::create(path).with_context(|| format!("cannot open the store `{}`", path.display()))?))
    }

    /// Puts values and counters into the application's store as they are, in one commit: for filling a store that is to be measured.
    ///
    /// # Errors
    /// The disk fails.
    pub fn load(&self, entries: &[(String, Value)]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        {
            let mut values = transaction.open_table(VALUES)?;
            let mut counters = transaction.open_table(COUNTERS)?;
            for (key, value) in entries {
                let place = ("default", key.as_str());
                match value {
                    Value::Bytes(bytes) => drop(values.insert(place, bytes.as_slice())?),
                    Value::Counter(count) => drop(counters.insert(place, count)?),
                }
            }
        }
        Ok(transaction.commit()?)
    }

    /// The same code over memory, for tests of it.
    #[cfg(test)]
    pub(super) fn in_memory() -> Result<Self> {
        Ok(Self(Database::builder().create_with_backend(redb::backends::InMemoryBackend::new())?))
    }

    fn read(&self, store: &str, key: &str) -> Result<Option<Value>> {
        let transaction = self.0.begin_read()?;
        if let Some(table) = existing(transaction.open_table(COUNTERS))?
            && let Some(count) = table.get((store, key))?
        {
            return Ok(Some(Value::Counter(count.value())));
        }
        let Some(table) = existing(transaction.open_table(VALUES))? else { return Ok(None) };
        Ok(table.get((store, key))?.map(|bytes| Value::Bytes(bytes.value().to_vec())))
    }

    fn list(&self, store: &str) -> Result<Vec<String>> {
        let transaction = self.0.begin_read()?;
        let mut keys = Vec::new();
        // A label never begins with another one and NUL, so this bound is the end of the store.
        let end = format!("{store}\0");
        let range = (store, "")..(end.as_str(), "");
        if let Some(table) = existing(transaction.open_table(VALUES))? {
            for entry in table.range(range.clone())? {
                keys.push(entry?.0.value().1.to_owned());
            }
        }
        if let Some(table) = existing(transaction.open_table(COUNTERS))? {
            for entry in table.range(range)? {
                keys.push(entry?.0.value().1.to_owned());
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// The inner error is a key that is a counter.
    fn change(&self, store: &str, changes: &[Change]) -> Result<Result<bool, String>> {
        let transaction = self.0.begin_write()?;
        let mut changed = false;
        let mut mixed = None;
        {
            let mut values = transaction.open_table(VALUES)?;
            let mut counters = transaction.open_table(COUNTERS)?;
            for (key, value) in changes {
                let place = (store, key.as_str());
                match value {
                    Some(_) if counters.get(place)?.is_some() => {
                        mixed = Some(key.clone());
                        break;
                    }
                    Some(bytes) => changed |= values.insert(place, bytes.as_slice())?.is_none_or(|old| old.value() != bytes.as_slice()),
                    None => changed |= values.remove(place)?.is_some() | counters.remove(place)?.is_some(),
                }
            }
        }
        if mixed.is_none() && changed {
            transaction.commit()?;
        } else {
            transaction.abort()?;
        }
        Ok(mixed.map_or(Ok(changed), Err))
    }

    fn add(&self, store: &str, key: &str, delta: i64) -> Result<Option<(i64, bool)>> {
        let place = (store, key);
        let transaction = self.0.begin_write()?;
        let (new, changed) = {
            let values = transaction.open_table(VALUES)?;
            let mut counters = transaction.open_table(COUNTERS)?;
            let old = counters.get(place)?.map(|count| count.value());
            if old.is_none() && values.get(place)?.is_some() {
                return Ok(None);
            }
            let new = old.unwrap_or(0).wrapping_add(delta);
            counters.insert(place, new)?;
            (new, old != Some(new))
        };
        if changed {
            transaction.commit()?;
        } else {
            transaction.abort()?;
        }
        Ok(Some((new, changed)))
    }
}

/// A table that nobody has written to is not there.
fn existing<T>(table: Result<T, TableError>) -> Result<Option<T>> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Backend for Disk {
    fn get(&self, store: &str, key: &str) -> Result<Option<Value>, Failure> {
        self.read(store, key).map_err(Failure::Io)
    }

    fn keys(&self, store: &str) -> Result<Vec<String>, Failure> {
        self.list(store).map_err(Failure::Io)
    }

    fn write(&self, store: &str, changes: &[Change]) -> Result<bool, Failure> {
        self.change(store, changes).map_err(Failure::Io)?.map_err(Failure::Mixed)
    }

    fn increment(&self, store: &str, key: &str, delta: i64) -> Result<(i64, bool), Failure> {
        self.add(store, key, delta).map_err(Failure::Io)?.ok_or_else(|| Failure::Mixed(key.to_owned()))
    }

    fn blocks(&self) -> bool {
        true
    }
}
