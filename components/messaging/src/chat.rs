//! What a chat vendor's module provides, and which vendors there are.

use crate::{intake, outbox, slack::Slack};
use firstline_connector::replay::{Io, Stop};
use firstline_connector::types::Error;

/// One vendor's wire, read and written.
pub trait Chat {
    /// Reads the body of a verified webhook.
    ///
    /// # Errors
    /// `invalid`, naming the field that is missing or of the wrong type.
    fn read(&self, content_type: &str, body: &[u8]) -> Result<intake::Inbound, Error>;

    /// Does one piece of work, as connector code over replayed replies.
    ///
    /// # Errors
    /// As [`firstline_connector::replay::run`] wants them.
    fn act(&self, task: &outbox::Task, io: &mut Io) -> Result<outbox::Outcome, Stop<outbox::Outcome>>;
}

/// The module of this vendor.
///
/// # Errors
/// `unsupported`, if there is none.
pub fn of(vendor: &str) -> Result<&'static dyn Chat, Error> {
    match vendor {
        "slack" => Ok(&Slack),
        other => Err(Error::Unsupported(format!("no chat vendor `{other}`"))),
    }
}
