//! Stages by themselves: the very components that the application is composed with, each in an instance of its own.

use crate::Manifest;
use crate::compile::{alone, compile, metered};
use anyhow::{Context as _, Result, anyhow};
use firstline_core::stage::{Candidate, Entity, Understanding};
use std::path::Path;
use wasmtime::Store;
use wasmtime::component::{Component, Linker};

mod wit {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "firstline:intent/intent-stage",
        exports: { default: async },
    });
}
use wit::IntentStage;
use wit::exports::firstline::intent::intent::{self, Utterance};

mod messages {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "firstline:messaging/messaging-stage",
        exports: { default: async },
    });
}
use messages::MessagingStage;
use messages::exports::firstline::messaging::intake::Webhook;

/// Composes nothing: a stage imports nothing.
pub(crate) fn stage(manifest: &Path, name: &str) -> Result<Component> {
    compile(name, &bytes(manifest, name)?, &[], &folder(manifest)?.join("target/firstline-cache"))
}

/// A stage as it was built.
fn bytes(manifest: &Path, name: &str) -> Result<Vec<u8>> {
    let source = Manifest::load(manifest)?.component.get(name).with_context(|| format!("no component `{name}`"))?.source.clone();
    std::fs::read(folder(manifest)?.join(&source)).with_context(|| format!("cannot read `{}`", source.display()))
}

fn folder(manifest: &Path) -> Result<&Path> {
    manifest.parent().context("a manifest stands in a folder")
}

/// An instance of the stage `messaging`.
pub struct Listener {
    store: Store<()>,
    stage: MessagingStage,
}

impl Listener {
    /// Loads the stage that the manifest names; it must have been built.
    pub async fn start(manifest: &Path) -> Result<Self> {
        let (linker, mut store) = alone()?;
        let stage = MessagingStage::instantiate_async(&mut store, &stage(manifest, "messaging")?, &linker).await.map_err(anyhow::Error::from)?;
        Ok(Self { store, stage })
    }

    /// Whether a webhook was understood; an error is a trap.
    pub async fn read(&mut self, content_type: &str, body: &[u8]) -> Result<bool> {
        let webhook = Webhook { vendor: "slack".into(), content_type: content_type.into(), body: body.to_vec() };
        let answer = self.stage.firstline_messaging_intake().call_read(&mut self.store, &webhook).await.map_err(anyhow::Error::from)?;
        Ok(answer.is_ok())
    }
}

const READER: &str = "intent-detection";

/// An instance of the stage `intent-detection`.
pub struct Reader {
    store: Store<()>,
    stage: IntentStage,
}

impl Reader {
    /// Loads the stage that the manifest names; it must have been built.
    pub async fn start(manifest: &Path) -> Result<Self> {
        let (linker, store) = alone()?;
        Self::of(&stage(manifest, READER)?, &linker, store).await
    }

    /// The same on an engine that counts, for [`Reader::cost`].
    pub async fn metered(manifest: &Path) -> Result<Self> {
        let engine = metered()?;
        let component = Component::new(&engine, bytes(manifest, READER)?)?;
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX)?;
        Self::of(&component, &Linker::new(&engine), store).await
    }

    async fn of(component: &Component, linker: &Linker<()>, mut store: Store<()>) -> Result<Self> {
        let stage = IntentStage::instantiate_async(&mut store, component, linker).await?;
        Ok(Self { store, stage })
    }

    /// What the stage executes to read a text, in wasmtime's units of fuel: no clock is asked.
    pub async fn cost(&mut self, text: &str) -> Result<u64> {
        self.store.set_fuel(u64::MAX)?;
        self.read(text).await?;
        Ok(u64::MAX - self.store.get_fuel()?)
    }

    /// What the stage reads in a text; an error is a trap, or the stage's own complaint.
    pub async fn read(&mut self, text: &str) -> Result<Understanding> {
        let utterance = Utterance { text: text.to_owned(), context: String::new(), familiar: Vec::new() };
        let answer = self.stage.firstline_intent_intent().call_detect(&mut self.store, &utterance).await.map_err(anyhow::Error::from)?;
        let intent::Understanding { candidates, also, abstained, other_system, about_another, language, entities } =
            answer.map_err(|error| anyhow!("{error:?}"))?;
        let readings = |list: Vec<intent::Candidate>| {
            list.into_iter().map(|intent::Candidate { intent, confidence, because }| Candidate { intent, confidence, because }).collect()
        };
        let entities = entities.into_iter().map(|intent::Entity { kind, words }| Entity { kind, words }).collect();
        Ok(Understanding { candidates: readings(candidates), also: readings(also), abstained, other_system, about_another, language, entities })
    }
}
