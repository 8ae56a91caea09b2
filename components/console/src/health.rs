//! What is wrong, for whoever watches: 200 if nothing is, 503 and every problem otherwise.

use crate::answer::{Answer, Refused, ok};
use crate::cases::{DAY, day_of};
use crate::host::Host;
use crate::{msp, tenants};
use firstline_core::health::{EXPIRY_DAYS, Health, TICK_LIMIT};
use firstline_core::keys;
use firstline_core::record::IntegrityKey;
use firstline_core::tenant::{Connection, Document};
use serde_json::{Value, json};

/// Every problem that is there now, each with the time since when it is.
///
/// # Errors
/// The store failed, or the list of tenants is damaged.
pub async fn get(host: &impl Host, key: &IntegrityKey) -> Result<Answer, Refused> {
    let now = host.now();
    let mut problems: Vec<Value> = Vec::new();
    let mut tell = |about: &str, what: String, since: Option<u64>| problems.push(json!({"about": about, "what": what, "since": since}));
    let latest = host.get(&keys::latest()).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
    if latest.is_none_or(|latest| now > latest + TICK_LIMIT) {
        tell("ticks", "no tick arrives, so nothing that is due is done: call POST /api/tick every minute".into(), latest);
    }
    match tenants::stored::<Health>(host, key, &keys::health()).await? {
        Some(Ok(health)) => health.problems.into_iter().for_each(|(about, problem)| tell(&about, problem.what, Some(problem.since))),
        Some(Err(corrupt)) => tell("health", format!("the record of the last check cannot be used: {corrupt}"), None),
        None => {}
    }
    let mut connections: Vec<Connection> = msp::find(host, key).await?.into_iter().flat_map(|msp| msp.connections).collect();
    for name in tenants::names(host, key).await? {
        if let Some(Ok(document)) = tenants::stored::<Document>(host, key, &keys::tenant(&name)).await? {
            connections.extend(document.connections);
        }
    }
    for connection in &connections {
        for (name, text) in &connection.expires {
            let Some(day) = day_of(text).filter(|day| now / DAY + EXPIRY_DAYS >= *day) else { continue };
            let when = if now / DAY >= day { "has expired" } else { "expires" };
            tell(
                &connection.id,
                format!("the secret `{name}` {when} on {text}: enter a new one, and its new date"),
                Some(day.saturating_sub(EXPIRY_DAYS) * DAY),
            );
        }
    }
    let status = if problems.is_empty() { 200 } else { 503 };
    Ok(Answer { status, ..ok(json!({ "problems": problems })) })
}

#[cfg(test)]
mod tests;
