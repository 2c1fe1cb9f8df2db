//! The trained part of the router: two experts, how they are blended, and the file that they are kept in.
//!
//! One expert reads the sentence embedding (what the message is about), the other its words and their form (what
//! is wanted of it). They err in different places: trained apart and blended, they do better than either, and
//! better than one model over both.

use sha2::{Digest, Sha256};

use super::{
    features::{BUCKETS, Sparse},
    kernel::{AXES, Meaning},
};
use crate::intent::Intent;

/// How many intents there are.
pub(super) const CLASSES: usize = Intent::ALL.len();
/// A number for each intent, in the order of [`Intent::ALL`].
pub(super) type Scores = [f32; CLASSES];

/// First bytes of a head's file.
const MAGIC: &[u8; 8] = b"GBROUTE\0";
/// Version of the file's layout and of the features: a change of either makes old files useless.
const VERSION: u32 = 2;
/// More numbers an embedding than any encoder that is used for this has.
const MAX_WIDTH: usize = 4_096;
/// More utterances than the trainer reads.
const MAX_POINTS: usize = 200_000;

/// The trained experts and how they are blended.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// sha256 of the training data and settings that it comes from.
    pub(super) fingerprint: [u8; 32],
    pub(super) meaning: Meaning,
    pub(super) words: Words,
    pub(super) blend: Blend,
}

/// How much each expert's log-probabilities count. Fitted on utterances that the experts had not seen, so that a
/// confidence of 0.8 is right eight times of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Blend {
    pub(super) meaning: f32,
    pub(super) words: f32,
}

/// A linear model over hashed features: [`BUCKETS`] rows of [`CLASSES`], then the biases.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Words {
    pub(super) weights: Vec<f32>,
}

/// Why a file is not a head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Not a head at all, or of another version of this program.
    #[error("this is not a router head of version {VERSION}; train it again with `gemma-burger route train`")]
    NotAHead,
    /// Cut off or changed.
    #[error("the router head is damaged ({0}); restore the file or train it again with `gemma-burger route train`")]
    Damaged(&'static str),
}

