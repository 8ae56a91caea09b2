//! A callback of the PSA: a signed hint that a ticket may have changed. The ticket itself is read by the technician.

use crate::host::Host;
use crate::webhook::{Answer, Line, Refused, Request, What, answer, keep_one, refused, whole};
use firstline_core::mailbox::{Event, minute};
use firstline_core::record::{self, Record};
use firstline_core::seal::{PrivateKey, Secret, base64, unbase64};
use firstline_core::tenant::{Address, MSP, Workspace};
use firstline_core::{Instant, keys, signature};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long a fetched key is taken for the vendor's, in milliseconds.
const KEPT: u64 = 3_600_000;
/// A signature that does not fit a key of this age may be made with a newer one.
const YOUNG: u64 = 60_000;
/// Keys that are fetched within a minute: strangers must not make us send more.
const MOST_FETCHES: i64 = 6;
const LARGEST_KEY: usize = 1_000;

/// A signing key as it was fetched.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    /// Base64, sealed to ourselves.
    sealed: String,
    fetched: Instant,
}

impl Record for Kept {
    const SCHEMA: u64 = 1;
}

/// Takes a callback of this connection.
pub(crate) async fn take(host: &impl Host, connection: &str, address: &Address, request: Request) -> Result<Answer, Refused> {
    let unsigned = |why: &str| Refused { status: 401, text: "the signature does not fit".into(), why: why.into() };
    let signature = request.content_signature.ok_or_else(|| unsigned("signature missing"))?;
    let body = whole(request.body)?;
    // INVARIANT: before its signature was verified, only the address of the key is read, and it must be on the connection's own host.
    let url = serde_json::from_slice::<Value>(&body).ok().and_then(|body| body.pointer("/Metadata/key_url").and_then(Value::as_str).map(str::to_string));
    let url = url.filter(|url| signature::is_pinned(url, &address.base_url)).ok_or_else(|| unsigned("the key is not on the connection's own host"))?;
    let fits = |key: &Secret| signature::connectwise(key, Some(&signature), body.as_slice());
    let now = host.now();
    let own = own_key(host).await?;
    let kept = kept(host, connection, &url, &own).await?.filter(|(_, fetched)| now.saturating_sub(*fetched) < KEPT);
    let verified = match kept.map(|(key, fetched)| (fits(&key), fetched)) {
        Some((Ok(verified), _)) => verified,
        Some((Err(_), fetched)) if now.saturating_sub(fetched) < YOUNG => return Err(unsigned("signature wrong")),
        Some((Err(_), _)) | None => fits(&fetch(host, connection, &url, &own).await?).map_err(|_| unsigned("signature wrong"))?,
    };
    let body = verified.into_inner();
    let ignored = |why: &str| Ok(answer(String::new(), Line::new(connection, "", What::Ignored, why)));
    let callback: Value = serde_json::from_slice(body).map_err(|_| refused(400, "the body is not JSON"))?;
    let text = |name: &str| callback.get(name).and_then(Value::as_str).unwrap_or_default();
    if !text("Type").eq_ignore_ascii_case("ticket") || text("Action").eq_ignore_ascii_case("deleted") {
        return ignored("no ticket that could be read");
    }
    let ticket = callback.get("ID").and_then(number).ok_or_else(|| refused(400, "`ID` is missing or no number"))?;
    let entity: Value = serde_json::from_str(text("Entity")).unwrap_or_default();
    let Some(owner) = owner(host, connection, address, entity.pointer("/company/id").and_then(number)).await? else {
        return ignored("a company that is no tenant's");
    };
    let id = keys::sha256_hex(body).chars().take(32).collect();
    let event = Event::of_ticket(ticket, id, &owner.tenant, &owner.connection, now);
    let mut answer = Answer::empty();
    match keep_one(host, connection, &event, &mut answer).await {
        Ok(()) => Ok(answer),
        Err(why) => Ok(answer.refuse(connection, why)),
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

async fn own_key(host: &impl Host) -> Result<PrivateKey, Refused> {
    const KEY: &str = "intake_private_key";
    PrivateKey::parse(KEY, &host.variable(KEY).await).map_err(|text| refused(503, text))
}

/// Whose ticket it is: the connection's own tenant, or on the MSP's connection the one with that company. What the callback says is a hint here too:
/// the technician reads the ticket, and leaves it alone if it is another company's.
async fn owner(host: &impl Host, connection: &str, address: &Address, company: Option<u64>) -> Result<Option<Workspace>, Refused> {
    if address.tenant != MSP {
        return Ok(Some(Workspace { tenant: address.tenant.clone(), connection: connection.into() }));
    }
    let Some(company) = company else { return Ok(None) };
    let Some(stored) = host.get(&keys::company(connection, company)).await? else { return Ok(None) };
    record::read(&stored).map(Some).map_err(|corrupt| refused(503, format!("whose company {company} is cannot be read: {corrupt}")))
}

fn context(connection: &str, url: &str) -> String {
    format!("callback key of {connection} from {url}")
}

/// The key that was fetched last, and when. One that cannot be opened is fetched again.
async fn kept(host: &impl Host, connection: &str, url: &str, own: &PrivateKey) -> Result<Option<(Secret, Instant)>, Refused> {
    let Some(stored) = host.get(&keys::callback_key(connection)).await? else { return Ok(None) };
    let Some(kept) = record::read::<Kept>(&stored).ok().filter(|kept| kept.url == url) else { return Ok(None) };
    let key = unbase64(&kept.sealed).and_then(|sealed| own.open(&sealed, &context(connection, url)));
    Ok(key.map(|key| (key, kept.fetched)))
}

async fn fetch(host: &impl Host, connection: &str, url: &str, own: &PrivateKey) -> Result<Secret, Refused> {
    #[derive(Deserialize)]
    struct Document {
        signing_key: String,
    }
    let now = host.now();
    if host.increment(&keys::callback_key_fetches(connection, minute(now)), 1).await? > MOST_FETCHES {
        return Err(refused(503, "too many signing keys were asked for: send again in a minute"));
    }
    let unavailable = |why: String| Refused { status: 503, text: "the signing key is not available: send again".into(), why };
    let document = host.fetch(url).await.map_err(|fault| unavailable(fault.0))?;
    let document: Document = serde_json::from_slice(&document).map_err(|_| unavailable("the signing key cannot be read".into()))?;
    if document.signing_key.is_empty() || document.signing_key.len() > LARGEST_KEY {
        return Err(unavailable("the signing key is empty or too long".into()));
    }
    let key = Secret::new(document.signing_key);
    if let Some(sealed) = own.public().seal(&key, &context(connection, url)) {
        let kept = Kept { url: url.into(), sealed: base64(&sealed), fetched: now };
        host.set_many(vec![(keys::callback_key(connection), record::write(&kept))]).await?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests;
