//! Names of stored keys. Every key is at most 256 bytes, whatever a vendor's ids look like, since foreign ids enter only hashed or validated.
//!
//! Counters live under `c/` and are only ever incremented, never set: on Spin's SQLite store a set counter breaks the store.

use sha2::{Digest, Sha256};

/// SHA-256 as lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        out
    })
}

/// The id of a conversation's mailbox, derived from what identifies it, so that two first messages meet.
#[must_use]
pub fn conversation(tenant: &str, connection: &str, channel: &str, thread: Option<&str>) -> String {
    let parts = [tenant, connection, channel, thread.unwrap_or("")];
    // Lengths keep ("ab", "c") and ("a", "bc") apart.
    let text: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    sha256_hex(text.as_bytes()).chars().take(32).collect()
}

/// The key of a workspace whose events come through a connection of the MSP; a vendor's id enters hashed.
/// Whether its people are guests in the MSP's own workspace (`connect`) is part of it: a client may have both.
#[must_use]
pub fn workspace_of(connection: &str, workspace: &str, connect: bool) -> String {
    self::workspace(connection, &sha256_hex(format!("{}{workspace}", if connect { "connect " } else { "" }).as_bytes()))
}

/// A conversation id as [`conversation`] makes it; anything else is refused before it becomes part of a key.
#[must_use]
pub fn is_conversation(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A name that people choose (tenant, connection, secret): 1 to 40 of `a-z`, `0-9`, `-`, beginning with a letter or digit.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The key that leads from a message that asks for an approval to its case.
#[must_use]
pub fn asked_in(connection: &str, channel: &str, message: &str) -> String {
    asked(connection, &sha256_hex(format!("{}:{channel}{message}", channel.len()).as_bytes()))
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) = $format:literal;)*) => {
        $($(#[$doc])* #[must_use] pub fn $name($($arg: $ty),*) -> String { format!($format) })*
    };
}

keys! {
    /// Counter: numbers of a conversation's events.
    event_counter(conversation: &str) = "c/event/{conversation}";
    /// A stored event.
    event(conversation: &str, number: i64) = "event/{conversation}/{number}";
    /// Counter: the conversation's epoch, incremented by a takeover.
    epoch(conversation: &str) = "c/epoch/{conversation}";
    /// Counter: wakings that no runner has answered yet, of one epoch.
    pending(conversation: &str, epoch: i64) = "c/pending/{conversation}/{epoch}";
    /// Counter: the right to send one attempt of a batch that holds a change.
    sent(case: &str, task: &str, batch: u32, attempt: u32) = "c/sent/{case}/{task}/{batch}/{attempt}";
    /// Counter: numbers of the due entries of one minute.
    due_counter(minute: u64) = "c/due/{minute}";
    /// A due entry.
    due(minute: u64, number: i64) = "due/{minute}/{number}";
    /// Marks an hour that has due entries.
    due_hour(hour: u64) = "due-hour/{hour}";
    /// The first minute that the sweep still has to read.
    due_cursor() = "due-cursor";
    /// The latest time that any tick has seen, in milliseconds: what had expired by then stays expired when the clock is put back.
    latest() = "clock/latest";
    /// An entry of a conversation's log.
    log(conversation: &str, epoch: i64, number: u64) = "log/{conversation}/{epoch}/{number}";
    /// The conversation's snapshot: a cache.
    snapshot(conversation: &str) = "snap/{conversation}";
    /// When the last runner began, or was woken by a due entry: it may go on for its limit.
    woken(conversation: &str) = "woken/{conversation}";
    /// Where the snapshot stands after so many before it turned out to be damaged: those stay as they are.
    snapshot_after(conversation: &str, damaged: u32) = "snap/{conversation}/{damaged}";
    /// From a case id to its conversation.
    case(case: &str) = "case/{case}";
    /// Counter: cases of one tenant on one day (days since 1970).
    case_counter(tenant: &str, day: u64) = "c/case/{tenant}/{day}";
    /// The n-th case of a tenant and day.
    case_of_day(tenant: &str, day: u64, number: i64) = "cases/{tenant}/{day}/{number}";
    /// What proves a case that has ended.
    evidence(case: &str) = "evidence/{case}";
    /// One page of the signed record of a tenant's day; pages count from 1.
    day_record(tenant: &str, day: u64, page: u64) = "day/{tenant}/{day}/{page}";
    /// How far a tenant's day records go.
    day_cursor(tenant: &str) = "day-cursor/{tenant}";
    /// The last day that every tenant has a record of.
    days_cursor() = "day-cursor";
    /// What is wrong with connections.
    health() = "health";
    /// How far what people wrote to a tenant has been erased.
    retention_cursor(tenant: &str) = "retention/{tenant}";
    /// A secret of a case, sealed to the technician.
    case_secret(case: &str, name: &str) = "secret/{case}/{name}";
    /// A view-once secret, by the SHA-256 of its token, sealed to the credential link.
    once(token_hash: &str) = "once/{token_hash}";
    /// A logo, by the SHA-256 of its bytes.
    logo(hash: &str) = "logo/{hash}";
    /// The hash of the token of a case's newest link.
    link(case: &str) = "link/{case}";
    /// A page on which a code is typed, by the SHA-256 of its token.
    code_page(token_hash: &str) = "code-page/{token_hash}";
    /// Counter: what was typed on it.
    code_typed(token_hash: &str) = "c/code-page/{token_hash}";
    /// Counter: claims of a view-once secret.
    once_claim(token_hash: &str) = "c/once/{token_hash}";
    /// Counter: changes of one account (hashed) on one day.
    limit_person(tenant: &str, account: &str, day: u64) = "c/limit/person/{tenant}/{account}/{day}";
    /// Counter: challenges of one account (hashed) in one hour.
    limit_challenge(tenant: &str, account: &str, hour: u64) = "c/limit/challenge/{tenant}/{account}/{hour}";
    /// Counter: changes of one tenant in one hour.
    limit_tenant(tenant: &str, hour: u64) = "c/limit/tenant/{tenant}/{hour}";
    /// Counter: changes of all tenants in one hour.
    limit_msp(hour: u64) = "c/limit/msp/{hour}";
    /// From a message (hashed) in the MSP's own chat that asks for an approval to the mailbox of its case.
    asked(connection: &str, message: &str) = "asked/{connection}/{message}";
    /// Counter: questions about tickets that were asked in a conversation.
    asking_counter(conversation: &str) = "c/asking/{conversation}";
    /// A question about a ticket that waits in a conversation with its contact; empty once it waits no more.
    asking(conversation: &str, number: i64) = "asking/{conversation}/{number}";
    /// Why an action lost its autonomy at a tenant.
    demoted(tenant: &str, action: &str) = "demoted/{tenant}/{action}";
    /// Counter: how often users of a tenant said that an action had left it broken.
    broken_counter(tenant: &str, action: &str) = "c/broken/{tenant}/{action}";
    /// One time that they said so.
    broken(tenant: &str, action: &str, number: i64) = "broken/{tenant}/{action}/{number}";
    /// Who has agreed that an action goes by itself at a tenant.
    agreement(tenant: &str, action: &str) = "agreement/{tenant}/{action}";
    /// How far daily digests go, and when the next one is due.
    digest() = "digest";
    /// Who stopped all changes of a tenant, or let them go on.
    halt(tenant: &str) = "halt/tenant/{tenant}";
    /// Who stopped all changes of all tenants, or let them go on.
    halt_all() = "halt/all";
    /// A tenant's document.
    tenant(tenant: &str) = "tenant/{tenant}";
    /// Counter: entries of the list of tenants.
    tenant_counter() = "c/tenant";
    /// An entry of the list of tenants.
    listed(number: i64) = "listed/{number}";
    /// A tenant's half-filled document.
    draft(tenant: &str) = "draft/{tenant}";
    /// What was learned from a tenant's closed tickets.
    past(tenant: &str) = "past/{tenant}";
    /// The names that its closed tickets firmly use for one type.
    familiar(tenant: &str) = "familiar/{tenant}";
    /// The MSP's document.
    msp() = "msp";
    /// The MSP's half-filled document.
    msp_draft() = "msp-draft";
    /// From a workspace (hashed) whose events come through a connection of the MSP to its tenant.
    workspace(connection: &str, hash: &str) = "workspace/{connection}/{hash}";
    /// From a company of a PSA that all clients share to its tenant.
    company(connection: &str, company: u64) = "company/{connection}/{company}";
    /// The key that a PSA signs its callbacks with, sealed to `chat-intake`: a cache.
    callback_key(connection: &str) = "callback-key/{connection}";
    /// Counter: how often that key was fetched within one minute.
    callback_key_fetches(connection: &str, minute: u64) = "c/callback-key/{connection}/{minute}";
    /// From a connection to its tenant.
    connection(connection: &str) = "connection/{connection}";
    /// A connection's secret, sealed to the component that uses it.
    credential(connection: &str, name: &str) = "credential/{connection}/{name}";
    /// A cached OAuth2 token, sealed to the technician.
    token(connection: &str) = "token/{connection}";
    /// Counter: who refreshes a connection's token within one ten-second window.
    token_refresh(connection: &str, window: u64) = "c/token/{connection}/{window}";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_first_messages_of_one_conversation_meet_and_others_do_not() {
        let id = conversation("acme", "slack", "D1", None);
        assert_eq!(id, conversation("acme", "slack", "D1", None));
        assert!(is_conversation(&id));
        for other in [conversation("acm", "eslack", "D1", None), conversation("acme", "slack", "D1", Some("1.2")), conversation("globex", "slack", "D1", None)]
        {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn names_are_plain_and_ids_are_hex() {
        for (text, name, id) in [
            ("acme", true, false),
            ("a-1", true, false),
            ("", false, false),
            ("-a", false, false),
            ("Acme", false, false),
            ("a/b", false, false),
            ("0123456789abcdef0123456789abcdef", true, true),
            ("0123456789ABCDEF0123456789abcdef", false, false),
            ("../../../../../../../../../../..", false, false),
        ] {
            assert_eq!((is_name(text), is_conversation(text)), (name, id), "{text}");
        }
    }

    #[test]
    fn keys_fit_the_portable_limit_and_counters_have_a_prefix_of_their_own() {
        let (name, id) = ("n".repeat(40), "f".repeat(32));
        let case = format!("{id}-{}", i64::MAX);
        for key in [sent(&case, "task-999999", u32::MAX, u32::MAX), credential(&name, &name), case_of_day(&name, u64::MAX, i64::MAX), once(&"f".repeat(64))] {
            assert!(key.len() <= 256, "{key}");
        }
        assert!(
            [event_counter(&id), epoch(&id), pending(&id, 1), due_counter(1), case_counter(&name, 1), once_claim("x")].iter().all(|key| key.starts_with("c/"))
        );
    }
}
