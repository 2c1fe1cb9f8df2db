//! Whether a GGUF file is a model that this engine can speak with, decided from its header alone.

use std::path::Path;

use gguf::{GgufError, Header, KIND_TEXT, TensorInfo, Value};

use crate::{AdapterError, LoadError};

/// Families of models that speak and whose graph llama.cpp builds without further files.
const ARCHITECTURES: [&str; 12] = [
    "gemma", "gemma2", "gemma3", "gemma3n", "gemma4", "llama", "qwen2", "qwen3", "smollm3", "phi3", "mistral3",
    "granite",
];
/// A token count beyond any real vocabulary.
const VOCABULARY_LIMIT: u64 = 2 << 20;
const KIND_I32: u32 = 5;
const KIND_F32: u32 = 6;

/// What the engine needs to know of a model before loading it.
#[derive(Clone, Debug)]
pub(crate) struct ModelHeader {
    pub architecture: String,
    /// Its name for people.
    pub name: String,
    /// Tokens it was trained to hold.
    pub context_length: u32,
    /// Transformer layers.
    pub layers: u32,
    /// Tokens that most layers look back; none where all look back over everything.
    pub window: Option<u32>,
    /// Length of the keys of one attention head.
    pub head_length: u32,
    /// Bytes of all weights.
    pub size: u64,
    tensors: Vec<TensorInfo>,
}

/// Reads and checks a model's header.
pub(crate) fn model(path: &Path) -> Result<ModelHeader, LoadError> {
    let header = Header::open(path).map_err(|error| match error {
        GgufError::Io(source) => LoadError::Unreadable { path: path.to_owned(), source },
        source => LoadError::Damaged { path: path.to_owned(), source },
    })?;
    let unsupported = |reason: String| LoadError::Unsupported { path: path.to_owned(), reason };
    let damaged = |reason: String| LoadError::Damaged { path: path.to_owned(), source: GgufError::Nonsense(reason) };

    if let Some(kind) = header.text("general.type").filter(|kind| *kind != "model") {
        return Err(unsupported(format!("it holds a {kind:?}, and a model is wanted")));
    }
    let architecture =
        header.text("general.architecture").ok_or_else(|| damaged("it does not name its architecture".to_owned()))?;
    if !ARCHITECTURES.contains(&architecture) {
        let known = ARCHITECTURES.join(", ");
        return Err(unsupported(format!("its architecture is {architecture:?}, and one of {known} is wanted")));
    }

    // Each number within bounds that hold for every real model: zero divides, and a huge one allocates.
    let number = |key: &str, limit: u64| {
        let key = format!("{architecture}.{key}");
        let value = header.integer(&key).filter(|value| (1..=limit).contains(value));
        value.ok_or_else(|| damaged(format!("{key} is missing or not within 1 to {limit}")))
    };
    let width = number("embedding_length", 1 << 16)?;
    let layers = number("block_count", 1024)?;
    let context_length = number("context_length", 1 << 26)?;
    for key in ["attention.head_count", "attention.head_count_kv", "feed_forward_length"] {
        // Some models have a value for each layer.
        let full = format!("{architecture}.{key}");
        match header.metadata.get(&full) {
            Some(Value::Array { length, .. }) if *length == layers => {}
            None if key == "attention.head_count_kv" => {}
            _ => {
                number(key, 1 << 20)?;
            }
        }
    }
    for key in ["attention.key_length", "attention.value_length", "rope.dimension_count", "attention.sliding_window"] {
        if header.metadata.contains_key(&format!("{architecture}.{key}")) {
            number(key, 1 << 24)?;
        }
    }

    let head_length = number("attention.key_length", 1 << 16)
        .or_else(|_| number("attention.head_count", 1 << 16).map(|heads| width / heads))
        .unwrap_or(0);

    let tokens = vocabulary(&header).map_err(damaged)?;
    let embedding = header.tensor("token_embd.weight").map(|tensor| tensor.shape);
    if embedding != Some([width, tokens, 1, 1]) {
        return Err(damaged(format!("token_embd.weight is not of the shape [{width}, {tokens}]")));
    }
    let last = format!("blk.{}.", layers - 1);
    if !header.tensors.iter().any(|tensor| tensor.name.starts_with(&last)) {
        return Err(damaged(format!("it claims {layers} layers and does not hold the last")));
    }

    let name =
        header.text("general.name").unwrap_or(architecture).chars().filter(|c| !c.is_control()).take(80).collect();
    let number_u32 = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(ModelHeader {
        name,
        context_length: number_u32(context_length),
        layers: number_u32(layers),
        window: header.integer(&format!("{architecture}.attention.sliding_window")).map(number_u32),
        head_length: number_u32(head_length),
        size: header.tensors.iter().fold(0, |sum, tensor| tensor.size.saturating_add(sum)),
        architecture: architecture.to_owned(),
        tensors: header.tensors,
    })
}

