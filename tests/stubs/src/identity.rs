//! Nobody is known.

use crate::Stub;
use crate::bindings::exports::firstline::identity::identity::{Claim, Guest, Standing};
use firstline_connector::types::{Assurance, Error};

impl Guest for Stub {
    fn assess(_: Claim) -> Result<Standing, Error> {
        Ok(Standing { assurance: Assurance::None, because: vec!["stub".into()], step_ups: Vec::new(), locked: Some("stub-locked".into()) })
    }
}
