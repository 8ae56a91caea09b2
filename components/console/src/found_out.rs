//! What a vendor tells whoever has its secrets, so that nobody has to paste it: the workspace of a bot token.

use crate::answer::{Answer, Refused};
use crate::host::Host;
use crate::{msp, tenants};
use firstline_core::keys;
use firstline_core::record::IntegrityKey;
use firstline_core::tenant::{Connection, VENDORS, vendor};
use serde_json::Value;

/// After a secret of a tenant was entered.
///
/// # Errors
/// What was found out belongs to somebody else, and the secret is forgotten; or the store failed.
pub async fn tenant(host: &impl Host, key: &IntegrityKey, tenant: &str, connection: &str) -> Result<Answer, Refused> {
    let mut document = tenants::find(host, key, tenant).await?;
    let Some((name, value)) = ask(host, tenant, document.connections.iter().find(|known| known.id == connection)).await else { return Ok(done()) };
    document.connections.iter_mut().filter(|known| known.id == connection).for_each(|known| drop(known.account.insert(name.into(), value.clone())));
    if let Err(refused) = tenants::save(host, key, document).await {
        for (name, _) in VENDORS.iter().flat_map(|vendor| vendor.secrets) {
            host.delete(&keys::credential(connection, name)).await?;
        }
        return Err(refused);
    }
    Ok(done())
}

/// After a secret of the MSP was entered.
///
/// # Errors
/// As those of [`tenant`].
pub async fn msp(host: &impl Host, key: &IntegrityKey, connection: &str) -> Result<Answer, Refused> {
    let Some(mut document) = msp::find(host, key).await? else { return Ok(done()) };
    let Some((name, value)) = ask(host, "msp", document.connections.iter().find(|known| known.id == connection)).await else { return Ok(done()) };
    document.connections.iter_mut().filter(|known| known.id == connection).for_each(|known| drop(known.account.insert(name.into(), value.clone())));
    msp::save(host, key, document).await.map(|_| done())
}

/// Member and value, if the document does not name it and the vendor tells it. A vendor that does not answer is asked again with the next secret.
async fn ask(host: &impl Host, owner: &str, connection: Option<&Connection>) -> Option<(&'static str, String)> {
    let connection = connection.filter(|connection| connection.customer().is_none() && !connection.connect)?;
    let name = vendor(&connection.vendor).map(|vendor| vendor.found_out).filter(|name| !name.is_empty())?;
    let (200, body) = host.ask(&format!("customer/{owner}/{}", connection.id)).await.ok()? else { return None };
    let body: Value = serde_json::from_slice(&body).ok()?;
    let value = body.get(name)?.as_str()?.to_string();
    let plain = (1..=40).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then_some((name, value))
}

fn done() -> Answer {
    Answer { status: 204, body: None, allow: None, log: None, lines: None }
}
