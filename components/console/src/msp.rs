//! The MSP's document: what all tenants share.

use crate::answer::{Answer, Refused, damaged, ok, problems};
use crate::host::Host;
use crate::{conflicts, logos, tenants};
use firstline_core::keys;
use firstline_core::record::IntegrityKey;
use firstline_core::tenant::{self, Connection, Document, Gap, MSP, Msp, Source};
use serde_json::{Value, json};

/// The MSP's document as it holds. None if there is none.
///
/// # Errors
/// It is damaged, or the store failed.
pub async fn find(host: &impl Host, key: &IntegrityKey) -> Result<Option<Msp>, Refused> {
    let stored = tenants::stored(host, key, &keys::msp()).await?.transpose();
    stored.map_err(|corrupt| damaged("the MSP's document", &format!("{corrupt}: put it again")))
}

/// The document, and what is still to be entered.
///
/// # Errors
/// It is damaged, or the store failed.
pub async fn get(host: &impl Host, key: &IntegrityKey) -> Result<Answer, Refused> {
    let draft = tenants::stored(host, key, &keys::msp_draft()).await?.and_then(Result::ok);
    show(host, find(host, key).await?, draft, &[]).await
}

/// A connection of the MSP, to which its secrets are sealed.
#[must_use]
pub fn connection(msp: &Msp, id: &str) -> Option<Connection> {
    let connection = msp.connections.iter().find(|connection| connection.id == id)?;
    let source = Source { id: connection.id.clone(), base_url: connection.base_url.clone(), token_url: connection.token_url.clone() };
    Some(Connection { source: Some(source), ..connection.clone() })
}

/// Takes the document, or tells every reason why not. A half-filled one becomes a draft.
///
/// # Errors
/// It is wrong, takes what belongs to a tenant, or would leave a tenant without what it needs; or the store failed.
pub async fn put(host: &impl Host, key: &IntegrityKey, body: &[u8]) -> Result<Answer, Refused> {
    tenants::is_json(body)?;
    let mut new = tenant::read_msp(body, &tenants::reach(host).await).map_err(|all| problems(&all))?;
    logos::keep(host, "brand", new.brand.as_mut()).await?;
    save(host, key, new).await
}

/// Keeps a document that was read.
///
/// # Errors
/// As those of [`put`].
pub async fn save(host: &impl Host, key: &IntegrityKey, new: Msp) -> Result<Answer, Refused> {
    // A damaged document is put again; nobody could use it.
    let old = tenants::stored::<Msp>(host, key, &keys::msp()).await?.and_then(Result::ok);
    let draft = keys::msp_draft();
    if tenant::msp_gaps(&new).iter().any(|gap| gap.role.is_none()) {
        host.set_many(vec![(draft.clone(), key.write(&draft, &new))]).await?;
        return show(host, old, Some(new), &[]).await;
    }
    let (mut wrong, mut warnings, mut tokens, mut desks) = (vec![], vec![], vec![], vec![]);
    for name in tenants::names(host, key).await? {
        let document: Document = match tenants::stored(host, key, &keys::tenant(&name)).await? {
            Some(Ok(document)) => document,
            Some(Err(corrupt)) => {
                warnings.push(format!("the document of the tenant `{name}` was not compared: {corrupt}: put it again"));
                continue;
            }
            None => continue,
        };
        wrong.extend(conflicts::with_msp(&document.connections, Some(&new)).into_iter().map(|text| format!("tenant `{name}`: {text}")));
        if document.msp.is_some() {
            continue;
        }
        let before: Vec<Gap> = tenant::gaps(old.as_ref(), &document);
        for gap in tenant::gaps(Some(&new), &document).into_iter().filter(|gap| !before.contains(gap)) {
            let text = format!("tenant `{name}`: {}", gap.text);
            if gap.role.is_none() { wrong.push(text) } else { warnings.push(format!("{text}: what needs it goes to a human")) }
        }
        let desk = |msp: Option<&Msp>| tenants::desk(&tenant::outline(msp, &document));
        desks.push((name.clone(), desk(old.as_ref()), desk(Some(&new))));
        tokens.extend(document.connections.iter().filter(|connection| connection.from.is_some()).map(|connection| keys::token(&connection.id)));
    }
    if !wrong.is_empty() {
        return Err(problems(&wrong));
    }
    let mut writes = vec![(keys::msp(), key.write(&keys::msp(), &new))];
    writes.extend(tenants::routes(MSP, &new.connections));
    writes.extend(desks.iter().filter_map(|(_, _, desk)| desk.clone()));
    host.set_many(writes).await?;
    for (name, left, desk) in desks {
        tenants::leave(host, &name, left, desk).await?;
    }
    host.delete(&draft).await?;
    let old = old.map(|old| old.connections).unwrap_or_default();
    if old != new.connections {
        // They were issued for the old application.
        for token in tokens {
            host.delete(&token).await?;
        }
    }
    tenants::forget(host, MSP, old, &new.connections).await?;
    show(host, Some(new), None, &warnings).await
}

async fn show(host: &impl Host, live: Option<Msp>, draft: Option<Msp>, warnings: &[String]) -> Result<Answer, Refused> {
    let Some(document) = draft.as_ref().or(live.as_ref()) else {
        return Err(crate::answer::refused(404, "there is no document of the MSP: put one here, or let each tenant name its `msp`"));
    };
    let mut gaps = tenant::msp_gaps(document);
    for id in document.connections.iter().map(|connection| connection.id.as_str()) {
        if let Some(connection) = connection(document, id) {
            gaps.extend(tenants::secrets(host, &connection, MSP).await?);
        }
    }
    let missing: Vec<&str> = gaps.iter().map(|gap| gap.text.as_str()).collect();
    let mut body = json!({"document": document, "missing": missing});
    if let Value::Object(body) = &mut body {
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
