//! The outside world in memory.

use crate::host::{Fault, Host, Store};
use firstline_core::Instant;
use std::cell::RefCell;
use std::collections::BTreeMap;

pub use futures::executor::block_on as run;

#[derive(Default)]
pub struct Fake {
    pub values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub counters: RefCell<BTreeMap<String, i64>>,
    /// Every operation on the store, as `get`, `set`, `delete` or `increment` and the key's first part.
    pub calls: RefCell<Vec<String>>,
    pub key: String,
    /// The technician's public key.
    pub technician: String,
    pub now: Instant,
    /// This operation fails.
    pub fails: Option<&'static str>,
}

impl Fake {
    fn call(&self, operation: &str, key: &str) -> Result<(), Fault> {
        let call = format!("{operation} {}", key.rsplit_once('/').unwrap().0);
        self.calls.borrow_mut().push(call);
        if self.fails == Some(operation) { Err(Fault(format!("{operation} failed"))) } else { Ok(()) }
    }
}

impl Store for Fake {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.call("get", key)?;
        Ok(self.values.borrow().get(key).cloned())
    }
    async fn set_many(&self, writes: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        for (key, value) in writes {
            self.call("set", &key)?;
            self.values.borrow_mut().insert(key, value);
        }
        Ok(())
    }
    async fn increment(&self, key: &str, by: i64) -> Result<i64, Fault> {
        self.call("increment", key)?;
        let mut counters = self.counters.borrow_mut();
        let counter = counters.entry(key.into()).or_default();
        *counter += by;
        Ok(*counter)
    }
}

impl Host for Fake {
    async fn variable(&self, name: &str) -> String {
        match name {
            "link_private_key" => self.key.clone(),
            "technician_public_key" => self.technician.clone(),
            other => panic!("{other}"),
        }
    }
    async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.call("delete", key)?;
        self.values.borrow_mut().remove(key);
        Ok(())
    }
    fn now(&self) -> Instant {
        self.now
    }
}
