//! Fitting one expert: stochastic gradient descent with a step size for each weight, in a fixed order.

use super::{
    features::BUCKETS,
    head::{CLASSES, Meaning, Scores, Words, log_softmax},
    train::{Row, TrainConfig},
};

/// Share of the truth that a label is taken for; the rest goes to the other intents evenly. People who label
/// disagree about some of the messages, and an expert that must never be unsure learns the accidents.
const LABEL_TRUST: f32 = 0.95;

/// Examples between two steps of the embedding expert.
const BATCH: usize = 32;
/// First step size of the embedding expert; it falls to a tenth over the rounds.
const MEANING_STEP: f32 = 5e-4;
/// How strongly its weights are pulled to 0.
const MEANING_DECAY: f32 = 0.02;
/// Share of hidden units that are silent in a step, so that none relies on another.
const SILENT_UNITS: f32 = 0.5;
/// Share of the embedding's numbers that are silent in a step.
const SILENT_INPUTS: f32 = 0.3;

/// Step size of the word expert.
const WORDS_STEP: f32 = 0.5;
/// How strongly a used weight is pulled to 0 each time it is used.
const WORDS_DECAY: f32 = 1e-4;
/// Share of an utterance's features that are hidden each time, so that it is known by more than one word.
const SILENT_FEATURES: f32 = 0.3;

/// Fits the expert over embeddings; `after_round` sees it after each round.
pub(super) fn fit_meaning(
    rows: &[&Row<'_>],
    config: &TrainConfig,
    rounds: usize,
    seed: u64,
    mut after_round: impl FnMut(usize, &Meaning),
) -> Meaning {
    let inputs = rows.first().map_or(0, |row| row.embedding.len());
    let hidden = config.hidden;
    let mut random = Random(seed);
    let mut expert = Meaning { inputs, hidden, usual: usual(rows), weights: vec![0.0; Meaning::size(inputs, hidden)] };
    // Standardised inputs are around 1 in size: this start gives hidden units values around 1 as well.
    let spread = (3.0 / inputs.max(1) as f32).sqrt();
    expert.weights[..inputs * hidden].iter_mut().for_each(|weight| *weight = random.centred() * spread);
    let second = (inputs + 1) * hidden;
    let spread = (1.0 / hidden as f32).sqrt();
    expert.weights[second..second + hidden * CLASSES].iter_mut().for_each(|weight| *weight = random.centred() * spread);

    let mut adam = Adam::new(expert.weights.len());
    let mut gradient = vec![0.0; expert.weights.len()];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut pass = Pass { input: vec![0.0; inputs], hidden: vec![0.0; hidden], blame: vec![0.0; hidden] };
    // The schedule follows the most rounds that may be made, so that a round is the same however many follow.
    let steps = (config.max_rounds * rows.len().div_ceil(BATCH)) as f32;
    let inputs: Vec<Vec<f32>> = rows.iter().map(|row| expert.standard(row.embedding)).collect();
    for round in 0..rounds {
        random.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            gradient.fill(0.0);
            for &at in batch {
                pass.learn(&expert, rows[at], &inputs[at], &mut random, &mut gradient, 1.0 / batch.len() as f32);
            }
            let step = MEANING_STEP * (1.0 - 0.9 * (adam.steps as f32 / steps).min(1.0));
            adam.step(&mut expert.weights, &gradient, step, MEANING_DECAY);
        }
        after_round(round, &expert);
    }
    expert
}

