//! The encoder against numbers from elsewhere, and against broken files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{EMBEDDER, model_dir};
use concierge::ports::Embedder as _;
use knowledge::{Embedder, LoadError};

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn near(got: f32, expected: f32) {
    assert!((got - expected).abs() < 2e-5, "{got} is not {expected}");
}

/// First numbers of each vector, from an implementation of the encoder in 64-bit numpy over the same weights.
#[test]
fn vectors_are_those_of_the_reference() {
    let long = "spicy noodles with peanuts, ".repeat(80);
    let cases: [(&str, [f32; 4]); 5] = [
        ("The weather is lovely today.", [0.019_196, 0.120_085, 0.159_598, 0.067_066]),
        ("He drove to the stadium.", [0.136_502, 0.082_273, -0.025_262, 0.030_451]),
        ("Could we get a highchair, s'il vous plaît? 🍟", [-0.087_263, 0.003_734, -0.007_438, -0.103_239]),
        (&long, [-0.101_011, -0.091_844, -0.010_304, 0.022_301]),
        ("", [-0.118_838, 0.048_299, -0.002_548, -0.011_011]),
    ];
    let texts = cases.map(|(text, _)| text);
    for (vector, (_, expected)) in EMBEDDER.embed(&texts).unwrap().iter().zip(cases) {
        assert_eq!(vector.len(), EMBEDDER.dimensions());
        near(dot(vector, vector), 1.0);
        for (got, expected) in vector.iter().zip(expected) {
            near(*got, expected);
        }
    }
}

/// The similarities that the model's authors publish for these sentences, to four decimals.
#[test]
fn similarities_are_the_published_ones() {
    let texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];
    let vectors = EMBEDDER.embed(&texts).unwrap();
    for (a, b, expected) in [(0, 1, 0.6660), (0, 2, 0.1046), (1, 2, 0.1411)] {
        let got = dot(&vectors[a], &vectors[b]);
        assert!((got - expected).abs() < 6e-5, "{got} is not {expected}");
    }
}

#[test]
fn a_text_has_one_vector_whatever_stands_beside_it() {
    let texts: Vec<String> = (0..90).map(|at| "where can I park ".repeat(at % 9) + &at.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = EMBEDDER.embed(&texts).unwrap();
    for (text, vector) in texts.iter().zip(&together).step_by(7) {
        near(dot(&EMBEDDER.embed(&[text]).unwrap()[0], vector), 1.0);
    }
    assert!(EMBEDDER.embed(&[]).unwrap().is_empty());
}

#[test]
fn a_huge_text_is_cut_and_not_computed_whole() {
    let huge = "🍔 cheese ".repeat(100_000);
    let head: String = huge.chars().take(2_000).collect();
    let vectors = EMBEDDER.embed(&[&huge, &head]).unwrap();
    near(dot(&vectors[0], &vectors[1]), 1.0);
}

#[test]
fn missing_and_broken_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["config.json", "tokenizer.json", "model.safetensors"];
    let copy = |name: &str| fs::copy(model_dir().join(name), dir.path().join(name)).unwrap();
    let fault = |dir: &Path| match Embedder::load(dir) {
        Err(LoadError::Read { path, .. }) => format!("no {}", path.file_name().unwrap().display()),
        Err(LoadError::Damaged { path, .. }) => format!("broken {}", path.file_name().unwrap().display()),
        Ok(_) => "none".to_owned(),
    };
    for name in names {
        assert_eq!(fault(dir.path()), format!("no {name}"));
        copy(name);
    }
    assert_eq!(fault(dir.path()), "none");
    for name in names {
        let whole = fs::read(dir.path().join(name)).unwrap();
        for damaged in [&whole[..whole.len() / 2], b"", b"<html>not found</html>"] {
            fs::write(dir.path().join(name), damaged).unwrap();
            assert_eq!(fault(dir.path()), format!("broken {name}"));
        }
        fs::write(dir.path().join(name), whole).unwrap();
    }
    let config = fs::read_to_string(dir.path().join("config.json")).unwrap();
    for (from, to) in [
        ("\"num_attention_heads\": 12", "\"num_attention_heads\": 0"),
        ("\"hidden_size\": 384", "\"hidden_size\": 128"),
        ("\"vocab_size\": 30522", "\"vocab_size\": 100"),
        ("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 12"),
        ("\"max_position_embeddings\": 512", "\"max_position_embeddings\": 64"),
    ] {
        assert!(config.contains(from));
        fs::write(dir.path().join("config.json"), config.replace(from, to)).unwrap();
        assert_ne!(fault(dir.path()), "none", "{to}");
    }
}
