//! Held against llama.cpp, which runs the product: tokens, logits, and a trained adapter at run time.
//!
//! The weights are fetched if they are not there. Half of the texts are enough to see a difference; all of them, more
//! than 500 tokens, give the published figures:
//! `WHOLE=1 cargo test --release --workspace --test llama -- --nocapture`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, whose figures are published"
)]

use candle_core::quantized::gguf_file::{Content, Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tuner::{Adapter, Base, Gemma, Packed, Precision, RunLength, TrainConfig, load_adapter, save_gguf, train};

const TEXTS: [&str; 4] = [
    "The harbour was quiet when the ferry came in. Two men in yellow coats threw the ropes over the iron \
     posts and waited for the engine to stop. A woman with a bicycle was the first to walk down the ramp; \
     she nodded to the men, looked up at the clock over the ticket office, and pushed her bicycle up the \
     narrow street that leads to the market. It was half past six, and the bakers had already lit their \
     windows. She had promised her brother to be at the station before seven, because the train to the \
     north leaves only once a day in winter, and he had forgotten the letter that he was to take along.",
    "To repair a bicycle tyre, first take the wheel out of the frame and press the tyre together on both \
     sides, so that it comes loose from the rim. Use two flat levers to lift one edge over the rim, then \
     pull out the tube. Pump it up a little and hold it under water: where bubbles rise, there is the hole. \
     Dry the place, roughen it with sandpaper, spread a thin layer of glue and wait about five minutes \
     before you press the patch on. Before you put the tube back, feel along the inside of the tyre with \
     your fingers, for the nail or the piece of glass that made the hole may still be there.",
    "Water boils at a lower temperature on a mountain than at the sea, because the air presses less upon \
     it. At three thousand metres it boils at about ninety degrees. Tea made there tastes weak, and beans \
     take much longer to become soft. That is why people who live high up often cook with a closed pot: \
     the steam cannot escape, the pressure rises, and with it the temperature. The same idea is used in \
     hospitals, where instruments are kept in hot steam under pressure until nothing on them is alive.",
    "In the year 1874 a group of painters whom the official exhibition in Paris had refused rented the \
     rooms of a photographer and showed their pictures there. Most visitors came to laugh. A critic took \
     the title of one of the pictures, a view of a harbour in the morning mist, and made a word of mockery \
     out of it; the painters liked the word and kept it. Within twenty years their pictures hung in the \
     museums of the whole world, and the names of those who had refused them were forgotten. One of them, an \
     old man by then and almost blind, went on painting the pond in his garden, the same water and the same \
     lilies at every hour of the day.",
];

const AWKWARD: [&str; 9] = [
    "<start_of_turn>user\nTwo of those, please!<end_of_turn>\n<start_of_turn>model\n",
    "  two  spaces   three    four\ttab\t\ttabs \n \n\n lines\n\n\n\nend ",
    "$12.99, 3×4=12; 100% “quoted” — and naïve café façade, Ærø, Łódź",
    "汉字 かな カタカナ 한국어 العربية עברית हिन्दी ไทย 🍔🍟🥤👨‍👩‍👧‍👦 🇩🇰",
    "fn main() { println!(\"{}\", x_1 + y2); } // <b>bold</b> <|x|> </s>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa iiiiiiiiiii ......... ------- ======= ________",
    "<bos><eos><unk><pad>[multimodal]<unused42><start_of_turn><end_of_turn",
    "e\u{301}\u{200d}\u{feff}\u{0}\u{1}\u{7f}▁under▁score",
    "I'd like what they're having; we'll see, don't you think? CAPITALS and CamelCaseWords2024",
];

/// The default model, fetched if it is not there.
fn weights() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let root = std::env::var_os("GEMMA_BURGER_CACHE").map(Into::into).or_else(models::default_cache_dir);
        let cache = models::Cache::new(root.unwrap());
        let wanted = "gemma-3-270m".parse().unwrap();
        models::fetch(&wanted, &cache, &models::Fetch::default(), &mut models::Silent)
            .unwrap()
            .gguf()
            .unwrap()
            .to_owned()
    });
    path.clone()
}

