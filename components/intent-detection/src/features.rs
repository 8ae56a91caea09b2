//! The one place where text becomes features, for training and for the stage alike.

use crate::{
    signals::Signals,
    text::{Kind, Text},
};

/// One feature of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// FNV-1a of its name.
    pub hash: u32,
    /// Its value: every block of features has length one.
    pub value: f32,
    /// The tokens it comes from, first and last.
    pub tokens: (usize, usize),
}

/// Words, pairs and skipped pairs; characters 3 to 5 within a word; the shape of the whole; and what the rules saw, so that a name never met before weighs as much as a known one.
#[must_use]
pub fn features(text: &Text, signals: &Signals) -> Vec<Feature> {
    let words: Vec<(usize, &str)> = text
        .tokens
        .iter()
        .enumerate()
        .filter_map(|(i, token)| match token.kind {
            Kind::Word => Some((i, token.word.as_str())),
            Kind::Number if token.word.len() <= 3 => Some((i, token.word.as_str())),
            Kind::Email => Some((i, "@")),
            Kind::Number | Kind::Url | Kind::Mention | Kind::Mask | Kind::Blank => None,
        })
        .collect();
    let mut whole = Vec::new();
    let mut chars = Vec::new();
    for (n, &(i, word)) in words.iter().enumerate() {
        whole.push((hash(&["w", word]), (i, i)));
        if let Some(&(j, next)) = words.get(n + 1) {
            whole.push((hash(&["b", word, next]), (i, j)));
        }
        if let Some(&(j, next)) = words.get(n + 2) {
            whole.push((hash(&["s", word, next]), (i, j)));
        }
        let letters: Vec<char> = std::iter::once('_').chain(word.chars()).chain(std::iter::once('_')).collect();
        for size in 3..=5 {
            for gram in letters.windows(size) {
                let gram: String = gram.iter().collect();
                chars.push((hash(&["c", &gram]), (i, i)));
            }
        }
    }
    let length = match words.len() {
        0 => "0",
        1 => "1",
        2 => "2",
        3..=5 => "5",
        6..=12 => "12",
        13..=40 => "40",
        _ => "more",
    };
    let mut shape = vec![(hash(&["l", length]), (0, 0))];
    if text.question {
        shape.push((hash(&["?"]), (0, 0)));
    }
    let mut all = block(whole, 1.0);
    all.extend(block(chars, 1.0));
    all.extend(block(shape, 0.5));
    let seen = [
        ("system", signals.other_system.is_some() && (signals.names_secret || signals.names_lock)),
        ("lost", signals.lost_secret),
        ("out", signals.locked_out),
        ("asked", signals.asks_reset),
        ("factor", signals.names_factor),
    ];
    all.extend(seen.into_iter().filter(|(_, seen)| *seen).map(|(name, _)| Feature { hash: hash(&["r", name]), value: 0.5, tokens: (0, 0) }));
    all
}

/// Each feature once, the block scaled to a length.
fn block(mut found: Vec<(u32, (usize, usize))>, length: f32) -> Vec<Feature> {
    found.sort_unstable();
    found.dedup_by_key(|(hash, _)| *hash);
    let value = length / (found.len().max(1) as f32).sqrt();
    found.into_iter().map(|(hash, tokens)| Feature { hash, value, tokens }).collect()
}

/// FNV-1a with a separator between the parts.
fn hash(parts: &[&str]) -> u32 {
    parts.iter().flat_map(|part| part.bytes().chain(std::iter::once(0))).fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
