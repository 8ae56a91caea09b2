//! Day records: every tenant's cases of a day by number, chained and signed, so that a case that is missing shows as a gap.

use crate::host::{Fault, Host};
use crate::runner::Settings;
use crate::tenants;
use firstline_core::evidence::{Day, DayCase, DayCursor, Evidence, Seal};
use firstline_core::journal::{Summary, conversation_of};
use firstline_core::mailbox::counter;
use firstline_core::record::Record;
use firstline_core::{Instant, keys};
use serde::{Deserialize, Serialize};

const DAY: u64 = 86_400_000;
/// A day is recorded this long after its end, when most of its last cases have been opened.
const LATE: u64 = 15 * 60_000;
/// Most days of one tenant that one tick catches up on.
const MOST_DAYS: u64 = 7;

/// The last day that every tenant has a record of.
#[derive(Serialize, Deserialize)]
struct Closed {
    day: u64,
}

impl Record for Closed {
    const SCHEMA: u64 = 1;
}

/// Signs what is due. Where nothing is, this reads one key and writes none.
///
/// # Errors
/// The store failed, or a record cannot be used.
pub async fn close<H: Host>(host: &H, settings: &Settings) -> Result<(), Fault> {
    let now = host.now();
    // The last day that is over.
    let Some(last) = (now.saturating_sub(LATE) / DAY).checked_sub(1) else { return Ok(()) };
    let key = keys::days_cursor();
    if load::<_, Closed>(host, settings, &key).await?.is_some_and(|closed| closed.day >= last) {
        return Ok(());
    }
    let mut all = true;
    for tenant in tenants::names(host, &settings.integrity).await? {
        all &= close_tenant(host, settings, &tenant, last, now).await?;
    }
    if all {
        host.set_many(vec![(key.clone(), settings.integrity.write(&key, &Closed { day: last }))]).await?;
    }
    Ok(())
}

async fn load<H: Host, T: Record>(host: &H, settings: &Settings, key: &str) -> Result<Option<T>, Fault> {
    match host.get(key).await? {
        Some(bytes) => settings.integrity.read(key, &bytes).map(Some).map_err(|why| Fault(format!("{key}: {why}"))),
        None => Ok(None),
    }
}

/// Records a tenant's days up to the last one, one commit each. False if some are left for the next tick.
async fn close_tenant<H: Host>(host: &H, settings: &Settings, tenant: &str, last: u64, now: Instant) -> Result<bool, Fault> {
    let under = keys::day_cursor(tenant);
    let mut cursor: Option<DayCursor> = load(host, settings, &under).await?;
    for _ in 0..MOST_DAYS {
        // The first record of a tenant is that of yesterday.
        let day = cursor.as_ref().map_or(last, |cursor| cursor.day + 1);
        if day > last {
            return Ok(true);
        }
        let (head, counted, open) = cursor.take().map_or_else(Default::default, |cursor| (cursor.head, cursor.through, cursor.open));
        let (through, before) = (cases(host, tenant, day).await?, cases(host, tenant, day.saturating_sub(1)).await?);
        // Without a record of the day before, nothing of it can be late.
        let before = if head.is_empty() { 0 } else { before };
        let numbers = (1..=through).map(|number| (day, number)).chain((counted + 1..=before).map(|number| (day - 1, number)));
        let mut listed = Vec::new();
        for (day, number) in numbers.chain(open.iter().map(|case| (case.day, case.number))) {
            listed.push(case(host, settings, tenant, day, number).await?);
        }
        let (pages, next) = Day::sign(tenant, day, (through, before), &listed, &head, now, settings.signing.as_ref());
        let mut writes: Vec<(String, Vec<u8>)> = Vec::new();
        for (page, signed) in (1..).zip(&pages) {
            let key = keys::day_record(tenant, day, page);
            writes.push((key.clone(), settings.integrity.write(&key, signed)));
        }
        writes.push((under.clone(), settings.integrity.write(&under, &next)));
        host.set_many(writes).await?;
        cursor = Some(next);
    }
    Ok(cursor.is_some_and(|cursor| cursor.day >= last))
}

async fn cases<H: Host>(host: &H, tenant: &str, day: u64) -> Result<i64, Fault> {
    let key = keys::case_counter(tenant, day);
    counter(host.get(&key).await?.as_deref()).ok_or_else(|| Fault(format!("`{key}` is no counter")))
}

/// What is known of a case now. A damaged record is listed as such, so that others are still signed.
async fn case<H: Host>(host: &H, settings: &Settings, tenant: &str, day: u64, number: i64) -> Result<DayCase, Fault> {
    let named = |case: Option<String>, state: &str| DayCase { day, number, case, state: state.into(), head: None };
    let Some(id) = host.get(&keys::case_of_day(tenant, day, number)).await? else { return Ok(named(None, "unused")) };
    let Some(id) = String::from_utf8(id).ok().filter(|id| conversation_of(id).is_some()) else { return Ok(named(None, "unreadable")) };
    let state = match load::<_, Summary>(host, settings, &keys::case(&id)).await {
        Ok(Some(summary)) if summary.tenant == tenant => summary.state,
        Ok(_) | Err(_) => return Ok(named(Some(id), "unreadable")),
    };
    if state == "open" {
        return Ok(named(Some(id), "open"));
    }
    let evidence = load::<_, Evidence>(host, settings, &keys::evidence(&id)).await.ok().flatten();
    let head = evidence.and_then(|evidence| evidence.seal.read::<Seal>()).map(|seal| seal.head);
    Ok(DayCase { head, ..named(Some(id), &state) })
}

#[cfg(test)]
mod tests;
