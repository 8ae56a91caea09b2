//! Tickets that no PSA has ever seen.

use crate::Stub;
use crate::bindings::exports::firstline::psa::psa::{Act, Guest, Outcome, Step, Task, Ticket};
use firstline_connector::types::Error;
use firstline_connector::wire::Reply;

impl Guest for Stub {
    fn next(task: Task, _: Vec<Reply>) -> Result<Step, Error> {
        let ticket = Ticket { id: 4711, board: task.desk.board, status: 1, status_name: "stub".into(), contact: false, priority: String::new() };
        Ok(Step::Done(match task.act {
            Act::Open(_) => Outcome::Opened(ticket),
            Act::Close(_) => Outcome::Closed(ticket),
            Act::HandOver(_) | Act::Note(_) => Outcome::HandedOver(ticket),
            Act::Wait(_) => Outcome::Waits(ticket),
            Act::Look(_) | Act::Contacts(_) => Outcome::Escalate(("stub".into(), "stub".into())),
        }))
    }
}
