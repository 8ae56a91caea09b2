//! Whether connections work, before a ticket needs them: every one is tried once a day, and what failed until it works again.

use crate::credentials::{self, Refused};
use crate::days::{LATE, load};
use crate::host::{Fault, Host};
use crate::monitor::Monitor;
use crate::runner::Settings;
use crate::tenants::{self, Unusable};
use firstline_core::case::{Purpose, State, Task};
use firstline_core::health::{Health, Problem};
use firstline_core::mailbox::{Act, Event, Place};
use firstline_core::stage::{ChatAct, Work};
use firstline_core::tenant::Tenant;
use firstline_core::wire::{Body, Effect, Request, Target};
use firstline_core::{keys, redact};
use futures::future::join_all;
use std::collections::BTreeMap;

/// What failed is tried again so often, in milliseconds.
const AGAIN: u64 = 10 * 60_000;
/// Connections that are tried at the same time.
const TOGETHER: usize = 8;
/// Nobody has this name.
const NOBODY: &str = "firstline-health-check";

/// Tries what is due. Where nothing is, this reads one key and writes none.
///
/// # Errors
/// The store failed, or the record cannot be used.
pub async fn check<H: Host>(host: &H, settings: &Settings) -> Result<(), Fault> {
    let (now, key) = (host.now(), keys::health());
    let held: Option<Health> = load(host, settings, &key).await?;
    let day = now.saturating_sub(LATE) / 86_400_000;
    let all = held.as_ref().is_none_or(|held| held.day < day);
    let old = held.unwrap_or_default();
    if !all && (old.problems.is_empty() || now < old.checked + AGAIN) {
        return Ok(());
    }
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut connections: BTreeMap<String, Tenant> = BTreeMap::new();
    for name in tenants::names(host, &settings.integrity).await? {
        match tenants::load(host, &settings.integrity, &name).await {
            Ok(tenant) => {
                let ids: Vec<String> = tenant.connections.iter().chain(&tenant.shared).map(|connection| connection.id.clone()).collect();
                connections.extend(ids.into_iter().map(|id| (id, tenant.clone())));
                found.insert(format!("tenant {name}"), None);
            }
            Err(Unusable::Corrupt(why)) => drop(found.insert(format!("tenant {name}"), Some(why))),
            Err(Unusable::Fault(fault)) => return Err(fault),
        }
    }
    connections.retain(|id, _| all || old.problems.contains_key(id));
    let connections: Vec<(String, Tenant)> = connections.into_iter().collect();
    for some in connections.chunks(TOGETHER) {
        let tried = join_all(some.iter().map(|(id, tenant)| works(host, settings, tenant, id))).await;
        for ((id, _), tried) in some.iter().zip(tried) {
            found.insert(id.clone(), tried?.err());
        }
    }
    // Whatever is gone from the documents is no problem any more; what fails on keeps the time at which it was found.
    let since = |name: &str| old.problems.get(name).map_or(now, |problem| problem.since);
    let problems =
        found.into_iter().filter_map(|(name, what)| Some((name.clone(), Problem { since: since(&name), what: redact::line(&what?, 300) }))).collect();
    let health = Health { day, checked: now, problems };
    host.set_many(vec![(key.clone(), settings.integrity.write(&key, &health))]).await
}

/// Sends one request that changes nothing and tells whether the credential is good.
async fn works<H: Host>(host: &H, settings: &Settings, tenant: &Tenant, id: &str) -> Result<Result<(), String>, Fault> {
    let Some(connection) = tenant.connection(id) else { return Ok(Ok(())) };
    let (method, path): (&str, Vec<String>) = match connection.vendor.as_str() {
        "slack" => ("POST", vec!["auth.test".into()]),
        "entra" => ("GET", vec!["users".into(), NOBODY.into()]),
        "okta" => ("GET", ["api", "v1", "users", NOBODY].map(Into::into).into()),
        "connectwise" => ("GET", vec!["service".into(), "boards".into(), tenant.desk.board.to_string(), "statuses".into()]),
        _ => return Ok(Ok(())),
    };
    let request =
        Request { method: method.into(), target: Target::Path(path), query: vec![], headers: vec![], body: Body::Empty, fill: vec![], effect: Effect::Read };
    let event = Event {
        id: String::new(),
        tenant: tenant.tenant.clone(),
        connection: id.into(),
        workspace: String::new(),
        author: String::new(),
        author_workspace: None,
        channel: String::new(),
        thread: None,
        place: Place::Direct,
        message: String::new(),
        act: Act::Message(String::new()),
        at: 0,
        received: 0,
        to: None,
    };
    let (state, now) = (State::new(&event), host.now());
    let (work, purpose) = (Work::Chat(ChatAct::Who(String::new())), Purpose::Aside);
    let task = Task { id: String::new(), connection: id.into(), work, purpose, started: now, replies: vec![], batches: 0, batch: None, until: None };
    let monitor = match Monitor::new(tenant, settings, &state, &task) {
        Ok(monitor) => monitor,
        Err(why) => return Ok(Err(why)),
    };
    for renew in [false, true] {
        let prepared = monitor.admit(std::slice::from_ref(&request), now).and_then(|named| {
            let named = named.first().ok_or("nothing to send")?;
            monitor.prepare(named, now, &|_| None, &|_| None)
        });
        let mut outgoing = match prepared {
            Ok(outgoing) => outgoing,
            Err(denied) => return Ok(Err(denied.why)),
        };
        match credentials::authorize(host, settings, &monitor, renew).await {
            Ok(headers) => outgoing.headers.extend(headers),
            Err(Refused::Credential(why) | Refused::Later(why)) => return Ok(Err(why)),
            Err(Refused::Fault(fault)) => return Err(fault),
        }
        let Ok(answer) = host.send(outgoing).await else { return Ok(Err("the vendor does not answer".into())) };
        // A cached token may have been revoked while its secret is good.
        if answer.status == 401 && !renew {
            continue;
        }
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        return Ok(match (answer.status, body.get("ok").and_then(serde_json::Value::as_bool)) {
            (200..300, Some(false)) => Err(format!("the vendor refuses: {}", body.get("error").and_then(serde_json::Value::as_str).unwrap_or_default())),
            // Nobody has that name.
            (200..300 | 404, _) => Ok(()),
            (401 | 403, _) => Err(format!("the vendor answers {}: the credential is refused or lacks a right", answer.status)),
            (status, _) => Err(format!("the vendor answers {status}")),
        });
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests;
