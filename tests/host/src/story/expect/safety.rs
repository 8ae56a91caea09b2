//! What must hold however a story is disturbed: nothing is lost, nothing is done twice, nothing is seen by the wrong eyes.
//!
//! A message may come twice and a case may go to a human, so the story's own lists hold only as far as they say what was done.

use super::super::{Disturbed, Outcome, Player};
use super::{Expect, always, belongs, case, changes, keys, list_cases, waits};
use crate::store::Contents;
use crate::{Event, Value as Stored};
use anyhow::Result;
use firstline_core::journal::broken;
use firstline_core::record::IntegrityKey;
use firstline_vendors::Call;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Compares, and tells.
pub(in crate::story) async fn check(expect: &Expect, player: &Player<'_>, disturbed: &Disturbed, stored: &Contents, events: &[Event]) -> Result<Outcome> {
    let state = player.desk.vendors.state();
    let calls = player.desk.vendors.calls();
    let mut failures = Vec::new();
    let events: Vec<Event> = events.iter().filter(|event| !injected(event)).cloned().collect();
    always(player, &state, &calls, stored, &events, &mut failures);
    let mut cases = list_cases(player, &mut failures).await?;
    // A runner that was declared dead as it opened the case lists it a second time when it wakes up: see ARCHITECTURE.md.
    let mut listed = BTreeSet::new();
    cases.retain(|(_, case)| !disturbed.disturbance.holding_runs() || listed.insert(case["case"].to_string()));
    let ends: BTreeMap<String, Vec<String>> = cases.iter().fold(BTreeMap::new(), |mut ends, (tenant, listed)| {
        ends.entry(tenant.clone()).or_default().push(case(listed));
        ends
    });
    let diverted = ends != expect.cases;
    // A snapshot is a cache, and that of a late writer is stale: there the lists tell what is open.
    let waiting = if disturbed.disturbance.holding_runs() { BTreeMap::new() } else { waits(stored) };
    // What is under way together may come in another order, and so to the same end in another way.
    let together = player.story.steps.iter().any(|step| step["together"].is_array());
    lost(expect, &ends, &waiting, together, &mut failures);
    let tickets: Vec<&Value> = state["connectwise"]["tickets"].as_array().into_iter().flatten().collect();
    belongs(&tickets, &cases, &player.tenants, &mut failures);
    if !disturbed.disturbance.outside() {
        doubled(&state["connectwise"], &mut failures);
        repeated(&calls, &player.world, &mut failures);
    }
    failures.extend(disturbed.shown.iter().filter(|(_, times)| **times > 1).map(|(link, times)| format!("{link} showed a password {times} times")));
    failures.extend(chains(player, stored)?);
    if !diverted && !together {
        // It ended as the story tells, so everything was done that the story tells.
        failures.extend(disturbed.missed.iter().cloned());
        undone(expect, &calls, &player.world, &mut failures);
        untold(expect, &calls, &mut failures);
    }
    let left = disturbed.disturbance.left();
    if left > 0 {
        failures.push(format!("{left} points of the trial were not reached"));
    }
    let told = ends.iter().map(|(tenant, ends)| format!("{tenant}: {}", ends.join(", "))).collect::<Vec<_>>().join("; ");
    Ok(Outcome { told, failures, diverted, ..Outcome::default() })
}

fn injected(event: &Event) -> bool {
    matches!(event, Event::Trap { why, .. } if why.contains("injected crash"))
}

/// Every case of the story is there, and ended or waits as the story tells. Two messages that are under way together may become two cases.
fn lost(expect: &Expect, ends: &BTreeMap<String, Vec<String>>, waiting: &BTreeMap<String, String>, together: bool, failures: &mut Vec<String>) {
    for tenant in keys(&expect.cases, ends) {
        let count = |cases: &BTreeMap<String, Vec<String>>| cases.get(tenant).map_or(0, Vec::len);
        let open = |cases: &BTreeMap<String, Vec<String>>| cases.get(tenant).map_or(0, |cases| cases.iter().filter(|case| case.starts_with("open ")).count());
        if open(ends) > open(&expect.cases) {
            failures.push(format!("{tenant} has a case left open: {:?}", ends.get(tenant)));
        }
        if count(&expect.cases) > count(ends) || count(&expect.cases) < count(ends) && !together {
            failures.push(format!("{tenant} should have {} cases, and has: {:?}", count(&expect.cases), ends.get(tenant)));
        }
    }
    for (channel, phase) in waiting {
        if expect.waits.get(channel) != Some(phase) {
            failures.push(format!("the case in {channel} is left in `{phase}`"));
        }
    }
}

