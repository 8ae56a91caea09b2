//! Secrets of connections: entered, never read back.

use crate::answer::{Answer, Refused, damaged, ok, refused};
use crate::host::Host;
use crate::{msp, tenants};
use firstline_core::keys;
use firstline_core::record::{self, IntegrityKey};
use firstline_core::seal::{PublicKey, Secret, base64};
use firstline_core::tenant::{Connection, Credential, MSP, Opener, vendor};
use serde_json::json;

/// Longest secret.
const LONGEST: usize = 4 * 1024;

/// Where a secret belongs.
#[derive(Debug)]
pub struct Place {
    connection: String,
    name: String,
    opener: Opener,
    context: String,
}

/// Finds the place of a tenant's secret: tenant and connection are there, and the vendor has a secret of this name that is the connection's own.
///
/// # Errors
/// One of them is not there, or the store failed.
pub async fn find(host: &impl Host, key: &IntegrityKey, tenant: &str, connection: &str, name: &str) -> Result<Place, Refused> {
    let tenant = tenants::outline(host, key, tenant).await?;
    // The MSP's own connections are not a tenant's to enter secrets for.
    let found = tenant.connections.iter().find(|known| known.id == connection);
    let found = found.ok_or_else(|| refused(404, &format!("the tenant `{}` has no connection `{connection}`", tenant.tenant)))?;
    place(found, &tenant.tenant, name)
}

/// Finds the place of a secret of the MSP.
///
/// # Errors
/// As those of [`find`].
pub async fn find_msp(host: &impl Host, key: &IntegrityKey, connection: &str, name: &str) -> Result<Place, Refused> {
    let found = msp::find(host, key).await?.and_then(|msp| msp::connection(&msp, connection));
    let found = found.ok_or_else(|| refused(404, &format!("the MSP has no connection `{connection}`")))?;
    place(&found, MSP, name)
}

fn place(connection: &Connection, owner: &str, name: &str) -> Result<Place, Refused> {
    let vendor = vendor(&connection.vendor).ok_or_else(|| refused(404, "the connection's vendor is not known"))?;
    let Some((_, opener)) = vendor.secrets.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = vendor.secrets.iter().map(|(name, _)| *name).collect();
        return Err(refused(404, &format!("{} has no secret `{name}`: known are {}", vendor.name, known.join(", "))));
    };
    let place = connection.place(owner, name);
    if place.connection != connection.id {
        return Err(refused(
            404,
            &format!("the secret `{name}` of `{}` is the MSP's: enter it for the MSP's connection `{}`", connection.id, place.connection),
        ));
    }
    Ok(Place { connection: place.connection, name: name.into(), opener: *opener, context: place.context })
}

/// Seals a secret to the one component that may open it.
///
/// # Errors
/// The text is no secret, a variable is missing, or the store failed.
pub async fn put(host: &impl Host, place: &Place, by: &str, body: &[u8]) -> Result<Answer, Refused> {
    if body.len() > LONGEST {
        return Err(refused(413, &format!("a secret has at most {LONGEST} bytes")));
    }
    let text = std::str::from_utf8(body).map_err(|_| refused(422, "the secret is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(refused(422, "the secret must be one line of text, and not empty"));
    }
    let variable = match place.opener {
        Opener::Intake => "intake_public_key",
        Opener::Technician => "technician_public_key",
    };
    let public = PublicKey::parse(variable, &host.variable(variable).await).map_err(|text| refused(503, &text))?;
    let sealed = public.seal(&Secret::new(text.into()), &place.context);
    let sealed = sealed.ok_or_else(|| refused(503, &format!("nothing can be sealed with the variable `{variable}`: `cargo run -- keys` makes every key")))?;
    let credential = Credential { sealed: base64(&sealed), entered: host.now(), by: by.into() };
    host.set_many(vec![(keys::credential(&place.connection, &place.name), record::write(&credential))]).await?;
    if place.opener == Opener::Technician {
        // A token that the old secret fetched would hide that the new one is wrong.
        host.delete(&keys::token(&place.connection)).await?;
    }
    Ok(Answer { status: 204, body: None, allow: None, log: None, lines: None })
}

/// When a secret was entered, and by whom.
///
/// # Errors
/// It has not been entered, or the store failed.
pub async fn get(host: &impl Host, place: &Place) -> Result<Answer, Refused> {
    let what = || format!("the secret `{}` of the connection `{}`", place.name, place.connection);
    let stored = host.get(&keys::credential(&place.connection, &place.name)).await?;
    let stored = stored.ok_or_else(|| refused(404, &format!("{} has not been entered", what())))?;
    let Credential { sealed: _, entered, by } = record::read(&stored).map_err(|corrupt| damaged(&what(), &format!("{corrupt}: enter it again")))?;
    Ok(ok(json!({"entered": entered, "by": by})))
}
