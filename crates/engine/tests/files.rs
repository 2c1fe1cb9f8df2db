//! Files that are no models, and adapters that fit and don't.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use common::{PREAMBLE, ask, config, load, model, next, read, request};
use concierge::{
    intent::AgentName,
    ports::{Engine, EngineError, GenerationEvent},
};
use engine::{AdapterError, EngineConfig, Gemma, LoadError};

fn small(path: &Path) -> EngineConfig {
    EngineConfig { model: path.to_owned(), context_tokens: 256, state_tokens: 256, slots: 1, ..config() }
}

/// Loads a file that must be refused: within five seconds, and with its name.
fn refused(path: &Path) -> LoadError {
    let begin = Instant::now();
    let error = Gemma::load(small(path)).err().unwrap_or_else(|| panic!("{} was accepted", path.display()));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?} for {}", begin.elapsed(), path.display());
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(error.to_string().contains(name), "{error}");
    error
}

#[test]
fn files_that_are_no_models_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(model("smollm2-135m")).unwrap();

    assert!(matches!(refused(&folder.path().join("missing.gguf")), LoadError::Unreadable { .. }));
    assert!(matches!(refused(folder.path()), LoadError::Damaged { .. } | LoadError::Unreadable { .. }));
    assert!(matches!(refused(&file("empty.gguf", b"")), LoadError::Damaged { .. }));
    assert!(matches!(
        refused(&file("page.gguf", b"<!doctype html><title>Not found</title>")),
        LoadError::Damaged { .. }
    ));
    let safetensors =
        [&64_u64.to_le_bytes()[..], br#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}          "#].concat();
    assert!(matches!(refused(&file("weights.safetensors", &safetensors)), LoadError::Damaged { .. }));
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(matches!(refused(&file("noise.gguf", &noise)), LoadError::Damaged { .. }));
    assert!(matches!(
        refused(&file("noise2.gguf", &[b"GGUF\x03\0\0\0", &noise[..]].concat())),
        LoadError::Damaged { .. }
    ));
    for length in [3, 4, 8, 20, 24, 100, 5000, 1_000_000, 3_000_000, whole.len() / 2, whole.len() - 1] {
        assert!(matches!(refused(&file("cut.gguf", &whole[..length])), LoadError::Damaged { .. }), "cut at {length}");
    }
    let renamed = |from: &[u8], to: &[u8]| {
        let mut bytes = whole.clone();
        let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
        bytes[place..place + to.len()].copy_from_slice(to);
        file("renamed.gguf", &bytes)
    };
    assert!(matches!(refused(&renamed(b"llama", b"lamma")), LoadError::Unsupported { .. }));
    assert!(matches!(refused(&renamed(b"model", b"modem")), LoadError::Unsupported { .. }));
    assert!(matches!(refused(&renamed(b"token_embd", b"token_emb_")), LoadError::Damaged { .. }));
}

#[test]
fn no_flipped_bit_of_a_header_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.gguf");
    fs::copy(model("smollm2-135m"), &path).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let mut accepted = 0;
    // The counts and keys at the beginning, then steps through the vocabulary and the tensors.
    let header = 1_780_000_u64;
    let places = (0..1700).step_by(31).chain((2000..header).step_by(60_013));
    for place in places {
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        file.write_all_at(&[byte[0] ^ (1 << (place % 8))], place).unwrap();
        match Gemma::load(small(&path)) {
            // A letter of a name or a token may be another.
            Ok(gemma) => {
                accepted += 1;
                drop(gemma);
            }
            Err(error) => assert!(error.to_string().contains("flipped.gguf"), "{error}"),
        }
        file.write_all_at(&byte, place).unwrap();
    }
    assert!(accepted < 80, "{accepted} were accepted");
    drop(load(small(&path)));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong = |change: &dyn Fn(&mut EngineConfig), name: &str| {
        let mut config = small(&model("smollm2-135m"));
        change(&mut config);
        let error = Gemma::load(config).err().unwrap();
        assert!(matches!(&error, LoadError::Setting { setting, .. } if *setting == name), "{error}");
    };
    wrong(&|config| config.slots = 0, "slots");
    wrong(&|config| config.context_tokens = 3, "context_tokens");
    wrong(&|config| config.state_tokens = 100, "state_tokens");
    wrong(&|config| config.kept_conversations = 1000, "kept_conversations");
    wrong(&|config| config.chunk_busy = 0, "chunk_busy");
}

