//! Stubs of all stages in one component, so that one build serves every test: each test puts it in the place of one stage.
//!
//! Every answer is fixed and can be recognised by the word `stub`.
//! The identity stage, [`idp`], lies in the way that the address of the requester names.

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        inline: "
            package firstline:stubs;
            world stubs {
              export firstline:messaging/intake@0.1.0;
              export firstline:messaging/outbox@0.1.0;
              export firstline:intent/intent@0.1.0;
              export firstline:guardrails/guardrails@0.1.0;
              export firstline:identity/identity@0.1.0;
              export firstline:idp/idp@0.1.0;
              export firstline:psa/psa@0.1.0;
              export firstline:history/history@0.1.0;
              export firstline:opinion/opinion@0.1.0;
            }
        ",
        path: "../../wit",
        world: "firstline:stubs/stubs",
        generate_all,
        with: {
            "firstline:types/types@0.1.0": firstline_connector::types,
            "firstline:wire/wire@0.1.0": firstline_connector::wire,
        },
    });
}
mod guardrails;
mod history;
mod identity;
mod idp;
mod intent;
mod messaging;
mod opinion;
mod psa;

/// Every stage at once.
struct Stub;

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stub with_types_in bindings);
