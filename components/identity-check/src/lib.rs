//! Stage `firstline:identity`: who is it, how sure is that, and how a vendor makes it surer.

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:identity/identity-stage",
        generate_all,
        with: {
            "firstline:types/types@0.1.0": firstline_connector::types,
            "firstline:wire/wire@0.1.0": firstline_connector::wire,
        },
    });
}
mod duo;
mod grade;
mod twilio;

use bindings::exports::firstline::identity::identity::{Claim, Guest, Standing, Step, Task};
use firstline_connector::{replay, types::Error, wire::Reply};

struct Stage;

impl Guest for Stage {
    fn assess(claim: Claim) -> Result<Standing, Error> {
        Ok(grade::assess(&claim))
    }

    fn next(task: Task, seen: Vec<Reply>) -> Result<Step, Error> {
        let next = match task.vendor.as_str() {
            "duo" => duo::next,
            "twilio" => twilio::next,
            other => return Err(Error::Unsupported(format!("no step-up is known for the vendor `{other}`"))),
        };
        Ok(match replay::run(task.started, &seen, |io| next(&task, io))? {
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
