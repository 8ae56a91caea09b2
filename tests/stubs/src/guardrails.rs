//! Everything is a person's work.

use crate::Stub;
use crate::bindings::exports::firstline::guardrails::guardrails::{Decision, Guest, Question, Verdict};
use firstline_connector::types::Error;

impl Guest for Stub {
    fn decide(_: Question) -> Result<Decision, Error> {
        Ok(Decision { verdict: Verdict::Human, proof: None, rules: vec!["stub-rule".into()], reason: "stub".into(), policies: String::new() })
    }
}
