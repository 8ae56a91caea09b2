//! Whatever is written is a wish for a new password.

use crate::Stub;
use crate::bindings::exports::firstline::intent::intent::{Candidate, Guest, Understanding, Utterance};
use firstline_connector::types::Error;

impl Guest for Stub {
    fn detect(_: Utterance) -> Result<Understanding, Error> {
        let candidate = Candidate { intent: "password_reset".into(), confidence: 999, because: vec!["stub".into()] };
        let candidates = vec![candidate];
        Ok(Understanding { candidates, also: Vec::new(), abstained: false, other_system: None, about_another: None, language: None, entities: Vec::new() })
    }
}
