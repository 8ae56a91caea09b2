//! Vendor credentials: opened at the moment of sending, never stored in the clear.

use crate::catalogue::Scheme;
use crate::host::{Fault, Host, Outgoing};
use crate::monitor::Monitor;
use crate::runner::Settings;
use firstline_core::record::{Record, read, write};
use firstline_core::seal::{Secret, base64, credential_context, unbase64};
use firstline_core::tenant::{Connection, Credential, Place, check_url};
use firstline_core::{Instant, keys};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::Sha512;
use std::time::{Duration, UNIX_EPOCH};

/// A cached access token, sealed to the technician.
#[derive(Serialize, Deserialize)]
struct Token {
    sealed: String,
    expires: Instant,
}

impl Record for Token {
    const SCHEMA: u64 = 1;
}

/// Why a request cannot be authorized.
#[derive(Debug)]
pub enum Refused {
    /// A credential is missing or wrong: a human has to enter it.
    Credential(String),
    /// The token endpoint did not answer: try again later.
    Later(String),
    /// The store failed.
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Refused::Fault(fault)
    }
}

/// What authorizes requests of one connection.
pub enum Authorization {
    /// The same headers for each.
    Headers(Vec<(String, String)>),
    /// Each is signed, as Duo wants it.
    Signed {
        /// Id of the integration.
        integration: String,
        /// Its key.
        key: Secret,
    },
}

impl Authorization {
    /// The headers of this request, which must not change any more.
    #[must_use]
    pub fn headers(&self, request: &Outgoing, now: Instant) -> Vec<(String, String)> {
        match self {
            Authorization::Headers(headers) => headers.clone(),
            Authorization::Signed { integration, key } => {
                let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(now));
                let login = format!("{integration}:{}", sign(key, &date, request));
                vec![("date".into(), date), ("authorization".into(), format!("Basic {}", base64(login.as_bytes())))]
            }
        }
    }
}

/// Everything but the unreserved characters of RFC 3986.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Hexadecimal HMAC-SHA512 over date, method, host, path and parameters, a line each; parameters are sorted, whether they stand in the query or in the form.
/// Source: Duo's clients for its Auth API.
fn sign(key: &Secret, date: &str, request: &Outgoing) -> String {
    let rest = request.url.split_once("://").map_or("", |(_, rest)| rest);
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parameters = if request.method == "GET" { query.as_bytes() } else { request.body.as_slice() };
    let mut pairs: Vec<String> = form_urlencoded::parse(parameters)
        .map(|(name, value)| format!("{}={}", utf8_percent_encode(&name, STRICT), utf8_percent_encode(&value, STRICT)))
        .collect();
    pairs.sort_unstable();
    let text = [date, &request.method, &host.to_ascii_lowercase(), path, &pairs.join("&")].join("\n");
    let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(key.expose().as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    keys::hex(&mac.finalize().into_bytes())
}

/// What authorizes requests of one connection. `renew` asks for a new token after a 401.
///
/// # Errors
/// [`Refused`].
pub async fn authorize<H: Host>(host: &H, settings: &Settings, monitor: &Monitor<'_>, renew: bool) -> Result<Authorization, Refused> {
    let connection = monitor.connection();
    let authorization = |value: String| ("authorization".to_string(), value);
    Ok(Authorization::Headers(match &monitor.vendor.credential {
        Scheme::Bearer { secret } => {
            let secret = credential(host, settings, monitor, secret).await?;
            vec![authorization(format!("Bearer {}", secret.expose()))]
        }
        Scheme::Ssws { secret } => {
            let secret = credential(host, settings, monitor, secret).await?;
            vec![authorization(format!("SSWS {}", secret.expose()))]
        }
        Scheme::Connectwise { secrets: [public, private] } => {
            let (public, private) = (credential(host, settings, monitor, public).await?, credential(host, settings, monitor, private).await?);
            let login = format!("{}+{}:{}", account(connection, "login_company"), public.expose(), private.expose());
            vec![authorization(format!("Basic {}", base64(login.as_bytes()))), ("clientid".into(), account(connection, "client_id").into())]
        }
        Scheme::Duo { user, secret } => {
            let key = credential(host, settings, monitor, secret).await?;
            return Ok(Authorization::Signed { integration: account(connection, user).into(), key });
        }
        Scheme::Basic { user, secret } => {
            let secret = credential(host, settings, monitor, secret).await?;
            let login = format!("{}:{}", account(connection, user), secret.expose());
            vec![authorization(format!("Basic {}", base64(login.as_bytes())))]
        }
        Scheme::Oauth2 { secret, token_hosts, scope } => {
            let token = token(host, settings, monitor, secret, token_hosts, scope, renew).await?;
            vec![authorization(format!("Bearer {}", token.expose()))]
        }
    }))
}

fn account<'a>(connection: &'a Connection, name: &str) -> &'a str {
    connection.account.get(name).map_or("", String::as_str)
}

