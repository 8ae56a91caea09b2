//! What the logic needs from outside.

use firstline_core::Instant;
use firstline_core::mailbox::Event;
use firstline_core::signature::Verified;
pub use firstline_core::store::{Fault, Store};

/// A webhook whose signature was verified.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The connection's vendor.
    pub vendor: String,
    /// Media type without parameters, in lower case.
    pub content_type: String,
    /// The raw body.
    pub body: Verified<Vec<u8>>,
}

/// What a webhook turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// The vendor checks the URL: answer with this text.
    Challenge(String),
    /// Things that people did. Tenant, connection and time of receipt are still empty: the stage does not know them.
    Events(Vec<Event>),
    /// Understood, and of no interest. Why, for the log.
    Ignored(String),
}

/// The body could not be read; the text names the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// Store, clock, variables, signing keys of vendors, and the stage `messaging`.
pub trait Host: Store {
    /// A variable; empty if it is not set.
    fn variable(&self, name: &str) -> impl Future<Output = String>;
    /// Gets a small document from a vendor, without any credential.
    fn fetch(&self, url: &str) -> impl Future<Output = Result<Vec<u8>, Fault>>;
    /// The time.
    fn now(&self) -> Instant;
    /// The stage `messaging`.
    ///
    /// # Errors
    /// [`Unreadable`] if the body is not what the vendor documents.
    fn read(&self, webhook: Webhook) -> Result<Inbound, Unreadable>;
}
