//! Stored records that cannot be used. They stay as they are; what they were about goes to a human, and everybody else goes on.

use crate::host::{Fault, Host};
use crate::runner::{Settings, read_counter};
use firstline_core::journal::{Damaged, Snapshot, Summary, entry_hash};
use firstline_core::keys;
use firstline_core::mailbox::{Act, Event};
use firstline_core::record::{Corrupt, read};

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    key: String,
    why: String,
    sha256: String,
}

impl Damage {
    /// What stands under this key cannot be used.
    #[must_use]
    pub fn new(key: &str, bytes: &[u8], why: &Corrupt) -> Self {
        Damage { key: key.into(), why: why.to_string(), sha256: entry_hash(bytes) }
    }
}

/// A conversation's snapshot, and where the next one is written.
pub struct Cached {
    /// The snapshot, if there is one that can be used.
    pub snapshot: Option<Snapshot>,
    /// Its key: the first that does not hold a damaged one.
    pub key: String,
    /// The damaged snapshot that nothing has taken the place of.
    pub damage: Option<Damage>,
}

/// Snapshots of one conversation that may be damaged, before nothing is tried any more.
const MOST: u32 = 16;
/// Events that are shown to the human, and cases that are looked at for the open one.
const NEWEST: i64 = 10;
const FURTHER: i64 = 64;
/// Characters of a text that are kept.
const TEXT: usize = 1_000;

/// Reads a conversation's snapshot. A damaged one is left where it is, and the next stands beside it.
///
/// # Errors
/// The store failed.
pub async fn snapshot<H: Host>(host: &H, settings: &Settings, conversation: &str) -> Result<Cached, Fault> {
    let (mut key, mut damage) = (keys::snapshot(conversation), None);
    for number in 1..=MOST {
        let Some(bytes) = host.get(&key).await? else { break };
        match settings.integrity.read::<Snapshot>(&key, &bytes) {
            Ok(snapshot) => return Ok(Cached { snapshot: Some(snapshot), key, damage: None }),
            Err(why) => damage = Some(Damage::new(&key, &bytes, &why)),
        }
        key = keys::snapshot_after(conversation, number);
    }
    Ok(Cached { snapshot: None, key, damage })
}

/// What is left to know of a conversation. `None` if no event of it can be read, so that nobody knows whose it is.
///
/// # Errors
/// The store failed.
pub async fn survey<H: Host>(host: &H, settings: &Settings, conversation: &str, damage: Damage, afresh: bool, epoch: i64) -> Result<Option<Damaged>, Fault> {
    let last = read_counter(host, &keys::event_counter(conversation)).await?;
    let (mut seen, mut texts, mut newest) = (Vec::new(), Vec::new(), None::<Event>);
    for number in (1..=last).rev() {
        if number <= last - NEWEST && (newest.is_some() || number <= last - FURTHER) {
            break;
        }
        let event = host.get(&keys::event(conversation, number)).await?.and_then(|bytes| read::<Event>(&bytes).ok());
        let Some(event) = event.filter(|event| event.conversation() == conversation) else { continue };
        seen.insert(0, event.id.clone());
        if let Act::Message(text) = &event.act {
            texts.insert(0, text.chars().take(TEXT).collect());
        }
        newest.get_or_insert(event);
    }
    let Some(mut event) = newest else { return Ok(None) };
    event.act = Act::Message(String::new());
    let mut summary = None;
    for number in (1..=last).rev().take(usize::try_from(FURTHER).unwrap_or(0)) {
        let key = keys::case(&format!("{conversation}-{number}"));
        let found = host.get(&key).await?.and_then(|bytes| settings.integrity.read::<Summary>(&key, &bytes).ok());
        if found.is_some() {
            summary = found;
            break;
        }
    }
    // Whatever was written before the end of the last case was part of it.
    let idle = summary.as_ref().and_then(|summary| summary.ended).is_some_and(|ended| ended >= event.received);
    let case = summary.filter(|summary| summary.ended.is_none()).map(|summary| (summary.case, summary.from));
    let Damage { key, why, sha256 } = damage;
    // A million tasks to an epoch: no name comes twice.
    let counted = u32::try_from(epoch).unwrap_or(u32::MAX).saturating_mul(1_000_000);
    Ok(Some(Damaged { key, why, sha256, afresh, idle, counted, number: last, event, case, seen, texts }))
}
