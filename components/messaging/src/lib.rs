//! Stage `firstline:messaging`: chat wire formats, read and written.
//!
//! The words are in [`sentences`], a vendor's wire is in a module of its own behind [`chat::Chat`].
#![allow(clippy::result_large_err, reason = "an early end carries its outcome, and each task ends once")]

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:messaging/messaging-stage",
        generate_all,
        with: {
            "firstline:types/types@0.1.0": firstline_connector::types,
            "firstline:wire/wire@0.1.0": firstline_connector::wire,
        },
    });
}
pub mod chat;
pub mod sentences;
pub mod slack;

pub use bindings::exports::firstline::messaging::{intake, outbox};
use firstline_connector::{replay, types::Error, wire::Reply};

/// The stage.
#[derive(Debug)]
pub struct Stage;

impl intake::Guest for Stage {
    fn read(webhook: intake::Webhook) -> Result<intake::Inbound, Error> {
        chat::of(&webhook.vendor)?.read(&webhook.content_type, &webhook.body)
    }
}

impl outbox::Guest for Stage {
    fn next(task: outbox::Task, seen: Vec<Reply>) -> Result<outbox::Step, Error> {
        let chat = chat::of(&task.vendor)?;
        Ok(match replay::run(task.started, &seen, |io| chat.act(&task, io))? {
            replay::Step::SendAll(requests) => outbox::Step::SendAll(requests),
            replay::Step::Wait(seconds) => outbox::Step::Wait(seconds),
            replay::Step::Checkpoint(state) => outbox::Step::Checkpoint(state),
            replay::Step::Done(outcome) => outbox::Step::Done(outcome),
        })
    }

    fn words(sentence: String, arguments: Vec<(String, String)>, locale: String, text: Option<String>) -> Result<String, Error> {
        sentences::Catalogue::of(&locale)?.sentence(&sentence, text.as_deref(), &arguments).map(|said| said.text)
    }

    fn note(lines: Vec<outbox::Line>, locale: String) -> Result<String, Error> {
        let catalogue = sentences::Catalogue::notes(&locale)?;
        let lines = lines.iter().map(|outbox::Line { name, arguments }| catalogue.sentence(name, None, arguments).map(|said| said.text));
        Ok(lines.collect::<Result<Vec<String>, Error>>()?.join("\n"))
    }
}

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stage with_types_in bindings);
