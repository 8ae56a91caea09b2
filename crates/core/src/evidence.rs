//! Evidence: what a case did, so that somebody without access to the installation can check it.
//!
//! When a case ends, the technician signs a [`Seal`]: the hash of every log entry of the case, in order. A bundle is one JSON text a line:
//! a header, each entry as it is stored, and the seal. Every day it signs a [`Day`] per tenant, chained to the day before, so that a missing case shows.

use crate::case::Case;
use crate::keys::sha256_hex;
use crate::record::{self, Record};
use crate::seal::{base64, unbase64};
use crate::stage::Verdict;
use crate::{Instant, journal};
use ed25519_dalek::Signer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use zeroize::Zeroizing;

mod verify;

pub use verify::{Broken, Proof, verify};

/// The only schema of statements and headers that this program writes and reads.
const SCHEMA: u64 = 1;
/// Most cases on one page of a day record.
pub const DAY_PAGE: usize = 1_000;

/// What a signature is for, so that one kind of statement cannot stand for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A [`Seal`].
    Case,
    /// A [`Day`].
    Day,
}

impl Domain {
    fn message(self, text: &str) -> Vec<u8> {
        let name = match self {
            Domain::Case => "firstline case seal 1",
            Domain::Day => "firstline day record 1",
        };
        format!("{name}\n{text}").into_bytes()
    }
}

/// The technician's signing key. Its public half takes time to make, and most runs sign nothing.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// From the variable `signing_private_key`: base64 of 32 bytes. Empty means that nothing is signed.
    ///
    /// # Errors
    /// A text for the operator that names what is wrong.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let bytes = unbase64(text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(|bytes| Some(Self::from_bytes(&bytes))).ok_or_else(|| "the variable `signing_private_key` is not base64 of 32 bytes".into())
    }

    /// From 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        SigningKey(Zeroizing::new(*bytes))
    }

    fn pair(&self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&self.0)
    }

    /// The public half, as auditors keep it: base64 of 32 bytes.
    #[must_use]
    pub fn public(&self) -> String {
        base64(self.pair().verifying_key().as_bytes())
    }
}

/// Whether a signature over a text is by this public key.
fn signed_by(key: &str, domain: Domain, text: &str, signature: &str) -> bool {
    let key = unbase64(key).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok());
    let signature = unbase64(signature).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    // Strict: a weak key, which fits many texts, fits none.
    key.zip(signature).is_some_and(|(key, bytes)| key.verify_strict(&domain.message(text), &ed25519_dalek::Signature::from_bytes(&bytes)).is_ok())
}

/// A statement with the technician's signature over its very text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Signed {
    /// The statement.
    pub statement: Box<RawValue>,
    /// The public key, base64; empty if no signing key was configured.
    pub key: String,
    /// The signature, base64.
    pub signature: String,
}

impl Signed {
    /// Signs a statement.
    #[must_use]
    pub fn new<T: Serialize>(domain: Domain, statement: &T, key: Option<&SigningKey>) -> Option<Self> {
        let statement = serde_json::value::to_raw_value(statement).ok()?;
        let (key, signature) = key.map(SigningKey::pair).map_or_else(Default::default, |pair| {
            let signature = pair.sign(&domain.message(statement.get()));
            (base64(pair.verifying_key().as_bytes()), base64(&signature.to_bytes()))
        });
        Some(Signed { statement, key, signature })
    }

    /// The hash that a later statement names.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256_hex(self.statement.get().as_bytes())
    }

    /// The statement, read; `None` if it is of another kind.
    #[must_use]
    pub fn read<T: for<'a> Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.statement.get()).ok()
    }
}

impl Record for Signed {
    const SCHEMA: u64 = SCHEMA;
}

/// One log entry of a sealed case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedEntry {
    /// Epoch and number within the conversation's log.
    pub entry: (i64, u64),
    /// SHA-256 of the stored bytes.
    pub hash: String,
}

/// What the technician signs when a case ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Version of this statement.
    pub schema: u64,
    /// The case.
    pub case: String,
    /// Its tenant.
    pub tenant: String,
    /// `closed` or `handed-over`.
    pub state: String,
    /// When it was signed.
    pub at: Instant,
    /// Number of log entries.
    pub count: u64,
    /// Hash of the last one.
    pub head: String,
    /// SHA-256 of the synopsis' text.
    pub synopsis: String,
    /// Every log entry of the case, in order.
    pub entries: Vec<SealedEntry>,
}

