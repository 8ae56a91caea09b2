//! The trained weights: a flat file, read in place.
//!
//! Little endian: `FLI1`, number of features (u32), temperature and the three thresholds (f32),
//! bias and scale of each class (f32), the features' hashes in rising order (u32), then one weight (i8) per feature and class.

use crate::{features::Feature, labels::Intent};

/// Number of classes.
pub const CLASSES: usize = Intent::ALL.len();
const MAGIC: &[u8; 4] = b"FLI1";
const HEADER: usize = 4 + 4 + 4 * 4;

/// A model, borrowed from its file.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a> {
    /// Divides the scores before they become probabilities.
    pub temperature: f32,
    /// Least probability to act upon, to steer the conversation by, and to name a handover by.
    pub thresholds: [f32; 3],
    bias: [f32; CLASSES],
    scale: [f32; CLASSES],
    hashes: &'a [[u8; 4]],
    weights: &'a [[u8; CLASSES]],
}

impl<'a> Model<'a> {
    /// Reads the file's layout; nothing if it is damaged.
    #[must_use]
    pub fn read(file: &'a [u8]) -> Option<Self> {
        let (magic, rest) = file.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (floats, rest) = rest.split_at_checked(4 * 4 + 8 * CLASSES)?;
        let mut floats = floats.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        let temperature = floats.next()?;
        let thresholds = [floats.next()?, floats.next()?, floats.next()?];
        let mut bias = [0.0; CLASSES];
        bias.iter_mut().zip(&mut floats).for_each(|(slot, value)| *slot = value);
        let mut scale = [0.0; CLASSES];
        scale.iter_mut().zip(&mut floats).for_each(|(slot, value)| *slot = value);
        let (hashes, weights) = rest.split_at_checked(count.checked_mul(4)?)?;
        let (hashes, _) = hashes.as_chunks::<4>();
        let (weights, left) = weights.as_chunks::<CLASSES>();
        (magic == MAGIC && weights.len() == count && left.is_empty()).then_some(Model { temperature, thresholds, bias, scale, hashes, weights })
    }

    /// A score for each class.
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
    pub fn rank(&self, scores: &[f32; CLASSES]) -> Vec<(Intent, f32)> {
        let highest = scores.iter().copied().fold(f32::MIN, f32::max);
        let powers = scores.map(|score| ((score - highest) / self.temperature).exp());
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
pub fn write(temperature: f32, thresholds: [f32; 3], bias: &[f32; CLASSES], rows: &[(u32, [f32; CLASSES])]) -> Vec<u8> {
    let mut scale = [f32::MIN_POSITIVE; CLASSES];
    for (_, row) in rows {
        scale.iter_mut().zip(row).for_each(|(scale, weight)| *scale = scale.max(weight.abs() / 127.0));
    }
    let mut file = Vec::with_capacity(HEADER + rows.len() * (4 + CLASSES));
    file.extend(MAGIC);
    file.extend(u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
    for value in std::iter::once(&temperature).chain(&thresholds).chain(bias).chain(&scale) {
        file.extend(value.to_le_bytes());
    }
    rows.iter().for_each(|(hash, _)| file.extend(hash.to_le_bytes()));
    for (_, row) in rows {
        file.extend(row.iter().zip(&scale).map(|(weight, scale)| ((weight / scale).round() as i8).cast_unsigned()));
    }
    file
}

#[cfg(test)]
mod tests {
    use super::{CLASSES, Model, write};
    use crate::{features::Feature, labels::Intent};

    #[test]
    fn what_was_written_is_read() {
        let mut row = [0.0; CLASSES];
        row[1] = 2.0;
        let file = write(1.5, [0.9, 0.8, 0.5], &[0.25; CLASSES], &[(7, row), (9, row)]);
        let model = Model::read(&file).unwrap();
        assert_eq!(model.temperature, 1.5);
        let scores = model.scores(&[Feature { hash: 9, value: 0.5, tokens: (0, 0) }]);
        assert!((scores[1] - 1.25).abs() < 0.02, "{scores:?}");
        assert_eq!(model.rank(&scores)[0].0, Intent::ALL[1]);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let file = write(1.0, [0.5; 3], &[0.0; CLASSES], &[(1, [1.0; CLASSES])]);
        for length in 0..file.len() {
            assert!(Model::read(&file[..length]).is_none(), "{length}");
        }
        let mut longer = file.clone();
        longer.push(0);
        assert!(Model::read(&longer).is_none());
    }
}
