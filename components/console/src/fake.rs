//! The outside world in memory.

use crate::api::{Body, Request};
use crate::host::{Fault, Host, Stages, Store};
use firstline_core::keys::sha256_hex;
use firstline_core::past::{Closed, Lesson};
use firstline_core::record::IntegrityKey;
use firstline_core::seal::{PrivateKey, base64, key_pair};
use firstline_core::stage::{Candidate, Understanding};
use firstline_core::tenant::{Reach, Tenant};
use firstline_core::{Instant, tenant};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;

pub use futures::executor::block_on as run;

pub const NOW: Instant = 1_700_000_000_000;
/// The day of [`NOW`].
pub const DAY: u64 = 19_675;

pub struct Fake {
    pub values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub variables: BTreeMap<String, String>,
    /// Opens what was sealed to either component.
    pub private: PrivateKey,
    /// Operations on keys with this prefix fail.
    pub fails: Option<&'static str>,
    /// What the technician answers to a tick, and to anything else.
    pub tick: Result<(u16, Vec<u8>), Fault>,
    /// What it was asked.
    pub asked: RefCell<Vec<String>>,
    pub counters: RefCell<BTreeMap<String, i64>>,
    /// Every operation lets others go first.
    pub shared: bool,
    /// Written by somebody else while a text is read.
    pub meanwhile: RefCell<Option<(String, Vec<u8>)>>,
    /// What a memory says besides.
    pub lessons: RefCell<Vec<Lesson>>,
    pub now: Instant,
}

impl Fake {
    /// Configured, with the owner `Ada` (token `a`) and the technician `Bo` (token `b`).
    pub fn new() -> Self {
        let (private, public) = key_pair();
        let people = json!([
            {"name": "Ada", "role": "owner", "token_sha256": sha256_hex(b"a")},
            {"name": "Bo", "role": "technician", "token_sha256": sha256_hex(b"b")}
        ]);
        let variables = [
            ("console_people", people.to_string()),
            ("integrity_key", base64(&[7; 32])),
            ("intake_public_key", public.clone()),
            ("technician_public_key", public),
        ];
        Fake {
            values: RefCell::default(),
            variables: variables.map(|(name, value)| (name.to_string(), value)).into(),
            private: PrivateKey::parse("k", private.expose()).unwrap(),
            fails: None,
            tick: Ok((200, b"{\"ran\":0}".to_vec())),
            asked: RefCell::default(),
            counters: RefCell::default(),
            shared: false,
            meanwhile: RefCell::default(),
            lessons: RefCell::default(),
            now: NOW,
        }
    }

    pub fn key(&self) -> IntegrityKey {
        IntegrityKey::parse(&base64(&[7; 32])).unwrap()
    }

    /// Writes a record under its MAC, as the technician does.
    pub fn write<T: firstline_core::record::Record>(&self, key: &str, record: &T) {
        self.values.borrow_mut().insert(key.into(), self.key().write(key, record));
    }

    pub fn keys(&self) -> Vec<String> {
        self.values.borrow().keys().cloned().collect()
    }

    async fn turn(&self) {
        let mut waited = !self.shared;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
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
        self.turn().await;
        self.may_fail(key)?;
        let counter = self.counters.borrow().get(key).map(|n| n.to_le_bytes().to_vec());
        Ok(counter.or_else(|| self.values.borrow().get(key).cloned()))
    }

    async fn set_many(&self, writes: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        self.turn().await;
        writes.iter().try_for_each(|(key, _)| self.may_fail(key))?;
        self.values.borrow_mut().extend(writes);
        Ok(())
    }

    async fn increment(&self, key: &str, by: i64) -> Result<i64, Fault> {
        self.turn().await;
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
    async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.turn().await;
        self.may_fail(key)?;
        self.values.borrow_mut().remove(key);
        Ok(())
    }
    fn now(&self) -> Instant {
        self.now
    }
    async fn ask(&self, path: &str) -> Result<(u16, Vec<u8>), Fault> {
        self.asked.borrow_mut().push(path.into());
        self.tick.clone()
    }
}

/// Every ticket is a printer's, and a memory is the numbers of its tickets.
impl Stages for Fake {
    fn understand(&self, _: &str) -> Result<Understanding, String> {
        self.values.borrow_mut().extend(self.meanwhile.take());
        let candidate = Candidate { intent: "printer".into(), confidence: 900, because: Vec::new() };
        Ok(Understanding { candidates: vec![candidate], ..Understanding::default() })
    }
    fn learn(&self, memory: &str, tickets: &[Closed]) -> Result<String, String> {
        Ok(tickets.iter().fold(memory.to_string(), |memory, ticket| format!("{memory}{}:{} ", ticket.id, ticket.intent)))
    }
    fn recall(&self, memory: &str) -> Result<Vec<Lesson>, String> {
        let value = memory.to_string();
        let lesson = Lesson {
            kind: "share".into(),
            intent: String::new(),
            about: String::new(),
            value,
            support: 0,
            of: 0,
            evidence: Vec::new(),
            exceptions: Vec::new(),
            thin: true,
        };
        Ok(std::iter::once(lesson).chain(self.lessons.borrow().iter().cloned()).collect())
    }
}

/// A tenant's document; tenants with different names do not disturb each other.
pub fn document(name: &str) -> Value {
    json!({
        "tenant": name, "name": name.to_uppercase(), "msp": {"name": "Northwind IT", "phone": "+1 555 0100"},
        "connections": [
            {"id": format!("{name}-slack"), "vendor": "slack", "base_url": "https://slack.com/api", "account": {"team": format!("T-{name}")}},
            {"id": format!("{name}-desk"), "vendor": "connectwise", "base_url": "https://api-na.myconnectwise.net/v4_6_release/apis/3.0", "account": {"login_company": "nw", "client_id": "c"}}
        ],
        "desk": {"company": name.bytes().map(u64::from).sum::<u64>(), "board": 1}
    })
}

/// A whole document, as it is stored.
pub fn stored(name: &str) -> tenant::Document {
    tenant::read(name, document(name).to_string().as_bytes(), &Reach::default()).unwrap()
}

pub fn tenant(name: &str) -> Tenant {
    tenant::parse(name, document(name).to_string().as_bytes(), &Reach::default()).unwrap()
}

pub fn request(token: &str, method: &str, path: &str, body: &[u8]) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        authorization: (!token.is_empty()).then(|| format!("Bearer {token}")),
        body: Body::Whole(body.to_vec()),
    }
}
