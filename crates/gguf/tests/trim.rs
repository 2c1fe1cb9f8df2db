//! Trimming, on a tiny model made here and on the default model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{fs, path::PathBuf};

use gguf::{Header, Selection, TokenKind, TrimError, Vocabulary, Writer, trim};
use models::{Cache, Fetch};

/// Numbers of ggml's element types.
const F32: u32 = 0;
const Q5_0: u32 = 6;
const Q8_0: u32 = 8;

/// A model of two numbers a token whose rows tell which token they are.
fn tiny(path: &std::path::Path, tokens: &[(&str, f32, i32)]) {
    let mut writer = Writer::new();
    writer.text("general.architecture", "gemma3").text("tokenizer.ggml.model", "llama");
    writer.texts("tokenizer.ggml.tokens", tokens.iter().map(|t| t.0));
    writer.f32s("tokenizer.ggml.scores", tokens.iter().map(|t| t.1));
    writer.i32s("tokenizer.ggml.token_type", tokens.iter().map(|t| t.2));
    writer.u32("tokenizer.ggml.eos_token_id", 1).u32("gemma3.vocab_size", tokens.len() as u32);
    writer.tensor("token_embd.weight", [2, tokens.len() as u64, 1, 1], F32).unwrap();
    writer.tensor("output_norm.weight", [3, 1, 1, 1], F32).unwrap();
    writer.tensor("blk.0.attn_q.weight", [32, 2, 1, 1], Q5_0).unwrap();
    let written = writer.write(path, |tensor, out| {
        (0..tensor.size.div_ceil(4)).try_for_each(|i| out.write_all(&(i as f32).to_le_bytes()))
    });
    written.unwrap();
}

#[test]
fn rows_and_ids_follow_the_tokens_that_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (dir.path().join("a.gguf"), dir.path().join("b.gguf"));
    // "abc" is reached through "ab"; "bc" is better scored than nothing and on no kept path.
    let tokens = [
        ("<unused0>", 0.0, 3),
        ("</s>", 0.0, 3),
        ("<0x41>", 0.0, 6),
        ("xyz", -9.0, 1),
        ("bc", -5.0, 1),
        ("ab", -1.0, 1),
        ("abc", -2.0, 1),
        ("a", -7.0, 1),
    ];
    tiny(&source, &tokens);
    let selection = Selection { tokens: vec!["abc".into(), "unknown".into()], texts: vec![] };
    let report = trim(&source, &target, &selection).unwrap();
    assert_eq!((report.tokens_before, report.tokens_after), (8, 5));

    let header = Header::open(&target).unwrap();
    assert_eq!(header.integer("tokenizer.ggml.eos_token_id"), Some(0));
    assert_eq!(header.integer("gemma3.vocab_size"), Some(5));
    let vocabulary = Vocabulary::open(&target).unwrap();
    let kept: Vec<&str> = (0..5).filter_map(|id| vocabulary.token(id)).collect();
    assert_eq!(kept, ["</s>", "<0x41>", "ab", "abc", "a"]);
    assert_eq!(vocabulary.kind(1), Some(TokenKind::Byte));
    assert_eq!(vocabulary.encode("abca"), [3, 4]);

    let bytes = fs::read(&target).unwrap();
    let table = header.tensor("token_embd.weight").unwrap();
    assert_eq!(table.shape, [2, 5, 1, 1]);
    let start = (header.data_offset + table.offset) as usize;
    let row = |i: usize| f32::from_le_bytes(bytes[start + i * 8..start + i * 8 + 4].try_into().unwrap());
    assert_eq!([0, 1, 2, 3, 4].map(row), [2.0, 4.0, 10.0, 12.0, 14.0]);
    let norm = header.tensor("output_norm.weight").unwrap();
    let start = (header.data_offset + norm.offset) as usize;
    assert_eq!(bytes[start + 8..start + 12], 2.0_f32.to_le_bytes());
    let wide = header.tensor("blk.0.attn_q.weight").unwrap();
    assert_eq!((wide.kind, wide.shape, wide.size), (Q8_0, [32, 2, 1, 1], 68));
}

#[test]
fn what_cannot_be_trimmed_is_refused_and_nothing_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (dir.path().join("a.gguf"), dir.path().join("b.gguf"));
    let mut writer = Writer::new();
    writer.text("general.architecture", "gemma3").text("tokenizer.ggml.model", "gpt2");
    writer.write(&source, |_, _| Ok(())).unwrap();
    assert!(matches!(trim(&source, &target, &Selection::default()), Err(TrimError::Unsupported { .. })));
    tiny(&source, &[("</s>", 0.0, 3), ("a", 0.0, 1)]);
    let whole = fs::read(&source).unwrap();
    fs::write(&source, &whole[..whole.len() - 40]).unwrap();
    assert!(matches!(trim(&source, &target, &Selection::default()), Err(TrimError::Damaged { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// The default model, fetched if it is not there.
fn gemma() -> PathBuf {
    let root = std::env::var_os("GEMMA_BURGER_CACHE").map(Into::into).or_else(models::default_cache_dir);
    let name = "gemma-3-270m".parse().unwrap();
    let files = models::fetch(&name, &Cache::new(root.unwrap()), &Fetch::default(), &mut models::Silent);
    files.unwrap().gguf().unwrap().to_owned()
}

fn resource(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../resources").join(name)).unwrap()
}

#[test]
fn the_default_model_reads_the_product_s_texts_as_before_and_spells_what_is_foreign() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (gemma(), dir.path().join("b.gguf"));
    let text = resource("fine_tuning/train.jsonl");
    let tokens = resource("vocabulary/english.txt").lines().map(str::to_owned).collect();
    let report = trim(&source, &target, &Selection { tokens, texts: vec![text.clone()] }).unwrap();
    assert!(report.tokens_after < 60_000 && report.bytes_after * 9 < report.bytes_before * 5, "{report:?}");

    let (before, after) = (Vocabulary::open(&source).unwrap(), Vocabulary::open(&target).unwrap());
    let spell = |vocabulary: &Vocabulary, text: &str| -> Vec<String> {
        vocabulary.encode(text).into_iter().map(|id| vocabulary.token(id).unwrap().to_owned()).collect()
    };
    assert_eq!(spell(&before, &text), spell(&after, &text));
    // Pieces that are gone are spelt with shorter ones, in the end with bytes.
    for foreign in ["김치찌개 주세요", "🍔🍟", "Zwiebelkuchen", "crème brûlée"] {
        let bytes: Vec<u8> = after.encode(foreign).into_iter().flat_map(|id| bytes_of(&after, id)).collect();
        assert_eq!(String::from_utf8(bytes).unwrap(), foreign);
    }
}

fn bytes_of(vocabulary: &Vocabulary, id: u32) -> Vec<u8> {
    let token = vocabulary.token(id).unwrap();
    if vocabulary.kind(id) == Some(TokenKind::Byte) {
        return vec![u8::from_str_radix(&token[3..5], 16).unwrap()];
    }
    token.replace('\u{2581}', " ").into_bytes()
}
