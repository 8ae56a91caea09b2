//! Stage `firstline:guardrails`: may this happen?

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:guardrails/guardrails-stage",
        generate_all,
        with: { "firstline:types/types@0.1.0": firstline_connector::types },
    });
}
mod facts;
mod policy;
mod rules;

use bindings::exports::firstline::guardrails::guardrails::{Decision, Guest, Question};
use firstline_connector::types::Error;

struct Stage;

impl Guest for Stage {
    fn decide(question: Question) -> Result<Decision, Error> {
        rules::decide(&question).map_err(Error::Other)
    }
}

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stage with_types_in bindings);
