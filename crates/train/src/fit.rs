//! Multinomial logistic regression by AdaGrad: seeded, single-threaded, hence the same bytes on every run.

use crate::data::Example;
use fastrand::Rng;
use intent_detection::{
    labels::Intent,
    model::{self, CLASSES},
};
use std::collections::HashMap;

/// Passes over the data.
const EPOCHS: usize = 30;
/// Step size.
const RATE: f32 = 0.5;
/// Pull of the weights towards zero.
const DECAY: f32 = 2e-5;
/// Features in the artefact: with 24 bytes each this keeps it below 200 KB.
const KEPT: usize = 7500;
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
    model::write(1.0, [0.0; 3], &bias, &rows)
}

fn descend(examples: &[Example], texts: &[Vec<(u32, f32)>], kept: &[u32]) -> (Row, Vec<Row>) {
    let samples: Vec<Sample> = examples
        .iter()
        .zip(texts)
        .map(|(example, text)| Sample {
            features: text.iter().filter_map(|(hash, value)| Some((kept.binary_search(hash).ok()?, *value))).collect(),
            class: Intent::ALL.iter().position(|intent| *intent == example.intent).unwrap_or_default(),
            weight: example.weight,
        })
        .collect();
    let mut rng = Rng::with_seed(SEED);
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let (mut bias, mut bias_sum) = ([0.0; CLASSES], [1e-6; CLASSES]);
    let mut weights = vec![[0.0; CLASSES]; kept.len()];
    let mut sums = vec![[1e-6; CLASSES]; kept.len()];
    for _ in 0..EPOCHS {
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
                    step(row, sum, &slope, *value, DECAY);
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