async fn credential<H: Host>(host: &H, settings: &Settings, monitor: &Monitor<'_>, name: &str) -> Result<Secret, Refused> {
    let connection = monitor.connection();
    let Place { key, context, connection: of, of_msp: _ } = connection.place(&monitor.tenant.tenant, name);
    if let Some(secret) = settings.opened.borrow().get(&key) {
        return Ok(secret.clone());
    }
    let missing = |why: &str| Refused::Credential(format!("the secret `{name}` of connection `{of}` {why}"));
    let bytes = host.get(&key).await?.ok_or_else(|| missing("has not been entered"))?;
    let record: Credential = read(&bytes).map_err(|why| missing(&why.to_string()))?;
    let sealed = unbase64(&record.sealed).ok_or_else(|| missing("is damaged"))?;
    let secret = settings.private_key.open(&sealed, &context).ok_or_else(|| missing("was entered for another address or key: enter it again"))?;
    settings.opened.borrow_mut().insert(key, secret.clone());
    Ok(secret)
}

/// One token at a time: whoever gets the window's first increment asks, the others wait for the cache.
async fn token<H: Host>(
    host: &H,
    settings: &Settings,
    monitor: &Monitor<'_>,
    secret: &str,
    token_hosts: &[String],
    scope: &str,
    renew: bool,
) -> Result<Secret, Refused> {
    let connection = monitor.connection();
    let key = keys::token(&connection.id);
    if !renew && let Some(token) = settings.opened.borrow().get(&key) {
        return Ok(token.clone());
    }
    if !renew && let Some(token) = cached(host, settings, monitor, &key).await? {
        settings.opened.borrow_mut().insert(key, token.clone());
        return Ok(token);
    }
    // The vendor refused this one.
    let opened = settings.opened.borrow().get(&key).cloned();
    let stale = match opened {
        Some(token) => Some(token),
        None => cached(host, settings, monitor, &key).await?,
    };
    let fresh = |token: &Secret| stale.as_ref() != Some(token);
    let window = host.now() / 10_000;
    if host.increment(&keys::token_refresh(&connection.id, window), 1).await? > 1 {
        for _ in 0..8 {
            host.sleep(250).await;
            let opened = settings.opened.borrow().get(&key).cloned();
            let token = match opened.filter(fresh) {
                Some(token) => Some(token),
                None => cached(host, settings, monitor, &key).await?.filter(fresh),
            };
            if let Some(token) = token {
                settings.opened.borrow_mut().insert(key, token.clone());
                return Ok(token);
            }
        }
    }
    let hosts: Vec<&str> = token_hosts.iter().map(String::as_str).collect();
    check_url(&connection.token_url, &hosts, monitor.reach).map_err(Refused::Credential)?;
    let client_secret = credential(host, settings, monitor, secret).await?;
    let pairs =
        [("grant_type", "client_credentials"), ("client_id", account(connection, "client_id")), ("client_secret", client_secret.expose()), ("scope", scope)];
    let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))).collect();
    let outgoing = Outgoing {
        method: "POST".into(),
        url: connection.token_url.clone(),
        headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into()), ("accept".into(), "application/json".into())],
        body: body.join("&").into_bytes(),
    };
    let answer = host.send(outgoing).await.map_err(|_| Refused::Later("the token endpoint did not answer".into()))?;
    if answer.status == 429 || answer.status >= 500 {
        return Err(Refused::Later(format!("the token endpoint answered {}", answer.status)));
    }
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
        #[serde(default)]
        expires_in: u64,
    }
    let granted: Granted = match (answer.status, serde_json::from_slice(&answer.body)) {
        (200, Ok(granted)) => granted,
        (status, _) => {
            let advice = advice(connection, &answer.body).unwrap_or_else(|| format!("check client id and `{secret}`"));
            return Err(Refused::Credential(format!("the token endpoint of connection `{}` answered {status}: {advice}", connection.id)));
        }
    };
    let token = Secret::new(granted.access_token);
    // A minute early, so that it does not die on the way.
    let expires = host.now() + granted.expires_in.clamp(60, 86_400) * 1_000 - 60_000;
    if let Some(sealed) = settings.public_key.seal(&token, &context(monitor)) {
        // It goes along with the next commit: lost with its run, it is fetched again.
        settings.tokens.borrow_mut().push((key.clone(), write(&Token { sealed: base64(&sealed), expires })));
    }
    settings.opened.borrow_mut().insert(key, token.clone());
    Ok(token)
}

