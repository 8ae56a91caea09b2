//! Nobody is known.

use crate::Stub;
use crate::bindings::exports::firstline::identity::identity::{Claim, Guest, Outcome, Standing, Step, Task};
use firstline_connector::types::{Assurance, Error};
use firstline_connector::wire::Reply;

impl Guest for Stub {
    fn assess(_: Claim) -> Result<Standing, Error> {
        Ok(Standing { assurance: Assurance::None, because: vec!["stub".into()], step_ups: Vec::new(), locked: Some("stub-locked".into()) })
    }

    fn next(_: Task, _: Vec<Reply>) -> Result<Step, Error> {
        Ok(Step::Done(Outcome::Passed))
    }
}
