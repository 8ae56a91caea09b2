//! What the technician needs from the platform and from its stages, as traits, so that its logic knows neither Spin nor WIT.

use firstline_core::Instant;
use firstline_core::case::Task;
use firstline_core::past::{Familiar, Lesson};
use firstline_core::stage::{Assurance, Circumstances, Decision, Outcome, Question, Standing, Understanding, Words};
pub use firstline_core::store::{Fault, Store};
use firstline_core::tenant::Tenant;
use firstline_core::wire::Step;

/// A request as it leaves, secrets filled in. Never stored, never printed.
pub struct Outgoing {
    /// HTTP method.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// All headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// An answer.
pub struct Incoming {
    /// HTTP status.
    pub status: u16,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, at most [`REPLY_LIMIT`] bytes.
    pub body: Vec<u8>,
}

/// A reply longer than this counts as lost.
pub const REPLY_LIMIT: usize = 256 * 1024;
/// Time for connecting and for the first byte of an answer, in milliseconds.
pub const SEND_TIMEOUT: u64 = 15_000;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// It certainly did not arrive.
    NotSent,
    /// It may have arrived.
    Lost,
}

/// The platform.
#[allow(async_fn_in_trait, reason = "components have one thread, so futures need not be Send")]
pub trait Host: Store {
    /// The wall clock.
    fn now(&self) -> Instant;
    /// Random bytes from the platform.
    fn random(&self) -> Result<[u8; 32], Fault>;
    /// A variable, empty if it is not set.
    async fn variable(&self, name: &str) -> String;
    /// Sends to a vendor. Called by the monitor only.
    async fn send(&self, request: Outgoing) -> Result<Incoming, SendError>;
    /// Sleeps.
    async fn sleep(&self, milliseconds: u64);
    /// Writes one log line.
    fn log(&self, line: String);
}

/// A failed stage: short code and text for the log.
#[derive(Debug, Clone)]
pub struct StageFault(pub &'static str, pub String);

/// Values that only the technician can add to a message.
pub struct Signed<'a> {
    /// Signs a choice of the case's current offer.
    pub button: &'a dyn Fn(&str) -> String,
    /// Case and step, for finding a message again.
    pub tag: String,
    /// Case id.
    pub case: String,
}

/// The stages.
pub trait Stages {
    /// Intent detection, with the tenant's own names.
    ///
    /// # Errors
    /// The stage failed; the text counts as unclear.
    fn understand(&self, text: &str, context: &str, names: Vec<Familiar>) -> Result<Understanding, StageFault>;
    /// How sure it is who asks, and what would raise that to what is wanted; with the challenges of this person in this hour.
    ///
    /// # Errors
    /// The stage failed, which means that nobody is known.
    fn assess(&self, question: &Question, tenant: &Tenant, wanted: Assurance, challenges: u32, now: Instant) -> Result<Standing, StageFault>;
    /// Guardrails, on a requester of whom it is so sure.
    ///
    /// # Errors
    /// The stage failed, which means deny.
    fn decide(&self, question: &Question, assurance: Assurance, tenant: &Tenant, circumstances: &Circumstances, now: Instant) -> Result<Decision, StageFault>;
    /// The next step of a connector.
    ///
    /// # Errors
    /// The stage failed; the case goes to a human.
    fn next(&self, task: &Task, tenant: &Tenant, signed: &Signed) -> Result<Step<Outcome>, StageFault>;
    /// A sentence of the catalogue.
    ///
    /// # Errors
    /// The sentence or an argument is not known.
    fn words(&self, words: &Words, locale: &str, tenant: &Tenant) -> Result<String, StageFault>;
    /// What a memory of closed tickets knows about one type.
    ///
    /// # Errors
    /// The stage failed; nothing is known then.
    fn recall(&self, memory: &str, kind: &str) -> Result<Vec<Lesson>, StageFault>;
}
