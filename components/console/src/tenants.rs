//! Documents of tenants: whole ones hold at once, half-filled ones are kept as drafts.

use crate::answer::{Answer, Refused, damaged, ok, problems, refused};
use crate::host::{Fault, Host};
use crate::{conflicts, logos, msp, promotions};
use firstline_core::mailbox::counter;
use firstline_core::record::{self, Corrupt, IntegrityKey, Record};
use firstline_core::tenant::{self, Address, Connection, Document, Gap, Listed, Msp, Reach, Role, Tenant, Workspace, vendor};
use firstline_core::{keys, redact};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Names of all tenants.
///
/// # Errors
/// The store failed, or the list is damaged.
pub async fn list(host: &impl Host, key: &IntegrityKey) -> Result<Answer, Refused> {
    let mut tenants: Vec<Value> = vec![];
    for name in names(host, key).await? {
        tenants.push(match stored(host, key, &keys::tenant(&name)).await? {
            Some(Ok(Document { name: of, .. })) => json!({"tenant": name, "name": of}),
            Some(Err(corrupt)) => json!({"tenant": name, "error": format!("{corrupt}: put its document again")}),
            None => match stored::<Document>(host, key, &keys::draft(&name)).await? {
                Some(Ok(draft)) => json!({"tenant": name, "name": draft.name, "draft": true}),
                Some(Err(_)) | None => json!({"tenant": name, "error": "its document is missing: put it again"}),
            },
        });
    }
    Ok(ok(json!({ "tenants": tenants })))
}

/// One document, what it comes to, and what is still to be entered.
///
/// # Errors
/// The tenant is unknown or damaged, or the store failed.
pub async fn get(host: &impl Host, key: &IntegrityKey, name: &str) -> Result<Answer, Refused> {
    let (live, draft) = (stored(host, key, &keys::tenant(name)).await?, stored(host, key, &keys::draft(name)).await?);
    show(host, key, live.transpose().map_err(|why| corrupt(name, &why))?, draft.and_then(Result::ok), name, &[]).await
}

/// The document of this tenant.
///
/// # Errors
/// The tenant is unknown or damaged, or the store failed.
pub async fn find(host: &impl Host, key: &IntegrityKey, name: &str) -> Result<Document, Refused> {
    match stored(host, key, &keys::tenant(name)).await? {
        Some(document) => document.map_err(|why| corrupt(name, &why)),
        None => Err(refused(404, &format!("there is no tenant `{name}`"))),
    }
}

fn corrupt(name: &str, why: &Corrupt) -> Refused {
    damaged(&format!("the document of the tenant `{name}`"), &format!("{why}: put it again"))
}

/// The tenant of this name, as far as its documents are filled.
///
/// # Errors
/// The tenant is unknown, or one of the documents is damaged, or the store failed.
pub async fn outline(host: &impl Host, key: &IntegrityKey, name: &str) -> Result<Tenant, Refused> {
    let document = find(host, key, name).await?;
    let msp = msp::find(host, key).await?;
    Ok(tenant::outline(msp.as_ref(), &document))
}

/// Takes a document, or tells every reason why not. A half-filled one becomes a draft, and what held before still holds.
///
/// # Errors
/// The document is wrong or takes what belongs to another tenant, or the store failed.
pub async fn put(host: &impl Host, key: &IntegrityKey, name: &str, body: &[u8], person: &str) -> Result<Answer, Refused> {
    is_json(body)?;
    let mut new = tenant::read(name, body, &reach(host).await).map_err(|all| problems(&all))?;
    let before = stored::<Document>(host, key, &keys::tenant(name)).await?.and_then(Result::ok);
    logos::keep(host, "msp", new.msp.as_mut()).await?;
    new.guardrails.record(before.as_ref().map(|before| &before.guardrails), person, host.now());
    save(host, key, new).await
}

