//! Due entries: what must happen though nobody writes. No key is scanned; entries are numbered within their minute.

use crate::host::{Fault, Host};
use crate::runner::{Look, Settings, look};
use firstline_core::keys;
use firstline_core::mailbox::{Due, counter, minute};
use firstline_core::record::read;
use std::collections::BTreeSet;

/// The cursor stays so many minutes behind, so that an entry that was numbered but stored late is still found.
const BEHIND: u64 = 10;
/// The cursor waits for work that does not settle at most so many minutes.
const HELD: u64 = 60;
/// A sweep reads at most so many minutes, and goes on at the next tick.
const MOST_MINUTES: u64 = 3 * 24 * 60;

/// Reads every due entry up to now; returns the conversations to run, with their epochs.
///
/// # Errors
/// The store failed.
pub async fn sweep<H: Host>(host: &H, settings: &Settings) -> Result<Vec<(String, i64)>, Fault> {
    let now = host.now();
    let last = minute(now);
    let cursor = host.get(&keys::due_cursor()).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
    let first = cursor.unwrap_or(last.saturating_sub(24 * 60)).min(last.saturating_sub(BEHIND));
    let end = last.min(first + MOST_MINUTES);
    let mut runs: Vec<(String, i64)> = Vec::new();
    let mut looked: BTreeSet<String> = BTreeSet::new();
    // The cursor does not pass a minute whose work may still die half-way.
    let mut unsettled = None;
    let mut at = first;
    while at <= end {
        if host.get(&keys::due_hour(at / 60)).await?.is_none() {
            at = (at / 60 + 1) * 60;
            continue;
        }
        let count = counter(host.get(&keys::due_counter(at)).await?.as_deref()).unwrap_or(0);
        for number in 1..=count {
            let due: Option<Due> = host.get(&keys::due(at, number)).await?.and_then(|bytes| read(&bytes).ok());
            let Some(due) = due.filter(|due| due.at <= now && keys::is_conversation(&due.conversation)) else { continue };
            if !looked.insert(due.conversation.clone()) {
                continue;
            }
            match look(host, settings, &due.conversation).await? {
                Look::Settled => {}
                Look::Busy => unsettled = unsettled.or(Some(at)),
                Look::Run(conversation, epoch) => {
                    unsettled = unsettled.or(Some(at));
                    runs.push((conversation, epoch));
                }
            }
        }
        at += 1;
    }
    // A takeover leaves a due entry of its own, so one that never settles must not hold up all others.
    let held = unsettled.unwrap_or(u64::MAX).max(end.saturating_sub(HELD));
    let next = end.saturating_sub(BEHIND).min(held).max(first);
    if cursor != Some(next) {
        host.set_many(vec![(keys::due_cursor(), next.to_string().into_bytes())]).await?;
    }
    Ok(runs)
}