/// Whether everything is compared.
fn whole() -> bool {
    std::env::var_os("WHOLE").is_some()
}

/// What is compared: all texts, or the two shorter ones.
fn texts() -> &'static [&'static str] {
    if whole() { &TEXTS } else { &TEXTS[2..] }
}

fn backend() -> &'static LlamaBackend {
    static BACKEND: OnceLock<LlamaBackend> = OnceLock::new();
    BACKEND.get_or_init(|| LlamaBackend::init().unwrap())
}

fn llama(path: &Path) -> LlamaModel {
    LlamaModel::load_from_file(backend(), path, &LlamaModelParams::default()).unwrap()
}

/// The same weights, every tensor expanded to f32: on these llama.cpp calculates in f32 as we do, where
/// on quantised ones it also rounds the activations to eight bits.
fn expanded(dir: &Path) -> PathBuf {
    let mut file = BufReader::new(File::open(weights()).unwrap());
    let content = Content::read(&mut file).unwrap();
    let tensors: Vec<(&str, QTensor)> = content
        .tensor_infos
        .keys()
        .map(|name| {
            let tensor = content.tensor(&mut file, name, &Device::Cpu).unwrap();
            let values = tensor.dequantize(&Device::Cpu).unwrap();
            (name.as_str(), QTensor::quantize(&values, GgmlDType::F32).unwrap())
        })
        .collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, t)| (*name, t)).collect();
    let metadata: Vec<(&str, &Value)> = content.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let path = dir.join("expanded.gguf");
    write(&mut BufWriter::new(File::create(&path).unwrap()), &metadata, &tensors).unwrap();
    path
}

fn context(model: &LlamaModel) -> LlamaContext<'_> {
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(512))
        .with_n_batch(512)
        .with_n_ubatch(512)
        .with_n_threads_batch(2);
    model.new_context(backend(), params).unwrap()
}

/// llama.cpp's logits after every token, one token list as one sequence of a fresh context.
fn llama_logits(context: &mut LlamaContext<'_>, tokens: &[u32]) -> Vec<Vec<f32>> {
    context.clear_kv_cache();
    let mut batch = LlamaBatch::new(tokens.len(), 1);
    for (i, &token) in tokens.iter().enumerate() {
        batch.add(LlamaToken(token as i32), i as i32, &[0], true).unwrap();
    }
    context.decode(&mut batch).unwrap();
    (0..tokens.len()).map(|i| context.get_logits_ith(i as i32).to_vec()).collect()
}

/// Ours after every token but the last, which has nothing to predict in a training batch.
fn our_logits(model: &Gemma, tokens: &[u32], adapter: Option<&Adapter>) -> Vec<Vec<f32>> {
    let mut batch = Packed::default();
    batch.push(tokens, 1);
    let logits: Tensor = model.logits(&batch, adapter).unwrap();
    logits.to_vec2().unwrap()
}

fn top(logits: &[f32]) -> usize {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap()
}

struct Agreement {
    tokens: usize,
    equal: usize,
    /// Among the unequal, llama.cpp's own lead of its choice over ours, at most.
    widest: f32,
    /// Mean distance of log probabilities of llama.cpp's choice.
    apart: f64,
}

fn agreement(ours: &[Vec<f32>], theirs: &[Vec<f32>]) -> Agreement {
    let mut found = Agreement { tokens: 0, equal: 0, widest: 0.0, apart: 0.0 };
    let log_p = |logits: &[f32], at: usize| {
        let shift = logits[top(logits)];
        let sum: f64 = logits.iter().map(|l| f64::from(l - shift).exp()).sum();
        f64::from(logits[at] - shift) - sum.ln()
    };
    for (ours, theirs) in ours.iter().zip(theirs) {
        let (a, b) = (top(ours), top(theirs));
        found.tokens += 1;
        found.apart += (log_p(ours, b) - log_p(theirs, b)).abs();
        if a == b {
            found.equal += 1;
        } else {
            found.widest = found.widest.max(theirs[b] - theirs[a]);
        }
    }
    found.apart /= found.tokens as f64;
    found
}

