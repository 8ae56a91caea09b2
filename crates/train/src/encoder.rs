//! Turns the published weights into the encoder's file: `cargo run --release -p firstline-train -- encoder FOLDER`.
//!
//! The folder holds `model.safetensors` and `vocab.txt` of sentence-transformers/all-MiniLM-L6-v2.

use anyhow::{Context, Result, bail, ensure};
use intent_detection::encoder::{INNER, PIECES, WIDTH};
use std::{collections::BTreeMap, fs, path::Path};

const LAYERS: usize = 6;

struct Weights<'a> {
    head: serde_json::Value,
    data: &'a [u8],
}

impl Weights<'_> {
    fn get(&self, name: &str) -> Result<Vec<f32>> {
        let entry = self.head.get(name).with_context(|| format!("no tensor `{name}`"))?;
        ensure!(entry["dtype"] == "F32", "`{name}` is not of 32-bit floats");
        let at = |n: usize| entry.pointer(&format!("/data_offsets/{n}")).and_then(serde_json::Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let bytes = at(0).zip(at(1)).and_then(|(from, to)| self.data.get(from..to)).with_context(|| format!("`{name}` is cut short"))?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }
}

/// Writes `encoder.bin`.
pub fn convert(folder: &Path, target: &Path) -> Result<usize> {
    let file = fs::read(folder.join("model.safetensors")).context("cannot read `model.safetensors`")?;
    let (length, rest) = file.split_first_chunk::<8>().context("no header")?;
    let (head, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length))?).context("no header")?;
    let weights = Weights { head: serde_json::from_slice(head)?, data };
    let names = fs::read_to_string(folder.join("vocab.txt")).context("cannot read `vocab.txt`")?;
    // Texts are folded to plain letters before they are cut into pieces, so other scripts never match.
    let kept = |name: &str| name.is_ascii() && !name.starts_with("[unused") && name != "[MASK]";
    let pieces: BTreeMap<&str, usize> = names.lines().enumerate().filter(|(_, name)| kept(name)).map(|(at, name)| (name, at)).collect();
    for name in ["[CLS]", "[SEP]", "[UNK]"] {
        ensure!(pieces.contains_key(name), "`vocab.txt` has no `{name}`");
    }
    let words = weights.get("embeddings.word_embeddings.weight")?;
    let mut out = Vec::from(b"FLE1");
    count(&mut out, pieces.len())?;
    count(&mut out, LAYERS)?;
    let mut end = 0;
    for name in pieces.keys() {
        end += name.len();
        count(&mut out, end)?;
    }
    pieces.keys().for_each(|name| out.extend(name.as_bytes()));
    let rows: Vec<&[f32]> = pieces.values().map(|&at| words.get(at * WIDTH..(at + 1) * WIDTH).context("too few word vectors")).collect::<Result<_>>()?;
    quantised(&mut out, &rows, &[])?;
    // Every text is of the first kind, so its vector is added to the positions'.
    let kind = weights.get("embeddings.token_type_embeddings.weight")?;
    let positions = weights.get("embeddings.position_embeddings.weight")?;
    for row in positions.chunks(WIDTH).take(PIECES) {
        numbers(&mut out, &row.iter().zip(&kind).map(|(a, b)| a + b).collect::<Vec<_>>());
    }
    let norm = |out: &mut Vec<u8>, name: &str| -> Result<()> {
        for part in ["weight", "bias"] {
            numbers(out, &weights.get(&format!("{name}.LayerNorm.{part}"))?);
        }
        Ok(())
    };
    norm(&mut out, "embeddings")?;
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let dense = |out: &mut Vec<u8>, part: &str, inputs: usize| -> Result<()> {
            let matrix = weights.get(&name(&format!("{part}.weight")))?;
            quantised(out, &matrix.chunks(inputs).collect::<Vec<_>>(), &weights.get(&name(&format!("{part}.bias")))?)
        };
        for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
            dense(&mut out, part, WIDTH)?;
        }
        norm(&mut out, &name("attention.output"))?;
        dense(&mut out, "intermediate.dense", WIDTH)?;
        dense(&mut out, "output.dense", INNER)?;
        norm(&mut out, &name("output"))?;
    }
    fs::write(target, &out)?;
    if intent_detection::encoder::Encoder::read(&out).is_none() {
        bail!("the encoder's file cannot be read back");
    }
    Ok(out.len())
}

fn count(out: &mut Vec<u8>, value: usize) -> Result<()> {
    out.extend(u32::try_from(value)?.to_le_bytes());
    Ok(())
}

fn numbers(out: &mut Vec<u8>, values: &[f32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// Scales, biases, then whole numbers of 8 bits.
fn quantised(out: &mut Vec<u8>, rows: &[&[f32]], bias: &[f32]) -> Result<()> {
    let scales: Vec<f32> = rows.iter().map(|row| row.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs())) / 127.0).collect();
    ensure!(bias.is_empty() || bias.len() == rows.len(), "a bias for each row");
    numbers(out, &scales);
    numbers(out, bias);
    for (row, scale) in rows.iter().zip(&scales) {
        out.extend(row.iter().map(|value| ((value / scale).round() as i8).cast_unsigned()));
    }
    Ok(())
}
