//! One webhook: who sent it, is it signed, what is in it, and what to answer.

use crate::callback;
use crate::host::{Fault, Host, Inbound, Unreadable, Webhook};
use crate::store::{Stored, store};
use firstline_core::journal::conversation_of;
use firstline_core::mailbox::{Act, Event};
use firstline_core::seal::{PrivateKey, Secret, credential_context, unbase64};
use firstline_core::tenant::{Address, Credential, MSP, Opener, Role, Vendor, Workspace, vendor};
use firstline_core::{keys, record, redact, signature};
use serde::Serialize;

/// Largest body of a webhook.
pub const LARGEST_BODY: usize = 1 << 20;

/// The body as far as it was read.
#[derive(Debug, Clone)]
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// More than [`LARGEST_BODY`]; the rest was not read.
    TooLong,
    /// The sender broke off.
    Broken,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Without query.
    pub path: String,
    /// As sent.
    pub content_type: String,
    /// `X-Slack-Request-Timestamp`.
    pub timestamp: Option<String>,
    /// `X-Slack-Signature`.
    pub signature: Option<String>,
    /// `X-Content-Signature`.
    pub content_signature: Option<String>,
    /// The body.
    pub body: Body,
}

/// What to answer, and what to do when the answer has left.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Plain text; empty once an event is stored.
    pub text: String,
    /// Conversations to wake.
    pub pokes: Vec<String>,
    /// For the log.
    pub lines: Vec<Line>,
}

impl Answer {
    pub(crate) fn empty() -> Self {
        Answer { status: 200, text: String::new(), pokes: vec![], lines: vec![] }
    }

    /// Refuses; whom earlier events of the same webhook woke is still woken, since a second delivery would not wake again.
    pub(crate) fn refuse(mut self, connection: &str, refused: Refused) -> Self {
        self.lines.push(Line::new(connection, "", What::Refused, &refused.why));
        Answer { status: refused.status, text: refused.text, ..self }
    }
}

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// An event is in the store.
    Stored,
    /// Understood, and of no interest.
    Ignored,
    /// Not taken.
    Refused,
}

/// One line of the log: no text of a person, no address, no secret.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    component: &'static str,
    connection: String,
    conversation: String,
    what: What,
    why: String,
}

impl Line {
    pub(crate) fn new(connection: &str, conversation: &str, what: What, why: &str) -> Self {
        Line { component: "chat-intake", connection: connection.into(), conversation: conversation.into(), what, why: redact::line(why, 300) }
    }
}

/// Why a webhook is not taken: one text for the sender, one for the log.
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) why: String,
}

pub(crate) fn refused(status: u16, text: impl Into<String>) -> Refused {
    let text = text.into();
    Refused { status, why: text.clone(), text }
}

impl From<Fault> for Refused {
    /// 503, so that the vendor sends again.
    fn from(Fault(why): Fault) -> Self {
        Refused { status: 503, text: "the store is not available: send again".into(), why }
    }
}

/// Takes a webhook. Everything that lasts is in the store when this returns.
pub async fn handle(host: &impl Host, request: Request) -> Answer {
    // Only a plain name is logged or becomes part of a key.
    let connection = request.path.strip_prefix("/webhooks/").filter(|name| keys::is_name(name)).unwrap_or_default().to_string();
    match take(host, &connection, request).await {
        Ok(answer) => answer,
        Err(refused) => Answer::empty().refuse(&connection, refused),
    }
}