/// What an ended case leaves as proof. The synopsis can be erased, and the seal still holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// The bundle's header tells this.
    pub synopsis: Box<RawValue>,
    /// The signed [`Seal`].
    pub seal: Signed,
}

impl Record for Evidence {
    const SCHEMA: u64 = SCHEMA;
}

impl Evidence {
    /// Takes out who asked and what was done, and leaves the seal. False if that was done before.
    pub fn erase(&mut self) -> bool {
        let held = self.synopsis.get() != RawValue::NULL.get();
        self.synopsis = RawValue::NULL.to_owned();
        held
    }

    /// Seals an ended case.
    #[must_use]
    pub fn new(case: &Case, tenant: &str, state: &str, entries: Vec<SealedEntry>, at: Instant, key: Option<&SigningKey>) -> Option<Self> {
        let synopsis = serde_json::value::to_raw_value(&Synopsis::new(case)).ok()?;
        let seal = Seal {
            schema: SCHEMA,
            case: case.id.clone(),
            tenant: tenant.into(),
            state: state.into(),
            at,
            count: entries.len() as u64,
            head: entries.last().map(|entry| entry.hash.clone()).unwrap_or_default(),
            synopsis: sha256_hex(synopsis.get().as_bytes()),
            entries,
        };
        Some(Evidence { seal: Signed::new(Domain::Case, &seal, key)?, synopsis })
    }
}

/// What stands in place of a log entry whose text was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// SHA-256 of what stood here, as the seal names it.
    pub sha256: String,
    /// When it was erased.
    pub at: Instant,
}

impl Record for Erased {
    /// Another one than that of a log entry, so that it is never taken for one.
    const SCHEMA: u64 = 1_001;
}

/// A case in a few words: who asked, how that was verified, what decided, what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synopsis {
    /// What was asked for.
    pub kind: String,
    /// Name, address and chat user of who asked.
    pub requester: Option<String>,
    /// How that was verified.
    pub verified: Option<String>,
    /// The account that was acted upon.
    pub account: Option<String>,
    /// The guardrails' last answer.
    pub verdict: Option<Verdict>,
    /// Rules that spoke, the deciding one first.
    pub rules: Vec<String>,
    /// What was seen, pressed and done, in order.
    pub done: Vec<String>,
    /// Ticket in the PSA.
    pub ticket: Option<u64>,
    /// Why a human has it.
    pub reason: Option<String>,
}

impl Synopsis {
    fn new(case: &Case) -> Self {
        let decision = case.decision.as_ref();
        Synopsis {
            kind: case.kind.clone(),
            requester: case.profile.as_ref().map(|p| format!("{} <{}>, chat user {}", p.name, p.email.as_deref().unwrap_or("no address"), p.id)),
            verified: case.profile.as_ref().map(|p| match p.guest || p.inactive || case.outsider {
                true => "not an employee: a guest of the chat workspace".into(),
                false if case.intake.as_ref().is_some_and(|intake| !intake.confirmed) => "not at all: the ticket's contact has not pressed the button".into(),
                false => std::iter::once("signed in to the client's own chat workspace".to_string())
                    .chain(
                        case.vetting
                            .proofs
                            .iter()
                            .map(|proof| if proof.names.is_empty() { proof.kind.clone() } else { format!("{} by {}", proof.kind, proof.names.join(", ")) }),
                    )
                    .collect::<Vec<_>>()
                    .join("; "),
            }),
            account: case.account.as_ref().map(|account| format!("{} ({})", account.login, account.id)),
            verdict: decision.map(|decision| decision.verdict),
            rules: decision.map(|decision| decision.rules.clone()).unwrap_or_default(),
            done: case.evidence.clone(),
            ticket: case.ticket.as_ref().map(|ticket| ticket.id),
            reason: case.handover.as_ref().map(|(code, text)| format!("{code}: {text}")),
        }
    }
}

/// One case in a day record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayCase {
    /// The day it was received, in days since 1970.
    pub day: u64,
    /// Its number on that day, from 1.
    pub number: i64,
    /// Its id; none for a number that was taken and never used, since its runner died.
    pub case: Option<String>,
    /// `open`, `closed`, `handed-over`, `unused`, `unreadable`.
    pub state: String,
    /// Hash of its last log entry, once it has ended.
    pub head: Option<String>,
}

