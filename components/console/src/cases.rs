//! Cases and their journals, read only.

use crate::answer::{Answer, Refused, damaged, ok, refused};
use crate::api::is_case;
use crate::host::{Fault, Host};
use crate::tenants;
use firstline_core::journal::{self, Summary, conversation_of, entry_hash};
use firstline_core::record::{IntegrityKey, Record};
use firstline_core::{keys, mailbox};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::Date;
use time::macros::format_description;

/// Most cases or journal entries of one answer.
const PAGE: usize = 100;
/// What a case's summary may say of it.
const STATES: [&str; 3] = ["open", "closed", "handed-over"];
/// Entries hold vendors' replies, so a page also ends at this size, after the entry that reached it.
const PAGE_BYTES: usize = 2_000_000;
pub(crate) const DAY: u64 = 86_400_000;

/// A journal entry as it is passed on: only its MAC, its schema and its case matter here.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Entry(Value);

impl Record for Entry {
    const SCHEMA: u64 = journal::Entry::SCHEMA;
}

/// The query's pairs; only these names are known.
pub(crate) fn query<'a>(text: &'a str, known: &[&str]) -> Result<Vec<(&'a str, &'a str)>, Refused> {
    let pairs: Vec<_> = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    match pairs.iter().find(|(name, _)| !known.contains(name)) {
        Some(_) => Err(refused(400, &format!("the query knows only {}", known.join(", ")))),
        None => Ok(pairs),
    }
}

pub(crate) fn value<'a>(pairs: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Days since 1970.
pub(crate) fn day_of(text: &str) -> Option<u64> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    u64::try_from(i64::from(date.to_julian_day()) - 2_440_588).ok()
}

/// Cases of a tenant and a day (UTC), in the order in which they were opened; with `state`, those of them that are in it.
/// A page is so many numbers of the day's list, whatever their state, so an answer costs the same on any day.
///
/// # Errors
/// The tenant is unknown, the query is wrong, or the store failed.
pub async fn list(host: &impl Host, key: &IntegrityKey, tenant: &str, text: &str) -> Result<Answer, Refused> {
    let pairs = query(text, &["day", "state", "after"])?;
    let today = host.now() / DAY;
    let day = value(&pairs, "day").map_or(Some(today), day_of).ok_or_else(|| refused(400, "`day` is written as in 2026-11-22"))?;
    let after = value(&pairs, "after").map_or(Ok(0_i64), str::parse).ok().filter(|n| *n >= 0);
    let after = after.ok_or_else(|| refused(400, "`after` is the `next` of the page before"))?;
    let state = value(&pairs, "state");
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err(refused(400, &format!("`state` is one of {}", STATES.join(", "))));
    }
    tenants::find(host, key, tenant).await?;
    let last = host.get(&keys::case_counter(tenant, day)).await?;
    let last = mailbox::counter(last.as_deref()).ok_or_else(|| damaged("the list of cases", &"its counter is no number"))?;
    let mut cases: Vec<Value> = vec![];
    let end = last.min(after.saturating_add(PAGE as i64));
    for number in after.saturating_add(1)..=end {
        // A number whose case was never written is a hole.
        let Some(id) = host.get(&keys::case_of_day(tenant, day, number)).await? else { continue };
        let Some(id) = String::from_utf8(id).ok().filter(|id| is_case(id)) else { continue };
        cases.push(match summary(host, key, &id).await? {
            Some(Ok(summary)) if summary.tenant == tenant && state.is_none_or(|state| summary.state == state) => json!(summary),
            Some(Ok(_)) => continue,
            // Nobody knows its state.
            Some(Err(why)) => json!({"case": id, "error": why}),
            None => continue,
        });
    }
    Ok(ok(json!({"cases": cases, "next": (end < last).then_some(end)})))
}

/// Where a case stands.
///
/// # Errors
/// The case is unknown or damaged, or the store failed.
pub async fn get(host: &impl Host, key: &IntegrityKey, case: &str) -> Result<Answer, Refused> {
    Ok(ok(json!(find(host, key, case).await?)))
}

