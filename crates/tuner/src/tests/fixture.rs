//! A tiny random Gemma 3 in a GGUF file, with a vocabulary that has every kind of token.

use crate::base::Base;
use crate::lora::{Adapter, LoraConfig};
use crate::model::Gemma;
use crate::shape::{NormName, Target};
use candle_core::quantized::gguf_file::{Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fs::File;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(super) const HIDDEN: usize = 32;
const FEED_FORWARD: usize = 64;
const HEAD_DIM: usize = 8;
const HEADS: usize = 4;
/// The sixth layer is the global one.
pub(super) const LAYERS: usize = 6;

/// The model's file in the folder of a [`Tiny`].
pub(super) const TINY: &str = "tiny.gguf";

pub(super) struct Tiny {
    pub(super) dir: TempDir,
    pub(super) path: PathBuf,
}

impl Tiny {
    pub(super) fn new(kv_heads: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(TINY);
        write_model(&path, kv_heads);
        Self { dir, path }
    }

    pub(super) fn base(&self) -> Base {
        Base::open(&self.path).unwrap()
    }

    pub(super) fn model(&self) -> Gemma {
        Gemma::load(&mut self.base(), &Device::Cpu).unwrap()
    }

    /// An adapter of rank 3 whose matrices are all random: it changes the model's answers.
    pub(super) fn adapter(&self, config: &LoraConfig) -> Adapter {
        let base = self.base();
        let adapter = Adapter::fresh(config, base.shape(), base.name(), 7, &Device::Cpu).unwrap();
        let mut random = StdRng::seed_from_u64(8);
        for var in adapter.vars() {
            var.set(&uniform(&mut random, var.dims(), 0.3)).unwrap();
        }
        adapter
    }

    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn uniform(random: &mut StdRng, dims: &[usize], bound: f32) -> Tensor {
    let count = dims.iter().product();
    let values: Vec<f32> = (0..count).map(|_| random.random_range(-bound..bound)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

/// Token, score, kind (1 normal, 3 control, 4 user-defined, 6 byte).
pub(super) fn vocabulary() -> Vec<(String, f32, i32)> {
    let mut entries: Vec<(String, f32, i32)> = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
        .into_iter()
        .map(|token| (token.to_owned(), -1000.0, 3))
        .collect();
    for token in ["\n\n", "\n", "  "] {
        entries.push((token.to_owned(), -1000.0, 4));
    }
    for byte in 0..=255u8 {
        entries.push((format!("<0x{byte:02X}>"), -1000.0, 6));
    }
    // Joined later the further down they stand.
    let pieces = ["he", "ll", "el", "▁h", "▁he", "llo", "▁hello", "▁▁", "or", "wor", "ld"];
    for (i, token) in pieces.into_iter().enumerate() {
        entries.push((token.to_owned(), -(i as f32), 1));
    }
    for letter in ('a'..='z').map(String::from).chain(["▁".to_owned()]) {
        entries.push((letter, -100.0, 1));
    }
    entries
}

fn write_model(path: &Path, kv_heads: usize) {
    let mut random = StdRng::seed_from_u64(1);
    let vocabulary = vocabulary();
    let (q, kv) = (HEADS * HEAD_DIM, kv_heads * HEAD_DIM);
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    let mut add = |name: String, dims: &[usize], bound: f32, shift: f64| {
        let tensor = (uniform(&mut random, dims, bound) + shift).unwrap();
        tensors.push((name, tensor));
    };
    add("token_embd.weight".into(), &[vocabulary.len(), HIDDEN], 0.5, 0.0);
    add("output_norm.weight".into(), &[HIDDEN], 0.5, 1.0);
    for layer in 0..LAYERS {
        for (target, dims) in [
            (Target::Q, [q, HIDDEN]),
            (Target::K, [kv, HIDDEN]),
            (Target::V, [kv, HIDDEN]),
            (Target::O, [HIDDEN, q]),
            (Target::Gate, [FEED_FORWARD, HIDDEN]),
            (Target::Up, [FEED_FORWARD, HIDDEN]),
            (Target::Down, [HIDDEN, FEED_FORWARD]),
        ] {
            add(format!("blk.{layer}.{}.weight", target.gguf()), &dims, 0.4, 0.0);
        }
        for (norm, width) in [
            (NormName::BeforeAttention, HIDDEN),
            (NormName::Query, HEAD_DIM),
            (NormName::Key, HEAD_DIM),
            (NormName::AfterAttention, HIDDEN),
            (NormName::BeforeFeedForward, HIDDEN),
            (NormName::AfterFeedForward, HIDDEN),
        ] {
            add(format!("blk.{layer}.{}.weight", norm.gguf()), &[width], 0.5, 1.0);
        }
    }
    let tensors: Vec<(String, QTensor)> =
        tensors.into_iter().map(|(name, tensor)| (name, QTensor::quantize(&tensor, GgmlDType::F32).unwrap())).collect();
    let number = |n: usize| Value::U32(n as u32);
    let metadata = [
        ("general.architecture", Value::String("gemma3".into())),
        ("gemma3.block_count", number(LAYERS)),
        ("gemma3.embedding_length", number(HIDDEN)),
        ("gemma3.feed_forward_length", number(FEED_FORWARD)),
        ("gemma3.attention.head_count", number(HEADS)),
        ("gemma3.attention.head_count_kv", number(kv_heads)),
        ("gemma3.attention.key_length", number(HEAD_DIM)),
        // Short, so that small sequences reach over it.
        ("gemma3.attention.sliding_window", number(5)),
        ("gemma3.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ("gemma3.rope.freq_base", Value::F32(1e6)),
        ("tokenizer.ggml.bos_token_id", number(2)),
        ("tokenizer.ggml.unknown_token_id", number(3)),
        ("tokenizer.ggml.tokens", Value::Array(vocabulary.iter().map(|e| Value::String(e.0.clone())).collect())),
        ("tokenizer.ggml.scores", Value::Array(vocabulary.iter().map(|e| Value::F32(e.1)).collect())),
        ("tokenizer.ggml.token_type", Value::Array(vocabulary.iter().map(|e| Value::I32(e.2)).collect())),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (*k, v)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    write(&mut File::create(path).unwrap(), &metadata, &tensors).unwrap();
}
