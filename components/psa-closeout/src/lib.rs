//! Stage `firstline:psa`: keeps the ticket in the PSA.
#![allow(clippy::result_large_err, reason = "an early end carries its outcome, and each task ends once")]

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:psa/psa-stage",
        generate_all,
        with: {
            "firstline:types/types@0.1.0": firstline_connector::types,
            "firstline:wire/wire@0.1.0": firstline_connector::wire,
        },
    });
}

mod connectwise;
mod span;
mod text;
mod vendor;

use bindings::exports::firstline::psa::psa::{Guest, Step, Task};
use firstline_connector::{replay, types::Error, wire::Reply};

struct Stage;

impl Guest for Stage {
    fn next(task: Task, seen: Vec<Reply>) -> Result<Step, Error> {
        let step = replay::run(task.started, &seen, |io| vendor::run(io, &task))?;
        Ok(match step {
            replay::Step::SendAll(requests) => Step::SendAll(requests),
            replay::Step::Wait(seconds) => Step::Wait(seconds),
            replay::Step::Checkpoint(state) => Step::Checkpoint(state),
            replay::Step::Done(outcome) => Step::Done(outcome),
        })
    }
}

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stage with_types_in bindings);
