//! Figures of a tenant over some days, added up from the cases' own records. No key is scanned.

use crate::answer::{Answer, Refused, damaged, ok, refused};
use crate::api::is_case;
use crate::cases::{DAY, day_of, query, summary, value};
use crate::host::Host;
use crate::tenants;
use firstline_core::figures::{AGAIN, Counter};
use firstline_core::once::Opened;
use firstline_core::record::{self, IntegrityKey};
use firstline_core::{Instant, keys, mailbox};
use serde_json::json;

/// Most days of one answer.
const MOST_DAYS: u64 = 31;
/// Most cases of one answer, those of the days before included.
const MOST_CASES: usize = 5_000;

/// Figures of `tenant` from one day to another (UTC, both included).
///
/// # Errors
/// The tenant is unknown, the query is wrong, or the store failed.
pub async fn get(host: &impl Host, key: &IntegrityKey, text: &str) -> Result<Answer, Refused> {
    let pairs = query(text, &["tenant", "from", "to"])?;
    let today = host.now() / DAY;
    let tenant = value(&pairs, "tenant").filter(|name| keys::is_name(name)).ok_or_else(|| refused(400, "`tenant` names a tenant"))?;
    let to = value(&pairs, "to").map_or(Some(today), day_of).ok_or_else(|| refused(400, "`to` is written as in 2026-11-22"))?;
    let from = value(&pairs, "from").map_or(Some(to), day_of).ok_or_else(|| refused(400, "`from` is written as in 2026-11-22"))?;
    if from > to || to - from >= MOST_DAYS {
        return Err(refused(400, &format!("`from` is not after `to`, and there are at most {MOST_DAYS} days between them: ask in parts")));
    }
    tenants::find(host, key, tenant).await?;
    let mut counter = Counter::default();
    let (mut read, mut cut) = (0, None);
    // What comes again is looked for in the days before.
    'days: for day in from.saturating_sub(AGAIN.div_ceil(DAY))..=to {
        let last = host.get(&keys::case_counter(tenant, day)).await?;
        let last = mailbox::counter(last.as_deref()).ok_or_else(|| damaged("the list of cases", &"its counter is no number"))?;
        for number in 1..=last {
            if read == MOST_CASES {
                cut = Some(format!("only the first {MOST_CASES} cases were read, up to number {} of day {day} since 1970: ask for fewer days", number - 1));
                break 'days;
            }
            read += 1;
            // A number whose case was never written is a hole.
            let Some(id) = host.get(&keys::case_of_day(tenant, day, number)).await? else { continue };
            let Some(id) = String::from_utf8(id).ok().filter(|id| is_case(id)) else { continue };
            match summary(host, key, &id).await? {
                Some(Ok(summary)) if summary.tenant == tenant && day < from => counter.before(&summary),
                Some(Ok(summary)) if summary.tenant == tenant => {
                    counter.add(&summary);
                    if summary.state == "closed"
                        && let Some(opened) = link(host, &id).await?
                    {
                        counter.link(&summary, opened);
                    }
                }
                Some(Err(_)) if day >= from => counter.unreadable(),
                Some(Ok(_) | Err(_)) | None => {}
            }
        }
    }
    Ok(ok(json!({"tenant": tenant, "figures": counter.figures(), "cut": cut})))
}

/// Whether a case has sent a view-once link, and when its newest one was opened.
async fn link(host: &impl Host, case: &str) -> Result<Option<Option<Instant>>, Refused> {
    let Some(hash) = host.get(&keys::link(case)).await?.and_then(|bytes| String::from_utf8(bytes).ok()) else { return Ok(None) };
    let opened = host.get(&keys::once(&hash)).await?.and_then(|bytes| record::read::<Opened>(&bytes).ok());
    Ok(Some(opened.map(|opened| opened.opened)))
}

#[cfg(test)]
mod tests;
