//! The sentence encoder: all-MiniLM-L6-v2 in whole numbers, one text at a time, the same result on every machine.
//!
//! Little endian: `FLE1`, numbers of word pieces and layers (u32), where each piece ends (u32), the pieces in rising order,
//! their vectors (f32 scale, i8), the vectors of positions (f32), then the blocks in the order in which they are used.

use crate::kernel::{attend, dense, gelu, normalise};

/// Length of a vector.
pub const WIDTH: usize = 384;
/// Length of a vector inside the feed-forward step.
pub const INNER: usize = 1536;
/// Word pieces that are read of a text; time grows with them.
pub const PIECES: usize = 64;

/// A number of the file.
pub(crate) type Bytes4 = [u8; 4];

/// A matrix by rows, quantised to 8 bits a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dense<'a> {
    pub(crate) scale: &'a [Bytes4],
    pub(crate) bias: &'a [Bytes4],
    pub(crate) rows: &'a [[u8; 16]],
    pub(crate) inputs: usize,
}

/// Gain and bias of a normalisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) gain: &'a [Bytes4],
    pub(crate) bias: &'a [Bytes4],
}

#[derive(Debug, Clone)]
struct Layer<'a> {
    query: Dense<'a>,
    key: Dense<'a>,
    value: Dense<'a>,
    out: Dense<'a>,
    after_attention: Norm<'a>,
    up: Dense<'a>,
    down: Dense<'a>,
    after_all: Norm<'a>,
}

/// The encoder, borrowed from its file.
#[derive(Debug, Clone)]
pub struct Encoder<'a> {
    ends: &'a [Bytes4],
    names: &'a [u8],
    scales: &'a [Bytes4],
    vectors: &'a [[u8; WIDTH]],
    positions: &'a [[Bytes4; WIDTH]],
    first: Norm<'a>,
    layers: Vec<Layer<'a>>,
}

impl<'a> Encoder<'a> {
    /// Reads the file's layout; nothing if it is damaged.
    #[must_use]
    pub fn read(file: &'a [u8]) -> Option<Self> {
        let mut file = File(file);
        let magic = file.take(4)?;
        let (pieces, layers) = (file.count()?, file.count()?);
        let ends = file.numbers(pieces)?;
        let names = file.take(usize::try_from(u32::from_le_bytes(*ends.last()?)).ok()?)?;
        let scales = file.numbers(pieces)?;
        let (vectors, _) = file.take(pieces.checked_mul(WIDTH)?)?.as_chunks();
        let (positions, _) = file.numbers(PIECES * WIDTH)?.as_chunks();
        let first = file.norm()?;
        let layers = (0..layers).map(|_| file.layer()).collect::<Option<Vec<_>>>()?;
        (magic == b"FLE1" && file.0.is_empty() && !layers.is_empty()).then_some(Encoder { ends, names, scales, vectors, positions, first, layers })
    }

    /// The number of a word piece.
    #[must_use]
    pub fn piece(&self, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.name(middle)?.cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn name(&self, at: usize) -> Option<&'a [u8]> {
        let end = |at: usize| self.ends.get(at).and_then(|&end| usize::try_from(u32::from_le_bytes(end)).ok());
        let start = if at == 0 { 0 } else { end(at - 1)? };
        self.names.get(start..end(at)?)
    }

    /// One vector of length one for a text, given its word pieces; more than [`PIECES`] are not read.
    #[must_use]
    pub fn encode(&self, pieces: &[usize]) -> Vec<f32> {
        let mut state: Vec<[f32; WIDTH]> = Vec::with_capacity(PIECES);
        for (&piece, position) in pieces.iter().zip(self.positions) {
            let (Some(vector), Some(&scale)) = (self.vectors.get(piece), self.scales.get(piece)) else { continue };
            let scale = f32::from_le_bytes(scale);
            let mut row = [0.0; WIDTH];
            for ((value, &byte), &place) in row.iter_mut().zip(vector).zip(position) {
                *value = f32::from(byte.cast_signed()) * scale + f32::from_le_bytes(place);
            }
            state.push(row);
        }
        normalise(&mut state, self.first);
        for layer in &self.layers {
            let seen = attend(&dense(&state, layer.query), &dense(&state, layer.key), &dense(&state, layer.value));
            add(&mut state, &dense(&seen, layer.out));
            normalise(&mut state, layer.after_attention);
            let mut inner: Vec<[f32; INNER]> = dense(&state, layer.up);
            gelu(&mut inner);
            add(&mut state, &dense(&inner, layer.down));
            normalise(&mut state, layer.after_all);
        }
        let mut mean = vec![0.0_f32; WIDTH];
        for row in &state {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        let length = mean.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        mean.iter_mut().for_each(|value| *value /= length);
        mean
    }
}

fn add(state: &mut [[f32; WIDTH]], more: &[[f32; WIDTH]]) {
    for (row, more) in state.iter_mut().zip(more) {
        row.iter_mut().zip(more).for_each(|(value, more)| *value += more);
    }
}

struct File<'a>(&'a [u8]);

impl<'a> File<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(*self.take(4)?.first_chunk()?)).ok()
    }

    fn numbers(&mut self, count: usize) -> Option<&'a [Bytes4]> {
        Some(self.take(count.checked_mul(4)?)?.as_chunks().0)
    }

    fn norm(&mut self) -> Option<Norm<'a>> {
        Some(Norm { gain: self.numbers(WIDTH)?, bias: self.numbers(WIDTH)? })
    }

    fn dense(&mut self, outputs: usize, inputs: usize) -> Option<Dense<'a>> {
        let (scale, bias) = (self.numbers(outputs)?, self.numbers(outputs)?);
        Some(Dense { scale, bias, rows: self.take(outputs * inputs)?.as_chunks().0, inputs })
    }

    fn layer(&mut self) -> Option<Layer<'a>> {
        Some(Layer {
            query: self.dense(WIDTH, WIDTH)?,
            key: self.dense(WIDTH, WIDTH)?,
            value: self.dense(WIDTH, WIDTH)?,
            out: self.dense(WIDTH, WIDTH)?,
            after_attention: self.norm()?,
            up: self.dense(INNER, WIDTH)?,
            down: self.dense(WIDTH, INNER)?,
            after_all: self.norm()?,
        })
    }
}
