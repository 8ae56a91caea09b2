//! The trained weights: a flat file, read in place.
//!
//! Little endian: `FLI2`, number of features (u32), the weights of the two halves and the three thresholds (f32),
//! bias and scale of each class (f32), the features' hashes in rising order (u32), one weight (i8) per feature and class,
//! and last, for each class, a bias and a weight for each number of the sentence's vector (f32).

use crate::{encoder::WIDTH, features::Feature, labels::Intent};

/// Number of classes.
pub const CLASSES: usize = Intent::ALL.len();
const MAGIC: &[u8; 4] = b"FLI2";
/// A bias, then a weight for each number of the vector.
pub type Head = [f32; WIDTH + 1];

/// A model, borrowed from its file.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a> {
    /// How much words and vector count, before scores become probabilities.
    pub shares: [f32; 2],
    /// Least probability to act upon, to steer the conversation by, and to name a handover by.
    pub thresholds: [f32; 3],
    bias: [f32; CLASSES],
    scale: [f32; CLASSES],
    hashes: &'a [[u8; 4]],
    weights: &'a [[u8; CLASSES]],
    heads: &'a [[[u8; 4]; WIDTH + 1]],
}

impl<'a> Model<'a> {
    /// Reads the file's layout; nothing if it is damaged.
    #[must_use]
    pub fn read(file: &'a [u8]) -> Option<Self> {
        let (magic, rest) = file.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (floats, rest) = rest.split_at_checked(5 * 4 + 8 * CLASSES)?;
        let mut floats = floats.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        let shares = [floats.next()?, floats.next()?];
        let thresholds = [floats.next()?, floats.next()?, floats.next()?];
        let mut bias = [0.0; CLASSES];
        bias.iter_mut().zip(&mut floats).for_each(|(slot, value)| *slot = value);
        let mut scale = [0.0; CLASSES];
        scale.iter_mut().zip(&mut floats).for_each(|(slot, value)| *slot = value);
        let (hashes, weights) = rest.split_at_checked(count.checked_mul(4)?)?;
        let (hashes, _) = hashes.as_chunks::<4>();
        let (weights, rest) = weights.split_at_checked(count.checked_mul(CLASSES)?)?;
        let (weights, _) = weights.as_chunks::<CLASSES>();
        let (heads, left) = rest.as_chunks::<4>().0.as_chunks::<{ WIDTH + 1 }>();
        let whole = heads.len() == CLASSES && left.is_empty() && rest.len().is_multiple_of(4);
        (magic == MAGIC && whole).then_some(Model { shares, thresholds, bias, scale, hashes, weights, heads })
    }

    /// A score for each class from the sentence's vector.
    #[must_use]
    pub fn scores_of(&self, vector: &[f32]) -> [f32; CLASSES] {
        let mut scores = [0.0; CLASSES];
        for (score, head) in scores.iter_mut().zip(self.heads) {
            let [bias, weights @ ..] = head;
            *score = f32::from_le_bytes(*bias) + weights.iter().zip(vector).map(|(&weight, value)| f32::from_le_bytes(weight) * value).sum::<f32>();
        }
        scores
    }

    /// A score for each class from words and characters.
    #[must_use]
    pub fn scores(&self, features: &[Feature]) -> [f32; CLASSES] {
        let mut scores = self.bias;
        for feature in features {
            if let Some(row) = self.row(feature.hash) {
                for ((score, &weight), scale) in scores.iter_mut().zip(row).zip(&self.scale) {
                    *score += feature.value * scale * f32::from(weight.cast_signed());
                }
            }
        }
        scores
    }

    /// Probability of each class, most likely first.
    #[must_use]
    pub fn rank(&self, words: &[f32; CLASSES], vector: &[f32; CLASSES]) -> Vec<(Intent, f32)> {
        let [first, second] = self.shares;
        let mut scores = words.map(|score| score * first);
        scores.iter_mut().zip(vector).for_each(|(score, more)| *score += second * more);
        let highest = scores.iter().copied().fold(f32::MIN, f32::max);
        let powers = scores.map(|score| (score - highest).exp());
        let sum: f32 = powers.iter().sum();
        let mut ranked: Vec<(Intent, f32)> = Intent::ALL.into_iter().zip(powers.map(|power| power / sum)).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }

