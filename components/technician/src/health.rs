//! Whether connections work, and what desks name is there, before a ticket needs it: all is tried once a day, and what failed until it works again.

use crate::days::{LATE, load};
use crate::host::{Fault, Host};
use crate::probe::{self, Unsent, flag, is_named};
use crate::runner::Settings;
use crate::tenants::{self, Unusable};
use firstline_core::health::{Health, Problem};
use firstline_core::tenant::{Role, Tenant};
use firstline_core::{keys, redact};
use futures::future::join_all;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
    let mut named: BTreeMap<String, List> = BTreeMap::new();
    for name in tenants::names(host, &settings.integrity).await? {
        match tenants::load(host, &settings.integrity, &name).await {
            Ok(tenant) => {
                // An application of the MSP's that is installed nowhere of its own is tried where its clients have it.
                let shared =
                    tenant.shared.iter().filter(|shared| matches!(shared.role(), Some(Role::Psa | Role::Model | Role::Proof)) || shared.customer().is_some());
                let ids: Vec<String> = tenant.connections.iter().chain(shared).map(|connection| connection.id.clone()).collect();
                connections.extend(ids.into_iter().map(|id| (id, tenant.clone())));
                for (what, list) in lists(&tenant) {
                    named.entry(what).and_modify(|known| known.names.extend(list.names.iter().cloned())).or_insert(list);
                }
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
    named.retain(|what, _| all || old.problems.contains_key(what));
    let named: Vec<(String, List)> = named.into_iter().collect();
    for some in named.chunks(TOGETHER) {
        let looked = join_all(some.iter().map(|(_, list)| gone(host, settings, list))).await;
        for ((what, _), looked) in some.iter().zip(looked) {
            let before = || old.problems.get(what).map(|problem| problem.what.clone());
            found.insert(what.clone(), looked?.map_or_else(before, Result::err));
        }
    }
    // Whatever is gone from the documents is no problem any more; what fails on keeps the time at which it was found.
    let since = |name: &str| old.problems.get(name).map_or(now, |problem| problem.since);
    let problems =
        found.into_iter().filter_map(|(name, what)| Some((name.clone(), Problem { since: since(&name), what: redact::line(&what?, 300) }))).collect();
    let health = Health { day, checked: now, problems };
    host.set_many(vec![(key.clone(), settings.integrity.write(&key, &health))]).await
}

/// What a desk names in a list that anybody at the PSA may change.
struct List {
    tenant: Tenant,
    connection: String,
    path: Vec<String>,
    /// What its entries are, and what happens without one.
    of: &'static str,
    otherwise: &'static str,
    names: BTreeSet<String>,
}

/// The lists of a client's desk by what they are; clients that share one share the entry, so that a change is told once.
fn lists(tenant: &Tenant) -> BTreeMap<String, List> {
    let mut lists: BTreeMap<String, List> = BTreeMap::new();
    let Some(psa) = tenant.connection_of(Role::Psa).filter(|psa| psa.vendor == "connectwise") else { return lists };
    let desk = &tenant.desk;
    let mut add = |what: String, path: Vec<String>, of, otherwise, names: Vec<&String>| {
        if !names.is_empty() {
            let list = List { tenant: tenant.clone(), connection: psa.id.clone(), path, of, otherwise, names: BTreeSet::new() };
            lists.entry(format!("{} {what}", psa.id)).or_insert(list).names.extend(names.into_iter().cloned());
        }
    };
    let of_board = |board: u64, kind: &str| (format!("{kind} of board {board}"), vec!["service".into(), "boards".into(), board.to_string(), kind.into()]);
    let named = [&desk.closed_status, &desk.dispatch_status, &desk.responded_status, &desk.waiting_status].into_iter().flatten().collect();
    let (what, path) = of_board(desk.board, "statuses");
    add(what, path, "status", "tickets get the board's own instead, or keep theirs", named);
    for intake in &desk.intake {
        let (what, path) = of_board(intake.board, "statuses");
        add(what, path, "status", "tickets get the board's own instead, or keep theirs", intake.statuses.iter().collect());
        let (what, path) = of_board(intake.board, "types");
        add(what, path, "type", "such tickets are not taken in", intake.types.iter().collect());
    }
    let plain = |segments: [&str; 2]| segments.map(Into::into).into();
    add("work types".into(), plain(["time", "workTypes"]), "work type", "nothing is billed", desk.work_type.iter().collect());
    add("priorities".into(), plain(["service", "priorities"]), "priority", "tickets keep theirs", desk.alert_priority.iter().collect());
    lists
}

/// What of a list is no longer there. None of a list that cannot be read: that is its connection's trouble, and changes nothing here.
async fn gone<H: Host>(host: &H, settings: &Settings, list: &List) -> Result<Option<Result<(), String>>, Fault> {
    let List { tenant, connection, path, of, otherwise, names } = list;
    let found = match ask(host, settings, tenant, connection, ("GET", path, &[("pageSize", "1000")])).await? {
        Ok((200..300, body)) => body,
        Ok((404, _)) => return Ok(Some(Err(format!("there is no such list any more: {otherwise}")))),
        Ok(_) | Err(_) => return Ok(None),
    };
    let there = |name: &&String| {
        let of_name = found.as_array().into_iter().flatten().filter(|one| is_named(one, name));
        of_name.into_iter().any(|one| !flag(one, "inactive") && !flag(one, "inactiveFlag"))
    };
    let gone: Vec<String> = names.iter().filter(|name| !there(name)).map(|name| format!("`{name}`")).collect();
    Ok(Some(if gone.is_empty() { Ok(()) } else { Err(format!("there is no {of} {} any more: {otherwise}", gone.join(", "))) }))
}

/// Sends one request that changes nothing and tells whether the credential is good.
async fn works<H: Host>(host: &H, settings: &Settings, tenant: &Tenant, id: &str) -> Result<Result<(), String>, Fault> {
    let Some(connection) = tenant.connection(id) else { return Ok(Ok(())) };
    let (method, path): (&str, Vec<String>) = match connection.vendor.as_str() {
        "slack" => ("POST", vec!["auth.test".into()]),
        "entra" => ("GET", vec!["users".into(), NOBODY.into()]),
        "okta" => ("GET", ["api", "v1", "users", NOBODY].map(Into::into).into()),
        "openai" => ("GET", vec!["models".into()]),
        "duo" => ("GET", ["auth", "v2", "check"].map(Into::into).into()),
        "twilio" => ("GET", vec!["Services".into(), connection.account.get("service").cloned().unwrap_or_default()]),
        "connectwise" => ("GET", vec!["service".into(), "boards".into(), tenant.desk.board.to_string(), "statuses".into()]),
        _ => return Ok(Ok(())),
    };
    let (status, body) = match ask(host, settings, tenant, id, (method, &path, &[])).await? {
        Ok(answer) => answer,
        Err(why) => return Ok(Err(why)),
    };
    Ok(match (status, body.get("ok").and_then(Value::as_bool)) {
        (200..300, Some(false)) => Err(format!("the vendor refuses: {}", body.get("error").and_then(Value::as_str).unwrap_or_default())),
        // Nobody has that name.
        (200..300 | 404, _) => Ok(()),
        (401 | 403, _) => Err(format!("the vendor answers {status}: the credential is refused or lacks a right")),
        (status, _) => Err(format!("the vendor answers {status}")),
    })
}

/// Sends a read. Status and body of the answer, or why there is none.
async fn ask<H: Host>(
    host: &H,
    settings: &Settings,
    tenant: &Tenant,
    id: &str,
    (method, path, query): (&str, &[String], &[(&str, &str)]),
) -> Result<Result<(u16, Value), String>, Fault> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    for renew in [false, true] {
        let answer = match probe::read(host, settings, tenant, id, (method, &path, query), renew).await? {
            Ok(sent) => sent.answer,
            Err(Unsent::Denied(why) | Unsent::Credential(why)) => return Ok(Err(why)),
        };
        let Some(answer) = answer else { return Ok(Err("the vendor does not answer".into())) };
        // A cached token may have been revoked while its secret is good.
        if answer.status != 401 || renew {
            return Ok(Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())));
        }
    }
    Ok(Err("the vendor does not take its own new token".into()))
}

#[cfg(test)]
mod tests;
