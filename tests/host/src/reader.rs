//! The stage `intent-detection` by itself: the very component that the application is composed with, in an instance of its own.

use crate::Manifest;
use crate::compile::{alone, compile};
use anyhow::{Context as _, Result, anyhow};
use firstline_core::stage::{Candidate, Understanding};
use std::path::Path;
use wasmtime::Store;

mod wit {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "firstline:intent/intent-stage",
        exports: { default: async },
    });
}
use wit::IntentStage;
use wit::exports::firstline::intent::intent::{self, Utterance};

/// An instance of the stage.
pub struct Reader {
    store: Store<()>,
    stage: IntentStage,
}

impl Reader {
    /// Loads the stage that the manifest names; it must have been built.
    pub async fn start(manifest: &Path) -> Result<Self> {
        let folder = manifest.parent().context("a manifest stands in a folder")?;
        let source = Manifest::load(manifest)?.component.get("intent-detection").context("no component `intent-detection`")?.source.clone();
        let bytes = std::fs::read(folder.join(&source)).with_context(|| format!("cannot read `{}`", source.display()))?;
        let component = compile("intent-detection", &bytes, &[], &folder.join("target/firstline-cache"))?;
        let (linker, mut store) = alone()?;
        let stage = IntentStage::instantiate_async(&mut store, &component, &linker).await.map_err(anyhow::Error::from)?;
        Ok(Self { store, stage })
    }

    /// What the stage reads in a text; an error is a trap, or the stage's own complaint.
    pub async fn read(&mut self, text: &str) -> Result<Understanding> {
        let utterance = Utterance { text: text.to_owned(), context: String::new() };
        let answer = self.stage.firstline_intent_intent().call_detect(&mut self.store, &utterance).await.map_err(anyhow::Error::from)?;
        let intent::Understanding { candidates, abstained, other_system, about_another } = answer.map_err(|error| anyhow!("{error:?}"))?;
        let candidates = candidates.into_iter().map(|intent::Candidate { intent, confidence, because }| Candidate { intent, confidence, because });
        Ok(Understanding { candidates: candidates.collect(), abstained, other_system, about_another })
    }
}
