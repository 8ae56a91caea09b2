//! The outside world in memory.

use crate::host::{Fault, Host, Inbound, Store, Unreadable, Webhook};
use firstline_core::Instant;
use firstline_core::mailbox::{Act, Event, Place};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

pub use futures::executor::block_on as run;

pub struct Fake {
    pub values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub counters: RefCell<BTreeMap<String, i64>>,
    /// Keys of each `set_many`.
    pub commits: RefCell<Vec<Vec<String>>>,
    pub variables: BTreeMap<&'static str, String>,
    pub now: Cell<Instant>,
    /// So many writes take longer than allowed.
    pub slow_writes: Cell<u32>,
    /// Operations on keys with this prefix fail.
    pub fails: Option<&'static str>,
    /// What the stage answers.
    pub inbound: Result<Inbound, Unreadable>,
    /// What vendors have to fetch, by address.
    pub documents: BTreeMap<&'static str, &'static str>,
    /// What was fetched.
    pub fetched: RefCell<Vec<String>>,
    /// What the stage was given: media type and body.
    pub read: RefCell<Vec<(String, Vec<u8>)>>,
}

impl Fake {
    pub fn at(now: Instant) -> Self {
        Fake {
            values: RefCell::default(),
            counters: RefCell::default(),
            commits: RefCell::default(),
            variables: BTreeMap::new(),
            now: now.into(),
            slow_writes: 0.into(),
            fails: None,
            inbound: Ok(Inbound::Events(vec![event("hi")])),
            documents: BTreeMap::new(),
            fetched: RefCell::default(),
            read: RefCell::default(),
        }
    }

    fn may_fail(&self, key: &str) -> Result<(), Fault> {
        match self.fails {
            Some(prefix) if key.starts_with(prefix) => Err(Fault(format!("{prefix} failed"))),
            _ => Ok(()),
        }
    }
}

impl Store for Fake {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.may_fail(key)?;
        let counter = self.counters.borrow().get(key).map(|n| n.to_le_bytes().to_vec());
        Ok(counter.or_else(|| self.values.borrow().get(key).cloned()))
    }

    async fn set_many(&self, writes: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        writes.iter().try_for_each(|(key, _)| self.may_fail(key))?;
        if let Some(left) = self.slow_writes.get().checked_sub(1) {
            self.slow_writes.set(left);
            self.now.set(self.now.get() + crate::store::PATIENCE + 1);
        }
        self.commits.borrow_mut().push(writes.iter().map(|(key, _)| key.clone()).collect());
        self.values.borrow_mut().extend(writes);
        Ok(())
    }

    async fn increment(&self, key: &str, by: i64) -> Result<i64, Fault> {
        self.may_fail(key)?;
        let mut counters = self.counters.borrow_mut();
        let counter = counters.entry(key.into()).or_default();
        *counter += by;
        Ok(*counter)
    }
}

impl Host for Fake {
    async fn variable(&self, name: &str) -> String {
        self.variables.get(name).cloned().unwrap_or_default()
    }
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, Fault> {
        self.fetched.borrow_mut().push(url.into());
        self.documents.get(url).map(|text| text.as_bytes().to_vec()).ok_or_else(|| Fault("not found".into()))
    }
    fn now(&self) -> Instant {
        self.now.get()
    }
    fn read(&self, webhook: Webhook) -> Result<Inbound, Unreadable> {
        self.read.borrow_mut().push((webhook.content_type, webhook.body.into_inner()));
        self.inbound.clone()
    }
}

pub fn event(text: &str) -> Event {
    Event {
        id: "D1:1.2".into(),
        tenant: String::new(),
        connection: String::new(),
        workspace: "T1".into(),
        author: "U1".into(),
        author_workspace: None,
        channel: "D1".into(),
        thread: None,
        place: Place::Direct,
        message: "1.2".into(),
        act: Act::Message(text.into()),
        at: 999_000,
        received: 0,
        to: None,
    }
}
