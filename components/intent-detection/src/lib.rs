//! Stage `firstline:intent`: understands what a person wants.

pub mod detect;
pub mod encoder;
pub mod entities;
pub mod familiar;
pub mod features;
mod kernel;
pub mod labels;
mod lanes;
pub mod language;
pub mod letter;
pub mod lexicon;
pub mod model;
pub mod pattern;
pub mod pieces;
pub mod places;
pub mod signals;
pub mod text;

mod bindings {
    #![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "firstline:intent/intent-stage",
        generate_all,
        with: { "firstline:types/types@0.1.0": firstline_connector::types },
    });
}
use bindings::exports::firstline::intent::intent::{Candidate, Entity, Guest, Understanding, Utterance};
use firstline_connector::types::Error;

struct Stage;

impl Guest for Stage {
    fn detect(utterance: Utterance) -> Result<Understanding, Error> {
        // The context is not needed: "yes" is `other` with and without a button.
        let Utterance { text, context: _, familiar } = utterance;
        let familiar: Vec<_> = familiar.into_iter().map(|of| (of.phrase, of.intent)).collect();
        let mind = detect::Mind::shipped().ok_or_else(|| Error::Other("the model's file is damaged".into()))?;
        let detect::Understanding { readings, also, abstained, other_system, about_another, language, entities } = detect::detect(&text, &mind, &familiar);
        let candidates = |readings: Vec<detect::Reading>| {
            readings
                .into_iter()
                .map(|reading| Candidate { intent: reading.intent.name().into(), confidence: reading.confidence, because: reading.because })
                .collect()
        };
        let entities = entities.into_iter().map(|(kind, words)| Entity { kind: kind.name().into(), words }).collect();
        Ok(Understanding {
            candidates: candidates(readings),
            also: candidates(also),
            abstained,
            other_system,
            about_another,
            language: language.map(Into::into),
            entities,
        })
    }
}

// The export names hold `:` and `/`, which the native linker refuses.
#[cfg(target_arch = "wasm32")]
bindings::export!(Stage with_types_in bindings);
