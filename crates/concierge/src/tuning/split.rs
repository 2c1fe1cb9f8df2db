//! Parting examples into those to learn from and those to measure with.

use std::collections::BTreeMap;

use super::{example::Example, rng::Rng};

/// A kind with fewer examples than this gives none away.
const KEEP: usize = 4;

/// Holds out so many examples, taken from the kinds in turn so that each is measured, and shuffles the rest. The same
/// seed parts alike.
#[must_use]
pub fn split(examples: Vec<Example>, held_out: usize, seed: u64) -> (Vec<Example>, Vec<Example>) {
    let mut rng = Rng::new(seed);
    let mut kinds: BTreeMap<String, Vec<Example>> = BTreeMap::new();
    for example in examples {
        kinds.entry(example.kind.clone()).or_default().push(example);
    }
    for examples in kinds.values_mut() {
        rng.shuffle(examples);
    }
    let mut valid = Vec::with_capacity(held_out);
    while valid.len() < held_out {
        let before = valid.len();
        for examples in kinds.values_mut().filter(|examples| examples.len() > KEEP) {
            if valid.len() < held_out {
                valid.extend(examples.pop());
            }
        }
        if valid.len() == before {
            break;
        }
    }
    let mut train: Vec<Example> = kinds.into_values().flatten().collect();
    rng.shuffle(&mut train);
    (train, valid)
}
