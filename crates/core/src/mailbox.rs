//! A conversation's mailbox: events in, due entries for what must happen later.
//!
//! A producer takes a number, stores event and due entry in one commit, reads the epoch, then increments the pending counter; 1 means that it must wake a runner.

use crate::record::{IntegrityKey, Record, write};
use crate::stage::Words;
use crate::store::{Fault, Store};
use crate::tenant::{MSP, Tenant};
use crate::{Instant, keys};
use serde::{Deserialize, Serialize};

/// Where something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A one-to-one conversation.
    Direct,
    /// A channel that others read too.
    Channel,
    /// A group conversation that others read too.
    Group,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Wrote text; hostile.
    Message(String),
    /// Pressed a button; its value, unverified.
    Press(String),
    /// Something about a ticket may have changed: a hint to read it.
    Ticket,
    /// Typed a code on the page of this series of buttons; it stands sealed in the store.
    Code(String),
    /// Answered a request for approval by the API: signed by the console, unverified.
    Answer(Answer),
    /// Something that the agent tells the MSP's people of its own accord: signed by us, unverified.
    Notice(Notice),
}

/// Words of our own for the MSP's people, under a MAC that intake cannot make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What is said.
    pub words: Words,
    /// MAC over [`Notice::text`].
    pub mac: String,
}

impl Notice {
    /// What the MAC is over, under the name `notice`.
    #[must_use]
    pub fn text(words: &Words, id: &str) -> String {
        serde_json::json!([id, words]).to_string()
    }
}

/// An answer by the API, under a MAC that only the console can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `case.offer.choice`, as in a button.
    pub signed: String,
    /// Name of the person behind the token.
    pub by: String,
    /// An owner.
    pub owner: bool,
    /// MAC over [`Answer::text`].
    pub mac: String,
}

impl Answer {
    /// What the MAC is over, under the name `answer`.
    #[must_use]
    pub fn text(&self, tenant: &str) -> String {
        format!("{tenant}.{}.{}.{}", self.signed, self.owner, self.by)
    }
}

/// One stored event. Written by `chat-intake`, so it proves only that the vendor signed the webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Stable over duplicate deliveries.
    pub id: String,
    /// The tenant of the connection.
    pub tenant: String,
    /// The connection it came through.
    pub connection: String,
    /// The workspace it was delivered for.
    pub workspace: String,
    /// Author's user id.
    pub author: String,
    /// Author's own workspace, where the vendor names it.
    pub author_workspace: Option<String>,
    /// Vendor's channel id.
    pub channel: String,
    /// Thread, in channels and groups.
    pub thread: Option<String>,
    /// Where it happened.
    pub place: Place,
    /// The message itself, or the one that holds the button.
    pub message: String,
    /// What was done.
    pub act: Act,
    /// By the vendor's clock.
    pub at: Instant,
    /// When it was stored, by ours.
    pub received: Instant,
    /// The mailbox that the technician passed it on to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Record for Event {
    const SCHEMA: u64 = 1;
}

impl Event {
    /// The mailbox it belongs to: threads matter only in channels and groups.
    #[must_use]
    pub fn conversation(&self) -> String {
        if let Some(to) = &self.to {
            return to.clone();
        }
        let thread = match self.place {
            Place::Direct => None,
            Place::Channel | Place::Group => self.thread.as_deref(),
        };
        keys::conversation(&self.tenant, &self.connection, &self.channel, thread)
    }

    /// A hint that a ticket may have changed. `id` is the same for the same hint.
    #[must_use]
    pub fn of_ticket(ticket: u64, id: String, tenant: &str, connection: &str, now: Instant) -> Self {
        Event {
            id,
            tenant: tenant.into(),
            connection: connection.into(),
            workspace: String::new(),
            author: String::new(),
            author_workspace: None,
            channel: format!("{TICKET}{ticket}"),
            thread: None,
            place: Place::Direct,
            message: String::new(),
            act: Act::Ticket,
            at: now,
            received: now,
            to: None,
        }
    }

    /// Words for a channel of the MSP's own chat. `id` is the same for the same news, which is told once. None if there is no such channel.
    #[must_use]
    pub fn notice(key: &IntegrityKey, tenant: &Tenant, id: String, words: Words, now: Instant) -> Option<Self> {
        let (chat, channel) = (tenant.staff_chat()?, tenant.approvals.channel.clone()?);
        let mac = key.sign("notice", &Notice::text(&words, &id));
        Some(Event {
            id,
            tenant: MSP.into(),
            connection: chat.id.clone(),
            workspace: chat.account.get("team").cloned().unwrap_or_default(),
            author: String::new(),
            author_workspace: None,
            channel,
            thread: None,
            place: Place::Channel,
            message: String::new(),
            act: Act::Notice(Notice { words, mac }),
            at: now,
            received: now,
            to: None,
        })
    }

    /// The ticket whose mailbox it was meant for.
    #[must_use]
    pub fn ticket(&self) -> Option<u64> {
        self.channel.strip_prefix(TICKET)?.parse().ok()
    }
}

/// Where a chat names its channel, a ticket's mailbox has this and the ticket's id. No vendor's channel id holds a space.
const TICKET: &str = "ticket ";

/// Something that must be looked at when its minute has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The conversation to wake.
    pub conversation: String,
    /// When.
    pub at: Instant,
    /// The view-once secret that expires then, by the hash of its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
}

impl Record for Due {
    const SCHEMA: u64 = 1;
}

/// A runner stops this long after it began, in milliseconds.
pub const RUN_LIMIT: u64 = 60_000;
/// A takeover begins this long after the runner's limit.
pub const TAKEOVER_MARGIN: u64 = 30_000;

/// The minute of an instant.
#[must_use]
pub fn minute(at: Instant) -> u64 {
    at / 60_000
}

