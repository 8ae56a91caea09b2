//! Secrets vanish when they expire, and what people wrote after the days that the tenant's document names. Hashes and figures stay.

use crate::days::{cases, load};
use crate::host::{Fault, Host};
use crate::runner::{CASE_SECRETS, CODE_SECRETS, Settings};
use crate::tenants::{self, Unusable};
use firstline_core::evidence::{Erased, Evidence, Seal};
use firstline_core::journal::{Entry, Fact, Summary, conversation_of, entry_hash};
use firstline_core::keys;
use firstline_core::once::Once;
use firstline_core::past::{Past, Vocabulary};
use firstline_core::record::{Record, read, write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const DAY: u64 = 86_400_000;
/// Most cases of one tenant that one tick looks at.
const MOST_CASES: usize = 200;

/// How far a tenant's cases have been erased.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// The day that is being erased, in days since 1970.
    day: u64,
    /// The last case of it that was.
    number: i64,
    /// Cases that were still open then.
    open: BTreeSet<String>,
}

impl Record for Cursor {
    const SCHEMA: u64 = 1;
}

/// Erases a view-once secret that nobody opened in time.
///
/// # Errors
/// The store failed.
pub async fn expire<H: Host>(host: &H, hash: &str) -> Result<(), Fault> {
    let key = keys::once(hash);
    // Opened, or erased before.
    let Some(once) = host.get(&key).await?.and_then(|bytes| read::<Once>(&bytes).ok()).filter(|once| !once.sealed.is_empty()) else { return Ok(()) };
    // The clock may have been put back since the entry was due.
    if host.now() < once.expires {
        return Ok(());
    }
    host.set_many(vec![(key, write(&once.erased()))]).await
}

/// Erases what people wrote in cases of a tenant that were received so many days before `last`. False if some are left for the next tick.
///
/// # Errors
/// The store failed.
pub async fn erase<H: Host>(host: &H, settings: &Settings, tenant: &str, last: u64) -> Result<bool, Fault> {
    let document = match tenants::load(host, &settings.integrity, tenant).await {
        Ok(document) => document,
        Err(Unusable::Fault(fault)) => return Err(fault),
        // Nobody knows for how long; the days are caught up with when somebody does.
        Err(Unusable::Corrupt(_)) => return Ok(true),
    };
    let key = keys::retention_cursor(tenant);
    let until = last.saturating_sub(document.retention_days);
    forget(host, settings, tenant, until).await?;
    let mut cursor = load(host, settings, &key).await?.unwrap_or(Cursor { day: until, ..Cursor::default() });
    let before = (cursor.day, cursor.number, cursor.open.len());
    let mut left = MOST_CASES;
    for case in cursor.open.clone() {
        if erase_case(host, settings, tenant, &case).await? {
            cursor.open.remove(&case);
        }
    }
    while cursor.day <= until && left > 0 {
        if cursor.number >= cases(host, tenant, cursor.day).await? {
            (cursor.day, cursor.number) = (cursor.day + 1, 0);
            continue;
        }
        left -= 1;
        cursor.number += 1;
        let id = host.get(&keys::case_of_day(tenant, cursor.day, cursor.number)).await?.and_then(|id| String::from_utf8(id).ok());
        if let Some(id) = id
            && !erase_case(host, settings, tenant, &id).await?
        {
            cursor.open.insert(id);
        }
    }
    if before != (cursor.day, cursor.number, cursor.open.len()) {
        host.set_many(vec![(key.clone(), settings.integrity.write(&key, &cursor))]).await?;
    }
    Ok(cursor.day > until)
}

/// Forgets what was learned from a tenant's tickets, which names approvers: as old as the last import counts all of it.
async fn forget<H: Host>(host: &H, settings: &Settings, tenant: &str, until: u64) -> Result<(), Fault> {
    let key = keys::past(tenant);
    let past = host.get(&key).await?.and_then(|bytes| settings.integrity.read::<Past>(&key, &bytes).ok());
    let Some(past) = past.filter(|past| past.learned > 0 && past.at / DAY <= until) else { return Ok(()) };
    let forgotten = Past { turn: past.turn + 1, at: past.at, ..Past::default() };
    let names = keys::familiar(tenant);
    let nothing = settings.integrity.write(&names, &Vocabulary::default());
    host.set_many(vec![(key.clone(), settings.integrity.write(&key, &forgotten)), (names, nothing)]).await
}

/// Erases one case; doing so again changes nothing. False if it is still open. What cannot be read stays as it is.
async fn erase_case<H: Host>(host: &H, settings: &Settings, tenant: &str, case: &str) -> Result<bool, Fault> {
    let Some(conversation) = conversation_of(case) else { return Ok(true) };
    let readable = async |key: String| Ok::<_, Fault>(host.get(&key).await?.map(|bytes| (settings.integrity.read::<Summary>(&key, &bytes).ok(), bytes)));
    let Some((Some(summary), _)) = readable(keys::case(case)).await? else { return Ok(true) };
    if summary.tenant != tenant {
        return Ok(true);
    }
    if summary.state == "open" {
        return Ok(false);
    }
    let under = keys::evidence(case);
    let Some(mut evidence) = host.get(&under).await?.and_then(|bytes| settings.integrity.read::<Evidence>(&under, &bytes).ok()) else { return Ok(true) };
    let Some(seal) = evidence.seal.read::<Seal>() else { return Ok(true) };
    let mut entries: BTreeSet<(i64, u64)> = seal.entries.iter().map(|sealed| sealed.entry).collect();
    // What was said since the case before, such as a greeting.
    let first: Vec<(i64, u64)> = entries.iter().copied().collect();
    for (epoch, number) in first {
        for number in (0..number).rev() {
            let fresh = match host.get(&keys::log(conversation, epoch, number)).await? {
                Some(bytes) => settings.integrity.read::<Entry>(&keys::log(conversation, epoch, number), &bytes).is_ok(),
                None => false,
            };
            if !fresh || !entries.insert((epoch, number)) {
                break;
            }
        }
    }
    let (mut events, mut writes) = (Vec::new(), Vec::new());
    for (epoch, number) in entries {
        let key = keys::log(conversation, epoch, number);
        let Some(bytes) = host.get(&key).await? else { continue };
        let Ok(entry) = settings.integrity.read::<Entry>(&key, &bytes) else { continue };
        let taken = entry.facts.iter().filter_map(|fact| if let Fact::Taken { number, .. } = fact { Some(keys::event(conversation, *number)) } else { None });
        events.extend(taken.map(|key| (key, Vec::new())));
        writes.push((key.clone(), settings.integrity.write(&key, &Erased { sha256: entry_hash(&bytes), at: host.now() })));
    }
    // The events first: once the entries are gone, nobody knows which they were. Empty means erased.
    if !events.is_empty() {
        host.set_many(events).await?;
    }
    if evidence.erase() {
        writes.push((under.clone(), settings.integrity.write(&under, &evidence)));
    }
    for name in CASE_SECRETS.into_iter().chain(CODE_SECRETS) {
        // A runner that was declared dead may have sealed it again.
        let key = keys::case_secret(case, name);
        writes.extend(host.get(&key).await?.filter(|bytes| !bytes.is_empty()).map(|_| (key, Vec::new())));
    }
    if !writes.is_empty() {
        host.set_many(writes).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
