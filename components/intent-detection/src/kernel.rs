//! The arithmetic of the encoder. Products are whole numbers, and `exp` is our own, so that every machine gives the same bits.

use crate::{
    encoder::{Dense, Norm, WIDTH},
    lanes::{self, Chunk, Values},
};

const HEADS: usize = 12;
const HEAD: usize = WIDTH / HEADS;
/// Values are rounded to this many steps on either side of zero: with 8-bit weights, the sum of 1536 products stays below 2^31.
const STEPS: f32 = 8191.0;

fn number(bytes: [u8; 4]) -> f32 {
    f32::from_le_bytes(bytes)
}

/// Every row times the matrix.
pub fn dense<const IN: usize, const OUT: usize>(state: &[[f32; IN]], by: Dense) -> Vec<[f32; OUT]> {
    let chunks = by.inputs / 16;
    let mut scales = Vec::with_capacity(state.len());
    // Whole groups of four: a row of weights is read once for four tokens.
    let mut values: Vec<Values> = vec![[[0; 8]; 2]; state.len().next_multiple_of(4) * chunks];
    for (row, rounded) in state.iter().zip(values.chunks_mut(chunks)) {
        scales.push(round(row, rounded));
    }
    let mut out = vec![[0.0; OUT]; state.len()];
    for (at, ((weights, &scale), &bias)) in by.rows.chunks(chunks).zip(by.scale).zip(by.bias).enumerate() {
        let (scale, bias) = (number(scale), number(bias));
        for ((tokens, out), scales) in values.chunks(4 * chunks).zip(out.chunks_mut(4)).zip(scales.chunks(4)) {
            #[cfg(not(target_arch = "x86_64"))]
            let sums = products(weights, tokens, chunks);
            // SAFETY: every processor of this kind has SSE2.
            #[cfg(target_arch = "x86_64")]
            let sums = unsafe { products(weights, tokens, chunks) };
            for ((row, sum), step) in out.iter_mut().zip(sums).zip(scales) {
                if let Some(slot) = row.get_mut(at) {
                    *slot = sum as f32 * (scale * step) + bias;
                }
            }
        }
    }
    out
}

/// Rounds a token's values and returns the step.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn round(row: &[f32], rounded: &mut [Values]) -> f32 {
    let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if largest <= f32::MIN_POSITIVE {
        return 0.0;
    }
    let by = STEPS / largest;
    for (values, chunk) in rounded.as_flattened_mut().as_flattened_mut().iter_mut().zip(row) {
        *values = (chunk * by).round_ties_even() as i16;
    }
    largest / STEPS
}

/// One row of weights times four tokens.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))]
fn products(weights: &[Chunk], tokens: &[Values], chunks: usize) -> [i32; 4] {
    let mut parts = tokens.chunks_exact(chunks);
    let (Some(a), Some(b), Some(c), Some(d)) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return [0; 4] };
    let mut sums = [lanes::zero(); 4];
    for ((((weights, a), b), c), d) in weights.iter().zip(a).zip(b).zip(c).zip(d) {
        let weights = lanes::widen(weights);
        for (sum, values) in sums.iter_mut().zip([a, b, c, d]) {
            *sum = lanes::add_products(*sum, &weights, values);
        }
    }
    sums.map(|sums| lanes::total(sums))
}

/// Every row with mean zero and variance one, then scaled and shifted.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn normalise(state: &mut [[f32; WIDTH]], by: Norm) {
    for row in state {
        let mean = sum(row) / WIDTH as f32;
        row.iter_mut().for_each(|value| *value -= mean);
        let variance = dot(row, row) / WIDTH as f32;
        let scale = 1.0 / (variance + 1e-12).sqrt();
        for ((value, &gain), &bias) in row.iter_mut().zip(by.gain).zip(by.bias) {
            *value = *value * scale * number(gain) + number(bias);
        }
    }
}

