//! Stage `firstline:opinion`: asks a language model what a text means that was not understood.

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:opinion/opinion-stage",
        generate_all,
        with: {
            "firstline:types/types@0.1.0": firstline_connector::types,
            "firstline:wire/wire@0.1.0": firstline_connector::wire,
        },
    });
}
mod openai;

pub use bindings::exports::firstline::opinion::opinion;
use firstline_connector::{replay, types::Error, wire::Reply};

/// The stage.
#[derive(Debug)]
pub struct Stage;

impl opinion::Guest for Stage {
    fn next(task: opinion::Task, seen: Vec<Reply>) -> Result<opinion::Step, Error> {
        if task.vendor != "openai" {
            return Err(Error::Unsupported(format!("no wire is known for the vendor `{}`", task.vendor)));
        }
        Ok(match replay::run(task.started, &seen, |io| openai::ask(&task, io))? {
            replay::Step::SendAll(requests) => opinion::Step::SendAll(requests),
            replay::Step::Wait(seconds) => opinion::Step::Wait(seconds),
            replay::Step::Checkpoint(state) => opinion::Step::Checkpoint(state),
            replay::Step::Done(outcome) => opinion::Step::Done(outcome),
        })
    }
}

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stage with_types_in bindings);
