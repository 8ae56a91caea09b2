//! Answers to requests for approval, and what else people with a token tell a case.

use crate::answer::{Answer, Refused, damaged, ok, refused};
use crate::cases;
use crate::host::{Fault, Host};
use firstline_core::autonomy::FAULT;
use firstline_core::case::Ask;
use firstline_core::journal::{Snapshot, conversation_of};
use firstline_core::mailbox::{self, Act, Event, Place};
use firstline_core::people::{Person, PersonRole};
use firstline_core::record::IntegrityKey;
use firstline_core::{keys, mailbox::Answer as Signed};
use serde::Deserialize;
use serde_json::json;

/// What may be answered.
const CHOICES: [&str; 4] = ["approve", "changes", "decline", "take-over"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    /// The request, as `GET` shows it.
    request: String,
    choice: String,
}

/// The request that a case waits for.
///
/// # Errors
/// There is none, or what is stored cannot be trusted.
pub async fn get(host: &impl Host, key: &IntegrityKey, case: &str) -> Result<Answer, Refused> {
    let Ask { id, action, target, login, rules, asked, expires, answer, proof, .. } = waiting(host, key, case).await?;
    let being_answered = answer.is_some();
    Ok(ok(json!({
        "request": id, "action": action, "account": target, "login": login, "rules": rules, "asked": asked, "expires": expires, "being_answered": being_answered, "proof": proof
    })))
}

/// Takes an answer to the mailbox of its case. It counts only if the request still waits when it is read there.
///
/// # Errors
/// It does not fit what waits, or the store failed.
pub async fn post(host: &impl Host, key: &IntegrityKey, case: &str, person: &Person, body: &[u8]) -> Result<Answer, Refused> {
    let given: Given = serde_json::from_slice(body).map_err(|_| refused(400, "send `{\"request\": …, \"choice\": …}`"))?;
    if !CHOICES.contains(&given.choice.as_str()) {
        return Err(refused(400, &format!("`choice` is one of {}", CHOICES.join(", "))));
    }
    let ask = waiting(host, key, case).await?;
    if ask.id != given.request {
        return Err(refused(409, "the case waits for another request: read it again"));
    }
    if ask.proof.is_some() {
        return Err(refused(403, "this is answered in the MSP's own chat, by whoever has called back"));
    }
    if person.role == PersonRole::Technician && ask.wants_approver() {
        return Err(refused(403, "this needs an approver, not only a technician: ask an owner"));
    }
    let log = send(host, key, case, person, &format!("{}.{}", given.request, given.choice)).await?;
    Ok(Answer { log, ..ok(json!({"answered": given.choice})) })
}

/// Tells a case that what was done in it was wrong.
///
/// # Errors
/// There is no such case, or the store failed.
pub async fn fault(host: &impl Host, key: &IntegrityKey, case: &str, person: &Person) -> Result<Answer, Refused> {
    let log = send(host, key, case, person, &format!("{FAULT}.")).await?;
    Ok(Answer { log, ..ok(json!({"fault": case})) })
}

/// Puts a person's word into the mailbox of a case, under a MAC that only the console can make. What is for the log, if the technician did not hear of it at once.
async fn send(host: &impl Host, key: &IntegrityKey, case: &str, person: &Person, what: &str) -> Result<Option<String>, Refused> {
    let tenant = cases::find(host, key, case).await?.tenant;
    let mut answer = Signed { signed: format!("{case}.{what}"), by: person.name.clone(), owner: person.role == PersonRole::Owner, mac: String::new() };
    answer.mac = key.sign("answer", &answer.text(&tenant));
    let now = host.now();
    let event = Event {
        id: format!("api/{}/{}/{now}", answer.signed, person.name),
        tenant,
        connection: String::new(),
        workspace: String::new(),
        author: person.name.clone(),
        author_workspace: None,
        channel: String::new(),
        thread: None,
        place: Place::Direct,
        message: String::new(),
        act: Act::Answer(answer),
        at: now,
        received: now,
        to: conversation_of(case).map(Into::into),
    };
    Ok(deliver(host, &event).await?)
}

/// Puts an event into its mailbox and pokes the technician. Why that failed, if it did: the due entry brings the next tick there.
///
/// # Errors
/// The store failed.
pub async fn deliver(host: &impl Host, event: &Event) -> Result<Option<String>, Fault> {
    mailbox::put(host, event).await?;
    let conversation = event.conversation();
    let Some(epoch) = mailbox::wake(host, &conversation).await? else { return Ok(None) };
    Ok(host.ask(&format!("poke/{conversation}/{epoch}")).await.err().map(|Fault(why)| why))
}

async fn waiting(host: &impl Host, key: &IntegrityKey, case: &str) -> Result<Ask, Refused> {
    let under = keys::snapshot(conversation_of(case).unwrap_or_default());
    let snapshot = host.get(&under).await?.map(|bytes| key.read::<Snapshot>(&under, &bytes)).transpose();
    let snapshot = snapshot.map_err(|corrupt| damaged(&format!("what is known of the case `{case}`"), &corrupt))?;
    let open = snapshot.and_then(|snapshot| snapshot.state.case).filter(|open| open.id == case);
    open.and_then(|open| open.ask).ok_or_else(|| refused(404, &format!("the case `{case}` waits for no approval")))
}

#[cfg(test)]
mod tests;
