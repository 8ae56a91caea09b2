//! Whatever is written is a wish for a new password.

use crate::Stub;
use crate::bindings::exports::firstline::intent::intent::{Candidate, Guest, Understanding, Utterance};
use firstline_connector::types::Error;

impl Guest for Stub {
    fn detect(_: Utterance) -> Result<Understanding, Error> {
        let candidate = Candidate { intent: "password_reset".into(), confidence: 999, because: vec!["stub".into()] };
        Ok(Understanding { candidates: vec![candidate], abstained: false, other_system: None, about_another: None })
    }
}