/// Keeps a document that was read.
///
/// # Errors
/// It takes what belongs to another tenant, or the store failed.
pub async fn save(host: &impl Host, key: &IntegrityKey, new: Document) -> Result<Answer, Refused> {
    let name = new.tenant.clone();
    let msp = msp::find(host, key).await?;
    let listed = names(host, key).await?.contains(&name);
    let warnings = unclaimed(host, key, msp.as_ref(), &new).await?;
    if !listed {
        // Before the document, so that a tenant who is served is also in the list.
        let number = host.increment(&keys::tenant_counter(), 1).await?;
        let under = keys::listed(number);
        host.set_many(vec![(under.clone(), key.write(&under, &Listed { tenant: name.clone() }))]).await?;
    }
    let (under, draft) = (keys::tenant(&name), keys::draft(&name));
    let old = stored::<Document>(host, key, &under).await?;
    let whole = tenant::resolve(msp.as_ref(), &new).is_ok();
    if !whole {
        host.set_many(vec![(draft.clone(), key.write(&draft, &new))]).await?;
        return show(host, key, old.and_then(Result::ok), Some(new), &name, &warnings).await;
    }
    host.set_many(vec![(under.clone(), key.write(&under, &new))]).await?;
    // INVARIANT: two people may enter two tenants at once. Each looks again at what the other has written, and only then may events find the tenant.
    if let Err(taken) = unclaimed(host, key, msp.as_ref(), &new).await {
        match old.and_then(Result::ok) {
            Some(old) => host.set_many(vec![(under.clone(), key.write(&under, &old))]).await?,
            None => host.delete(&under).await?,
        }
        return Err(taken);
    }
    let mut writes = routes(&name, &tenant::outline(msp.as_ref(), &new).connections);
    let desk = desk(&tenant::outline(msp.as_ref(), &new));
    let left = old.as_ref().and_then(|old| old.as_ref().ok()).and_then(|old| self::desk(&tenant::outline(msp.as_ref(), old)));
    writes.extend(desk.clone());
    host.set_many(writes).await?;
    leave(host, &name, left, desk).await?;
    host.delete(&draft).await?;
    forget(host, &name, old.and_then(Result::ok).map(|old| old.connections).unwrap_or_default(), &new.connections).await?;
    show(host, key, Some(new), None, &name, &warnings).await
}

/// Compares with every other tenant and with the MSP. Warnings name what could not be compared.
async fn unclaimed(host: &impl Host, key: &IntegrityKey, msp: Option<&Msp>, new: &Document) -> Result<Vec<String>, Refused> {
    let (mut taken, mut warnings) = (conflicts::with_msp(&new.connections, msp), vec![]);
    let mine = tenant::outline(msp, new);
    for other in names(host, key).await?.iter().filter(|other| **other != new.tenant) {
        match stored::<Document>(host, key, &keys::tenant(other)).await? {
            Some(Ok(other)) => taken.extend(conflicts::between(&mine, &tenant::outline(msp, &other))),
            // A document that cannot be trusted is used by nobody, and is compared with all others when it is put again.
            Some(Err(corrupt)) => warnings.push(format!("the document of the tenant `{other}` was not compared: {corrupt}: put it again")),
            None => {}
        }
    }
    if taken.is_empty() { Ok(warnings) } else { Err(problems(&taken)) }
}

async fn show(
    host: &impl Host,
    key: &IntegrityKey,
    live: Option<Document>,
    draft: Option<Document>,
    name: &str,
    warnings: &[String],
) -> Result<Answer, Refused> {
    let Some(document) = draft.as_ref().or(live.as_ref()) else { return Err(refused(404, &format!("there is no tenant `{name}`"))) };
    let msp = msp::find(host, key).await?;
    let tenant = tenant::outline(msp.as_ref(), document);
    let mut gaps = tenant::gaps(msp.as_ref(), document);
    for connection in tenant.serving() {
        gaps.extend(secrets(host, connection, name).await?);
    }
    let mut body = json!({"document": document, "tenant": tenant, "missing": texts(&gaps), "actions": actions(&gaps, &tenant)});
    if let Value::Object(body) = &mut body {
        let lost = promotions::lost(host, key, &tenant).await?;
        if !lost.is_empty() {
            body.insert("lost".into(), json!(lost));
        }
        if draft.is_some() {
            body.insert("draft".into(), json!(true));
            body.insert("serves".into(), json!(live.is_some()));
        }
        if !warnings.is_empty() {
            body.insert("warnings".into(), json!(warnings));
        }
    }
    Ok(ok(body))
}

