//! Stage `firstline:identity`: who is it, and how sure is that?

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:identity/identity-stage",
        generate_all,
        with: { "firstline:types/types@0.1.0": firstline_connector::types },
    });
}
mod grade;

use bindings::exports::firstline::identity::identity::{Claim, Guest, Standing};
use firstline_connector::types::Error;

struct Stage;

impl Guest for Stage {
    fn assess(claim: Claim) -> Result<Standing, Error> {
        Ok(grade::assess(&claim))
    }
}

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stage with_types_in bindings);