async fn take(host: &impl Host, connection: &str, request: Request) -> Result<Answer, Refused> {
    if connection.is_empty() {
        return Err(refused(404, "webhooks are addressed to `/webhooks/` and the id of a connection"));
    }
    if request.method != "POST" {
        return Err(refused(405, "webhooks are sent with POST"));
    }
    let (address, vendor) = find(host, connection).await?;
    if vendor.role == Role::Psa {
        return callback::take(host, connection, &address, request).await;
    }
    let secrets = signing_secrets(host, connection, &address, vendor).await?;
    let body = whole(request.body)?;
    // INVARIANT: nothing of the body is looked at before its signature was verified; only `Verified` reaches the stage.
    let body = signature::slack(&secrets, request.timestamp.as_deref(), request.signature.as_deref(), host.now(), body).map_err(|why| {
        let why = match why {
            signature::Refused::Missing => "signature missing or malformed",
            signature::Refused::Stale => "signature older or newer than five minutes",
            signature::Refused::Wrong => "signature wrong",
        };
        Refused { status: 401, text: "the signature does not fit".into(), why: why.into() }
    })?;
    let content_type = request.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let inbound = host.read(Webhook { vendor: address.vendor.clone(), content_type, body });
    match inbound.map_err(|Unreadable(text)| refused(400, text))? {
        Inbound::Challenge(text) => Ok(answer(text, Line::new(connection, "", What::Ignored, "challenge"))),
        Inbound::Ignored(why) => Ok(answer(String::new(), Line::new(connection, "", What::Ignored, &why))),
        Inbound::Events(events) => keep(host, connection, &address, events).await,
    }
}

pub(crate) fn whole(body: Body) -> Result<Vec<u8>, Refused> {
    match body {
        Body::Whole(body) => Ok(body),
        Body::TooLong => Err(refused(413, format!("the body exceeds {LARGEST_BODY} bytes"))),
        Body::Broken => Err(refused(400, "the body could not be read to its end")),
    }
}

pub(crate) fn answer(text: String, line: Line) -> Answer {
    Answer { text, lines: vec![line], ..Answer::empty() }
}

/// A connection that webhooks may come through.
async fn find(host: &impl Host, connection: &str) -> Result<(Address, &'static Vendor), Refused> {
    let unknown = || refused(404, "there is no such connection");
    let stored = host.get(&keys::connection(connection)).await?.ok_or_else(unknown)?;
    let address: Address = record::read(&stored).map_err(|corrupt| Fault(corrupt.to_string()))?;
    if let Some(from) = &address.from {
        return Err(refused(404, format!("this connection uses an application of the MSP: its webhooks are addressed to `/webhooks/{from}`")));
    }
    let vendor = vendor(&address.vendor).filter(|vendor| matches!(vendor.role, Role::Chat | Role::Psa)).ok_or_else(unknown)?;
    Ok((address, vendor))
}

/// Every secret that a signature may be made with: two while one is being rotated.
async fn signing_secrets(host: &impl Host, connection: &str, address: &Address, vendor: &Vendor) -> Result<Vec<Secret>, Refused> {
    const KEY: &str = "intake_private_key";
    let key = PrivateKey::parse(KEY, &host.variable(KEY).await).map_err(|text| refused(503, text))?;
    let (mut secrets, mut problems) = (vec![], vec![]);
    for (name, _) in vendor.secrets.iter().filter(|(_, opener)| *opener == Opener::Intake) {
        let Some(stored) = host.get(&keys::credential(connection, name)).await? else {
            problems.push(format!("the secret `{name}` of the connection `{connection}` has not been entered"));
            continue;
        };
        let context = credential_context(&address.tenant, connection, name, &address.base_url, &address.token_url);
        let sealed = record::read::<Credential>(&stored).ok().and_then(|credential| unbase64(&credential.sealed));
        match sealed.and_then(|sealed| key.open(&sealed, &context)) {
            Some(secret) => secrets.push(secret),
            None => problems.push(format!("the secret `{name}` of the connection `{connection}` cannot be opened: enter it again")),
        }
    }
    if secrets.is_empty() {
        return Err(refused(503, problems.into_iter().next().unwrap_or_else(|| format!("{} signs no webhooks", vendor.name))));
    }
    Ok(secrets)
}