/// Checks the vocabulary's arrays against each other: the number of tokens.
fn vocabulary(header: &Header) -> Result<u64, String> {
    if header.text("tokenizer.ggml.model").is_none() {
        return Err("it holds no tokenizer".to_owned());
    }
    let tokens = match header.array("tokenizer.ggml.tokens") {
        Some((KIND_TEXT, tokens @ 1..=VOCABULARY_LIMIT)) => tokens,
        _ => return Err("its list of tokens is missing or too long".to_owned()),
    };
    // llama.cpp ends the process over these.
    if matches!(header.metadata.get("tokenizer.ggml.tokens"), Some(Value::Array { repeats: true, .. })) {
        return Err("a token is there twice".to_owned());
    }
    for (key, kind) in [("tokenizer.ggml.scores", KIND_F32), ("tokenizer.ggml.token_type", KIND_I32)] {
        if header.metadata.contains_key(key) && header.array(key) != Some((kind, tokens)) {
            return Err(format!("{key} does not have one entry for each of the {tokens} tokens"));
        }
    }
    if header.metadata.contains_key("tokenizer.ggml.merges")
        && !matches!(header.array("tokenizer.ggml.merges"), Some((KIND_TEXT, 0..=VOCABULARY_LIMIT)))
    {
        return Err("its list of merges cannot be".to_owned());
    }
    for (key, value) in &header.metadata {
        let Value::Integer(id) = value else { continue };
        if key.starts_with("tokenizer.ggml.") && key.ends_with("_token_id") && !(0..i128::from(tokens)).contains(id) {
            return Err(format!("{key} is {id}, and there are {tokens} tokens"));
        }
    }
    Ok(tokens)
}

/// Checks that a LoRA file was made for this model.
pub(crate) fn adapter(path: &Path, model: &ModelHeader) -> Result<(), AdapterError> {
    let header = Header::open(path).map_err(|error| match error {
        GgufError::Io(source) => AdapterError::Unreadable { path: path.to_owned(), source },
        source => AdapterError::Damaged { path: path.to_owned(), source },
    })?;
    let mismatch = |reason: String| AdapterError::Mismatch { path: path.to_owned(), reason };
    if header.text("general.type") != Some("adapter") || header.text("adapter.type") != Some("lora") {
        return Err(mismatch("it is no LoRA adapter".to_owned()));
    }
    let architecture = header.text("general.architecture").unwrap_or("nothing");
    if architecture != model.architecture {
        return Err(mismatch(format!("it is for {architecture:?} and the model is {:?}", model.architecture)));
    }
    if header.tensors.is_empty() {
        return Err(mismatch("it is empty".to_owned()));
    }
    if let Some(base) = header.text("general.base_model.0.name")
        && differ(base, &model.name)
    {
        let base: String = base.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(mismatch(format!("it was made for \"{base}\" and the model is \"{}\"", model.name)));
    }
    for tensor in &header.tensors {
        let Some((base, other)) = halves(&tensor.name) else {
            return Err(mismatch(format!("{} is neither the A nor the B of a pair", tensor.name)));
        };
        let Some(weight) = model.tensors.iter().find(|weight| weight.name == base) else {
            return Err(mismatch(format!("the model has no {base}")));
        };
        let Some(partner) = header.tensor(&other) else {
            return Err(mismatch(format!("{} is without its {other}", tensor.name)));
        };
        let (a, b) = if tensor.name.ends_with(".lora_a") { (tensor, partner) } else { (partner, tensor) };
        // llama.cpp keeps A as [inputs, rank] and B as [rank, outputs]; for the embedding table, which is read by
        // row, the two are turned.
        let fits = if base == "token_embd.weight" {
            weight.shape[0] == b.shape[1] && weight.shape[1] == a.shape[1]
        } else {
            weight.shape[0] == a.shape[0] && weight.shape[1] == b.shape[1] && a.shape[1] == b.shape[0]
        };
        if !fits {
            let (a, b, w) = (a.shape, b.shape, weight.shape);
            return Err(mismatch(format!("{base} is {w:?} in the model, and the adapter's parts are {a:?} and {b:?}")));
        }
    }
    Ok(())
}

/// Whether two names mean different models. Who published it, how it is stored and how words are joined do not count:
/// `google/gemma-3-270m`, `gemma-3-270m-q4_k_m` and `Gemma 3 270m` are one.
fn differ(one: &str, other: &str) -> bool {
    let (one, other) = (plain_name(one), plain_name(other));
    // A file that calls itself by its family only may be any of it.
    !one.is_empty() && !other.is_empty() && one != other
}

fn plain_name(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let stored = |word: &&str| {
        let quantised = word.trim_start_matches('i').strip_prefix('q');
        let bits = word.strip_suffix("bit").is_some_and(|bits| bits.parse::<u8>().is_ok());
        !bits
            && !quantised.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            && !matches!(*word, "f16" | "bf16" | "f32" | "gguf")
    };
    // What follows the way of storing belongs to it, as `_k_m` does.
    name.split(|c: char| !c.is_ascii_alphanumeric()).take_while(stored).collect()
}

/// The weight that a LoRA tensor belongs to, and the name of the pair's other half.
fn halves(name: &str) -> Option<(&str, String)> {
    let a = name.strip_suffix(".lora_a").map(|base| (base, format!("{base}.lora_b")));
    a.or_else(|| name.strip_suffix(".lora_b").map(|base| (base, format!("{base}.lora_a"))))
}

#[cfg(test)]
mod tests {
    use super::differ;

    #[test]
    fn a_model_is_known_by_any_of_its_names() {
        for (one, other, expected) in [
            ("Gemma 3 270m", "gemma-3-270m-q4_k_m", false),
            ("google/gemma-3-270m", "Gemma 3 270m", false),
            ("mlx-community/gemma-3-4b-it-4bit", "Gemma 3 4b It", false),
            ("gemma-3-270m-it", "Gemma 3 270m", true),
            ("gemma-3-1b-IQ4_XS", "gemma-3-270m", true),
            ("", "gemma-3-270m", false),
        ] {
            assert_eq!(differ(one, other), expected, "{one} / {other}");
        }
    }
}
