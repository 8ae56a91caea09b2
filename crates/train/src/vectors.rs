//! The encoder's vector of every example, kept on disk, because a text is encoded in tens of milliseconds.

use crate::data::Example;
use anyhow::{Context, Result};
use intent_detection::{
    detect::ENCODER,
    encoder::{Encoder, PIECES, WIDTH},
    pieces::pieces,
    text::Text,
};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fs, path::Path};

type Key = [u8; 16];

/// Gives every example its vector.
pub fn fill(examples: &mut [Example], cache: &Path) -> Result<()> {
    let encoder = Encoder::read(ENCODER).context("`encoder.bin` is damaged")?;
    let version = Sha256::digest(ENCODER);
    let mut known = read(cache);
    let wanted: Vec<(Key, Vec<usize>)> = examples
        .iter()
        .map(|example| {
            let pieces = pieces(&Text::read(&example.text), &encoder, PIECES);
            let hash = pieces.iter().fold(Sha256::new_with_prefix(version), |hash, piece| hash.chain_update(piece.to_le_bytes()));
            (hash.finalize().first_chunk().copied().unwrap_or_default(), pieces)
        })
        .collect();
    let mut missing: Vec<&(Key, Vec<usize>)> = wanted.iter().filter(|(key, _)| !known.contains_key(key)).collect();
    missing.sort();
    missing.dedup();
    let half = missing.len().div_ceil(2).max(1);
    let encoded: Vec<(Key, Vec<f32>)> = std::thread::scope(|scope| {
        let encoder = &encoder;
        let part = |part: Vec<&(Key, Vec<usize>)>| part.into_iter().map(|(key, pieces)| (*key, encoder.encode(pieces))).collect::<Vec<_>>();
        let threads: Vec<_> = missing.chunks(half).map(|chunk| scope.spawn(move || part(chunk.to_vec()))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    known.extend(encoded);
    let mut file = Vec::new();
    for (key, vector) in &known {
        file.extend(key);
        file.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    fs::write(cache, file).with_context(|| format!("cannot write `{}`", cache.display()))?;
    for (example, (key, _)) in examples.iter_mut().zip(&wanted) {
        example.vector = known.get(key).context("a text was not encoded")?.clone();
    }
    Ok(())
}

/// What an earlier run left; a damaged file is made again.
fn read(cache: &Path) -> HashMap<Key, Vec<f32>> {
    let file = fs::read(cache).unwrap_or_default();
    let (rows, _) = file.as_chunks::<{ 16 + 4 * WIDTH }>();
    rows.iter()
        .filter_map(|row| {
            let (key, values) = row.split_first_chunk::<16>()?;
            Some((*key, values.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()))
        })
        .collect()
}
