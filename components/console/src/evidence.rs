//! Bundles of cases and records of days: JSON Lines for `firstline verify`.

use crate::answer::{Answer, Line, Refused, damaged, lines, refused};
use crate::cases::{day_of, find, positions};
use crate::host::{Fault, Host};
use crate::tenants;
use firstline_core::evidence::{self, Day, Evidence, Seal, Signed};
use firstline_core::journal::conversation_of;
use firstline_core::keys;
use firstline_core::record::{IntegrityKey, Record};

/// Everything that proves a case: header, log entries as they are stored, seal.
///
/// # Errors
/// The case is unknown or damaged, or the store failed.
pub async fn bundle(host: &impl Host, key: &IntegrityKey, case: &str) -> Result<Answer, Refused> {
    let summary = find(host, key, case).await?;
    let conversation = conversation_of(case).unwrap_or_default();
    let evidence: Option<Evidence> = load(host, key, &keys::evidence(case), "the evidence").await?;
    let entries = match &evidence {
        Some(evidence) => {
            let seal: Seal = evidence.seal.read().ok_or_else(|| damaged("the seal", &"it is of a version that this program does not know"))?;
            seal.entries.into_iter().map(|entry| entry.entry).collect()
        }
        None => positions(host, key, &summary).await?,
    };
    let mut all = vec![Line::Text(evidence::header(case, &summary.tenant, &summary.state, evidence.as_ref()))];
    all.extend(entries.into_iter().map(|at| Line::Entry(conversation.into(), at)));
    all.push(Line::Text(evidence::seal(evidence.as_ref())));
    Ok(lines(all))
}

/// The signed record of a day (UTC), a line a page.
///
/// # Errors
/// The tenant or the day is unknown, or the store failed.
pub async fn day(host: &impl Host, key: &IntegrityKey, tenant: &str, text: &str) -> Result<Answer, Refused> {
    let day = day_of(text).ok_or_else(|| refused(400, "a day is written as in 2026-11-22"))?;
    tenants::find(host, key, tenant).await?;
    let mut all = Vec::new();
    let mut pages = 1;
    while (all.len() as u64) < pages {
        let page = all.len() as u64 + 1;
        let signed: Option<Signed> = load(host, key, &keys::day_record(tenant, day, page), "the day's record").await?;
        let signed = signed.ok_or_else(|| refused(404, "there is no record of this day: the first tick after 00:15 UTC of the next day writes it"))?;
        pages = signed.read::<Day>().map_or(1, |day| day.pages);
        all.push(Line::Text(evidence::day(&signed)));
    }
    Ok(lines(all))
}

async fn load<T: Record>(host: &impl Host, key: &IntegrityKey, under: &str, what: &str) -> Result<Option<T>, Refused> {
    let stored = host.get(under).await?;
    stored.map(|stored| key.read(under, &stored).map_err(|corrupt| damaged(what, &corrupt))).transpose()
}

/// The text of a line.
///
/// # Errors
/// The store failed.
pub async fn text(host: &impl Host, line: Line) -> Result<String, Fault> {
    match line {
        Line::Text(text) => Ok(text),
        Line::Entry(conversation, at) => {
            let stored = host.get(&keys::log(&conversation, at.0, at.1)).await?;
            Ok(evidence::entry(at, &stored.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests;