/// What Microsoft's error code asks for. Its text is not passed on: it may name what is nobody's business.
fn advice(connection: &Connection, body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let code = body.pointer("/error_codes/0")?.as_u64()?;
    let advice = match code {
        7_000_229 | 65_001 | 700_016 => {
            let (directory, client_id) = (account(connection, "directory"), account(connection, "client_id"));
            format!(
                "nobody has consented to the application in this directory; an administrator does at https://login.microsoftonline.com/{directory}/adminconsent?client_id={client_id}"
            )
        }
        7_000_215 => "`client-secret` is wrong: enter it again".into(),
        7_000_222 => "`client-secret` has expired: make and enter a new one".into(),
        90_002 => "there is no such directory".into(),
        _ => return None,
    };
    Some(format!("AADSTS{code}: {advice}"))
}

fn context(monitor: &Monitor<'_>) -> String {
    let connection = monitor.connection();
    credential_context(&monitor.tenant.tenant, &connection.id, "access-token", &connection.base_url, &connection.token_url)
}

async fn cached<H: Host>(host: &H, settings: &Settings, monitor: &Monitor<'_>, key: &str) -> Result<Option<Secret>, Refused> {
    let record: Option<Token> = host.get(key).await?.and_then(|bytes| read(&bytes).ok());
    let live = record.filter(|token| host.now() < token.expires);
    Ok(live.and_then(|token| settings.private_key.open(&unbase64(&token.sealed)?, &context(monitor))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_to_duo_is_signed_as_its_clients_sign() {
        // Computed independently, by Python's hmac and hashlib.
        for (method, path, body, expect) in [
            ("POST", "/auth/v2/auth", "username=ivy%2Bx%40initech.example&factor=push&device=auto&async=1", "8a2f54ee9bedeef0b40ec8243d172055"),
            ("GET", "/auth/v2/auth_status?txid=a%20$b", "", "42e2b8db3032c21ff29ebd9d270e699c"),
            ("GET", "/auth/v2/check", "", "2801c54c54ffad3e619b7414afbc8932"),
        ] {
            let url = format!("https://API-1a2b.duosecurity.com{path}");
            let request = Outgoing { method: method.into(), url, headers: vec![], body: body.into() };
            let signed = Authorization::Signed { integration: "DI1".into(), key: Secret::new("duo-secret".into()) };
            let headers = signed.headers(&request, 1_795_424_400_000);
            assert_eq!(headers[0], ("date".into(), "Mon, 23 Nov 2026 09:00:00 GMT".into()));
            let login = String::from_utf8(unbase64(headers[1].1.strip_prefix("Basic ").unwrap()).unwrap()).unwrap();
            assert!(login.starts_with(&format!("DI1:{expect}")) && login.len() == 4 + 128, "{login}");
        }
    }
}
