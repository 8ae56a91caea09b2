//! What must hold at the end of a story.
//!
//! Every list is exact, and silence means nothing: a story that names no ticket expects that there is none, at any tenant.
//! Some things are asked of every story: see [`always`].

#![expect(clippy::indexing_slicing, reason = "a missing member of a JSON value reads as null")]

pub(super) mod safety;

use super::{Outcome, Player, documents, token_of};
use crate::store::Contents;
use crate::{Event, Value as Stored};
use anyhow::{Context as _, Result};
use firstline_vendors::Call;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a story expects.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    /// Everything that was said, by channel and in order. What replaced a message begins with `edit: `, and has an order of its own.
    messages: BTreeMap<String, Vec<Fragments>>,
    tickets: Vec<Ticket>,
    /// Every changing call to an identity provider with its answer, in order: `entra PATCH /users/jane@acme.example 204`.
    changes: Vec<String>,
    /// Members of accounts that differ from before, by login.
    accounts: BTreeMap<String, Vec<String>>,
    /// Cases as the console lists them, by tenant: `handed-over password_reset: protected-account`.
    cases: BTreeMap<String, Vec<String>>,
    /// Conversations with an open case, and the phase it waits in.
    waits: BTreeMap<String, String>,
    /// The last words said in each channel, for an attack, which lists neither messages nor tickets.
    answers: Option<BTreeMap<String, Fragments>>,
    /// What is said of something that passes: whoever was taken over may come when it has.
    passing: Vec<String>,
}

impl Expect {
    /// No case is left open.
    pub(super) fn ends(&self) -> bool {
        self.waits.is_empty()
    }

    /// It is about what must not happen: nothing changes at an identity provider.
    pub(super) fn attack(&self) -> bool {
        self.answers.is_some() && self.changes.is_empty() && self.accounts.is_empty() && self.messages.is_empty() && self.tickets.is_empty()
    }
}

/// Parts of one text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Fragments {
    One(String),
    All(Vec<String>),
}

impl Default for Fragments {
    fn default() -> Self {
        Fragments::All(Vec::new())
    }
}

impl Fragments {
    fn parts(&self) -> &[String] {
        match self {
            Fragments::One(part) => std::slice::from_ref(part),
            Fragments::All(parts) => parts,
        }
    }

    /// It tells of a message that was replaced.
    fn replaces(&self) -> bool {
        self.parts().first().is_some_and(|part| part.starts_with(EDIT))
    }

