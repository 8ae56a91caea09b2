//! What connectors share: straight-line code over replayed replies, and the quoting of values.
//!
//! A connector is a pure function from a task and every reply so far to the next step.
//! [`replay::run`] lets it be written as if it sent requests and waited for the answers.

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:wire/wire-types",
        generate_all,
    });
}

pub mod names;
pub mod quote;
pub mod replay;

pub use bindings::firstline::types::types;
pub use bindings::firstline::wire::wire;
