//! Fitting the expert over words: stochastic gradient descent with a step size for each weight, in a fixed order.

use super::{
    features::BUCKETS,
    head::{CLASSES, Scores, Words, log_softmax},
    train::Row,
};

/// Share of the truth that a label is taken for; the rest goes to the other intents evenly. People who label
/// disagree about some of the messages, and an expert that must never be unsure learns the accidents.
const LABEL_TRUST: f32 = 0.95;

/// Step size of the word expert.
const WORDS_STEP: f32 = 0.5;
/// How strongly a used weight is pulled to 0 each time it is used.
const WORDS_DECAY: f32 = 1e-4;
/// Share of an utterance's features that are hidden each time, so that it is known by more than one word.
const SILENT_FEATURES: f32 = 0.3;

/// Fits the expert over words; `after_round` sees it after each round.
///
/// Each weight's steps shrink with what it has been moved so far (AdaGrad), so a rare word, seen a few times, is
/// learned as well as a frequent one.
pub(super) fn fit_words(
    rows: &[&Row<'_>],
    rounds: usize,
    seed: u64,
    mut after_round: impl FnMut(usize, &Words),
) -> Words {
    let mut random = Random(seed ^ 0x5eed);
    let mut expert = Words { weights: vec![0.0; Words::SIZE] };
    let mut moved = vec![1e-3_f32; Words::SIZE];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut kept = Vec::new();
    for round in 0..rounds {
        random.shuffle(&mut order);
        for &at in &order {
            let row = rows[at];
            kept.clear();
            kept.extend(row.features.iter().copied().filter(|_| random.unit() >= SILENT_FEATURES));
            let scores = expert.log_probabilities(&kept);
            let error = error(scores, row);
            let bias = std::iter::once((BUCKETS as u32, 0.1));
            for (place, strength) in kept.iter().copied().chain(bias) {
                let at = place as usize * CLASSES;
                for (class, error) in error.iter().enumerate() {
                    let weight = &mut expert.weights[at + class];
                    let slope = error * strength + WORDS_DECAY * *weight;
                    let moved = &mut moved[at + class];
                    *moved += slope * slope;
                    *weight -= WORDS_STEP * slope / moved.sqrt();
                }
            }
        }
        after_round(round, &expert);
    }
    expert
}

/// How far the answer is from the label, for each intent: the gradient of the loss by the logits.
fn error(logits: Scores, row: &Row<'_>) -> Scores {
    let mut error = log_softmax(logits).map(f32::exp);
    for (class, value) in error.iter_mut().enumerate() {
        let truth = if class == row.class { LABEL_TRUST } else { (1.0 - LABEL_TRUST) / (CLASSES - 1) as f32 };
        *value -= truth;
    }
    error
}

/// Random numbers that are the same on every machine (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least 0, below 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Below `bound`, which is at least 1.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