    /// What a feature adds to a class, against the mean over all classes.
    #[must_use]
    pub fn contribution(&self, feature: &Feature, class: Intent) -> f32 {
        let Some(row) = self.row(feature.hash) else { return 0.0 };
        let added = |(&weight, scale): (&u8, &f32)| feature.value * scale * f32::from(weight.cast_signed());
        let mean = row.iter().zip(&self.scale).map(added).sum::<f32>() / CLASSES as f32;
        row.iter().zip(&self.scale).nth(class as usize).map_or(0.0, added) - mean
    }

    fn row(&self, hash: u32) -> Option<&[u8; CLASSES]> {
        self.hashes.binary_search_by_key(&hash, |&bytes| u32::from_le_bytes(bytes)).ok().and_then(|at| self.weights.get(at))
    }
}

/// Writes the file: the trainer's side of [`Model::read`].
#[must_use]
pub fn write(shares: [f32; 2], thresholds: [f32; 3], bias: &[f32; CLASSES], rows: &[(u32, [f32; CLASSES])], heads: &[Head; CLASSES]) -> Vec<u8> {
    let mut scale = [f32::MIN_POSITIVE; CLASSES];
    for (_, row) in rows {
        scale.iter_mut().zip(row).for_each(|(scale, weight)| *scale = scale.max(weight.abs() / 127.0));
    }
    let mut file = Vec::new();
    file.extend(MAGIC);
    file.extend(u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
    for value in shares.iter().chain(&thresholds).chain(bias).chain(&scale) {
        file.extend(value.to_le_bytes());
    }
    rows.iter().for_each(|(hash, _)| file.extend(hash.to_le_bytes()));
    for (_, row) in rows {
        file.extend(row.iter().zip(&scale).map(|(weight, scale)| ((weight / scale).round() as i8).cast_unsigned()));
    }
    file.extend(heads.as_flattened().iter().flat_map(|value| value.to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::{CLASSES, Model, write};
    use crate::{encoder::WIDTH, features::Feature, labels::Intent};

    #[test]
    fn what_was_written_is_read() {
        let mut row = [0.0; CLASSES];
        row[1] = 2.0;
        let mut heads = [[0.0; WIDTH + 1]; CLASSES];
        heads[2][0] = 1.0;
        heads[2][WIDTH] = 3.0;
        let file = write([1.5, 2.0], [0.9, 0.8, 0.5], &[0.25; CLASSES], &[(7, row), (9, row)], &heads);
        let model = Model::read(&file).unwrap();
        assert_eq!(model.shares, [1.5, 2.0]);
        let scores = model.scores(&[Feature { hash: 9, value: 0.5, tokens: (0, 0) }]);
        assert!((scores[1] - 1.25).abs() < 0.02, "{scores:?}");
        let mut vector = [0.0; WIDTH];
        vector[WIDTH - 1] = 0.5;
        let second = model.scores_of(&vector);
        assert_eq!(second[2], 2.5);
        assert_eq!(model.rank(&scores, &[0.0; CLASSES])[0].0, Intent::ALL[1]);
        assert_eq!(model.rank(&scores, &second)[0].0, Intent::ALL[2]);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let file = write([1.0; 2], [0.5; 3], &[0.0; CLASSES], &[(1, [1.0; CLASSES])], &[[0.0; WIDTH + 1]; CLASSES]);
        for length in (0..file.len()).step_by(7) {
            assert!(Model::read(&file[..length]).is_none(), "{length}");
        }
        let mut longer = file.clone();
        longer.push(0);
        assert!(Model::read(&longer).is_none());
    }
}
