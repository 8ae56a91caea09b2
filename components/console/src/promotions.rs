//! Autonomy that was earned: what did well enough is proposed to go by itself, and holds once two people have agreed.
//!
//! Worked out anew at each look, from the cases of all clients that share the MSP. Only what supervision alone holds back is ever proposed.

use crate::answer::{Answer, Refused, damaged, ok, refused};
use crate::host::{Fault, Host};
use crate::{approval, msp, tenants};
use firstline_core::autonomy::{self, Agreement, Lost, Standing, Voice};
use firstline_core::mailbox::Event;
use firstline_core::people::{self, Person, PersonRole};
use firstline_core::record::IntegrityKey;
use firstline_core::stage::Words;
use firstline_core::tenant::{self, ACTIONS, Autonomy, Document, Role, Tenant};
use firstline_core::{hours, keys};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// So long the first who agreed waits for a second.
const AGREES: u64 = 7 * DAY;
/// Whoever is alone agrees again so much later.
const ALONE: u64 = DAY;
const DAY: u64 = 86_400_000;

/// An action that has earned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// Changes with what was tried.
    pub id: String,
    /// `autonomous`.
    pub propose: &'static str,
    /// The action.
    pub action: String,
    /// Of the identity provider.
    pub vendor: String,
    /// What it has shown.
    #[serde(flatten)]
    pub standing: Standing,
    /// Who has agreed, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Voice>,
}

/// What has lost its autonomy at a tenant, and why, by action.
///
/// # Errors
/// The store failed.
pub async fn lost(host: &impl Host, key: &IntegrityKey, tenant: &Tenant) -> Result<BTreeMap<String, Value>, Fault> {
    let mut found = BTreeMap::new();
    for action in ACTIONS {
        let under = keys::demoted(&tenant.tenant, action);
        let stored = host.get(&under).await?;
        let Some(at) = autonomy::lost_at(key, &under, stored.as_deref()).filter(|at| tenant.without(action, *at).is_some()) else { continue };
        let why = stored.and_then(|bytes| key.read::<Lost>(&under, &bytes).ok());
        found.insert((*action).to_string(), why.map_or_else(|| json!({"cause": "the record is damaged", "at": at}), |lost| json!(lost)));
    }
    Ok(found)
}

/// Everything that is proposed.
///
/// # Errors
/// The store failed, or a record is damaged.
pub async fn promotions(host: &impl Host, key: &IntegrityKey, tenant: &Tenant, alone: bool) -> Result<Vec<Promotion>, Refused> {
    let Some(vendor) = tenant.connection_of(Role::Idp).map(|idp| idp.vendor.clone()) else { return Ok(Vec::new()) };
    let held = autonomy::held(host, key, tenant).await?;
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let now = host.now();
    let all = autonomy::tried(host, key, &pool(host, key, tenant, alone).await?, now).await?;
    let mut found = Vec::new();
    for (action, standing) in autonomy::earned(&all, tenant, &vendor, &held, now) {
        let what = json!({"propose": "autonomous", "tenant": tenant.tenant, "action": action, "vendor": vendor, "version": standing.version});
        let id: String = keys::sha256_hex(what.to_string().as_bytes()).chars().take(16).collect();
        let agreed = waiting(host, key, &tenant.tenant, action).await?.filter(|agreement| still(agreement, &id, now)).map(|agreement| agreement.first);
        found.push(Promotion { id, propose: "autonomous", action: action.into(), vendor: vendor.clone(), standing, agreed });
    }
    Ok(found)
}

/// Whose cases count together.
async fn pool(host: &impl Host, key: &IntegrityKey, tenant: &Tenant, alone: bool) -> Result<Vec<String>, Refused> {
    if alone {
        return Ok(vec![tenant.tenant.clone()]);
    }
    let mut names = Vec::new();
    for name in tenants::names(host, key).await? {
        let inherits = tenants::stored::<Document>(host, key, &keys::tenant(&name)).await?.is_some_and(|document| document.is_ok_and(|one| one.msp.is_none()));
        names.extend(inherits.then_some(name));
    }
    Ok(names)
}

async fn waiting(host: &impl Host, key: &IntegrityKey, tenant: &str, action: &str) -> Result<Option<Agreement>, Fault> {
    // One that cannot be read was never agreed upon.
    Ok(tenants::stored::<Agreement>(host, key, &keys::agreement(tenant, action)).await?.and_then(Result::ok))
}