fn texts(gaps: &[Gap]) -> Vec<&str> {
    gaps.iter().map(|gap| gap.text.as_str()).collect()
}

/// Each action that there is, with what it still lacks.
fn actions(gaps: &[Gap], tenant: &Tenant) -> Value {
    let lacks = |roles: &[Role]| -> Vec<String> {
        let of = |role: Role| tenant.connection_of(role).is_none() && !gaps.iter().any(|gap| gap.role == Some(role));
        let absent = roles.iter().filter(|role| **role != Role::Psa && of(**role)).map(|role| {
            let what = if *role == Role::Chat { "a chat" } else { "an identity provider" };
            format!("`connections` holds no connection to {what}")
        });
        let needed = |gap: &&Gap| gap.role.is_none_or(|role| roles.contains(&role));
        gaps.iter().filter(needed).map(|gap| gap.text.clone()).chain(absent).collect()
    };
    let all = [Role::Chat, Role::Idp, Role::Psa];
    json!({
        "ticket": lacks(&[Role::Psa]),
        "chat": lacks(&[Role::Chat, Role::Psa]),
        "password_reset": lacks(&all),
        "account_unlock": lacks(&all),
    })
}

/// Secrets of a connection that have not been entered.
///
/// # Errors
/// The store failed.
pub async fn secrets(host: &impl Host, connection: &Connection, owner: &str) -> Result<Vec<Gap>, Fault> {
    let mut gaps = vec![];
    let Some(vendor) = vendor(&connection.vendor) else { return Ok(gaps) };
    for (name, _) in vendor.secrets {
        // The next secret exists only while one is being rotated.
        let place = connection.place(owner, name);
        if name.ends_with("-next") || host.get(&place.key).await?.is_some() {
            continue;
        }
        let at = if place.of_msp { "msp." } else { "" };
        gaps.push(Gap { role: Some(vendor.role), text: format!("{at}connections.{}.secrets.{name}", place.connection) });
    }
    Ok(gaps)
}

/// What the operator allows.
pub async fn reach(host: &impl Host) -> Reach {
    let mut extra_hosts = vec![];
    for i in 1..=8 {
        extra_hosts.push(host.variable(&format!("extra_host_{i}")).await);
    }
    Reach { extra_hosts, loopback: host.variable("allow_loopback").await == "true" }
}

/// A body that is no JSON is told apart from a wrong document.
///
/// # Errors
/// It is no JSON.
pub fn is_json(body: &[u8]) -> Result<(), Refused> {
    serde_json::from_slice::<Value>(body)
        .map(drop)
        .map_err(|error| refused(400, &format!("the body is not JSON: line {} column {}: send the document", error.line(), error.column())))
}

/// Reads a record under its MAC.
///
/// # Errors
/// The store failed.
pub async fn stored<T: Record>(host: &impl Host, key: &IntegrityKey, under: &str) -> Result<Option<Result<T, Corrupt>>, Fault> {
    Ok(host.get(under).await?.map(|bytes| key.read(under, &bytes)))
}

/// Names of all tenants. Entries are only ever added, each under a number of its own.
///
/// # Errors
/// The store failed, or the list is damaged.
pub async fn names(host: &impl Host, key: &IntegrityKey) -> Result<BTreeSet<String>, Refused> {
    let last = host.get(&keys::tenant_counter()).await?;
    let last = counter(last.as_deref()).ok_or_else(|| damaged("the list of tenants", &"its counter is no number"))?;
    let mut names = BTreeSet::new();
    for number in 1..=last {
        match stored::<Listed>(host, key, &keys::listed(number)).await? {
            Some(Ok(entry)) => drop(names.insert(entry.tenant)),
            Some(Err(corrupt)) => return Err(damaged(&format!("entry {number} of the list of tenants"), &redact::line(&corrupt.to_string(), 200))),
            // Its writer died, or has not written it yet.
            None => {}
        }
    }
    Ok(names)
}

