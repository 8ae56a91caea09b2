//! What a request to a link does.

use crate::host::{Fault, Host};
use crate::{code, page, words};
use firstline_core::logo::Logo;
use firstline_core::once::{Once, Opened, token_hash};
use firstline_core::seal::{PrivateKey, Secret, once_context, unbase64};
use firstline_core::{keys, record, redact};
use serde::Serialize;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Without query.
    pub path: String,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<String>,
    /// `Accept-Language`.
    pub languages: String,
    /// `Purpose` or `Sec-Purpose`: somebody fetches ahead.
    pub purpose: Option<String>,
    /// The beginning of what was sent to the page of a code; of no other is anything read.
    pub form: Vec<u8>,
}

/// A page and its status. `Debug` shows no page, since one holds a secret.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The page; empty for HEAD.
    pub html: String,
    /// For the log.
    pub line: Line,
    /// What the technician is poked about.
    pub poke: Option<String>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The page with the button.
    Opened,
    /// The secret.
    Shown,
    /// Something was typed.
    Typed,
    /// Unknown, used or expired.
    Gone,
    /// Not the button of our own page, or no link.
    Refused,
    /// Something is broken here.
    Fault,
}

/// One line of the log: neither token nor hash nor secret.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    component: &'static str,
    /// Whose it is, once that is known.
    pub(crate) tenant: String,
    /// Its ticket.
    pub(crate) ticket: String,
    what: What,
    why: String,
}

pub(crate) fn answer(status: u16, html: String, what: What, why: &str) -> Answer {
    let line = Line { component: "credential-link", tenant: String::new(), ticket: String::new(), what, why: redact::line(why, 300) };
    Answer { status, html, line, poke: None }
}

/// Headers of every answer.
#[must_use]
pub fn headers() -> Vec<(&'static str, String)> {
    vec![
        ("content-type", "text/html; charset=utf-8".into()),
        ("cache-control", "no-store".into()),
        ("referrer-policy", "no-referrer".into()),
        ("content-security-policy", page::policy()),
        ("x-content-type-options", "nosniff".into()),
        ("x-robots-tag", "noindex".into()),
        ("cross-origin-opener-policy", "same-origin".into()),
        ("cross-origin-resource-policy", "same-origin".into()),
    ]
}

/// Answers a request.
pub async fn handle(host: &impl Host, request: &Request) -> Answer {
    let words = words::of(&request.languages);
    let token = |begin: &str| request.path.strip_prefix(begin).filter(|token| !token.is_empty() && !token.contains('/'));
    if let Some(token) = token("/c/") {
        return code::handle(host, request, token).await;
    }
    let Some(token) = token("/s/") else {
        return answer(404, page::no_link(words), What::Refused, "no link");
    };
    match request.method.as_str() {
        // INVARIANT: neither store nor token is looked at here, so opening a link tells and burns nothing.
        "GET" => answer(200, page::ready(words), What::Opened, ""),
        "HEAD" => answer(200, String::new(), What::Opened, "head"),
        "POST" => press(host, request, token).await,
        _ => answer(405, page::no_link(words), What::Refused, "method"),
    }
}

/// Browsers that send the header tell a press on our page from a form that another site submits. `Origin` is `null` under `no-referrer`.
pub(crate) fn of_another_page(request: &Request) -> bool {
    request.purpose.is_some() || request.fetch_site.as_deref().is_some_and(|site| !site.eq_ignore_ascii_case("same-origin"))
}

async fn press(host: &impl Host, request: &Request, token: &str) -> Answer {
    let words = words::of(&request.languages);
    if of_another_page(request) {
        return answer(403, page::refused(words), What::Refused, "not pressed on the link's own page");
    }
    match reveal(host, token).await {
        Ok((once, secret)) => {
            // What is said to the user elsewhere is in this language, whatever the browser's is.
            let words = if once.locale.is_empty() { words } else { words::of(&once.locale) };
            let logo = logo(host, &once.logo).await;
            let mut answer = answer(200, page::shown(words, &once, logo.as_deref(), &secret), What::Shown, "");
            (answer.line.tenant, answer.line.ticket) = (once.tenant, redact::line(&once.ticket, 40));
            answer
        }
        Err(hidden) => hidden.answer(words),
    }
}

/// The logo of this hash. A page is none the worse without one.
pub(crate) async fn logo(host: &impl Host, hash: &str) -> Option<String> {
    if hash.is_empty() {
        return None;
    }
    let stored = host.get(&keys::logo(hash)).await.ok()??;
    record::read::<Logo>(&stored).ok()?.source(hash)
}

/// Why nothing is shown.
pub(crate) enum Hidden {
    /// One page for all; the reason is for the log.
    Gone(&'static str),
    /// A variable is missing; the text names it.
    Variable(String),
    /// The store failed, or what it holds cannot be used; the text is for the log.
    Fault(String),
}

impl Hidden {
    pub(crate) fn answer(self, words: &words::Words) -> Answer {
        match self {
            Hidden::Gone(why) => answer(410, page::gone(words), What::Gone, why),
            Hidden::Variable(why) => answer(503, page::fault(words, &why), What::Fault, &why),
            Hidden::Fault(why) => answer(503, page::fault(words, ""), What::Fault, &why),
        }
    }
}

impl From<Fault> for Hidden {
    fn from(Fault(why): Fault) -> Self {
        Hidden::Fault(why)
    }
}

/// Opens the secret, claims it, deletes it, and only then hands it out.
async fn reveal(host: &impl Host, token: &str) -> Result<(Once, Secret), Hidden> {
    const KEY: &str = "link_private_key";
    let key = PrivateKey::parse(KEY, &host.variable(KEY).await).map_err(Hidden::Variable)?;
    let hash = token_hash(token).ok_or(Hidden::Gone("unknown"))?;
    let stored = host.get(&keys::once(&hash)).await?.ok_or(Hidden::Gone("unknown or used"))?;
    if record::read::<Opened>(&stored).is_ok() {
        return Err(Hidden::Gone("used"));
    }
    let once: Once = record::read(&stored).map_err(|corrupt| Hidden::Fault(corrupt.to_string()))?;
    let latest = host.get(&keys::latest()).await?.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()).unwrap_or(0);
    if once.expired(host.now(), latest) {
        // Best effort: the associated data binds the expiry, so nobody can open it later either.
        _ = host.delete(&keys::once(&hash)).await;
        return Err(Hidden::Gone("expired"));
    }
    // Opened before it is claimed, so that a wrong key burns nothing.
    let context = once_context(&hash, &once.tenant, once.expires);
    let secret = unbase64(&once.sealed).and_then(|sealed| key.open(&sealed, &context));
    let secret = secret.ok_or_else(|| Hidden::Fault("the secret was sealed to another key, or changed".into()))?;
    if host.increment(&keys::once_claim(&hash), 1).await? != 1 {
        return Err(Hidden::Gone("used"));
    }
    // INVARIANT: the claim's counter outlives the sealed value and is never deleted here, so that it cannot start at 1 again.
    // What takes the secret's place says when it was opened.
    host.set_many(vec![(keys::once(&hash), record::write(&Opened { opened: host.now() }))]).await?;
    Ok((once, secret))
}

#[cfg(test)]
mod tests;