/// Stores what was done in a workspace of a tenant; anything else is somebody else's.
async fn keep(host: &impl Host, connection: &str, address: &Address, events: Vec<Event>) -> Result<Answer, Refused> {
    let mut answer = Answer::empty();
    for event in events {
        let owner = match whose(host, connection, address, &event).await {
            Ok(Ok(owner)) => owner,
            Ok(Err(why)) => {
                answer.lines.push(Line::new(connection, "", What::Ignored, why));
                continue;
            }
            Err(fault) => return Ok(answer.refuse(connection, fault.into())),
        };
        let to = if owner.tenant == MSP { of_staff(host, connection, &event).await } else { Ok(None) };
        let to = match to {
            Ok(to) if to.is_some() || owner.tenant != MSP || matches!(event.act, Act::Message(_)) => to,
            Ok(_) => {
                answer.lines.push(Line::new(connection, "", What::Ignored, "the MSP's own people, and no button of a case"));
                continue;
            }
            Err(fault) => return Ok(answer.refuse(connection, fault.into())),
        };
        let event = Event { tenant: owner.tenant, connection: owner.connection, to, ..event };
        if let Err(why) = keep_one(host, connection, &event, &mut answer).await {
            return Ok(answer.refuse(connection, why));
        }
    }
    Ok(answer)
}

/// Stores one event in the mailbox of its tenant.
pub(crate) async fn keep_one(host: &impl Host, connection: &str, event: &Event, answer: &mut Answer) -> Result<(), Refused> {
    let conversation = event.conversation();
    match store(host, event).await? {
        Stored::Running => {}
        // The runner works in the epoch whose counter said 1, even if there is a newer one by then.
        Stored::Wake(epoch) => answer.pokes.push(format!("{conversation}/{epoch}")),
        Stored::TooLarge => return Err(refused(413, "the event is too long to be stored")),
    }
    answer.lines.push(Line::new(connection, &conversation, What::Stored, ""));
    Ok(())
}

/// The tenant of an event: by the workspace that it happened in, or, in the MSP's own workspace, by the author's. Never by a channel, which anybody may name.
async fn whose(host: &impl Host, connection: &str, address: &Address, event: &Event) -> Result<Result<Workspace, &'static str>, Fault> {
    let own = address.account.get("team");
    if address.tenant != MSP {
        let workspace = Workspace { tenant: address.tenant.clone(), connection: connection.into() };
        return Ok(if own == Some(&event.workspace) { Ok(workspace) } else { Err("wrong workspace") });
    }
    let connect = own == Some(&event.workspace);
    let workspace = if connect { event.author_workspace.as_ref().filter(|author| Some(*author) != own) } else { Some(&event.workspace) };
    let Some(workspace) = workspace else { return Ok(Ok(Workspace { tenant: MSP.into(), connection: connection.into() })) };
    let Some(stored) = host.get(&keys::workspace_of(connection, workspace, connect)).await? else {
        return Ok(Err(if connect { "a guest whose workspace is no tenant's" } else { "a workspace that is no tenant's" }));
    };
    record::read(&stored).map(Ok).map_err(|corrupt| Fault(corrupt.to_string()))
}

/// The mailbox of the case that an act of the MSP's own people is about: whose button they press, or below whose request they write.
/// The technician verifies it there. Other words are the agent's own, in a mailbox of the MSP's.
async fn of_staff(host: &impl Host, connection: &str, event: &Event) -> Result<Option<String>, Fault> {
    let value = match (&event.act, &event.thread) {
        (Act::Press(value), _) => value,
        (Act::Message(_), Some(thread)) => {
            let asked = host.get(&keys::asked_in(connection, &event.channel, thread)).await?;
            return Ok(asked.and_then(|to| String::from_utf8(to).ok()).filter(|to| keys::is_conversation(to)));
        }
        (Act::Message(_), None) | (Act::Ticket | Act::Answer(_) | Act::Notice(_) | Act::Code(_), _) => return Ok(None),
    };
    let Some(to) = value.split('.').next().and_then(conversation_of) else { return Ok(None) };
    // A mailbox without any event is no case's.
    Ok(host.get(&keys::event_counter(to)).await?.map(|_| to.to_string()))
}

#[cfg(test)]
mod tests;
