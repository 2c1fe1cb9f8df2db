//! Training the router's head: minutes of work for a shop that adds its own utterances, and the same result on
//! every run.
//!
//! Utterances come in batches, each written at one sitting and in one manner. People write unlike any of them, so
//! how well the head will do on people is estimated by leaving out whole batches: experts trained on the others
//! answer the batch left out. From these answers come the number of rounds, the blend of the two experts, and the
//! figures reported. The head itself is then trained on everything.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{
    data::Utterance,
    features::{Sparse, sparse},
    fit::fit_words,
    head::{Blend, CLASSES, Head, Scores, log_softmax},
    kernel::Memory,
};
use crate::intent::Intent;

/// One utterance to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The guest's words.
    pub text: String,
    /// Their embedding, by [`Embedder::embed_deep`](crate::ports::Embedder::embed_deep).
    pub embedding: Vec<f32>,
    /// What the guest wants.
    pub intent: Intent,
    /// Which sitting it was written at.
    pub batch: String,
}

impl Example {
    /// An utterance together with its embedding.
    #[must_use]
    pub fn new(utterance: Utterance, embedding: Vec<f32>) -> Self {
        Self { text: utterance.text, embedding, intent: utterance.intent, batch: utterance.batch }
    }
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// The most rounds over the data for the word expert; fewer are made where more would do harm.
    pub max_rounds: usize,
    /// How many parts the batches are dealt into when the head is measured.
    pub folds: usize,
    /// Start of the random numbers.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self { max_rounds: 24, folds: 8, seed: 17 }
    }
}

/// A trained head and how it did on batches that it had not seen.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The head, trained on all examples.
    pub head: Head,
    /// What experts trained without a batch answered to that batch.
    pub held_out: Evaluation,
    /// Rounds made for the word expert.
    pub rounds: usize,
}

/// Answers compared with labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// `confusion[label][answer]`, by [`Intent::index`].
    pub confusion: [[u32; CLASSES]; CLASSES],
    /// Mean of −ln(probability of the label).
    pub log_loss: f64,
    /// For confidences in 0.0–0.1, … 0.9–1.0: how many, and how many of them right.
    pub by_confidence: [(u32, u32); 10],
    /// Which were answered wrongly: place in the examples, answer, confidence.
    pub wrong: Vec<(usize, Intent, f32)>,
}

/// Why training cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// Nothing to learn an intent from.
    #[error("no training utterance is labelled {0}; write some")]
    Unseen(Intent),
    /// An embedding of another model, or a broken one.
    #[error("the embedding of \"{0}\" has another length than the first one, or holds something that is not a number")]
    Embedding(String),
    /// Everything was written at one sitting.
    #[error("all utterances carry the same batch; a second batch is needed to measure on")]
    OneBatch,
    /// A setting that makes no head.
    #[error("rounds and folds must be at least 1 and 2")]
    Config,
}

/// Trains a head.
///
/// # Errors
/// See [`TrainError`]; nothing is trained then.
pub fn train(examples: &[Example], config: &TrainConfig) -> Result<Trained, TrainError> {
    validate(examples, config)?;
    let rows: Vec<Row<'_>> = examples.iter().map(Row::of).collect();
    let folds = deal(examples, config.folds);

    let memory = Memory::new(&rows);
    let mut meaning = vec![[0.0; CLASSES]; rows.len()];
    let mut words = HeldOut::new(config.max_rounds, rows.len());
    for (number, held_out) in folds.iter().enumerate() {
        let learned: Vec<usize> = (0..rows.len()).filter(|at| !held_out.contains(at)).collect();
        let asked: Vec<usize> = held_out.iter().copied().collect();
        for (&at, answer) in asked.iter().zip(memory.answers(&learned, &asked)) {
            meaning[at] = answer;
        }
        let learned: Vec<&Row<'_>> = learned.iter().map(|&at| &rows[at]).collect();
        let seed = config.seed.wrapping_add(1 + number as u64);
        fit_words(&learned, config.max_rounds, seed, |round, expert| {
            asked.iter().for_each(|&at| words.answers[round][at] = expert.log_probabilities(&rows[at].features));
        });
    }

    let labels: Vec<Intent> = examples.iter().map(|example| example.intent).collect();
    let best = words.best_round(&labels);
    let words = &words.answers[best];
    let blend = fit_blend(&labels, &meaning, words);
    let mut held_out = Evaluation::default();
    for (at, &label) in labels.iter().enumerate() {
        held_out.add(at, label, blended(blend, &meaning[at], &words[at]).map(f32::exp));
    }

    let all: Vec<&Row<'_>> = rows.iter().collect();
    let head = Head {
        fingerprint: fingerprint(examples, config),
        meaning: memory.expert(),
        words: fit_words(&all, best + 1, config.seed, |_, _| {}),
        blend,
    };
    Ok(Trained { head: head.rounded(), held_out: held_out.averaged(), rounds: best + 1 })
}

impl Evaluation {
    /// How a head does on examples.
    #[must_use]
    pub fn of(head: &Head, examples: &[Example]) -> Self {
        let mut evaluation = Self::default();
        for (at, example) in examples.iter().enumerate() {
            evaluation.add(at, example.intent, head.probabilities(&example.embedding, &sparse(&example.text)));
        }
        evaluation.averaged()
    }

