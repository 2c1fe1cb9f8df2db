//! Made-up checkpoints of a few layers: every weight of the GGUF file against the one it came from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use checkpoint::{ImportError, Report, import};
use gguf::{Header, Value};
use half::{bf16, f16};
use safetensors::{Dtype, View, serialize};
use serde_json::json;

const HIDDEN: usize = 64;
const INNER: usize = 128;
const HEAD: usize = 32;
const LAYERS: usize = 2;
const TOKENS: usize = 300;

/// Repeatable numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

#[derive(Clone)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.bytes).into()
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// A checkpoint, and the weights that it stands for.
struct Checkpoint {
    tensors: BTreeMap<String, Tensor>,
    weights: BTreeMap<String, Vec<f32>>,
    random: Random,
}

impl Checkpoint {
    /// `group` packs matrices as MLX does; none leaves them as 16-bit floats of Google's kind.
    fn new(prefix: &str, group: Option<usize>, bits: usize) -> Self {
        let mut made = Self { tensors: BTreeMap::new(), weights: BTreeMap::new(), random: Random(7) };
        let matrix = |made: &mut Self, name: &str, rows, columns| match group {
            Some(group) => made.packed(&format!("{prefix}{name}"), rows, columns, group, bits),
            None => made.plain(&format!("{prefix}{name}"), &[rows, columns]),
        };
        matrix(&mut made, "embed_tokens", TOKENS, HIDDEN);
        for layer in 0..LAYERS {
            for (name, rows, columns) in [
                ("self_attn.q_proj", 2 * HEAD, HIDDEN),
                ("self_attn.k_proj", HEAD, HIDDEN),
                ("self_attn.v_proj", HEAD, HIDDEN),
                ("self_attn.o_proj", HIDDEN, 2 * HEAD),
                ("mlp.gate_proj", INNER, HIDDEN),
                ("mlp.up_proj", INNER, HIDDEN),
                ("mlp.down_proj", HIDDEN, INNER),
            ] {
                matrix(&mut made, &format!("layers.{layer}.{name}"), rows, columns);
            }
            for (name, length) in [
                ("input_layernorm", HIDDEN),
                ("self_attn.q_norm", HEAD),
                ("self_attn.k_norm", HEAD),
                ("post_attention_layernorm", HIDDEN),
                ("pre_feedforward_layernorm", HIDDEN),
                ("post_feedforward_layernorm", HIDDEN),
            ] {
                made.plain(&format!("{prefix}layers.{layer}.{name}"), &[length]);
            }
        }
        made.plain(&format!("{prefix}norm"), &[HIDDEN]);
        made
    }

    fn number(&mut self) -> bf16 {
        bf16::from_f32((self.random.next() % 4001) as f32 / 10_000.0 - 0.2)
    }

    fn plain(&mut self, name: &str, shape: &[usize]) {
        let values: Vec<bf16> = (0..shape.iter().product()).map(|_| self.number()).collect();
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.weights.insert(name.to_owned(), values.iter().map(|value| value.to_f32()).collect());
        self.tensors.insert(format!("{name}.weight"), Tensor { dtype: Dtype::BF16, shape: shape.to_vec(), bytes });
    }

    /// As MLX packs: weight `i` of a row in bits `bits * i …` of the row's 32-bit words.
    fn packed(&mut self, name: &str, rows: usize, columns: usize, group: usize, bits: usize) {
        let (groups, per_word) = (columns / group, 32 / bits);
        let (mut scales, mut biases, mut words, mut weights) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rows {
            let own: Vec<(bf16, bf16)> = (0..groups).map(|_| (self.number(), self.number())).collect();
            let codes: Vec<u32> = (0..columns).map(|_| (self.random.next() % (1 << bits)) as u32).collect();
            for (column, code) in codes.iter().enumerate() {
                let (scale, bias) = own[column / group];
                weights.push(scale.to_f32() * *code as f32 + bias.to_f32());
            }
            for word in codes.chunks(per_word) {
                words.push(word.iter().enumerate().fold(0_u32, |word, (n, code)| word | code << (n * bits)));
            }
            scales.extend(own.iter().flat_map(|(scale, _)| scale.to_le_bytes()));
            biases.extend(own.iter().flat_map(|(_, bias)| bias.to_le_bytes()));
        }
        let side = |bytes| Tensor { dtype: Dtype::BF16, shape: vec![rows, groups], bytes };
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let weight = Tensor { dtype: Dtype::U32, shape: vec![rows, columns / per_word], bytes };
        self.weights.insert(name.to_owned(), weights);
        self.tensors.insert(format!("{name}.weight"), weight);
        self.tensors.insert(format!("{name}.scales"), side(scales));
        self.tensors.insert(format!("{name}.biases"), side(biases));
    }

