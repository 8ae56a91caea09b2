//! What closed tickets teach: they are taken in from exports, read like new ones, and learned from.
//!
//! What was learned is shown with its evidence, and binds nobody.

use crate::answer::{Answer, Refused, damaged, ok, refused};
use crate::api::relay;
use crate::host::{Host, Stages};
use crate::tenants;
use firstline_core::Instant;
use firstline_core::hours::{Calendar, Hours};
use firstline_core::keys;
use firstline_core::past::{Closed, Lesson, Past, Vocabulary};
use firstline_core::record::IntegrityKey;
use firstline_core::redact;
use firstline_import::{Import, Options};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

/// Most tickets of one call: reading one takes some 25 milliseconds.
pub const MOST: usize = 60;
/// Tickets that are remembered so that none is learned twice.
const REMEMBERED: usize = 40_000;
/// Complaints that are told.
const TOLD: usize = 50;

/// Takes closed tickets in, as CSV with its header or as JSON Lines. Tickets that were learned before are left out, so a file may be sent again.
///
/// # Errors
/// The tenant is unknown, the file cannot be used, or the store failed.
pub async fn post(host: &(impl Host + Stages), key: &IntegrityKey, tenant: &str, body: &[u8]) -> Result<Answer, Refused> {
    take(host, key, tenant, body, None).await.map(ok)
}

/// Reads the next page of closed tickets from the PSA, behind the one that was read last, and learns from it. Call it again while there is `more`.
///
/// # Errors
/// The tenant is unknown, the PSA could not be read, or the store failed.
pub async fn page(host: &(impl Host + Stages), key: &IntegrityKey, tenant: &str) -> Result<Answer, Refused> {
    #[derive(Deserialize)]
    struct Page {
        tickets: String,
        after: String,
        until: Instant,
        more: bool,
        unread: u64,
    }
    tenants::find(host, key, tenant).await?;
    let read_to = load(host, key, tenant).await?.map_or_else(String::new, |past| past.read_to);
    let begin = if read_to.is_empty() { "0-0" } else { read_to.as_str() };
    let answer = relay(host, &format!("history/{tenant}/{begin}"), "read the closed tickets").await?;
    let Page { tickets, after, until, more, unread } =
        serde_json::from_value(answer.body.unwrap_or_default()).map_err(|error| failed(format!("the technician's page is none: {error}")))?;
    let mut told = take(host, key, tenant, tickets.as_bytes(), Some((begin, &after))).await?;
    if let Value::Object(told) = &mut told {
        told.extend([("until".to_string(), json!(until)), ("more".to_string(), json!(more)), ("unread".to_string(), json!(unread))]);
    }
    Ok(ok(told))
}

/// Learns from tickets, and of a page of the PSA's also notes how far they were read.
async fn take(host: &(impl Host + Stages), key: &IntegrityKey, tenant: &str, body: &[u8], page: Option<(&str, &str)>) -> Result<Value, Refused> {
    let document = tenants::outline(host, key, tenant).await?;
    let hours = document.calendar();
    let told = hours.is_some();
    let calendar = hours.or_else(|| Calendar::new("UTC", &Hours::new(), &[]).ok()).ok_or_else(|| refused(500, "no calendar"))?;
    let options = Options { columns: BTreeMap::new(), day_first: None, calendar };
    // A page may hold nothing that teaches.
    let import = if body.is_empty() && page.is_some() { Ok(Import::default()) } else { firstline_import::read(body, &options, &mut |_| {}) };
    let Import { records, complaints, mut repeated, columns, assumed } = import.map_err(|why| refused(422, &redact::line(&why, 500)))?;
    if records.len() > MOST {
        return Err(refused(413, &format!("{} tickets are more than {MOST}: send them in parts, each with the header", records.len())));
    }
    let before = load(host, key, tenant).await?;
    let mut past = before.clone().unwrap_or_default();
    if let Some((begin, after)) = page {
        // Somebody else has read on meanwhile.
        if !past.read_to.is_empty() && past.read_to != begin {
            return Err(refused(409, "another import wrote at the same time: send this part again"));
        }
        past.read_to = after.into();
    }
    let known: BTreeSet<&String> = past.seen.iter().collect();
    let taken = records.len();
    let fresh: Vec<_> = records.into_iter().map(|record| (short(&record.ticket.id), record)).filter(|(hash, _)| !known.contains(hash)).collect();
    repeated += taken - fresh.len();
    let mut closed = Vec::new();
    for (_, record) in &fresh {
        let understanding = host.understand(&record.text).map_err(failed)?;
        // Without hours nobody knows what is after them.
        let after_hours = told && record.ticket.after_hours;
        closed.push(Closed { after_hours, ..record.ticket.clone() }.read_as(&understanding));
    }
    past.memory = host.learn(&past.memory, &closed).map_err(failed)?;
    past.learned += closed.len() as u64;
    past.seen.extend(fresh.into_iter().map(|(hash, _)| hash));
    let old = past.seen.len().saturating_sub(REMEMBERED);
    past.seen.drain(..old);
    (past.turn, past.at) = (past.turn + 1, host.now());
    // The store cannot compare and write in one step: of two imports at once, each looks before and after it writes, and whoever sees the other is to send again.
    let meanwhile = || refused(409, "another import wrote at the same time: send this part again");
    if load(host, key, tenant).await? != before {
        return Err(meanwhile());
    }
    let under = keys::past(tenant);
    let (names, vocabulary) = (keys::familiar(tenant), Vocabulary::of(&host.recall(&past.memory).map_err(failed)?));
    host.set_many(vec![(under.clone(), key.write(&under, &past)), (names.clone(), key.write(&names, &vocabulary))]).await?;
    if load(host, key, tenant).await?.as_ref() != Some(&past) {
        return Err(meanwhile());
    }
    let complained = complaints.len();
    let complaints: Vec<_> = complaints.into_iter().take(TOLD).collect();
    Ok(json!({
        "learned": closed.len(), "repeated": repeated, "complained": complained, "complaints": complaints,
        "columns": columns, "assumed": assumed, "all": past.learned,
    }))
}

/// What was learned so far.
///
/// # Errors
/// The tenant is unknown, or what was learned cannot be used.
pub async fn get(host: &(impl Host + Stages), key: &IntegrityKey, tenant: &str) -> Result<Answer, Refused> {
    tenants::find(host, key, tenant).await?;
    let Past { memory, learned, seen: _, turn: _, at, read_to: _ } = load(host, key, tenant).await?.unwrap_or_default();
    let lessons = host.recall(&memory).map_err(failed)?;
    Ok(ok(json!({"learned": learned, "at": at, "lessons": lessons})))
}

/// The same, for whoever builds on it.
///
/// # Errors
/// What was learned cannot be used.
pub async fn lessons(host: &(impl Host + Stages), key: &IntegrityKey, tenant: &str) -> Result<Vec<Lesson>, Refused> {
    host.recall(&load(host, key, tenant).await?.unwrap_or_default().memory).map_err(failed)
}

async fn load(host: &impl Host, key: &IntegrityKey, tenant: &str) -> Result<Option<Past>, Refused> {
    let stored = tenants::stored::<Past>(host, key, &keys::past(tenant)).await?;
    stored.transpose().map_err(|corrupt| damaged("what was learned from this tenant's tickets", &corrupt))
}

fn short(id: &str) -> String {
    keys::sha256_hex(id.as_bytes()).chars().take(12).collect()
}

fn failed(why: String) -> Refused {
    let mut answer = refused(500, "a stage failed: see the log");
    answer.log = Some(why);
    answer
}