/// Attention of every token to every token, head by head.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn attend(queries: &[[f32; WIDTH]], keys: &[[f32; WIDTH]], values: &[[f32; WIDTH]]) -> Vec<[f32; WIDTH]> {
    let mut out = vec![[0.0; WIDTH]; queries.len()];
    let mut weights = vec![0.0_f32; keys.len()];
    let scale = 1.0 / (HEAD as f32).sqrt();
    for (query, out) in queries.iter().zip(&mut out) {
        for (head, (query, out)) in query.as_chunks::<HEAD>().0.iter().zip(out.as_chunks_mut::<HEAD>().0).enumerate() {
            let part = |row: &[f32; WIDTH]| row.as_chunks::<HEAD>().0.get(head).copied().unwrap_or([0.0; HEAD]);
            for (weight, key) in weights.iter_mut().zip(keys) {
                *weight = dot(query, &part(key)) * scale;
            }
            let highest = weights.iter().copied().fold(f32::MIN, f32::max);
            weights.iter_mut().for_each(|weight| *weight = exp(*weight - highest));
            let total = sum(&weights);
            for (weight, value) in weights.iter().zip(values) {
                let weight = weight / total;
                out.iter_mut().zip(part(value)).for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
    out
}

/// `x` times the share of the normal distribution below it.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn gelu<const N: usize>(state: &mut [[f32; N]]) {
    for value in state.as_flattened_mut() {
        // Abramowitz and Stegun 7.1.26; the error is below 2e-7.
        let x = value.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * x);
        let tail = t * (0.254_829_6 + t * (-0.284_496_72 + t * (1.421_413_8 + t * (-1.453_152 + t * 1.061_405_4)))) * exp(-x * x);
        let below = if *value < 0.0 { 0.5 * tail } else { 1.0 - 0.5 * tail };
        *value *= below;
    }
}

/// e to the power of a number that is not above zero.
fn exp(x: f32) -> f32 {
    let y = x.max(-87.0) * std::f32::consts::LOG2_E;
    let whole = y.round_ties_even();
    let part = (y - whole) * std::f32::consts::LN_2;
    let series = 1.0 + part * (1.0 + part * (0.5 + part * (1.0 / 6.0 + part * (1.0 / 24.0 + part * (1.0 / 120.0 + part / 720.0)))));
    series * f32::from_bits(((whole as i32 + 127) << 23).cast_unsigned())
}

/// Four sums side by side, which is one vector instruction and always the same order.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 4];
    for (a, b) in a.as_chunks::<4>().0.iter().zip(b.as_chunks::<4>().0) {
        sums.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += a * b);
    }
    sums.iter().sum()
}

fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<4>();
    let mut sums = [0.0_f32; 4];
    chunks.iter().for_each(|chunk| sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value));
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::{attend, exp, gelu};
    use crate::encoder::WIDTH;

    #[test]
    fn the_series_follow_the_functions() {
        for step in 0..800 {
            let x = -0.1 * step as f32;
            assert!((f64::from(exp(x)) - f64::from(x).exp()).abs() <= 1e-5 * f64::from(x).exp().max(1e-30), "{x}");
        }
        for (x, expected) in [(0.0, 0.0), (1.0, 0.841_344_7), (-1.0, -0.158_655_3), (3.0, 2.995_950_3), (-3.0, -0.004_049_7), (9.0, 9.0), (-9.0, 0.0)] {
            let mut state = [[x]];
            gelu(&mut state);
            assert!((state[0][0] - expected).abs() < 2e-6, "{x}: {state:?}");
        }
    }

    #[test]
    fn attention_is_a_weighted_mean() {
        let values = [[1.0; WIDTH], [3.0; WIDTH]];
        assert!(attend(&[[0.0; WIDTH]], &[[1.0; WIDTH]; 2], &values)[0].iter().all(|value| (value - 2.0).abs() < 1e-6));
        let (mut near, far) = ([0.0; WIDTH], [0.0; WIDTH]);
        near[0] = 100.0;
        let seen = attend(&[near], &[near, far], &values);
        assert!((seen[0][0] - 1.0).abs() < 1e-6 && (seen[0][WIDTH - 1] - 2.0).abs() < 1e-6);
    }
}