fn compare(model: &Gemma, adapter: Option<&Adapter>, context: &mut LlamaContext<'_>, base: &Base) -> Agreement {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for text in texts() {
        let mut tokens = vec![base.tokenizer().bos()];
        tokens.extend(base.tokenizer().encode(text).unwrap());
        ours.extend(our_logits(model, &tokens, adapter));
        tokens.pop();
        theirs.extend(llama_logits(context, &tokens));
    }
    assert_eq!(ours.len(), theirs.len());
    let found = agreement(&ours, &theirs);
    println!(
        "{} of {} tokens have the same first choice; others differ by at most {:.3} in llama.cpp's logits; \
         log probabilities differ by {:.4} on average",
        found.equal, found.tokens, found.widest, found.apart
    );
    found
}

#[test]
fn tokens_are_llama_cpps() {
    let (llama, base) = (llama(&weights()), Base::open(&weights()).unwrap());
    let mut checked = 0;
    for text in TEXTS.into_iter().chain(AWKWARD) {
        let ours = base.tokenizer().encode(text).unwrap();
        let theirs = llama.vocab().tokenize(text.as_bytes(), false, true);
        let theirs: Vec<u32> = theirs.into_iter().map(|token| token.0 as u32).collect();
        assert_eq!(ours, theirs, "{text}");
        checked += ours.len();
    }
    println!("{checked} tokens equal");
}

#[test]
fn first_choices_are_llama_cpps() {
    let dir = tempfile::tempdir().unwrap();
    let mut base = Base::open(&weights()).unwrap();
    let model = Gemma::load(&mut base, &Device::Cpu).unwrap();
    let quantised = compare(&model, None, &mut context(&llama(&weights())), &base);
    let exact = compare(&model, None, &mut context(&llama(&expanded(dir.path()))), &base);
    assert!(exact.tokens >= if whole() { 500 } else { 200 });
    assert!(exact.equal * 100 >= exact.tokens * 99);
    // Where eight-bit activations choose otherwise, the two were all but equal.
    assert!(quantised.equal * 100 >= quantised.tokens * 93 && quantised.widest < 0.5);
}

#[test]
fn a_trained_adapter_changes_llama_cpp_as_it_changes_us() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("train.jsonl");
    let lines: String = texts()
        .iter()
        .map(|text| {
            let (prompt, reply) = text.split_at(text.find(". ").unwrap() + 1);
            serde_json::json!({"prompt": prompt, "reply": reply}).to_string() + "\n"
        })
        .collect();
    std::fs::write(&data, lines).unwrap();
    let mut config = TrainConfig::new(weights(), data, dir.path().join("out"));
    config.length = RunLength::Steps(if whole() { 6 } else { 4 });
    config.batch_size = 2;
    config.warmup = 1;
    config.learning_rate = 1e-3;
    train(&config, &mut ()).unwrap();

    let adapter = load_adapter(&config.out).unwrap();
    let path = dir.path().join("adapter.gguf");
    save_gguf(&adapter, &path, Precision::F16).unwrap();
    let mut base = Base::open(&weights()).unwrap();
    adapter.check(base.shape()).unwrap();
    let model = Gemma::load(&mut base, &Device::Cpu).unwrap();
    let mut llama = llama(&expanded(dir.path()));
    let mut lora = llama.lora_adapter_init(&path).unwrap();
    let mut context = context(&llama);
    let untuned = compare(&model, Some(&adapter), &mut context, &base);
    context.lora_adapter_set(&mut lora, 1.0).unwrap();
    let tuned = compare(&model, Some(&adapter), &mut context, &base);
    // It must do something, and the same in both.
    assert!(untuned.equal * 100 < untuned.tokens * 90);
    assert!(tuned.equal * 100 >= tuned.tokens * 99);
    assert!(tuned.apart < untuned.apart / 4.0);
}