    /// The parts stand in the text, one after the other; `edit: ` only ever at its beginning.
    fn fit(&self, text: &str) -> bool {
        let mut rest = text;
        self.replaces() == text.starts_with(EDIT)
            && self.parts().iter().all(|part| match rest.split_once(part.as_str()) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
    }
}

const EDIT: &str = "edit: ";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticket {
    company: String,
    /// Name of the contact; in brackets if the PSA has no record of that person.
    contact: String,
    status: String,
    summary: Option<String>,
    /// What the description holds.
    #[serde(default)]
    description: Fragments,
    /// Internal notes, one entry each.
    #[serde(default)]
    internal: Vec<Fragments>,
    /// Resolution notes, one entry each.
    #[serde(default)]
    resolution: Vec<Fragments>,
    /// Those that its contact was mailed.
    #[serde(default)]
    mailed: Vec<Fragments>,
    /// What stands nowhere on the ticket.
    #[serde(default)]
    never: Vec<String>,
    /// Billable option of each time entry, its hours and its words where they matter: `Billable 0.25: by hand`.
    #[serde(default)]
    time: Vec<String>,
    /// Name of its priority.
    priority: Option<String>,
    /// Whether the PSA counts its contact as answered.
    responded: Option<bool>,
}

/// Compares, and tells.
pub(super) async fn check(expect: &Expect, player: &Player<'_>, stored: &Contents, events: &[Event]) -> Result<Outcome> {
    let state = player.desk.vendors.state();
    let calls = player.desk.vendors.calls();
    let mut failures = Vec::new();
    let said = said(&calls);
    if let Some(answers) = &expect.answers {
        let last: BTreeMap<String, String> = said.iter().filter_map(|(channel, texts)| Some((channel.clone(), texts.last()?.clone()))).collect();
        let strangers = last.keys().filter(|channel| !answers.contains_key(*channel)).count();
        if strangers > 0 || !answers.iter().all(|(channel, wanted)| last.get(channel).is_some_and(|text| wanted.fit(text))) {
            failures.push(format!("last words expected: {answers:?}, there: {last:?}"));
        }
    } else {
        for channel in keys(&expect.messages, &said) {
            // What replaces a message may be sent together with a new one: each kind has its own order.
            let wanted = expect.messages.get(channel).cloned().unwrap_or_default().into_iter().partition::<Vec<_>, _>(Fragments::replaces);
            let got = said.get(channel).cloned().unwrap_or_default().into_iter().partition::<Vec<_>, _>(|text| text.starts_with(EDIT));
            texts(&format!("messages in {channel}"), &wanted.1, &got.1, &mut failures);
            texts(&format!("replaced messages in {channel}"), &wanted.0, &got.0, &mut failures);
        }
    }
    let psa = &state["connectwise"];
    let tickets: Vec<&Value> = psa["tickets"].as_array().into_iter().flatten().collect();
    if expect.answers.is_some() {
        let untold = tickets.iter().filter(|ticket| !["New", "Needs Dispatch"].contains(&ticket["status"]["name"].as_str().unwrap_or_default()));
        failures.extend(untold.map(|ticket| format!("ticket {} is {}", ticket["id"], ticket["status"]["name"])));
    } else if tickets.len() == expect.tickets.len() {
        expect.tickets.iter().zip(&tickets).for_each(|(wanted, got)| ticket(wanted, got, psa, &mut failures));
    } else {
        let shown = tickets.iter().map(|ticket| format!("{} {} {} {}", ticket["id"], ticket["company"]["name"], ticket["status"]["name"], ticket["summary"]));
        failures.push(format!("{} tickets expected, there: {}", expect.tickets.len(), list(shown)));
    }
    let changes = changes(&calls, &player.world);
    same("changing calls at the identity provider", &expect.changes, &changes, &mut failures);
    let accounts = accounts(&player.world, &state);
    for login in keys(&expect.accounts, &accounts) {
        let none = Vec::new();
        same(&format!("changed members of {login}"), expect.accounts.get(login).unwrap_or(&none), accounts.get(login).unwrap_or(&none), &mut failures);
    }
    let ids = list_cases(player, &mut failures).await?;
    let mut cases = BTreeMap::<String, Vec<String>>::new();
    ids.iter().for_each(|(tenant, listed)| cases.entry(tenant.clone()).or_default().push(case(listed)));
    if expect.answers.is_some() {
        for (tenant, wanted) in &expect.cases {
            let got = cases.get(tenant).map(Vec::as_slice).unwrap_or_default();
            if got.len() != wanted.len() || !got.iter().zip(wanted).all(|(got, wanted)| got.starts_with(wanted.as_str())) {
                failures.push(format!("cases of {tenant} expected: {wanted:?}, there: {got:?}"));
            }
        }
    } else {
        for tenant in keys(&expect.cases, &cases) {
            let none = Vec::new();
            same(&format!("cases of {tenant}"), expect.cases.get(tenant).unwrap_or(&none), cases.get(tenant).unwrap_or(&none), &mut failures);
        }
    }
    let waits = waits(stored);
    if waits != expect.waits && (expect.answers.is_none() || !expect.waits.is_empty()) {
        failures.push(format!("open cases expected: {:?}, there: {waits:?}", expect.waits));
    }
    always(player, &state, &calls, stored, events, &mut failures);
    for (tenant, case) in &ids {
        journal(player, case, &mut failures).await.with_context(|| format!("journal of a case of {tenant}"))?;
    }
    belongs(&tickets, &ids, &player.tenants, &mut failures);
    let count = said.values().map(Vec::len).sum::<usize>();
    let ends = tickets.iter().map(|ticket| format!("ticket {}", ticket["status"]["name"].as_str().unwrap_or_default()));
    let told = [format!("{count} messages"), ends.collect::<Vec<_>>().join(", "), changes.join(", ")];
    Ok(Outcome { told: told.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; "), failures, ..Outcome::default() })
}

/// Every case as the console lists it, with its tenant.
async fn list_cases(player: &Player<'_>, failures: &mut Vec<String>) -> Result<Vec<(String, Value)>> {
    let mut cases = Vec::new();
    for tenant in documents(&player.tenants).filter_map(|document| document["tenant"].as_str()) {
        for day in player.days() {
            let (status, answer) = player.desk.api("GET", &format!("/api/tenants/{tenant}/cases?day={day}"), "").await?;
            if status != 200 {
                failures.push(format!("the console lists no cases of {tenant}: {status} {answer}"));
            }
            cases.extend(answer["cases"].as_array().into_iter().flatten().map(|case| (tenant.to_string(), case.clone())));
        }
    }
    Ok(cases)
}

/// What holds in every story: the vendors were sent nothing wrong, no instance trapped, nothing was denied by the manifest, and no secret stands in the clear
/// in the store, in a log line, in the PSA, or in a message other than as the address behind a button.
fn always(player: &Player<'_>, state: &Value, calls: &[Call], stored: &Contents, events: &[Event], failures: &mut Vec<String>) {
    failures.extend(player.desk.vendors.violations().into_iter().map(|what| format!("violation: {what}")));
    let secrets = secrets(player, state, calls);
    let mut look = |place: String, text: &str| {
        failures.extend(secrets.iter().filter(|(_, secret)| text.contains(secret.as_str())).map(|(name, _)| format!("{name} stands in the clear in {place}")));
    };
    for ((_, key), value) in stored {
        let text = match value {
            Stored::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Stored::Counter(_) => String::new(),
        };
        look(format!("the store under `{key}`"), &text);
        look(format!("the key `{key}`"), key);
    }
    for member in ["tickets", "notes", "time_entries"] {
        look(format!("the PSA's {member}"), &state["connectwise"][member].to_string());
    }
    for call in calls.iter().filter(|call| call.vendor == "slack") {
        let mut body: Value = serde_json::from_str(&call.body).unwrap_or(Value::Null);
        without_urls(&mut body);
        look(format!("Slack's {}", call.path), &body.to_string());
    }
    for event in events {
        match event {
            Event::Line { component, text, .. } => look(format!("a log line of {component}"), text),
            Event::Trap { .. } | Event::Denied { .. } => {}
            Event::Inbound { .. } | Event::Answered { .. } | Event::Instance { .. } | Event::Store { .. } | Event::Sending { .. } | Event::Sent { .. } => {}
        }
    }
    for event in events {
        match event {
            Event::Trap { component, why } => failures.push(format!("{component} trapped: {why}")),
            Event::Denied { component, url } => failures.push(format!("the manifest denied {component} {url}")),
            Event::Line { .. }
            | Event::Inbound { .. }
            | Event::Answered { .. }
            | Event::Instance { .. }
            | Event::Store { .. }
            | Event::Sending { .. }
            | Event::Sent { .. } => {}
        }
    }
}

/// Whatever must stand nowhere, with a name for it.
fn secrets(player: &Player<'_>, state: &Value, calls: &[Call]) -> Vec<(String, String)> {
    let mut secrets: Vec<(String, String)> = player.passwords.iter().map(|password| ("a temporary password".into(), password.clone())).collect();
    secrets.extend(links(calls).into_iter().map(|(_, link)| ("the token of a link".into(), token_of(&link).to_string())));
    let codes = state["twilio"]["verifications"].as_array().into_iter().flatten();
    secrets.extend(codes.filter_map(|one| Some(("a code".into(), one["code"].as_str()?.to_string()))));
    for (connection, values) in player.tenants["secrets"].as_object().into_iter().flatten() {
        let values = values.as_object().into_iter().flatten();
        secrets.extend(values.filter_map(|(name, value)| Some((format!("`{name}` of {connection}"), value.as_str()?.to_string()))));
    }
    let tokens = state["entra"]["tokens"].as_array().into_iter().flatten().filter_map(|token| token["token"].as_str());
    secrets.extend(tokens.map(|token| ("an access token".into(), token.to_string())));
    let keys = &player.desk.keys;
    secrets.push(("the owner's token".into(), keys.owner_token.clone()));
    let private = keys.variables.iter().filter(|(name, _)| name.ends_with("private_key") || *name == "integrity_key");
    secrets.extend(private.map(|(name, value)| (name.clone(), value.clone())));
    secrets.retain(|(_, secret)| !secret.is_empty());
    secrets
}

fn without_urls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("url");
            members.values_mut().for_each(without_urls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_urls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Passwords as the vendors hold them, by login.
pub(super) fn passwords(state: &Value) -> Vec<(String, String)> {
    let entra = users(state, "entra").filter_map(|(login, user)| Some((login, user["passwordProfile"]["password"].as_str()?.to_string())));
    let okta = users(state, "okta").filter_map(|(login, user)| Some((login, user["password"].as_str()?.to_string())));
    let passes = users(state, "entra").filter_map(|(login, user)| Some((login, user["authentication"]["pass"].as_str()?.to_string())));
    entra.chain(passes).chain(okta).collect()
}

/// Accounts of a vendor with their logins.
fn users<'a>(state: &'a Value, vendor: &str) -> impl Iterator<Item = (String, &'a Value)> {
    let directories = ["tenants", "orgs"].into_iter().flat_map(|list| state[vendor][list].as_array().into_iter().flatten().collect::<Vec<_>>());
    let users: Vec<&Value> = directories.flat_map(|directory| directory["users"].as_array().into_iter().flatten()).collect();
    users.into_iter().filter_map(|user| {
        let login = user["userPrincipalName"].as_str().or_else(|| user["profile"]["login"].as_str())?;
        Some((login.to_string(), user))
    })
}

/// Members that differ, by login.
fn accounts(before: &Value, after: &Value) -> BTreeMap<String, Vec<String>> {
    let mut changed = BTreeMap::new();
    for vendor in ["entra", "okta"] {
        let old: BTreeMap<String, &Value> = users(before, vendor).collect();
        for (login, user) in users(after, vendor) {
            let was = old.get(&login).and_then(|user| user.as_object());
            let members = user.as_object().into_iter().flatten();
            let mut differing: Vec<String> =
                members.filter(|(name, value)| was.and_then(|was| was.get(*name)) != Some(value)).map(|(name, _)| name.clone()).collect();
            differing.sort();
            if !differing.is_empty() {
                changed.insert(login, differing);
            }
        }
    }
    changed
}

/// Channel and address of every link that was sent.
pub(super) fn links(calls: &[Call]) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for (channel, body, _) in posted(calls) {
        let elements = body["blocks"].as_array().into_iter().flatten().flat_map(|block| block["elements"].as_array().into_iter().flatten());
        links.extend(elements.filter_map(|element| element["url"].as_str()).map(|url| (channel.clone(), url.to_string())));
    }
    links
}

/// Messages that appeared: channel, body, and whether it replaced another.
fn posted(calls: &[Call]) -> Vec<(String, Value, bool)> {
    let posts = calls.iter().filter(|call| call.vendor == "slack" && call.changed);
    posts
        .filter_map(|call| {
            let edit = match call.path.rsplit('/').next()? {
                "chat.postMessage" => false,
                "chat.update" => true,
                _ => return None,
            };
            let body: Value = serde_json::from_str(&call.body).ok()?;
            Some((body["channel"].as_str()?.to_string(), body, edit))
        })
        .collect()
}

fn said(calls: &[Call]) -> BTreeMap<String, Vec<String>> {
    let mut said = BTreeMap::<String, Vec<String>>::new();
    for (channel, body, edit) in posted(calls) {
        let text = body["text"].as_str().unwrap_or_default();
        said.entry(channel).or_default().push(format!("{}{text}", if edit { EDIT } else { "" }));
    }
    said
}

/// Changing calls to identity providers, with logins in place of ids.
fn changes(calls: &[Call], world: &Value) -> Vec<String> {
    let names: Vec<(String, String)> =
        ["entra", "okta"].iter().flat_map(|vendor| users(world, vendor)).filter_map(|(login, user)| Some((user["id"].as_str()?.to_string(), login))).collect();
    // A client has one identity provider, so calls at different ones belong to different clients, and which comes first means nothing.
    let of = |vendor: &'static str| calls.iter().filter(move |call| call.vendor == vendor && call.method != "GET" && !call.path.contains("/oauth2/"));
    of("entra")
        .chain(of("okta"))
        .map(|call| {
            let path = call.path.trim_start_matches("/v1.0").trim_start_matches("/api/v1");
            let path = names.iter().fold(path.to_string(), |path, (id, login)| path.replace(id.as_str(), login));
            let answer = match (call.status, call.changed) {
                (Some(status), _) => status.to_string(),
                (None, true) => "lost, but applied".into(),
                (None, false) => "lost".into(),
            };
            format!("{} {} {path} {answer}", call.vendor, call.method)
        })
        .collect()
}

fn case(case: &Value) -> String {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let reason = if text("reason").is_empty() { String::new() } else { format!(": {}", text("reason")) };
    let sign_in = match &case["tally"]["sign_in"] {
        Value::Null => String::new(),
        seen if seen["seen"].is_u64() => ", signed in".into(),
        Value::String(unseen) => format!(", sign-in {unseen}"),
        none => format!(", sign-in unavailable: {}", none["unavailable"].as_str().unwrap_or_default()),
    };
    format!("{} {}{reason}{sign_in}", text("state"), text("kind"))
}

/// Channels whose conversation has an open case, with its phase.
pub(super) fn waits(stored: &Contents) -> BTreeMap<String, String> {
    let snapshots = stored.iter().filter(|((_, key), _)| key.starts_with("snap/"));
    snapshots
        .filter_map(|(_, value)| {
            let Stored::Bytes(bytes) = value else { return None };
            // A MAC stands on a line of its own before the record.
            let (_, body) = bytes.split_at_checked(65)?;
            let snapshot: Value = serde_json::from_slice(body).ok()?;
            let state = &snapshot["record"]["state"];
            Some((state["channel"].as_str()?.to_string(), state["case"]["phase"].as_str()?.to_string()))
        })
        .collect()
}

fn ticket(wanted: &Ticket, got: &Value, psa: &Value, failures: &mut Vec<String>) {
    let id = &got["id"];
    let texts_of = |flag: &str| -> Vec<String> {
        let notes = psa["notes"].as_array().into_iter().flatten().filter(|note| note["ticketId"] == *id && note[flag] == true);
        notes.filter_map(|note| note["text"].as_str()).map(str::to_string).collect()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let contact = match got["contact"]["name"].as_str() {
        Some(name) => name.to_string(),
        None => format!("({})", text(&got["contactName"])),
    };
    let head = [text(&got["company"]["name"]), contact, text(&got["status"]["name"])];
    same(&format!("company, contact and status of ticket {id}"), &[wanted.company.clone(), wanted.contact.clone(), wanted.status.clone()], &head, failures);
    if let Some(summary) = wanted.summary.as_ref().filter(|summary| got["summary"] != ***summary) {
        failures.push(format!("summary of ticket {id}: expected `{summary}`, there: {}", got["summary"]));
    }
    let description = texts_of("detailDescriptionFlag").join("\n");
    if !wanted.description.fit(&description) {
        failures.push(format!("description of ticket {id}: expected {:?}, there: `{description}`", wanted.description.parts()));
    }
    texts(&format!("internal notes of ticket {id}"), &wanted.internal, &texts_of("internalAnalysisFlag"), failures);
    texts(&format!("resolution notes of ticket {id}"), &wanted.resolution, &texts_of("resolutionFlag"), failures);
    if !wanted.mailed.is_empty() {
        texts(&format!("notes of ticket {id} that were mailed"), &wanted.mailed, &texts_of("mailed"), failures);
    }
    if wanted.priority.as_ref().is_some_and(|priority| got["priority"]["name"] != **priority) {
        failures.push(format!("priority of ticket {id}: expected {:?}, there: {}", wanted.priority, got["priority"]));
    }
    if wanted.responded.is_some_and(|responded| responded == got["dateResponded"].is_null()) {
        failures.push(format!("ticket {id} was answered: expected {:?}, there: {}", wanted.responded, got["dateResponded"]));
    }
    let entries: Vec<&Value> = psa["time_entries"].as_array().into_iter().flatten().filter(|entry| entry["chargeToId"] == *id).collect();
    let option = |(at, entry): (usize, &&Value)| {
        let (option, words) = wanted.time.get(at).map_or(("", None), |time| time.split_once(": ").map_or((time.as_str(), None), |(a, b)| (a, Some(b))));
        let hours = if option.contains(' ') { format!(" {}", entry["actualHours"]) } else { String::new() };
        let notes = text(&entry["notes"]);
        let words = words.map_or_else(String::new, |words| format!(": {}", if notes.contains(words) { words } else { &notes }));
        format!("{}{hours}{words}", text(&entry["billableOption"]))
    };
    let options: Vec<String> = entries.iter().enumerate().map(option).collect();
    same(&format!("time entries of ticket {id}"), &wanted.time, &options, failures);
    let notes = psa["notes"].as_array().into_iter().flatten().filter(|note| note["ticketId"] == *id);
    let whole = json!([got, notes.collect::<Vec<_>>(), entries]).to_string();
    failures.extend(wanted.never.iter().filter(|part| whole.contains(part.as_str())).map(|part| format!("ticket {id} holds `{part}`")));
}

/// Each ticket carries one case of the tenant whose company it stands under, and no case has two.
fn belongs(tickets: &[&Value], cases: &[(String, Value)], tenants: &Value, failures: &mut Vec<String>) {
    let company = |tenant: &str| documents(tenants).find(|document| document["tenant"] == *tenant).map(|document| document["desk"]["company"].clone());
    // What people opened and the agent left alone carries no mark.
    let touched = |ticket: &&&Value| ticket["externalXRef"].is_string() || ticket["enteredBy"] == "firstline";
    for ticket in tickets.iter().filter(touched) {
        let case = cases.iter().find(|(_, case)| ticket["externalXRef"].as_str().and_then(|mark| mark.strip_prefix("firstline/")) == case["case"].as_str());
        match case {
            None => failures.push(format!("ticket {} belongs to no case", ticket["id"])),
            Some((tenant, case)) => {
                if company(tenant) != Some(ticket["company"]["id"].clone()) {
                    failures.push(format!("ticket {} of a case of {tenant} stands under company {}", ticket["id"], ticket["company"]["id"]));
                }
                if case["ticket"] != ticket["id"] {
                    failures.push(format!("the case of ticket {} names ticket {}", ticket["id"], case["ticket"]));
                }
            }
        }
    }
}

/// The journal is whole: every entry is ours, and names the one before it.
async fn journal(player: &Player<'_>, case: &Value, failures: &mut Vec<String>) -> Result<()> {
    let id = case["case"].as_str().unwrap_or_default();
    let (mut from, mut before) = (String::new(), None);
    loop {
        let (status, page) = player.desk.api("GET", &format!("/api/cases/{id}/journal{from}"), "").await?;
        if status != 200 {
            failures.push(format!("the journal of case {id} was answered with {status}: {page}"));
            return Ok(());
        }
        for entry in page["entries"].as_array().into_iter().flatten() {
            if let Some(why) = entry["error"].as_str() {
                failures.push(format!("journal of case {id}: {why}"));
            }
            if before.as_ref().is_some_and(|before| *before != entry["entry"]["previous"]) {
                failures.push(format!("journal of case {id}: entry {} does not name the one before it", entry["number"]));
            }
            before = Some(entry["hash"].clone());
        }
        match page["next"].as_str() {
            Some(next) => from = format!("?from={next}"),
            None => return Ok(()),
        }
    }
}

fn keys<'a, A, B>(one: &'a BTreeMap<String, A>, other: &'a BTreeMap<String, B>) -> Vec<&'a String> {
    let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn same(what: &str, wanted: &[String], got: &[String], failures: &mut Vec<String>) {
    if wanted != got {
        failures.push(format!("{what}: expected {}, there: {}", list(wanted.iter()), list(got.iter())));
    }
}

fn texts(what: &str, wanted: &[Fragments], got: &[String], failures: &mut Vec<String>) {
    if wanted.len() == got.len() && wanted.iter().zip(got).all(|(wanted, got)| wanted.fit(got)) {
        return;
    }
    let wanted = wanted.iter().map(|fragments| format!("`{}`", fragments.parts().join("` … `")));
    failures.push(format!("{what}: expected {}, there: {}", list(wanted), list(got.iter().map(|text| format!("{text:?}")))));
}

fn list(items: impl Iterator<Item = impl std::fmt::Display>) -> String {
    let items: Vec<String> = items.map(|item| format!("\n      {item}")).collect();
    if items.is_empty() { "nothing".into() } else { items.concat() }
}