/// What the technician signs for each tenant and day: every case by number, so that a missing one shows as a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// Version of this statement.
    pub schema: u64,
    /// The tenant.
    pub tenant: String,
    /// Days since 1970.
    pub day: u64,
    /// From 1.
    pub page: u64,
    /// Pages of this day.
    pub pages: u64,
    /// Hash of the statement before: the page before, or the last page of the day before; empty for the tenant's first.
    pub previous: String,
    /// When it was signed.
    pub at: Instant,
    /// Cases received on this day up to now.
    pub through: i64,
    /// Cases received on the day before, counted again, since some are opened after midnight.
    pub before: i64,
    /// Cases of this day; those of the day before that came late; those that were open in the record before.
    pub cases: Vec<DayCase>,
}

/// How far a tenant's day records go, and what the next one takes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCursor {
    /// The last day with a record.
    pub day: u64,
    /// Hash of its last statement.
    pub head: String,
    /// Cases of that day that it counts.
    pub through: i64,
    /// Cases that were open.
    pub open: Vec<DayCase>,
}

impl Record for DayCursor {
    const SCHEMA: u64 = SCHEMA;
}

impl Day {
    /// Signs the pages of one day, and says what the next day takes up. Counts are those of the day and of the day before.
    #[must_use]
    pub fn sign(
        tenant: &str,
        day: u64,
        (through, before): (i64, i64),
        cases: &[DayCase],
        last: &str,
        at: Instant,
        key: Option<&SigningKey>,
    ) -> (Vec<Signed>, DayCursor) {
        let chunks: Vec<&[DayCase]> = if cases.is_empty() { vec![&[]] } else { cases.chunks(DAY_PAGE).collect() };
        let pages = chunks.len() as u64;
        let mut previous = last.to_string();
        let mut signed = Vec::new();
        for (page, cases) in (1..).zip(chunks) {
            let record =
                Day { schema: SCHEMA, tenant: tenant.into(), day, page, pages, previous: previous.clone(), at, through, before, cases: cases.to_vec() };
            if let Some(statement) = Signed::new(Domain::Day, &record, key) {
                previous = statement.hash();
                signed.push(statement);
            }
        }
        let open = cases.iter().filter(|case| case.state == "open").cloned().collect();
        (signed, DayCursor { day, head: previous, through, open })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    firstline: String,
    schema: u64,
    case: String,
    tenant: String,
    state: String,
    synopsis: Option<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    entry: (i64, u64),
    mac: String,
    body: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErasedLine {
    entry: (i64, u64),
    erased: String,
    at: Instant,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealLine {
    seal: Box<RawValue>,
    key: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DayLine {
    day: Box<RawValue>,
    key: String,
    signature: String,
}

fn line<T: Serialize>(value: &T) -> String {
    // INVARIANT: none of these holds a map with other than string keys, so serialising cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// The first line of a bundle. Without evidence the case is still open.
#[must_use]
pub fn header(case: &str, tenant: &str, state: &str, evidence: Option<&Evidence>) -> String {
    let synopsis = evidence.map(|evidence| evidence.synopsis.clone());
    line(&Header { firstline: "case".into(), schema: SCHEMA, case: case.into(), tenant: tenant.into(), state: state.into(), synopsis })
}

/// A log entry as a line of a bundle: its stored bytes can be put together again from it.
#[must_use]
pub fn entry(at: (i64, u64), stored: &[u8]) -> String {
    let parts = std::str::from_utf8(stored).ok().and_then(|text| text.split_once('\n')).filter(|(_, body)| !body.contains('\n'));
    if let Some(Ok(Erased { sha256, at: when })) = parts.map(|(_, body)| record::read(body.as_bytes())) {
        return line(&ErasedLine { entry: at, erased: sha256, at: when });
    }
    match parts.and_then(|(mac, body)| Some((mac, RawValue::from_string(body.into()).ok()?))) {
        Some((mac, body)) => line(&EntryLine { entry: at, mac: mac.into(), body }),
        None => line(&serde_json::json!({"entry": at, "damaged": "not a record of this program", "sha256": journal::entry_hash(stored)})),
    }
}

/// The last line of a bundle.
#[must_use]
pub fn seal(evidence: Option<&Evidence>) -> String {
    match evidence {
        Some(Evidence { seal, .. }) => line(&SealLine { seal: seal.statement.clone(), key: seal.key.clone(), signature: seal.signature.clone() }),
        None => line(&serde_json::json!({"unsealed": "the case is still open: there is nothing signed yet"})),
    }
}

/// A page of a day record as a line.
#[must_use]
pub fn day(signed: &Signed) -> String {
    line(&DayLine { day: signed.statement.clone(), key: signed.key.clone(), signature: signed.signature.clone() })
}

#[cfg(test)]
mod tests;