/// The entries of the conversation's log that belong to a case, oldest first.
///
/// # Errors
/// The case is unknown or damaged, the query is wrong, or the store failed.
pub async fn journal(host: &impl Host, key: &IntegrityKey, case: &str, text: &str) -> Result<Answer, Refused> {
    let pairs = query(text, &["from"])?;
    let summary = find(host, key, case).await?;
    let conversation = conversation_of(case).unwrap_or_default();
    let start = value(&pairs, "from").map_or(Some(summary.from), position).ok_or_else(|| refused(400, "`from` is the `next` of the page before"))?;
    let epochs = host.get(&keys::epoch(conversation)).await?;
    let newest = mailbox::counter(epochs.as_deref()).ok_or_else(|| damaged("the journal", &"its epoch is no number"))?;
    let (mut entries, mut bytes, mut at) = (vec![], 0, start.max(summary.from));
    while at.0 <= newest {
        if entries.len() >= PAGE || bytes >= PAGE_BYTES {
            return Ok(ok(json!({"case": case, "entries": entries, "next": format!("{}.{}", at.0, at.1)})));
        }
        let under = keys::log(conversation, at.0, at.1);
        let Some(stored) = host.get(&under).await? else {
            // Within an epoch the numbers have no holes.
            at = (at.0.saturating_add(1), 0);
            continue;
        };
        let (epoch, number, hash) = (at.0, at.1, entry_hash(&stored));
        let read = key.read::<Entry>(&under, &stored);
        // After its end, only what was still said to it belongs to a case.
        if summary.to.is_some_and(|to| at > to) && read.as_ref().map_or(true, |Entry(entry)| entry["case"] != *case) {
            break;
        }
        bytes += stored.len();
        entries.push(match read {
            Ok(Entry(entry)) => json!({"epoch": epoch, "number": number, "hash": hash, "entry": entry}),
            Err(corrupt) => json!({"epoch": epoch, "number": number, "hash": hash, "error": corrupt.to_string()}),
        });
        at.1 = at.1.saturating_add(1);
    }
    Ok(ok(json!({"case": case, "entries": entries, "next": null})))
}

/// Where the entries of a case that is still open stand.
pub(crate) async fn positions(host: &impl Host, key: &IntegrityKey, summary: &Summary) -> Result<Vec<(i64, u64)>, Refused> {
    let (mut all, mut from) = (vec![], format!("{}.{}", summary.from.0, summary.from.1));
    loop {
        // Read page by page, so that no more than a page is held.
        let body = journal(host, key, &summary.case, &format!("from={from}")).await?.body.unwrap_or_default();
        let entries = body.get("entries").and_then(Value::as_array).into_iter().flatten();
        all.extend(entries.filter_map(|entry| Some((entry.get("epoch")?.as_i64()?, entry.get("number")?.as_u64()?))));
        match body.get("next").and_then(Value::as_str) {
            Some(next) => from = next.into(),
            None => return Ok(all),
        }
    }
}

/// `epoch.number`.
fn position(text: &str) -> Option<(i64, u64)> {
    let (epoch, number) = text.split_once('.')?;
    Some((epoch.parse().ok().filter(|epoch| *epoch >= 0)?, number.parse().ok()?))
}

pub(crate) async fn find(host: &impl Host, key: &IntegrityKey, case: &str) -> Result<Summary, Refused> {
    match summary(host, key, case).await? {
        Some(Ok(summary)) => Ok(summary),
        Some(Err(why)) => Err(damaged(&format!("the case `{case}`"), &why)),
        None => Err(refused(404, &format!("there is no case `{case}`"))),
    }
}

pub(crate) async fn summary(host: &impl Host, key: &IntegrityKey, case: &str) -> Result<Option<Result<Summary, String>>, Fault> {
    let under = keys::case(case);
    Ok(host.get(&under).await?.map(|stored| key.read(&under, &stored).map_err(|corrupt| corrupt.to_string())))
}

#[cfg(test)]
mod tests;
