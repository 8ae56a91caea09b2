//! What a new ticket costs beside many closed cases.

use crate::desk::{Desk, Keys, unlimited, vendors};
use crate::timeline::{Timeline, internal};
use crate::visit::{BOB, JANE, Visit};
use crate::{Config, Contents, Event, Value};
use anyhow::{Context as _, Result, ensure};
use firstline_core::keys::{self, sha256_hex};
use firstline_core::record::{IntegrityKey, Record, read};
use firstline_vendors::DEMO;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Closed cases of one conversation that are really run; all others are their copies.
pub const RUN: usize = 4;
/// Has to pass between two visits of a user: Entra tells the time of a password's change in whole seconds, and two in one second cannot be told apart.
pub const PAUSE: Duration = Duration::from_millis(1_100);
/// Copies are spread over days: so many conversations a day.
const A_DAY: u64 = 100;

/// A desk whose new tickets are measured.
pub struct Scale {
    desk: Desk,
    timeline: Timeline,
    counts: Arc<Mutex<Cost>>,
}

/// What one ticket cost, from the first word to the used link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Store operations and outbound requests of every component.
    pub calls: usize,
    /// Bytes of values, read or written.
    pub bytes: usize,
    /// Time that is not a vendor's.
    pub own: Duration,
}

impl Scale {
    /// A desk on this store with fresh vendors, which answer at once. `config` names the manifest, the clock, and the store.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(mut config: Config, keys: Keys) -> Result<Self> {
        let timeline = Timeline::new(|_| {});
        let counts = Arc::<Mutex<Cost>>::default();
        let (inner, counted) = (timeline.trace(), counts.clone());
        config.trace = Arc::new(move |event| {
            let mut cost = counted.lock().unwrap_or_else(PoisonError::into_inner);
            match &event {
                Event::Store { bytes, .. } => (cost.calls, cost.bytes) = (cost.calls + 1, cost.bytes + bytes),
                Event::Sending { url, .. } if !internal(url) => cost.calls += 1,
                _ => {}
            }
            drop(cost);
            inner(event);
        });
        let vendors = vendors(&config.clock);
        vendors.seed(&serde_json::from_str(DEMO)?).map_err(anyhow::Error::msg)?;
        let desk = Desk::start(config, vendors, Duration::ZERO, keys)?;
        desk.enter(&unlimited()?).await?;
        Ok(Self { desk, timeline, counts })
    }

    /// Runs cases of one user to their end.
    ///
    /// # Errors
    /// One does not end as it should.
    pub async fn close(&self, cases: usize) -> Result<()> {
        for _ in 0..cases {
            tokio::time::sleep(PAUSE).await;
            Visit::new(&self.desk, JANE).main_job().await?;
        }
        Ok(())
    }

    /// A ticket of another user, [`PAUSE`] after the one before.
    ///
    /// # Errors
    /// It does not end as it should.
    pub async fn ticket(&self) -> Result<Cost> {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = Cost::default();
        let (began, waited) = (Instant::now(), self.timeline.vendors());
        Visit::new(&self.desk, BOB).main_job().await?;
        let own = began.elapsed().saturating_sub(self.timeline.vendors().saturating_sub(waited));
        Ok(Cost { own, ..*self.counts.lock().unwrap_or_else(PoisonError::into_inner) })
    }
}

/// Any record under a MAC.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Any(serde_json::Value);

impl Record for Any {
    const SCHEMA: u64 = 1;
}

/// Copies the conversations with closed cases that a store holds, under fresh ids, until it holds so many cases.
pub struct Copies {
    integrity: IntegrityKey,
    /// Its keys and values, logs in their order.
    records: Vec<(String, Value)>,
    conversation: String,
    /// Counters that copies share with everybody else.
    shared: BTreeMap<String, i64>,
    made: u64,
}