/// Mean and one over the standard deviation of each number of the embeddings.
fn usual(rows: &[&Row<'_>]) -> Vec<(f32, f32)> {
    let count = rows.len().max(1) as f32;
    let length = rows.first().map_or(0, |row| row.embedding.len());
    let mut means = vec![0.0; length];
    rows.iter().for_each(|row| add_scaled(&mut means, 1.0 / count, row.embedding));
    let mut squares = vec![0.0; length];
    for row in rows {
        for ((square, number), mean) in squares.iter_mut().zip(row.embedding).zip(&means) {
            *square += (number - mean) * (number - mean) / count;
        }
    }
    means.into_iter().zip(squares).map(|(mean, square)| (mean, 1.0 / (square.sqrt() + 1e-6))).collect()
}

/// The values of one example on its way through the perceptron.
struct Pass {
    input: Vec<f32>,
    hidden: Vec<f32>,
    blame: Vec<f32>,
}

impl Pass {
    /// Adds the gradient of one example's loss to `gradient`, some inputs and units being silent.
    fn learn(
        &mut self,
        expert: &Meaning,
        row: &Row<'_>,
        input: &[f32],
        random: &mut Random,
        gradient: &mut [f32],
        share: f32,
    ) {
        for (value, &number) in self.input.iter_mut().zip(input) {
            *value = if random.unit() < SILENT_INPUTS { 0.0 } else { number / (1.0 - SILENT_INPUTS) };
        }
        expert.hidden_values(&self.input, &mut self.hidden);
        for value in &mut self.hidden {
            *value = if random.unit() < SILENT_UNITS { 0.0 } else { *value / (1.0 - SILENT_UNITS) };
        }
        let error = error(expert.output(&self.hidden), row, share);

        let second = (expert.inputs + 1) * expert.hidden;
        let (first, rest) = gradient.split_at_mut(second);
        let rows = &expert.weights[second..];
        for (unit, &value) in self.hidden.iter().enumerate() {
            let at = unit * CLASSES;
            self.blame[unit] = 0.0;
            if value != 0.0 {
                let blame: f32 = error.iter().zip(&rows[at..at + CLASSES]).map(|(error, weight)| error * weight).sum();
                self.blame[unit] = blame / (1.0 - SILENT_UNITS);
                add_scaled(&mut rest[at..at + CLASSES], value, &error);
            }
        }
        add_scaled(&mut rest[expert.hidden * CLASSES..], 1.0, &error);
        let (weights, biases) = first.split_at_mut(expert.inputs * expert.hidden);
        for (&value, row) in self.input.iter().zip(weights.chunks_exact_mut(expert.hidden)) {
            if value != 0.0 {
                add_scaled(row, value, &self.blame);
            }
        }
        add_scaled(biases, 1.0, &self.blame);
    }
}

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
            let error = error(scores, row, 1.0);
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
fn error(logits: Scores, row: &Row<'_>, share: f32) -> Scores {
    let mut error = log_softmax(logits).map(f32::exp);
    for (class, value) in error.iter_mut().enumerate() {
        let truth = if class == row.class { LABEL_TRUST } else { (1.0 - LABEL_TRUST) / (CLASSES - 1) as f32 };
        *value = (*value - truth) * share;
    }
    error
}

fn add_scaled(sums: &mut [f32], factor: f32, row: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

/// AdamW: steps scaled by the gradient's recent size, weights pulled to 0 apart from it.
struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
    steps: u32,
}

impl Adam {
    fn new(weights: usize) -> Self {
        Self { mean: vec![0.0; weights], square: vec![0.0; weights], steps: 0 }
    }

    fn step(&mut self, weights: &mut [f32], gradient: &[f32], size: f32, decay: f32) {
        const MEAN_KEPT: f32 = 0.9;
        const SQUARE_KEPT: f32 = 0.999;
        self.steps += 1;
        let steps = self.steps as f32;
        let size_now = size * (1.0 - SQUARE_KEPT.powf(steps)).sqrt() / (1.0 - MEAN_KEPT.powf(steps));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((weight, &slope), (mean, square)) in weights.iter_mut().zip(gradient).zip(moments) {
            *mean = MEAN_KEPT * *mean + (1.0 - MEAN_KEPT) * slope;
            *square = SQUARE_KEPT * *square + (1.0 - SQUARE_KEPT) * slope * slope;
            *weight -= size_now * *mean / (square.sqrt() + 1e-8) + size * decay * *weight;
        }
    }
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
    pub(super) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Between −1 and 1.
    fn centred(&mut self) -> f32 {
        self.unit() * 2.0 - 1.0
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