    fn write(&self, folder: &Path) {
        fs::write(folder.join("config.json"), config().to_string()).unwrap();
        fs::write(folder.join("tokenizer.json"), tokenizer().to_string()).unwrap();
        fs::write(folder.join("model.safetensors"), serialize(&self.tensors, None).unwrap()).unwrap();
    }
}

fn config() -> serde_json::Value {
    json!({"model_type": "gemma3_text", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
        "intermediate_size": INNER, "head_dim": HEAD, "num_attention_heads": 2, "num_key_value_heads": 1,
        "sliding_window": 16, "max_position_embeddings": 256, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}})
}

fn tokenizer() -> serde_json::Value {
    let mut vocab: Vec<String> =
        ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<unused0>", "▁▁"]
            .map(str::to_owned)
            .to_vec();
    vocab.extend((0..256).map(|byte| format!("<0x{byte:02X}>")));
    vocab.extend(["a", "b", "ab", "aba", "▁"].map(str::to_owned));
    let ids: BTreeMap<&str, usize> = vocab.iter().map(String::as_str).zip(0..).collect();
    let added = |id: usize, special: bool| json!({"id": id, "content": vocab[id], "special": special});
    json!({
        "model": {"type": "BPE", "vocab": ids, "merges": [["a", "b"], "ab a", ["a", "ba"]]},
        "added_tokens": [added(0, true), added(1, true), added(2, true), added(3, true), added(4, true), added(5, true),
            added(6, false), added(7, false)],
    })
}

fn folder(checkpoint: &Checkpoint) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    checkpoint.write(folder.path());
    let target = folder.path().join("out.gguf");
    (folder, target)
}

fn imported(checkpoint: &Checkpoint) -> (Report, BTreeMap<String, Vec<f32>>, Header, tempfile::TempDir) {
    let (folder, target) = folder(checkpoint);
    let report = import(folder.path(), "tiny", &target, |_, _| {}).unwrap();
    let header = Header::open(&target).unwrap();
    let bytes = fs::read(&target).unwrap();
    let tensors = header.tensors.iter().map(|tensor| {
        let start = (header.data_offset + tensor.offset) as usize;
        (tensor.name.clone(), numbers(tensor.kind, &bytes[start..start + tensor.size as usize]))
    });
    let tensors = tensors.collect();
    (report, tensors, header, folder)
}

/// The weights that llama.cpp reads, written down from its definition of the types.
fn numbers(kind: u32, bytes: &[u8]) -> Vec<f32> {
    let half = |bytes: &[u8]| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
    match kind {
        0 => bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect(),
        1 => bytes.chunks(2).map(half).collect(),
        30 => bytes.chunks(2).map(|two| bf16::from_le_bytes(two.try_into().unwrap()).to_f32()).collect(),
        3 => bytes
            .chunks(20)
            .flat_map(|block| {
                let (d, m, codes) = (half(block), half(&block[2..]), &block[4..]);
                let low = codes.iter().map(|byte| byte & 15);
                let high = codes.iter().map(|byte| byte >> 4);
                low.chain(high).map(|code| d * f32::from(code) + m).collect::<Vec<f32>>()
            })
            .collect(),
        other => panic!("type {other}"),
    }
}

fn name_in_checkpoint(name: &str) -> String {
    let name = name.strip_suffix(".weight").unwrap();
    let Some(rest) = name.strip_prefix("blk.") else {
        return if name == "token_embd" { "embed_tokens".into() } else { "norm".into() };
    };
    let (layer, part) = rest.split_once('.').unwrap();
    let part = match part {
        "attn_q" => "self_attn.q_proj",
        "attn_k" => "self_attn.k_proj",
        "attn_v" => "self_attn.v_proj",
        "attn_output" => "self_attn.o_proj",
        "ffn_gate" => "mlp.gate_proj",
        "ffn_up" => "mlp.up_proj",
        "ffn_down" => "mlp.down_proj",
        "attn_norm" => "input_layernorm",
        "attn_q_norm" => "self_attn.q_norm",
        "attn_k_norm" => "self_attn.k_norm",
        "post_attention_norm" => "post_attention_layernorm",
        "ffn_norm" => "pre_feedforward_layernorm",
        "post_ffw_norm" => "post_feedforward_layernorm",
        other => panic!("{other}"),
    };
    format!("layers.{layer}.{part}")
}