/// No ticket for one case, no note and no time entry for one step of it stands there twice.
fn doubled(psa: &Value, failures: &mut Vec<String>) {
    let mut count = |list: &str, id: &dyn Fn(&Value) -> Option<String>| {
        let mut seen = BTreeMap::<String, usize>::new();
        for item in psa[list].as_array().into_iter().flatten() {
            *seen.entry(id(item).unwrap_or_else(|| format!("no tag in {item}"))).or_default() += 1;
        }
        failures.extend(seen.into_iter().filter(|(id, times)| *times > 1 || id.starts_with("no tag")).map(|(id, times)| format!("{times} {list}: {id}")));
    };
    let tag = |item: &Value, member: &str| {
        let (_, tag) = item[member].as_str()?.rsplit_once("[firstline ")?;
        Some(format!("[firstline {tag} on {}", item["ticketId"]))
    };
    // What people opened and the agent left alone carries no mark.
    let of_people = |item: &Value| (item["enteredBy"] != "firstline").then(|| item["id"].to_string());
    count("tickets", &|ticket| ticket["externalXRef"].as_str().map(str::to_string).or_else(|| of_people(ticket)));
    // What the requester wrote is part of the ticket, and a human's note has no tag of ours.
    count("notes", &|note| tag(note, "text").or_else(|| Some(format!("{}", note["id"]))));
    count("time_entries", &|entry| tag(entry, "notes").or_else(|| of_people(entry)));
}

/// No change at an identity provider is made twice.
///
/// The same call may be sent again if the vendor said that it did not carry it out, or if a read-back after it shows so.
/// What was offered anew in between, and pressed, is another change.
/// A password that Okta makes, or a pass, is lost with its reply, so another is set. Ending sessions once more ends none.
fn repeated(calls: &[Call], world: &Value, failures: &mut Vec<String>) {
    let names = changes(calls, world);
    let changing = calls.iter().enumerate().filter(|(_, call)| is_change(call));
    let mut last = BTreeMap::<(&str, &str, &str), usize>::new();
    for ((at, call), name) in changing.zip(names) {
        let what = (call.vendor.as_str(), call.method.as_str(), call.path.as_str());
        let Some(before) = last.insert(what, at).and_then(|before| calls.get(before..at)) else { continue };
        let Some(first) = before.first() else { continue };
        let ends_sessions = call.path.contains("/sessions") || call.path.ends_with("/revokeSignInSessions");
        let refused = first.status.is_some_and(|status| matches!(status, 401 | 429)) && !first.changed;
        let read_back = before.iter().any(|between| between.vendor == call.vendor && between.method == "GET" && between.status.is_some());
        let secret_lost = ["/lifecycle/expire_password_with_temp_password", "/temporaryAccessPassMethods"].iter().any(|end| call.path.ends_with(end));
        let says = |call: &Call, path: &str, words: &[&str]| call.path.contains(path) && words.iter().any(|words| call.body.contains(words));
        let mut since = before.iter().skip_while(|call| !says(call, "chat.postMessage", &["Reset your", "Unlock your"]));
        let consented = since.any(|call| says(call, "chat.update", &["You pressed: Yes"]));
        if !(ends_sessions || consented || refused || read_back && (!first.changed || secret_lost)) {
            failures.push(format!("sent again: {name}{}", if read_back { "" } else { ", without a look" }));
        }
    }
}

fn is_change(call: &Call) -> bool {
    matches!(call.vendor.as_str(), "entra" | "okta") && call.method != "GET" && !call.path.contains("/oauth2/")
}

/// Every change that the story tells was made.
fn undone(expect: &Expect, calls: &[Call], world: &Value, failures: &mut Vec<String>) {
    let made = changes(calls, world);
    let call = |line: &str| line.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let missing = expect.changes.iter().filter(|wanted| !made.iter().any(|made| call(made) == call(wanted)));
    failures.extend(missing.map(|wanted| format!("never done: {wanted}")));
}

/// Everything that the story tells was said, but for what may have passed meanwhile.
fn untold(expect: &Expect, calls: &[Call], failures: &mut Vec<String>) {
    let said = super::said(calls);
    for (channel, wanted) in &expect.messages {
        let said = said.get(channel).map(Vec::as_slice).unwrap_or_default();
        let lasting = wanted.iter().filter(|wanted| !wanted.parts().iter().any(|part| expect.passing.contains(part)));
        failures.extend(lasting.filter(|wanted| !said.iter().any(|text| wanted.fit(text))).map(|wanted| format!("never said in {channel}: {wanted:?}")));
    }
}

/// The log of every conversation is whole.
fn chains(player: &Player<'_>, stored: &Contents) -> Result<Vec<String>> {
    let key = player.desk.keys.variables.get("integrity_key").map(String::as_str).unwrap_or_default();
    let key = IntegrityKey::parse(key).map_err(anyhow::Error::msg)?;
    let mut logs = BTreeMap::<&str, BTreeMap<(i64, u64), Vec<u8>>>::new();
    for ((_, name), value) in stored {
        let mut parts = name.split('/');
        if let (Some("log"), Some(conversation), Some(epoch), Some(number), Stored::Bytes(bytes)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), value)
        {
            logs.entry(conversation).or_default().insert((epoch.parse()?, number.parse()?), bytes.clone());
        }
    }
    Ok(logs.into_iter().flat_map(|(conversation, log)| broken(&key, conversation, &log)).collect())
}
