//! The shipped router head on utterances written apart from those it learned from, with the real encoder.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::EMBEDDER;
use concierge::{
    ports::Embedder as _,
    route::{Evaluation, Example, Head, parse_utterances},
};

/// The share of a file's utterances that the shipped head routes rightly.
fn check(file: &str, least: f64) {
    let utterances = parse_utterances(file).unwrap();
    let head = Head::from_bytes(include_bytes!("../../../resources/routing/head.bin")).unwrap();
    let texts: Vec<&str> = utterances.iter().map(|utterance| utterance.text.as_str()).collect();
    let vectors = EMBEDDER.embed_deep(&texts).unwrap();
    assert_eq!(vectors[0].len(), head.dimensions());

    let examples: Vec<Example> =
        utterances.into_iter().zip(vectors).map(|(one, vector)| Example::new(one, vector)).collect();
    let evaluation = Evaluation::of(&head, &examples);
    let wrong: Vec<_> = evaluation.wrong.iter().map(|&(at, answer, _)| (&examples[at].text, answer)).collect();
    assert!(evaluation.accuracy() >= least, "{}: {wrong:#?}", evaluation.accuracy());
}

#[test]
fn nineteen_of_twenty_test_utterances_are_routed_rightly() {
    check(include_str!("../../../resources/routing/test.jsonl"), 0.95);
}

/// Reviews, rude guests, questions put as statements: what nobody learned from, and harder than the first file.
#[test]
fn utterances_of_other_sittings_are_routed_rightly() {
    check(include_str!("../../../resources/routing/test-2.jsonl"), 0.93);
}

#[test]
fn deep_vectors_end_with_the_sentence_vector() {
    let texts = ["two shakes, please", "was it cold?"];
    let plain = EMBEDDER.embed(&texts).unwrap();
    let deep = EMBEDDER.embed_deep(&texts).unwrap();
    for (plain, deep) in plain.iter().zip(deep) {
        assert_eq!(plain[..], deep[deep.len() - EMBEDDER.dimensions()..]);
    }
}