#[test]
fn every_weight_is_the_one_it_came_from() {
    for (prefix, group, bits, kind) in [
        ("model.", Some(64), 4, 3),
        ("language_model.model.", Some(32), 4, 3),
        ("model.", Some(64), 8, 1),
        ("model.language_model.", None, 0, 30),
    ] {
        let made = Checkpoint::new(prefix, group, bits);
        let (report, tensors, header, _folder) = imported(&made);
        assert_eq!((tensors.len(), report.tensors), (2 + LAYERS * 13, 2 + LAYERS * 13));
        for (name, found) in &tensors {
            let expected = &made.weights[&format!("{prefix}{}", name_in_checkpoint(name))];
            let norm = if name.contains("norm") { 1.0 } else { 0.0 };
            assert_eq!(found.len(), expected.len());
            for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
                let expected = expected + norm;
                // Eight bits and a bias need more than a 16-bit float has.
                let exact = if kind == 1 {
                    (found - expected).abs() <= expected.abs() / 1024.0 + 1e-6
                } else {
                    *found == expected
                };
                assert!(exact, "{name}[{n}]: {found} and not {expected}");
            }
        }
        assert_eq!(header.tensor("token_embd.weight").unwrap().kind, kind);
        assert_eq!(header.tensor("token_embd.weight").unwrap().shape, [HIDDEN as u64, TOKENS as u64, 1, 1]);
        assert_eq!(report.rounded, 0);
        assert_eq!(report.four_bit, if kind == 3 { 1 + LAYERS * 7 } else { 0 });
    }
}

#[test]
fn keys_and_tokens_are_llama_cpps() {
    let (_, _, header, folder) = imported(&Checkpoint::new("model.", Some(64), 4));
    for (key, value) in [
        ("attention.head_count", 2),
        ("attention.head_count_kv", 1),
        ("attention.key_length", HEAD as u64),
        ("attention.sliding_window", 16),
        ("context_length", 256),
        ("block_count", LAYERS as u64),
    ] {
        assert_eq!(header.integer(&format!("gemma3.{key}")), Some(value), "{key}");
    }
    assert_eq!(header.metadata["gemma3.rope.scaling.factor"], Value::Float(8.0));
    assert_eq!(header.integer("tokenizer.ggml.eot_token_id"), Some(5));
    let path = folder.path().join("out.gguf");
    let vocabulary = gguf_vocabulary(&path);
    // The best merge first, then what it makes possible; two spaces are a token of their own; the rest is bytes.
    assert_eq!(vocabulary.encode("ababa  é"), [266, 267, 7, 8 + 0xC3, 8 + 0xA9]);
}

/// The vocabulary as the file has it.
fn gguf_vocabulary(path: &Path) -> gguf::Vocabulary {
    let (header, bytes) = (Header::open(path).unwrap(), fs::read(path).unwrap());
    let array = |key: &str| {
        let span = header.spans.iter().find(|span| span.name == key).unwrap();
        bytes[span.bytes.start as usize + 12..span.bytes.end as usize].to_vec()
    };
    let mut texts = Vec::new();
    let tokens = array("tokenizer.ggml.tokens");
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        texts.push(String::from_utf8(rest[8..8 + length].to_vec()).unwrap());
        rest = &rest[8 + length..];
    }
    let four = |bytes: Vec<u8>| bytes.chunks(4).map(|four| four.try_into().unwrap()).collect::<Vec<[u8; 4]>>();
    let scores = four(array("tokenizer.ggml.scores")).into_iter().map(f32::from_le_bytes).collect();
    let kinds = four(array("tokenizer.ggml.token_type")).into_iter();
    let kinds = kinds.map(|kind| gguf::TokenKind::of(i32::from_le_bytes(kind))).collect();
    gguf::Vocabulary::new(texts, scores, kinds, 3).unwrap()
}