    /// The share of right answers, between 0 and 1; 0 of nothing is 0.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let total: u32 = self.confusion.iter().flatten().sum();
        let right: u32 = (0..CLASSES).map(|class| self.confusion[class][class]).sum();
        f64::from(right) / f64::from(total.max(1))
    }

    fn add(&mut self, at: usize, label: Intent, probabilities: Scores) {
        let (answer, confidence) = best(&probabilities);
        self.confusion[label.index()][answer.index()] += 1;
        self.log_loss -= f64::from(probabilities[label.index()].max(1e-9)).ln();
        let bin = &mut self.by_confidence[((confidence * 10.0) as usize).min(9)];
        bin.0 += 1;
        if answer == label {
            bin.1 += 1;
        } else {
            self.wrong.push((at, answer, confidence));
        }
    }

    fn averaged(mut self) -> Self {
        let total: u32 = self.confusion.iter().flatten().sum();
        self.log_loss /= f64::from(total.max(1));
        self
    }
}

/// The likeliest intent; the first of equals.
pub(super) fn best(scores: &Scores) -> (Intent, f32) {
    let mut best = (Intent::ALL[0], scores[0]);
    for (intent, &score) in Intent::ALL.into_iter().zip(scores) {
        if score > best.1 {
            best = (intent, score);
        }
    }
    best
}

/// An example with its features worked out.
pub(super) struct Row<'a> {
    pub(super) embedding: &'a [f32],
    pub(super) features: Sparse,
    pub(super) class: usize,
}

impl<'a> Row<'a> {
    fn of(example: &'a Example) -> Self {
        Self { embedding: &example.embedding, features: sparse(&example.text), class: example.intent.index() }
    }
}

fn validate(examples: &[Example], config: &TrainConfig) -> Result<(), TrainError> {
    if config.max_rounds == 0 || config.folds < 2 {
        return Err(TrainError::Config);
    }
    if let Some(&intent) = Intent::ALL.iter().find(|&&intent| !examples.iter().any(|one| one.intent == intent)) {
        return Err(TrainError::Unseen(intent));
    }
    let length = examples.first().map_or(0, |example| example.embedding.len());
    for example in examples {
        if example.embedding.len() != length || !example.embedding.iter().all(|number| number.is_finite()) {
            return Err(TrainError::Embedding(example.text.clone()));
        }
    }
    if examples.iter().all(|example| example.batch == examples[0].batch) {
        return Err(TrainError::OneBatch);
    }
    Ok(())
}

/// Deals whole batches into at most `folds` parts of about the same size, the largest batches first.
fn deal(examples: &[Example], folds: usize) -> Vec<BTreeSet<usize>> {
    let mut batches: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, example) in examples.iter().enumerate() {
        batches.entry(&example.batch).or_default().push(at);
    }
    let mut batches: Vec<Vec<usize>> = batches.into_values().collect();
    batches.sort_by_key(|batch| std::cmp::Reverse(batch.len()));
    let mut parts = vec![BTreeSet::new(); folds.min(batches.len())];
    for batch in batches {
        if let Some(part) = parts.iter_mut().min_by_key(|part| part.len()) {
            part.extend(batch);
        }
    }
    parts
}

/// Names the data and the settings, so that a head can be traced to what it was trained on.
fn fingerprint(examples: &[Example], config: &TrainConfig) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(format!("{config:?}"));
    for example in examples {
        hash.update(format!("{:?} {} {:?}\n", example.text, example.intent, example.batch));
    }
    hash.finalize().into()
}

/// What an expert answered after each round to examples that it had not learned from.
struct HeldOut {
    answers: Vec<Vec<Scores>>,
}

impl HeldOut {
    fn new(rounds: usize, examples: usize) -> Self {
        Self { answers: vec![vec![[0.0; CLASSES]; examples]; rounds] }
    }

    /// The round after which the labels were likeliest.
    fn best_round(&self, labels: &[Intent]) -> usize {
        let losses = self.answers.iter().map(|answers| {
            labels.iter().zip(answers).map(|(label, answer)| -f64::from(answer[label.index()])).sum::<f64>()
        });
        losses.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(round, _)| round)
    }
}

fn blended(blend: Blend, meaning: &Scores, words: &Scores) -> Scores {
    let mut logits = [0.0; CLASSES];
    for (class, logit) in logits.iter_mut().enumerate() {
        *logit = blend.meaning * meaning[class] + blend.words * words[class];
    }
    log_softmax(logits)
}

/// The blend under which the labels are likeliest, by search over a grid: two numbers, no surprises.
fn fit_blend(labels: &[Intent], meaning: &[Scores], words: &[Scores]) -> Blend {
    let steps = || (0..=40).map(|step| step as f32 * 0.05);
    let mut best = (f64::INFINITY, Blend { meaning: 1.0, words: 1.0 });
    for weight in steps() {
        for other in steps() {
            let blend = Blend { meaning: weight, words: other };
            let answers = meaning.iter().zip(words).map(|(meaning, words)| blended(blend, meaning, words));
            let loss: f64 = labels.iter().zip(answers).map(|(label, answer)| -f64::from(answer[label.index()])).sum();
            if loss < best.0 {
                best = (loss, blend);
            }
        }
    }
    best.1
}