/// What leads from the outside to these connections, with the addresses that their secrets are sealed to.
#[must_use]
pub fn routes(owner: &str, connections: &[Connection]) -> Vec<(String, Vec<u8>)> {
    let mut writes = vec![];
    for connection in connections {
        let Connection { id, vendor, base_url, token_url, account, expires: _, cut_off_by: _, from, connect: _, source: _ } = connection.clone();
        let address = Address { tenant: owner.into(), vendor, base_url, token_url, account, from };
        writes.push((keys::connection(&id), record::write(&address)));
        if let Some(under) = workspace(connection) {
            writes.push((under, record::write(&Workspace { tenant: owner.into(), connection: id })));
        }
    }
    writes
}

/// What leads from a company of the MSP's PSA to its tenant.
#[must_use]
pub fn desk(tenant: &Tenant) -> Option<(String, Vec<u8>)> {
    let psa = tenant.connection_of(Role::Psa).filter(|psa| tenant.desk.company > 0 && tenant.shared.iter().any(|shared| shared.id == psa.id))?;
    Some((keys::company(&psa.id, tenant.desk.company), record::write(&Workspace { tenant: tenant.tenant.clone(), connection: psa.id.clone() })))
}

/// Deletes what led from a company to this tenant, if it leads nowhere now.
///
/// # Errors
/// The store failed.
pub async fn leave(host: &impl Host, owner: &str, old: Option<(String, Vec<u8>)>, new: Option<(String, Vec<u8>)>) -> Result<(), Fault> {
    let Some((gone, _)) = old.filter(|(old, _)| new.as_ref().is_none_or(|(new, _)| new != old)) else { return Ok(()) };
    let theirs = host.get(&gone).await?.and_then(|bytes| record::read::<Workspace>(&bytes).ok()).is_some_and(|route| route.tenant != owner);
    if theirs { Ok(()) } else { host.delete(&gone).await }
}

/// Key of the workspace whose events come through a connection of the MSP.
fn workspace(connection: &Connection) -> Option<String> {
    Some(keys::workspace_of(connection.from.as_deref()?, connection.customer()?, connection.connect))
}

/// Deletes what the old connections led to and the new ones do not. A secret is sealed to the connection's address, so a changed address leaves none that opens.
///
/// # Errors
/// The store failed.
pub async fn forget(host: &impl Host, owner: &str, old: Vec<Connection>, new: &[Connection]) -> Result<(), Fault> {
    for gone in old {
        let kept = new.iter().find(|kept| kept.id == gone.id);
        if kept.is_none() {
            host.delete(&keys::connection(&gone.id)).await?;
        }
        if let Some(under) = workspace(&gone).filter(|under| !new.iter().filter_map(workspace).any(|kept| kept == *under)) {
            // Somebody else may have claimed the workspace since.
            let theirs = host.get(&under).await?.and_then(|bytes| record::read::<Workspace>(&bytes).ok()).is_some_and(|route| route.tenant != owner);
            if !theirs {
                host.delete(&under).await?;
            }
        }
        let addresses =
            |connection: &Connection| (connection.vendor.clone(), connection.base_url.clone(), connection.token_url.clone(), connection.from.clone());
        if kept.is_none_or(|kept| addresses(kept) != addresses(&gone)) {
            for (name, _) in vendor(&gone.vendor).into_iter().flat_map(|vendor| vendor.secrets) {
                host.delete(&keys::credential(&gone.id, name)).await?;
            }
        }
        // The token was issued for the old account.
        if kept != Some(&gone) {
            host.delete(&keys::token(&gone.id)).await?;
        }
    }
    Ok(())
}