/// Somebody has agreed, and waits for a second.
fn still(agreement: &Agreement, id: &str, now: u64) -> bool {
    agreement.proposal == id && agreement.second.is_none() && now < agreement.first.at + AGREES
}

/// Agrees to a promotion. None if there is none of this name.
///
/// # Errors
/// The person may not agree now, the document does not take it, or the store failed.
pub async fn agree(host: &impl Host, key: &IntegrityKey, name: &str, person: &Person, id: &str) -> Result<Option<Answer>, Refused> {
    let document: Document = tenants::find(host, key, name).await?;
    for action in ACTIONS {
        // It was agreed upon, and whoever did so was interrupted.
        if let Some(agreement) = waiting(host, key, name, action).await?.filter(|one| one.proposal == id && one.second.is_some() && !one.told) {
            return promote(host, key, document, action, agreement).await.map(Some);
        }
    }
    let outline = tenants::outline(host, key, name).await?;
    let all = promotions(host, key, &outline, document.msp.is_some()).await?;
    let Some(promotion) = all.into_iter().find(|promotion| promotion.id == id) else { return Ok(None) };
    if host.get(&keys::draft(name)).await?.is_some() {
        return Err(refused(409, "somebody has begun to change this document: finish that first"));
    }
    if tenant::resolve(msp::find(host, key).await?.as_ref(), &document).is_err() {
        return Err(refused(409, "the document of this tenant is not whole: fill it first"));
    }
    let now = host.now();
    let voice = Voice { name: person.name.clone(), owner: person.role == PersonRole::Owner, at: now };
    let Promotion { action, standing, agreed, .. } = promotion;
    let agreement = Agreement {
        proposal: id.into(),
        first: agreed.clone().unwrap_or_else(|| voice.clone()),
        second: agreed.is_some().then(|| voice.clone()),
        standing: (standing.verified, standing.here),
        told: false,
    };
    if let Some(first) = &agreed {
        let people = people::parse(&host.variable("console_people").await).map_err(|text| refused(503, &text))?;
        let alone = people.iter().map(|person| person.name.as_str()).collect::<BTreeSet<_>>().len() == 1;
        if first.name == voice.name && !alone {
            return Err(refused(409, &format!("{} has agreed already: another person has to agree as well", first.name)));
        }
        if first.name == voice.name && now < first.at + ALONE {
            let from = hours::stamp(first.at + ALONE).unwrap_or_default();
            return Err(refused(409, &format!("there is nobody else who could agree: agree once more from {from} on")));
        }
        if !first.owner && !voice.owner {
            return Err(refused(403, "one of the two has to be an owner: ask one"));
        }
    }
    let under = keys::agreement(name, &action);
    host.set_many(vec![(under.clone(), key.write(&under, &agreement))]).await?;
    if agreement.second.is_none() {
        return Ok(Some(ok(
            json!({"action": action, "agreed": agreement.first, "waits": "for a second person, or for the same one a day later if there is no other"}),
        )));
    }
    promote(host, key, document, &action, agreement).await.map(Some)
}

/// Writes what was agreed upon into the document, and lets the MSP's people know. Doing so again changes nothing.
async fn promote(host: &impl Host, key: &IntegrityKey, mut document: Document, action: &str, agreement: Agreement) -> Result<Answer, Refused> {
    let name = document.tenant.clone();
    let Some(second) = &agreement.second else { return Err(damaged("the agreement", &"nobody else has agreed")) };
    let names = if second.name == agreement.first.name { second.name.clone() } else { format!("{} and {}", agreement.first.name, second.name) };
    let entry = Autonomy { mode: "autonomous".into(), pilot: Vec::new(), by: Some(names.clone()), at: Some(second.at) };
    document.guardrails.autonomy.insert(action.into(), entry);
    let mut answer = tenants::save(host, key, document).await?;
    let outline = tenants::outline(host, key, &name).await?;
    let (verified, here) = (agreement.standing.0.to_string(), agreement.standing.1.to_string());
    let arguments = [("client", outline.name.as_str()), ("action", action), ("names", &names), ("verified", &verified), ("here", &here)];
    let words = Words::new("autonomy-earned", &arguments);
    if let Some(notice) = Event::notice(key, &outline, format!("earned/{name}/{action}/{}", second.at), words, host.now()) {
        answer.log = approval::deliver(host, &notice).await?;
    }
    let under = keys::agreement(&name, action);
    host.set_many(vec![(under.clone(), key.write(&under, &Agreement { told: true, ..agreement }))]).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
