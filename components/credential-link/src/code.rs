//! The page on which a code is typed: what was typed is sealed to the technician, and the case hears of it.
//!
//! Whether it is right is not known here: the vendor that sent it says so to the technician.

use crate::host::Host;
use crate::link::{Answer, Hidden, Request, What, answer, logo, of_another_page};
use crate::{page, words};
use firstline_core::mailbox::{self, Act, Event, Place};
use firstline_core::once::{CodePage, MOST_TYPED, token_hash};
use firstline_core::seal::{PublicKey, Secret, base64, case_context};
use firstline_core::{case, keys, record, redact};

/// More is no form of ours.
pub const LARGEST_FORM: usize = 1_024;

/// Answers a request for `/c/<token>`.
pub(crate) async fn handle(host: &impl Host, request: &Request, token: &str) -> Answer {
    let words = words::of(&request.languages);
    match request.method.as_str() {
        // INVARIANT: neither store nor token is looked at here, so opening a link tells nothing.
        "GET" => answer(200, page::code(words, false), What::Opened, ""),
        "HEAD" => answer(200, String::new(), What::Opened, "head"),
        "POST" if of_another_page(request) => answer(403, page::refused(words), What::Refused, "not sent on the link's own page"),
        "POST" => match typed(&request.form) {
            None => answer(422, page::code(words, true), What::Refused, "no code"),
            Some(code) => match take(host, token, &code).await {
                Ok((typed, poke)) => {
                    let words = words::of(&typed.locale);
                    let logo = logo(host, &typed.logo).await;
                    let mut answer = answer(200, page::typed(words, &typed, logo.as_deref()), What::Typed, "");
                    (answer.line.tenant, answer.line.ticket, answer.poke) = (typed.tenant, redact::line(&typed.ticket, 40), poke);
                    answer
                }
                Err(hidden) => hidden.answer(words),
            },
        },
        _ => answer(405, page::no_link(words), What::Refused, "method"),
    }
}

/// What has the form of a code: 4 to 10 digits, however they are set apart.
fn typed(form: &[u8]) -> Option<Secret> {
    let (_, text) = form_urlencoded::parse(form.get(..LARGEST_FORM).unwrap_or(form)).find(|(name, _)| name == "code")?;
    let code: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    ((4..=10).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())).then(|| Secret::new(code))
}

/// Seals what was typed, and tells the case. With what has to be poked.
async fn take(host: &impl Host, token: &str, code: &Secret) -> Result<(CodePage, Option<String>), Hidden> {
    const KEY: &str = "technician_public_key";
    let key = PublicKey::parse(KEY, &host.variable(KEY).await).map_err(Hidden::Variable)?;
    let hash = token_hash(token).ok_or(Hidden::Gone("unknown"))?;
    let stored = host.get(&keys::code_page(&hash)).await?.ok_or(Hidden::Gone("unknown"))?;
    let typed: CodePage = record::read(&stored).map_err(|corrupt| Hidden::Fault(corrupt.to_string()))?;
    let now = host.now();
    if now >= typed.expires {
        return Err(Hidden::Gone("expired"));
    }
    // The vendor counts too; this keeps a stranger from filling the store.
    let n = host.increment(&keys::code_typed(&hash), 1).await?;
    if n > MOST_TYPED {
        return Err(Hidden::Gone("too much was typed"));
    }
    let sealed =
        key.seal(code, &case_context(&typed.tenant, &typed.case, "code")).ok_or_else(|| Hidden::Variable(format!("the variable `{KEY}` is unusable")))?;
    host.set_many(vec![(keys::case_secret(&typed.case, "code"), base64(&sealed).into_bytes())]).await?;
    let event = Event {
        id: case::code_event(&hash, n),
        tenant: typed.tenant.clone(),
        connection: typed.connection.clone(),
        workspace: String::new(),
        author: String::new(),
        author_workspace: None,
        channel: String::new(),
        thread: None,
        place: Place::Direct,
        message: String::new(),
        act: Act::Code(typed.page.clone()),
        at: now,
        received: now,
        to: Some(typed.conversation.clone()),
    };
    mailbox::put(host, &event).await?;
    let epoch = mailbox::wake(host, &typed.conversation).await?;
    let poke = epoch.map(|epoch| format!("{}/{epoch}", typed.conversation));
    Ok((typed, poke))
}

#[cfg(test)]
mod tests;
