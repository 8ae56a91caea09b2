//! Trains the model of the stage `intent-detection`: `cargo run --release -p firstline-train`.
//!
//! Reads `components/intent-detection/data`, writes `components/intent-detection/model.bin` and prints the figures of its README.
//! `MISSED=1` lists what was not acted upon. `-- --check` trains and compares, and writes nothing.

mod data;
mod encoder;
mod fit;
mod report;
mod vectors;

use anyhow::{Context, Result, bail};
use data::{Example, Source};
use intent_detection::{
    detect::Understanding,
    labels::{Group, Intent},
    model::Model,
};
use sha2::{Digest, Sha256};
use std::{fs, io::Write, path::Path};

/// Precision that each group must reach on texts that were held out, and the least threshold for it.
const WANTED: [(Group, f32, f32); 3] = [(Group::Acting, 0.99, 0.4), (Group::Social, 0.97, 0.5), (Group::Handover, 0.85, 0.3)];

fn main() -> Result<()> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components/intent-detection");
    let mut out = std::io::stdout().lock();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--check"] => true,
        ["encoder", folder] => {
            let size = encoder::convert(Path::new(folder), &home.join("encoder.bin"))?;
            writeln!(out, "encoder.bin: {size} bytes")?;
            return Ok(());
        }
        _ => bail!("use nothing, `--check`, or `encoder FOLDER`"),
    };
    let data = home.join("data");
    let mut dev = data::labelled(&data.join("l1-dev.jsonl"), Source::Tickets)?;
    let mut all = data::labelled(&data.join("utterances.jsonl"), Source::Chat)?;
    all.extend(data::generated(&data.join("templates.jsonl"), &data.join("slots.json"), &mut fastrand::Rng::with_seed(7))?);
    let desk = data::labelled(&data.join("desk.jsonl"), Source::Desk)?;
    all.extend(data::framed(&desk, &data.join("frames.json"), &mut fastrand::Rng::with_seed(11))?);
    all.extend(desk);
    all.extend(data::labelled(&data.join("queue.jsonl"), Source::Queue)?);
    all.extend(data::labelled(&data.join("languages.jsonl"), Source::Languages)?);
    all.extend(data::labelled(&data.join("tickets.jsonl"), Source::Tickets)?);
    all.extend(data::tickets(&data.join("zenodo-7648117.jsonl"), &dev)?);
    let cache = home.join("../../target/firstline-vectors.bin");
    let count = all.len();
    let developed = dev.len();
    all.append(&mut dev);
    all.extend(data::labelled(&data.join("fresh.jsonl"), Source::Tickets)?);
    let freshened = all.len();
    all.extend(data::labelled(&data.join("strangers.jsonl"), Source::Tickets)?);
    let estranged = all.len() - freshened;
    all.extend(data::labelled(&data.join("newcomers.jsonl"), Source::Tickets)?);
    vectors::fill(&mut all, &cache)?;
    let mut strangers = all.split_off(freshened);
    let newcomers = strangers.split_off(estranged);
    let mut dev = all.split_off(count);
    let fresh = dev.split_off(developed);
    for source in Source::ALL {
        writeln!(out, "{source:?}: {} examples", all.iter().filter(|example| example.source == source).count())?;
    }

    // Each source is read by a model that never saw it: first to weigh the two halves, then to choose the thresholds.
    let mut held: Vec<(Vec<Example>, Vec<u8>)> = Vec::new();
    for source in Source::ALL {
        let (test, train): (Vec<Example>, Vec<Example>) = all.iter().cloned().partition(|example| example.source == source);
        held.push((test, fit::fit(&train)));
    }
    let shares = shares(&held)?;
    let with = |file: &[u8], thresholds: [f32; 3]| -> Result<Vec<u8>> {
        let mut file = file.to_vec();
        let head: Vec<u8> = shares.iter().chain(&thresholds).flat_map(|value| value.to_le_bytes()).collect();
        file.get_mut(8..28).context("the model has no header")?.copy_from_slice(&head);
        Ok(file)
    };
    let mut judged: Vec<(Example, Understanding)> = Vec::new();
    for (test, file) in &held {
        let file = with(file, [0.0; 3])?;
        let model = Model::read(&file).context("a fold's model is damaged")?;
        judged.extend(report::judge(test, &model).into_iter().map(|(example, found)| (example.clone(), found)));
    }
    let thresholds = WANTED.map(|(group, precision, least)| threshold(&judged, group, precision, least));
    writeln!(out, "shares {shares:?}, thresholds {thresholds:?}")?;
    for ((test, file), source) in held.iter().zip(Source::ALL) {
        let file = with(file, thresholds)?;
        let model = Model::read(&file).context("a fold's model is damaged")?;
        write!(out, "{}", report::report(&format!("{source:?} left out"), &report::judge(test, &model)))?;
    }

    let file = with(&fit::fit(&all), thresholds)?;
    let model = Model::read(&file).context("the model is damaged")?;
    write!(out, "{}", report::report("development set, never trained on", &report::judge(&dev, &model)))?;
    write!(out, "{}", report::report("fresh tickets, never trained on", &report::judge(&fresh, &model)))?;
    write!(out, "{}", report::report("strangers' tickets, never trained on", &report::judge(&strangers, &model)))?;
    write!(out, "{}", report::report("newcomers' tickets, never trained on", &report::judge(&newcomers, &model)))?;
    let target = home.join("model.bin");
    if check {
        if fs::read(&target)? != file {
            bail!("training gives another file than `{}`", target.display());
        }
    } else {
        fs::write(&target, &file)?;
    }
    for name in ["model.bin", "encoder.bin"] {
        let file = fs::read(home.join(name))?;
        let digest: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{name}: {} bytes, SHA-256 {digest}", file.len())?;
    }
    Ok(())
}

/// How much each half counts: the pair with the least log loss on sources that were left out.
fn shares(held: &[(Vec<Example>, Vec<u8>)]) -> Result<[f32; 2]> {
    let mut scored = Vec::new();
    for (test, file) in held {
        let model = Model::read(file).context("a fold's model is damaged")?;
        for example in test.iter().filter(|example| example.source != Source::Templates) {
            scored.push((model.scores(&example.features), model.scores_of(&example.vector), example));
        }
    }
    let (_, file) = held.first().context("no fold")?;
    let mut model = Model::read(file).context("a fold's model is damaged")?;
    let mut best = (f32::MAX, [1.0; 2]);
    for words in 0..16 {
        for vector in 0..16 {
            model.shares = [words as f32 * 0.1, vector as f32 * 0.1];
            let loss = |(words, vector, example): &(_, _, &Example)| {
                let ranked = model.rank(words, vector);
                let probability = ranked.iter().find(|(class, _)| *class == example.intent).map_or(0.0, |(_, p)| *p);
                -example.weight * probability.max(1e-6).ln()
            };
            let loss: f32 = scored.iter().map(loss).sum();
            if loss < best.0 {
                best = (loss, model.shares);
            }
        }
    }
    Ok(best.1)
}

/// The least threshold above which a group's readings are right often enough.
fn threshold(judged: &[(Example, Understanding)], group: Group, wanted: f32, least: f32) -> f32 {
    let reads = |intent: Intent| intent.group() == group;
    let mut shown: Vec<(u16, bool)> = Vec::new();
    for (example, found) in judged {
        // A greeting in a desk's queue has no label of its own.
        if group == Group::Social && !matches!(example.source, Source::Chat | Source::Templates) {
            continue;
        }
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
