//! Trains the model of the stage `intent-detection`: `cargo run --release -p firstline-train`.
//!
//! Reads `components/intent-detection/data`, writes `components/intent-detection/model.bin` and prints the figures of its README.
//! `MISSED=1` lists what was not acted upon. `-- --check` trains and compares, and writes nothing.

mod data;
mod fit;
mod report;

use anyhow::{Context, Result, bail};
use data::Example;
use intent_detection::{
    detect::Understanding,
    labels::{Group, Intent},
    model::Model,
};
use sha2::{Digest, Sha256};
use std::{fs, io::Write, path::Path};

const FOLDS: usize = 5;
/// Precision that each group must reach on texts that were held out, and the least threshold for it.
const WANTED: [(Group, f32, f32); 3] = [(Group::Acting, 0.98, 0.6), (Group::Social, 0.97, 0.5), (Group::Handover, 0.85, 0.3)];

fn main() -> Result<()> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components/intent-detection");
    let data = home.join("data");
    let dev = data::labelled(&data.join("l1-dev.jsonl"))?;
    let own = data::labelled(&data.join("utterances.jsonl"))?;
    let drawn = data::generated(&data.join("templates.jsonl"), &data.join("slots.json"), &mut fastrand::Rng::with_seed(7))?;
    let tickets = data::tickets(&data.join("zenodo-7648117.jsonl"), &dev)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "examples: {} own, {} generated, {} tickets; {} for development, never trained on", own.len(), drawn.len(), tickets.len(), dev.len())?;
    let all: Vec<Example> = own.into_iter().chain(drawn).chain(tickets).collect();

    // Held-out readings of every example, first to calibrate, then to choose the thresholds.
    let mut held: Vec<(Vec<Example>, Vec<u8>)> = Vec::new();
    for fold in 0..FOLDS {
        let (test, train): (Vec<Example>, Vec<Example>) = all.iter().cloned().partition(|example| fold_of(&example.group) == fold);
        held.push((test, fit::fit(&train)));
    }
    let temperature = temperature(&held)?;
    let mut judged: Vec<(Example, Understanding)> = Vec::new();
    for (test, file) in &held {
        let mut model = Model::read(file).context("a fold's model is damaged")?;
        model.temperature = temperature;
        judged.extend(report::judge(test, &model).into_iter().map(|(example, found)| (example.clone(), found)));
    }
    let thresholds = WANTED.map(|(group, precision, least)| threshold(&judged, group, precision, least));
    writeln!(out, "temperature {temperature:.3}, thresholds {thresholds:?}")?;
    let mut cross = Vec::new();
    for (test, file) in &held {
        let mut model = Model::read(file).context("a fold's model is damaged")?;
        (model.temperature, model.thresholds) = (temperature, thresholds);
        cross.extend(report::judge(test, &model));
    }
    let (generated, written): (Vec<_>, Vec<_>) = cross.into_iter().partition(|(example, _)| example.weight < 1.0);
    write!(out, "{}", report::report("five folds, own texts", &written))?;
    write!(out, "{}", report::report("five folds, templates and forms", &generated))?;

    let mut file = fit::fit(&all);
    let head: Vec<u8> = [temperature].iter().chain(&thresholds).flat_map(|value| value.to_le_bytes()).collect();
    file.get_mut(8..24).context("the model has no header")?.copy_from_slice(&head);
    let model = Model::read(&file).context("the model is damaged")?;
    write!(out, "{}", report::report("development set, a source never trained on", &report::judge(&dev, &model)))?;
    let target = home.join("model.bin");
    if std::env::args().any(|argument| argument == "--check") {
        if fs::read(&target)? != file {
            bail!("training gives another file than `{}`", target.display());
        }
    } else {
        fs::write(&target, &file)?;
    }
    let digest: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(out, "model.bin: {} bytes, SHA-256 {digest}", file.len())?;
    Ok(())
}

/// The fold of a group, by a hash that does not change between builds.
fn fold_of(group: &str) -> usize {
    Sha256::digest(group).first().map_or(0, |byte| usize::from(*byte) % FOLDS)
}

/// The temperature with the least log loss on held-out texts.
fn temperature(held: &[(Vec<Example>, Vec<u8>)]) -> Result<f32> {
    let mut best = (f32::MAX, 1.0);
    for step in 4..40 {
        let candidate = step as f32 * 0.1;
        let mut loss = 0.0;
        for (test, file) in held {
            let mut model = Model::read(file).context("a fold's model is damaged")?;
            model.temperature = candidate;
            for example in test {
                let ranked = model.rank(&model.scores(&example.features));
                let probability = ranked.iter().find(|(class, _)| *class == example.intent).map_or(0.0, |(_, p)| *p);
                loss -= example.weight * probability.max(1e-6).ln();
            }
        }
        if loss < best.0 {
            best = (loss, candidate);
        }
    }
    Ok(best.1)
}

/// The least threshold above which a group's readings are right often enough.
fn threshold(judged: &[(Example, Understanding)], group: Group, wanted: f32, least: f32) -> f32 {
    let reads = |intent: Intent| intent.group() == group;
    let mut shown: Vec<(u16, bool)> = Vec::new();
    for (example, found) in judged {
        let clear = !found.abstained && (group != Group::Acting || found.acts().is_some());
        if let Some(reading) = found.readings.first().filter(|reading| clear && reads(reading.intent)) {
            shown.push((reading.confidence, report::right(example, reading.intent)));
        }
    }
    let enough = |limit: u16| {
        let above: Vec<bool> = shown.iter().filter(|(confidence, _)| *confidence >= limit).map(|(_, right)| *right).collect();
        above.iter().filter(|right| **right).count() as f32 >= wanted * above.len() as f32
    };
    let limit = (0..=990).step_by(10).find(|limit| f32::from(*limit) / 1000.0 >= least && enough(*limit)).unwrap_or(990);
    f32::from(limit) / 1000.0
}