/// A LoRA file of rank 4 for weights of the given names, inputs and outputs.
fn adapter(folder: &Path, name: &str, architecture: &str, weights: &[(String, u64, u64)], strength: f32) -> PathBuf {
    let mut tensors = Vec::new();
    for (weight, inputs, outputs) in weights {
        tensors.push((format!("{weight}.lora_a"), [*inputs, 4]));
        tensors.push((format!("{weight}.lora_b"), [4, *outputs]));
    }
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut bytes = [&b"GGUF\x03\0\0\0"[..], &(tensors.len() as u64).to_le_bytes(), &5_u64.to_le_bytes()].concat();
    // A file of another model is called after it.
    let base = if name.starts_with("gemma-3-") { name.trim_end_matches(".gguf") } else { "Gemma 3 270m" };
    for (key, value) in [
        ("general.type", "adapter"),
        ("general.architecture", architecture),
        ("general.base_model.0.name", base),
        ("adapter.type", "lora"),
    ] {
        bytes.extend([text(key), 8_u32.to_le_bytes().to_vec(), text(value)].concat());
    }
    bytes.extend([text("adapter.lora.alpha"), 6_u32.to_le_bytes().to_vec(), 4.0_f32.to_le_bytes().to_vec()].concat());
    let mut data: Vec<u8> = Vec::new();
    for (name, shape) in &tensors {
        bytes.extend([text(name), 2_u32.to_le_bytes().to_vec()].concat());
        bytes.extend(shape.iter().flat_map(|length| length.to_le_bytes()));
        bytes.extend([&0_u32.to_le_bytes()[..], &(data.len() as u64).to_le_bytes()].concat());
        let noise = |i: u64| ((i.wrapping_mul(2_654_435_761) >> 7) % 1000) as f32 / 500.0 - 1.0;
        data.extend((0..shape[0] * shape[1]).flat_map(|i| (noise(i + 1) * strength).to_le_bytes()));
        data.resize(data.len().next_multiple_of(32), 0);
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    let path = folder.join(name);
    File::create(&path).unwrap().write_all(&[bytes, data].concat()).unwrap();
    path
}

fn queries(layers: u64) -> Vec<(String, u64, u64)> {
    (0..layers).map(|layer| (format!("blk.{layer}.attn_q.weight"), 640, 1024)).collect()
}

#[test]
fn adapters_speak_for_their_agent_only_and_are_changed_while_serving() {
    let folder = tempfile::tempdir().unwrap();
    let gemma = load(config());
    let with = |adapter: Option<AgentName>, tokens: u32| {
        let mut request = request(PREAMBLE, &["What does the soup cost?"], tokens);
        request.adapter = adapter;
        request
    };
    let rosy = Some(AgentName::Rosy);
    assert!(matches!(gemma.start(with(rosy, 8)).map(|_| ()), Err(EngineError::Invalid(_))));
    let (plain, _) = ask(&gemma, with(None, 3));

    // Noise strong enough to change what is said. What the untrained model says then soon hangs by a hair, so only its
    // first words are compared.
    let last = [("blk.17.ffn_down.weight".to_owned(), 2048, 640)];
    let strong = adapter(folder.path(), "rosy.gguf", "gemma3", &last, 30.0);
    gemma.load_adapter(AgentName::Rosy, &strong).unwrap();
    let (tuned, _) = ask(&gemma, with(rosy, 3));
    assert_ne!(plain, tuned, "the adapter did nothing");
    let both = [gemma.start(with(rosy, 3)).unwrap(), gemma.start(with(None, 3)).unwrap()];
    let both = both.map(|reply| read(reply).unwrap().0);
    assert_eq!(both, [tuned.clone(), plain.clone()]);

    // An adapter of nothing takes its place while a reply runs: that one ends as it began.
    let nothing = adapter(folder.path(), "nothing.gguf", "gemma3", &queries(2), 0.0);
    let mut running = gemma.start(with(rosy, 24)).unwrap();
    let Some(GenerationEvent::Read(_)) = next(&mut running) else { panic!("no prompt") };
    gemma.load_adapter(AgentName::Rosy, &nothing).unwrap();
    let text = read(running).unwrap().0;
    assert!(text.starts_with(&tuned), "{text}");
    assert_eq!(ask(&gemma, with(rosy, 3)).0, plain);
    gemma.unload_adapter(AgentName::Rosy).unwrap();
    assert!(matches!(gemma.start(with(rosy, 8)).map(|_| ()), Err(EngineError::Invalid(_))));

    let mismatch = |path: &Path, word: &str| {
        let error = gemma.load_adapter(AgentName::Gordon, path).unwrap_err();
        assert!(matches!(error, AdapterError::Mismatch { .. }) && error.to_string().contains(word), "{error}");
    };
    mismatch(&adapter(folder.path(), "gemma-3-1b.gguf", "gemma3", &queries(1), 0.1), "it was made for \"gemma-3-1b\"");
    mismatch(&adapter(folder.path(), "other.gguf", "llama", &queries(1), 0.1), "llama");
    let shape = [("blk.0.attn_q.weight".to_owned(), 640, 512)];
    mismatch(&adapter(folder.path(), "shape.gguf", "gemma3", &shape, 0.1), "blk.0.attn_q.weight");
    mismatch(&adapter(folder.path(), "layer.gguf", "gemma3", &queries(19), 0.1), "blk.18.attn_q.weight");
    mismatch(&adapter(folder.path(), "empty.gguf", "gemma3", &[], 0.1), "empty");
    mismatch(&model("gemma-3-270m"), "LoRA");
    fs::write(folder.path().join("cut.gguf"), &fs::read(&strong).unwrap()[..5000]).unwrap();
    let damaged = gemma.load_adapter(AgentName::Gordon, &folder.path().join("cut.gguf"));
    assert!(matches!(damaged, Err(AdapterError::Damaged { .. })));
    assert!(matches!(
        gemma.load_adapter(AgentName::Gordon, Path::new("/no/such")),
        Err(AdapterError::Unreadable { .. })
    ));
    assert_eq!(ask(&gemma, with(None, 3)).0, plain);
}
