//! What every PSA must be able to do, and which one a task means.

use crate::bindings::exports::firstline::psa::psa::{Act, Closeout, NewTicket, Outcome, Task, Waiting};
use crate::connectwise::ConnectWise;
use firstline_connector::replay::{Io, Stop};
use firstline_connector::types::Error;

/// An outcome, or why the code stopped before it.
pub type Flow<T = Outcome> = Result<T, Stop<Outcome>>;

/// One PSA.
pub trait Vendor {
    /// Opens the ticket, or finds the one that this case opened before.
    fn open(&self, io: &mut Io, task: &Task, new: &NewTicket) -> Flow;
    /// Writes notes and time, then closes.
    fn close(&self, io: &mut Io, task: &Task, out: &Closeout) -> Flow;
    /// Writes everything down for a human and leaves the ticket open.
    fn hand_over(&self, io: &mut Io, task: &Task, out: &Closeout) -> Flow;
    /// Leaves an internal note and changes nothing else.
    fn note(&self, io: &mut Io, task: &Task, out: &Closeout) -> Flow;
    /// Sets the statuses of a ticket whose requester was answered and has the next word.
    fn wait(&self, io: &mut Io, task: &Task, at: &Waiting) -> Flow;
    /// Reads a ticket, and what people did to it.
    fn look(&self, io: &mut Io, task: &Task, ticket: u64) -> Flow;
    /// Reads the company's contacts of these types.
    fn contacts(&self, io: &mut Io, task: &Task, types: &[String]) -> Flow;
}

/// Goes on with a task.
pub fn run(io: &mut Io, task: &Task) -> Flow {
    let vendor: &dyn Vendor = match task.vendor.as_str() {
        "connectwise" => &ConnectWise,
        other => return Err(Error::Unsupported(format!("no PSA is called `{other}`")).into()),
    };
    check_case(&task.case)?;
    match &task.act {
        Act::Open(new) => vendor.open(io, task, new),
        Act::Close(out) => vendor.close(io, task, out),
        Act::HandOver(out) => vendor.hand_over(io, task, out),
        Act::Note(out) => vendor.note(io, task, out),
        Act::Wait(at) => vendor.wait(io, task, at),
        Act::Look(ticket) => vendor.look(io, task, *ticket),
        Act::Contacts(types) => vendor.contacts(io, task, types),
    }
}

/// The case id stands in tags and conditions, so it must be a plain word; ConnectWise's `externalXRef` holds 100 characters.
fn check_case(case: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if case.is_empty() || case.len() > 80 || !case.chars().all(plain) {
        return Err(Error::Invalid("the case id is not a plain word of at most 80 characters".into()));
    }
    Ok(())
}