/// When an event that was stored now has to be looked at again, should its first runner die.
#[must_use]
pub fn second_look(now: Instant) -> Instant {
    now + RUN_LIMIT + TAKEOVER_MARGIN
}

/// Key and value of a due entry with its hour marker.
#[must_use]
pub fn due_writes(conversation: &str, at: Instant, due_number: i64) -> Vec<(String, Vec<u8>)> {
    writes(Due { conversation: conversation.into(), at, once: None }, due_number)
}

/// Key and value of the due entry for a view-once secret that expires, with its hour marker.
#[must_use]
pub fn expiry_writes(conversation: &str, once: &str, at: Instant, due_number: i64) -> Vec<(String, Vec<u8>)> {
    writes(Due { conversation: conversation.into(), at, once: Some(once.into()) }, due_number)
}

fn writes(due: Due, number: i64) -> Vec<(String, Vec<u8>)> {
    let minute = minute(due.at);
    vec![(keys::due(minute, number), write(&due)), (keys::due_hour(minute / 60), b"1".to_vec())]
}

/// Everything to be written for one event, in one commit. `number` comes from [`keys::event_counter`], `due_number` from [`keys::due_counter`] of [`second_look`]'s minute.
#[must_use]
pub fn event_writes(event: &Event, number: i64, due_number: i64) -> Vec<(String, Vec<u8>)> {
    event_writes_for(event, number, second_look(event.received), due_number)
}

fn event_writes_for(event: &Event, number: i64, at: Instant, due_number: i64) -> Vec<(String, Vec<u8>)> {
    let conversation = event.conversation();
    let mut writes = due_writes(&conversation, at, due_number);
    writes.push((keys::event(&conversation, number), write(event)));
    writes
}

/// Stores an event: number, due entry, one commit.
///
/// # Errors
/// The store failed. The event may be stored all the same; a duplicate is recognised by its id.
pub async fn put(store: &impl Store, event: &Event) -> Result<(), Fault> {
    put_for(store, event, second_look(event.received)).await
}

/// Stores an event that nobody has to be woken for before that time.
///
/// # Errors
/// As those of [`put`].
pub async fn put_for(store: &impl Store, event: &Event, at: Instant) -> Result<(), Fault> {
    let number = store.increment(&keys::event_counter(&event.conversation()), 1).await?;
    let due = store.increment(&keys::due_counter(minute(at)), 1).await?;
    store.set_many(event_writes_for(event, number, at, due)).await
}

/// Counts a waking of a conversation. `Some` is the epoch in which the caller has to see to a runner.
///
/// # Errors
/// The store failed, or the epoch is no number.
pub async fn wake(store: &impl Store, conversation: &str) -> Result<Option<i64>, Fault> {
    let epoch = store.get(&keys::epoch(conversation)).await?;
    let epoch = counter(epoch.as_deref()).ok_or_else(|| Fault("the conversation's epoch is damaged".into()))?;
    Ok((store.increment(&keys::pending(conversation, epoch), 1).await? == 1).then_some(epoch))
}

/// Reads a counter as any back end stores it: 8 raw little-endian bytes (SQLite) or decimal text (Redis). Absent means 0.
#[must_use]
pub fn counter(bytes: Option<&[u8]>) -> Option<i64> {
    let Some(bytes) = bytes else { return Some(0) };
    match <[u8; 8]>::try_from(bytes) {
        // Eight digits of text are read as text: a raw counter of that size would exceed 10^18.
        Ok(raw) if !bytes.iter().all(u8::is_ascii_digit) => Some(i64::from_le_bytes(raw)),
        _ => std::str::from_utf8(bytes).ok()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_both_stores_are_read() {
        for (bytes, expect) in [
            (None, Some(0)),
            (Some(&7_i64.to_le_bytes()[..]), Some(7)),
            (Some(&(-7_i64).to_le_bytes()[..]), Some(-7)),
            (Some(&b"7"[..]), Some(7)),
            (Some(&b"12345678"[..]), Some(12_345_678)),
            (Some(&b"-12"[..]), Some(-12)),
            (Some(&b"x"[..]), None),
        ] {
            assert_eq!(counter(bytes), expect, "{bytes:?}");
        }
    }

    #[test]
    fn an_event_and_its_second_look_are_one_commit() {
        let event = Event {
            id: "D1:1.2".into(),
            tenant: "acme".into(),
            connection: "s".into(),
            workspace: "T1".into(),
            author: "U1".into(),
            author_workspace: None,
            channel: "D1".into(),
            thread: Some("1.2".into()),
            place: Place::Direct,
            message: "1.2".into(),
            act: Act::Message("hi".into()),
            at: 0,
            received: 1_000_000,
            to: None,
        };
        let id = keys::conversation("acme", "s", "D1", None);
        let keys: Vec<String> = event_writes(&event, 4, 9).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["due/18/9".to_string(), "due-hour/0".into(), format!("event/{id}/4")]);
    }

    #[test]
    fn a_ticket_has_one_mailbox_which_no_channel_shares() {
        let hint = |ticket, connection: &str| Event::of_ticket(ticket, "x".into(), "acme", connection, 5);
        assert_eq!(hint(7, "desk").ticket(), Some(7));
        assert_eq!(hint(7, "desk").conversation(), Event { id: "y".into(), ..hint(7, "desk") }.conversation());
        assert_ne!(hint(7, "desk").conversation(), hint(70, "desk").conversation());
        assert_ne!(hint(7, "desk").conversation(), hint(7, "other").conversation());
        assert_eq!(Event { channel: "D1".into(), ..hint(7, "desk") }.ticket(), None);
        assert_eq!(Event { to: Some("m".into()), ..hint(7, "desk") }.conversation(), "m");
    }
}
