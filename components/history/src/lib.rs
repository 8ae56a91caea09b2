//! Stage `firstline:history`: learns from closed tickets.

mod approval;
mod lessons;
mod memory;
mod questions;
mod tally;

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:history/history-stage",
        generate_all,
        with: { "firstline:types/types@0.1.0": firstline_connector::types },
    });
}
use bindings::exports::firstline::history::history::{Guest, Lesson, Ticket};
use firstline_connector::types::Error;

struct Stage;

impl Guest for Stage {
    fn learn(memory: String, tickets: Vec<Ticket>) -> Result<String, Error> {
        let mut memory = memory::Memory::read(&memory).map_err(Error::Invalid)?;
        tickets.iter().for_each(|ticket| memory.learn(ticket));
        Ok(memory.write())
    }

    fn recall(memory: String, intent: Option<String>) -> Result<Vec<Lesson>, Error> {
        Ok(lessons::recall(&memory::Memory::read(&memory).map_err(Error::Invalid)?, intent.as_deref()))
    }
}

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stage with_types_in bindings);
