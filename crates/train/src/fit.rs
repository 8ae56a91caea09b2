//! Multinomial logistic regression by AdaGrad: seeded, single-threaded, hence the same bytes on every run.

use crate::data::Example;
use fastrand::Rng;
use intent_detection::{
    encoder::WIDTH,
    labels::Intent,
    model::{self, CLASSES, Head},
};
use std::collections::HashMap;

/// Passes over the data.
const EPOCHS: usize = 30;
/// Step size.
const RATE: f32 = 0.5;
/// Pull of the weights towards zero.
const DECAY: f32 = 2e-5;
/// The same for the vector's half.
const HEAD_EPOCHS: usize = 60;
const HEAD_DECAY: f32 = 2e-5;
/// Features in the artefact, 24 bytes each.
const KEPT: usize = 12_000;
const SEED: u64 = 20_261_122;

type Row = [f32; CLASSES];

struct Sample {
    features: Vec<(usize, f32)>,
    class: usize,
    weight: f32,
}

/// Trains and returns the artefact with temperature 1 and no thresholds.
pub fn fit(examples: &[Example]) -> Vec<u8> {
    let texts: Vec<Vec<(u32, f32)>> = examples.iter().map(|example| example.features.iter().map(|f| (f.hash, f.value)).collect()).collect();
    // What occurs once teaches nothing that could recur.
    let mut seen: HashMap<u32, usize> = HashMap::new();
    texts.iter().flatten().for_each(|(hash, _)| *seen.entry(*hash).or_default() += 1);
    let mut kept: Vec<u32> = seen.iter().filter(|(_, count)| **count > 1).map(|(hash, _)| *hash).collect();
    kept.sort_unstable();
    let (_, weights) = descend(examples, &texts, &kept);
    let mut worth: Vec<(f32, u32)> = kept.iter().zip(&weights).map(|(hash, row)| (row.iter().map(|w| w * w).sum(), *hash)).collect();
    worth.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<u32> = worth.into_iter().take(KEPT).map(|(_, hash)| hash).collect();
    kept.sort_unstable();
    let (bias, weights) = descend(examples, &texts, &kept);
    let rows: Vec<(u32, Row)> = kept.into_iter().zip(weights).collect();
    model::write([1.0; 2], [0.0; 3], &bias, &rows, &heads(examples))
}

/// The half that reads the sentence's vector.
fn heads(examples: &[Example]) -> [Head; CLASSES] {
    let samples: Vec<Sample> = examples
        .iter()
        .zip(balance(examples))
        .map(|(example, weight)| {
            let features = example.vector.iter().copied().enumerate().collect();
            Sample { features, class: class(example), weight }
        })
        .collect();
    let (bias, weights) = learn(&samples, WIDTH, HEAD_EPOCHS, HEAD_DECAY);
    let mut heads = [[0.0; WIDTH + 1]; CLASSES];
    for (class, head) in heads.iter_mut().enumerate() {
        let column = std::iter::once(&bias).chain(&weights).map(|row| row.get(class).copied().unwrap_or_default());
        head.iter_mut().zip(column).for_each(|(slot, value)| *slot = value);
    }
    heads
}

/// Rare classes count more, by the root of how rare they are.
fn balance(examples: &[Example]) -> Vec<f32> {
    let mut sums = [0.0_f32; CLASSES];
    for example in examples {
        if let Some(sum) = sums.get_mut(class(example)) {
            *sum += example.weight;
        }
    }
    let mean = sums.iter().sum::<f32>() / CLASSES as f32;
    examples.iter().map(|example| example.weight * (mean / sums.get(class(example)).copied().unwrap_or(mean).max(1.0)).sqrt()).collect()
}

fn class(example: &Example) -> usize {
    Intent::ALL.iter().position(|intent| *intent == example.intent).unwrap_or_default()
}

fn descend(examples: &[Example], texts: &[Vec<(u32, f32)>], kept: &[u32]) -> (Row, Vec<Row>) {
    let samples: Vec<Sample> = examples
        .iter()
        .zip(balance(examples))
        .zip(texts)
        .map(|((example, weight), text)| Sample {
            features: text.iter().filter_map(|(hash, value)| Some((kept.binary_search(hash).ok()?, *value))).collect(),
            class: class(example),
            weight,
        })
        .collect();
    learn(&samples, kept.len(), EPOCHS, DECAY)
}

fn learn(samples: &[Sample], width: usize, epochs: usize, decay: f32) -> (Row, Vec<Row>) {
    let mut rng = Rng::with_seed(SEED);
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let (mut bias, mut bias_sum) = ([0.0; CLASSES], [1e-6; CLASSES]);
    let mut weights = vec![[0.0; CLASSES]; width];
    let mut sums = vec![[1e-6; CLASSES]; width];
    for _ in 0..epochs {
        rng.shuffle(&mut order);
        for sample in order.iter().filter_map(|&at| samples.get(at)) {
            let mut scores = bias;
            for (at, value) in &sample.features {
                if let Some(row) = weights.get(*at) {
                    scores.iter_mut().zip(row).for_each(|(score, weight)| *score += value * weight);
                }
            }
            let highest = scores.iter().copied().fold(f32::MIN, f32::max);
            let powers = scores.map(|score| (score - highest).exp());
            let total: f32 = powers.iter().sum();
            let mut slope = powers.map(|power| sample.weight * power / total);
            if let Some(own) = slope.get_mut(sample.class) {
                *own -= sample.weight;
            }
            step(&mut bias, &mut bias_sum, &slope, 1.0, 0.0);
            for (at, value) in &sample.features {
                if let (Some(row), Some(sum)) = (weights.get_mut(*at), sums.get_mut(*at)) {
                    step(row, sum, &slope, *value, decay);
                }
            }
        }
    }
    (bias, weights)
}

fn step(row: &mut Row, sums: &mut Row, slope: &Row, value: f32, decay: f32) {
    for ((weight, sum), slope) in row.iter_mut().zip(sums).zip(slope) {
        let slope = slope * value + decay * *weight;
        *sum += slope * slope;
        *weight -= RATE * slope / sum.sqrt().max(0.02);
    }
}