#[test]
fn pictures_are_left_out_and_scales_that_do_not_fit_are_counted() {
    let mut made = Checkpoint::new("language_model.model.", Some(64), 4);
    made.plain("vision_tower.patch", &[4, 4]);
    made.plain("multi_modal_projector.norm", &[4]);
    let scales = made.tensors.get_mut("language_model.model.embed_tokens.scales").unwrap();
    scales.bytes[..2].copy_from_slice(&bf16::from_f32(1.0e-7).to_le_bytes());
    let (report, ..) = imported(&made);
    assert_eq!((report.skipped, report.rounded), (2, 1));
    assert!(report.largest_change > 0.0 && report.largest_change < 6.0e-8);
}

#[test]
fn what_does_not_fit_is_named() {
    type Spoil = fn(&mut Checkpoint, &Path);
    let cases: [(&str, Spoil, &str); 9] = [
        (
            "missing",
            |made, _| drop(made.tensors.remove("model.layers.1.mlp.up_proj.weight")),
            "layers.1.mlp.up_proj is not there",
        ),
        (
            "scales",
            |made, _| drop(made.tensors.remove("model.layers.1.mlp.up_proj.scales")),
            "up_proj.scales is not there",
        ),
        ("shape", |made, _| made.plain("model.layers.0.input_layernorm", &[HIDDEN + 1]), "[64] is expected"),
        ("beyond", |made, _| made.plain("model.layers.2.input_layernorm", &[HIDDEN]), "a layer that config.json"),
        (
            "family",
            |_, folder| fs::write(folder.join("config.json"), "{\"model_type\": \"llama\"}").unwrap(),
            "family \"llama\"",
        ),
        ("no json", |_, folder| fs::write(folder.join("config.json"), "[").unwrap(), "config.json is damaged"),
        (
            "tokens",
            |_, folder| fs::remove_file(folder.join("tokenizer.json")).unwrap(),
            "tokenizer.json cannot be read",
        ),
        (
            "mode",
            |_, folder| {
                let mut config = config();
                config["quantization"] = json!({"mode": "mxfp4", "bits": 4, "group_size": 32});
                fs::write(folder.join("config.json"), config.to_string()).unwrap();
            },
            "mxfp4",
        ),
        (
            "infinite",
            |made, folder| {
                let scales = made.tensors.get_mut("model.embed_tokens.scales").unwrap();
                scales.bytes[..2].copy_from_slice(&bf16::from_f32(1.0e20).to_le_bytes());
                fs::write(folder.join("model.safetensors"), serialize(&made.tensors, None).unwrap()).unwrap();
            },
            "fits no 16-bit float",
        ),
    ];
    for (name, spoil, message) in cases {
        let mut made = Checkpoint::new("model.", Some(64), 4);
        let (folder, target) = folder(&made);
        spoil(&mut made, folder.path());
        let weights = serialize(&made.tensors, None).unwrap();
        fs::write(folder.path().join("model.safetensors"), weights).unwrap();
        let error = import(folder.path(), "tiny", &target, |_, _| {}).unwrap_err().to_string();
        assert!(error.contains(message), "{name}: {error}");
        assert!(!target.exists(), "{name}: nothing is left behind");
    }
}

#[test]
fn broken_headers_are_refused() {
    let made = Checkpoint::new("model.", Some(64), 4);
    let (folder, target) = folder(&made);
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        import(folder.path(), "tiny", &target, |_, _| {}).err()
    };
    for length in [0, 7, 8, 100, header, whole.len() - 1] {
        assert!(matches!(refused(&whole[..length]), Some(ImportError::Damaged { .. })), "cut at {length}");
    }
    for claimed in [u64::MAX, 1 << 40, header as u64, 0] {
        let lying = [&claimed.to_le_bytes()[..], &whole[8..]].concat();
        assert!(matches!(refused(&lying), Some(ImportError::Damaged { .. })), "a header of {claimed} bytes");
    }
    // Whatever the bytes are, it is an answer and not a panic.
    let mut random = Random(3);
    // More for whoever wants to be surer: FUZZ_ROUNDS=100000.
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    for _ in 0..rounds {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.next() % 4 {
            let at = random.next() as usize % header;
            bytes[at] = random.next() as u8;
        }
        let _either = refused(&bytes);
    }
}