impl Head {
    /// Which training data and settings this head comes from, as hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(self.fingerprint)
    }

    /// How many numbers an embedding must have.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.meaning.inputs
    }

    /// The probability of each intent. An embedding of another length, or one that holds something that is not a
    /// finite number, is not looked at: then the words alone decide.
    pub(super) fn probabilities(&self, embedding: &[f32], features: &Sparse) -> Scores {
        let mut logits = self.words.log_probabilities(features).map(|score| score * self.blend.words);
        if embedding.len() == self.meaning.inputs && embedding.iter().all(|number| number.is_finite()) {
            let meaning = self.meaning.log_probabilities(embedding);
            for (logit, score) in logits.iter_mut().zip(meaning) {
                *logit += score * self.blend.meaning;
            }
        }
        log_softmax(logits).map(f32::exp)
    }

    /// The head as bytes. Weights keep the upper 16 bits of their 32, which changes no decision that was not a
    /// toss-up and halves the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let meaning = &self.meaning;
        let weights = meaning.axes.len() + meaning.points.len() + meaning.says.len() + self.words.weights.len();
        let mut bytes = Vec::with_capacity(128 + 8 * meaning.usual.len() + 2 * weights);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.fingerprint);
        for size in [meaning.inputs, meaning.points.len() / AXES] {
            bytes.extend_from_slice(&(size as u32).to_le_bytes());
        }
        for number in [self.blend.meaning, self.blend.words, meaning.sharpness] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for (mean, scale) in &meaning.usual {
            bytes.extend_from_slice(&mean.to_le_bytes());
            bytes.extend_from_slice(&scale.to_le_bytes());
        }
        for weight in self.weights() {
            bytes.extend_from_slice(&short(*weight).to_le_bytes());
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Reads what [`Head::to_bytes`] wrote.
    ///
    /// # Errors
    /// A file of another kind or version, or one that is cut off or changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HeadError> {
        let mut reader = Reader { bytes };
        if reader.take::<8>() != Ok(*MAGIC) || reader.take::<4>().map(u32::from_le_bytes) != Ok(VERSION) {
            return Err(HeadError::NotAHead);
        }
        let body = bytes.len().checked_sub(32).ok_or(HeadError::Damaged("it is cut off"))?;
        if Sha256::digest(&bytes[..body]).as_slice() != &bytes[body..] {
            return Err(HeadError::Damaged("its checksum is wrong"));
        }
        let fingerprint = reader.take::<32>()?;
        let inputs = u32::from_le_bytes(reader.take()?) as usize;
        let points = u32::from_le_bytes(reader.take()?) as usize;
        if inputs > MAX_WIDTH || points > MAX_POINTS {
            return Err(HeadError::Damaged("it is too large"));
        }
        let blend = Blend { meaning: f32::from_le_bytes(reader.take()?), words: f32::from_le_bytes(reader.take()?) };
        let sharpness = f32::from_le_bytes(reader.take()?);
        let usual = (0..inputs)
            .map(|_| Ok((f32::from_le_bytes(reader.take()?), f32::from_le_bytes(reader.take()?))))
            .collect::<Result<Vec<_>, HeadError>>()?;
        let meaning = Meaning {
            inputs,
            usual,
            sharpness,
            axes: reader.weights(AXES * inputs)?,
            points: reader.weights(points * AXES)?,
            says: reader.weights(points * CLASSES)?,
        };
        let words = Words { weights: reader.weights(Words::SIZE)? };
        if reader.bytes.len() != 32 {
            return Err(HeadError::Damaged("it is longer than its weights"));
        }
        let head = Self { fingerprint, meaning, words, blend };
        let scales = head.meaning.usual.iter().flat_map(|(mean, scale)| [mean, scale]);
        let numbers = [&blend.meaning, &blend.words, &sharpness].into_iter().chain(scales).chain(head.weights());
        if !numbers.copied().all(f32::is_finite) {
            return Err(HeadError::Damaged("a weight is not a number"));
        }
        Ok(head)
    }

    /// This head as it is after having been written and read.
    pub(super) fn rounded(mut self) -> Self {
        let Meaning { axes, points, says, .. } = &mut self.meaning;
        for weight in axes.iter_mut().chain(points).chain(says).chain(&mut self.words.weights) {
            *weight = long(short(*weight));
        }
        self
    }

    /// What the file holds in 16 bits each, in its order.
    fn weights(&self) -> impl Iterator<Item = &f32> {
        let Meaning { axes, points, says, .. } = &self.meaning;
        axes.iter().chain(points).chain(says).chain(&self.words.weights)
    }
}

impl Words {
    /// How many weights it has.
    pub(super) const SIZE: usize = (BUCKETS + 1) * CLASSES;

    pub(super) fn log_probabilities(&self, features: &Sparse) -> Scores {
        let (rows, biases) = self.weights.split_at(BUCKETS * CLASSES);
        let mut logits = [0.0; CLASSES];
        logits.copy_from_slice(biases);
        for &(place, strength) in features {
            let at = place as usize * CLASSES;
            add_scaled(&mut logits, strength, &rows[at..at + CLASSES]);
        }
        log_softmax(logits)
    }
}

/// Logarithms of the probabilities that logits stand for.
pub(super) fn log_softmax(logits: Scores) -> Scores {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - top).exp()).sum();
    logits.map(|logit| logit - top - sum.ln())
}

fn add_scaled(sums: &mut Scores, factor: f32, row: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

/// The upper half of a number's bits, rounded to nearest.
fn short(number: f32) -> u16 {
    let bits = number.to_bits();
    ((bits.saturating_add(0x7fff + ((bits >> 16) & 1))) >> 16) as u16
}

/// The number whose upper half is given.
fn long(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// What is left of a file.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], HeadError> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(HeadError::Damaged("it is cut off"))?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn weights(&mut self, count: usize) -> Result<Vec<f32>, HeadError> {
        let (taken, rest) = self.bytes.split_at_checked(2 * count).ok_or(HeadError::Damaged("it is cut off"))?;
        self.bytes = rest;
        Ok(taken.chunks_exact(2).map(|pair| long(u16::from_le_bytes([pair[0], pair[1]]))).collect())
    }
}