impl Copies {
    /// Copies the one conversation of this store.
    ///
    /// # Errors
    /// The store holds none, or more than one.
    pub fn of(contents: &Contents, keys: &Keys) -> Result<Self> {
        let mut logs: Vec<&str> = contents.keys().filter_map(|(_, key)| key.strip_prefix("snap/")).collect();
        ensure!(logs.len() == 1, "there are {} conversations and not one", logs.len());
        let conversation = logs.pop().context("no conversation")?.to_owned();
        let integrity = keys.variables.get("integrity_key").context("no integrity key")?;
        let integrity = IntegrityKey::parse(integrity).map_err(anyhow::Error::msg)?;
        let of_it = |((_, key), value): &(&(String, String), &Value)| {
            key.contains(&conversation) || matches!(value, Value::Bytes(bytes) if text(bytes).contains(&conversation))
        };
        let mut records: Vec<(String, Value)> = contents.iter().filter(of_it).map(|((_, key), value)| (key.clone(), value.clone())).collect();
        records.sort_by_key(|(key, _)| (!key.starts_with("log/"), key.rsplit('/').next().and_then(|number| number.parse::<u64>().ok()), key.clone()));
        let shared = contents.iter().filter_map(|((_, key), value)| match value {
            Value::Counter(count) if key.starts_with("c/due/") || key.starts_with("c/case/") => Some((key.clone(), *count)),
            Value::Counter(_) | Value::Bytes(_) => None,
        });
        Ok(Self { integrity, shared: shared.collect(), records, conversation, made: 0 })
    }

    /// The records of one more conversation.
    ///
    /// # Errors
    /// A record is not what this program writes.
    pub fn another(&mut self) -> Result<Vec<(String, Value)>> {
        self.made += 1;
        let id = keys::conversation("copies", "", &self.made.to_string(), None);
        let days = self.made / A_DAY;
        let mut hashes = BTreeMap::new();
        let mut copied = Vec::new();
        for (key, value) in &self.records {
            let fresh = match key.split('/').collect::<Vec<_>>().as_slice() {
                ["cases", tenant, day, _] => {
                    let day = day.parse::<u64>()?.saturating_sub(days);
                    let number = count(&mut self.shared, keys::case_counter(tenant, day));
                    keys::case_of_day(tenant, day, number)
                }
                ["due", minute, _] => {
                    let minute = minute.parse::<u64>()?.saturating_sub(days * 1_440 + self.made % A_DAY);
                    copied.push((keys::due_hour(minute / 60), Value::Bytes(b"1".to_vec())));
                    let number = count(&mut self.shared, keys::due_counter(minute));
                    keys::due(minute, number)
                }
                _ => key.replace(&self.conversation, &id),
            };
            let value = match value {
                Value::Counter(count) => Value::Counter(*count),
                Value::Bytes(bytes) => Value::Bytes(self.copy(&fresh, bytes, &id, &mut hashes)?),
            };
            copied.push((fresh, value));
        }
        Ok(copied)
    }

    /// The counters that all copies share, as they have to stand at the end.
    #[must_use]
    pub fn counters(&self) -> Vec<(String, Value)> {
        self.shared.iter().map(|(key, count)| (key.clone(), Value::Counter(*count))).collect()
    }

    /// Another id throughout; where there was a MAC there is a fresh one, and each log entry names the one before it anew.
    fn copy(&self, key: &str, bytes: &[u8], id: &str, hashes: &mut BTreeMap<String, String>) -> Result<Vec<u8>> {
        let replaced = text(bytes).replace(&self.conversation, id);
        let Some((_, body)) = replaced.split_once('\n').filter(|(mac, _)| mac.len() == 64) else { return Ok(replaced.into_bytes()) };
        let mut record: Any = read(body.as_bytes()).with_context(|| format!("`{key}`"))?;
        for member in ["previous", "head"] {
            if let Some(hash) = record.0.get_mut(member)
                && let Some(fresh) = hash.as_str().and_then(|hash| hashes.get(hash))
            {
                *hash = fresh.as_str().into();
            }
        }
        let fresh = self.integrity.write(key, &record);
        hashes.insert(sha256_hex(bytes), sha256_hex(&fresh));
        Ok(fresh)
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn count(counters: &mut BTreeMap<String, i64>, key: String) -> i64 {
    let count = counters.entry(key).or_default();
    *count += 1;
    *count
}
