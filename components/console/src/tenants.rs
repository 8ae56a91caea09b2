//! Tenants' documents.

use crate::answer::{Answer, Refused, damaged, ok, problems, refused};
use crate::conflicts;
use crate::host::{Fault, Host};
use firstline_core::record::{self, Corrupt, IntegrityKey};
use firstline_core::tenant::{self, Address, Connection, Reach, Tenant, Tenants, vendor};
use firstline_core::{keys, redact};
use serde_json::{Value, json};

/// Names of all tenants.
///
/// # Errors
/// The store failed, or the list is damaged.
pub async fn list(host: &impl Host, key: &IntegrityKey) -> Result<Answer, Refused> {
    let mut tenants: Vec<Value> = vec![];
    for name in names(host, key).await?.names {
        tenants.push(match stored(host, key, &name).await? {
            Some(Ok(tenant)) => json!({"tenant": name, "name": tenant.name}),
            Some(Err(corrupt)) => json!({"tenant": name, "error": format!("{corrupt}: put its document again")}),
            None => json!({"tenant": name, "error": "its document is missing: put it again"}),
        });
    }
    Ok(ok(json!({ "tenants": tenants })))
}

/// One document, and what is still to be entered.
///
/// # Errors
/// The tenant is unknown or damaged, or the store failed.
pub async fn get(host: &impl Host, key: &IntegrityKey, name: &str) -> Result<Answer, Refused> {
    let tenant = find(host, key, name).await?;
    show(host, &tenant, &[]).await
}

/// The tenant of this name.
///
/// # Errors
/// The tenant is unknown or damaged, or the store failed.
pub async fn find(host: &impl Host, key: &IntegrityKey, name: &str) -> Result<Tenant, Refused> {
    match stored(host, key, name).await? {
        Some(Ok(tenant)) => Ok(tenant),
        Some(Err(corrupt)) => Err(damaged(&format!("the document of the tenant `{name}`"), &format!("{corrupt}: put it again"))),
        None => Err(refused(404, &format!("there is no tenant `{name}`"))),
    }
}

/// Takes a document: all of it, or every reason why not.
///
/// # Errors
/// The document is wrong or takes what belongs to another tenant, or the store failed.
pub async fn put(host: &impl Host, key: &IntegrityKey, name: &str, document: &[u8]) -> Result<Answer, Refused> {
    if let Err(error) = serde_json::from_slice::<Value>(document) {
        return Err(refused(400, &format!("the body is not JSON: line {} column {}: send the tenant's document", error.line(), error.column())));
    }
    let new = tenant::parse(name, document, &reach(host).await).map_err(|all| problems(&all))?;
    let old = stored(host, key, name).await?.and_then(Result::ok);
    let (mut taken, mut warnings) = (vec![], vec![]);
    let mut names = names(host, key).await?;
    for other in names.names.iter().filter(|other| *other != name) {
        match stored(host, key, other).await? {
            Some(Ok(other)) => taken.extend(conflicts::between(&new, &other)),
            // A document that cannot be trusted is used by nobody, and is compared with all others when it is put again.
            Some(Err(corrupt)) => warnings.push(format!("the document of the tenant `{other}` was not compared: {corrupt}: put it again")),
            None => {}
        }
    }
    if !taken.is_empty() {
        return Err(problems(&taken));
    }
    names.names.insert(name.into());
    let mut writes = vec![(keys::tenant(name), key.write(&keys::tenant(name), &new)), (keys::tenants(), key.write(&keys::tenants(), &names))];
    writes.extend(new.connections.iter().map(|connection| (keys::connection(&connection.id), record::write(&address(name, connection)))));
    host.set_many(writes).await?;
    forget(host, old.as_ref(), &new).await?;
    remember(host, key, name).await?;
    show(host, &new, &warnings).await
}

async fn show(host: &impl Host, tenant: &Tenant, warnings: &[String]) -> Result<Answer, Refused> {
    let mut missing = vec![];
    for connection in &tenant.connections {
        for (name, _) in vendor(&connection.vendor).into_iter().flat_map(|vendor| vendor.secrets) {
            // The next secret exists only while one is being rotated.
            if !name.ends_with("-next") && host.get(&keys::credential(&connection.id, name)).await?.is_none() {
                missing.push(format!("connections.{}.secrets.{name}", connection.id));
            }
        }
    }
    let mut body = json!({"tenant": tenant, "missing": missing});
    if let (Value::Object(body), false) = (&mut body, warnings.is_empty()) {
        body.insert("warnings".into(), json!(warnings));
    }
    Ok(ok(body))
}

async fn reach(host: &impl Host) -> Reach {
    let mut extra_hosts = vec![];
    for i in 1..=8 {
        extra_hosts.push(host.variable(&format!("extra_host_{i}")).await);
    }
    Reach { extra_hosts, loopback: host.variable("allow_loopback").await == "true" }
}

async fn stored(host: &impl Host, key: &IntegrityKey, name: &str) -> Result<Option<Result<Tenant, Corrupt>>, Fault> {
    let under = keys::tenant(name);
    Ok(host.get(&under).await?.map(|bytes| key.read(&under, &bytes)))
}

async fn names(host: &impl Host, key: &IntegrityKey) -> Result<Tenants, Refused> {
    match host.get(&keys::tenants()).await? {
        None => Ok(Tenants::default()),
        Some(bytes) => key.read(&keys::tenants(), &bytes).map_err(|corrupt| damaged("the list of tenants", &corrupt)),
    }
}

fn address(tenant: &str, connection: &Connection) -> Address {
    let Connection { id: _, vendor, base_url, token_url, account, cut_off_by: _ } = connection.clone();
    Address { tenant: tenant.into(), vendor, base_url, token_url, account }
}

/// Deletes what the old document led to and the new one does not. A secret is sealed to the connection's address, so a changed address leaves none that opens.
async fn forget(host: &impl Host, old: Option<&Tenant>, new: &Tenant) -> Result<(), Fault> {
    for gone in old.iter().flat_map(|old| &old.connections) {
        let kept = new.connection(&gone.id);
        if kept.is_none() {
            host.delete(&keys::connection(&gone.id)).await?;
        }
        if kept.is_none_or(|kept| (&kept.vendor, &kept.base_url, &kept.token_url) != (&gone.vendor, &gone.base_url, &gone.token_url)) {
            for (name, _) in vendor(&gone.vendor).into_iter().flat_map(|vendor| vendor.secrets) {
                host.delete(&keys::credential(&gone.id, name)).await?;
            }
        }
        // The token was issued for the old account.
        if kept != Some(gone) {
            host.delete(&keys::token(&gone.id)).await?;
        }
    }
    Ok(())
}

/// Two people may put two new tenants at once, and the store has no compare-and-swap: whoever finds the own name lost writes it again.
async fn remember(host: &impl Host, key: &IntegrityKey, name: &str) -> Result<(), Refused> {
    for _ in 0..3 {
        let mut names = names(host, key).await?;
        if !names.names.insert(name.into()) {
            return Ok(());
        }
        host.set_many(vec![(keys::tenants(), key.write(&keys::tenants(), &names))]).await?;
    }
    Err(refused(503, &format!("others change the list of tenants at the same time: put `{}` again", redact::line(name, 40))))
}
