//! The vocabulary: tokens, scores and kinds as llama.cpp reads Gemma's.
//!
//! `tokenizer.json` has merges in the order of their worth; llama.cpp wants a score for each token, and joins the pair
//! whose token has the highest. A token's score is therefore the rank of the first merge that makes it, negated.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use gguf::Writer;
use serde::Deserialize;
use serde_json::Value;

use crate::{ImportError, read_bounded, read_json};

/// Bytes of a tokenizer; Gemma's has 33 million.
const TOKENIZER_AT_MOST: u64 = 128 << 20;
const TEMPLATE_AT_MOST: u64 = 1 << 20;
/// What stands for a space within tokens.
const SPACE: char = '\u{2581}';
/// Below every score that a merge gives.
const NO_SCORE: f32 = -1_000_000.0;

/// What a token is for, by GGUF's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    score: f32,
    kind: Kind,
}

/// A vocabulary of as many tokens as the model has.
#[derive(Debug)]
pub struct Tokenizer {
    tokens: Vec<Token>,
    template: Option<String>,
}

#[derive(Deserialize)]
struct Json {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: HashMap<String, u32>,
    merges: Vec<Merge>,
}

/// Both forms that the format has had.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Joined(String),
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

impl Tokenizer {
    /// Reads `tokenizer.json`, or else `tokenizer.model`, for a model of so many tokens.
    pub fn read(folder: &Path, vocabulary: u64) -> Result<Self, ImportError> {
        let count = usize::try_from(vocabulary).unwrap_or(0);
        let (json, model) = (folder.join("tokenizer.json"), folder.join("tokenizer.model"));
        let found = if json.is_file() || !model.is_file() {
            from_json(&json, count)?
        } else {
            let damaged =
                || ImportError::Damaged { path: model.clone(), reason: "it is no SentencePiece model".into() };
            from_sentencepiece(&read_bounded(&model, TOKENIZER_AT_MOST)?, count).ok_or_else(damaged)?
        };
        // A model may have rows to spare.
        let spare = |id| Token { text: format!("[PAD{id}]"), score: NO_SCORE, kind: Kind::Unused };
        let tokens: Vec<Token> =
            found.into_iter().enumerate().map(|(id, token)| token.unwrap_or_else(|| spare(id))).collect();
        let mut seen = HashSet::with_capacity(tokens.len());
        if let Some(twice) = tokens.iter().find(|token| !seen.insert(token.text.as_str())) {
            let text: String = twice.text.chars().take(40).collect();
            return Err(ImportError::Unsupported(format!("its vocabulary has the token {text:?} twice")));
        }
        let tokenizer = Self { tokens, template: template(folder)? };
        for needed in ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"] {
            if tokenizer.id(needed).is_none() {
                return Err(ImportError::Unsupported(format!("its vocabulary lacks {needed}, so it is not Gemma's")));
            }
        }
        Ok(tokenizer)
    }

    fn id(&self, text: &str) -> Option<u32> {
        let id = self.tokens.iter().position(|token| token.text == text)?;
        u32::try_from(id).ok()
    }

    /// Writes GGUF's keys.
    pub fn describe(&self, writer: &mut Writer) {
        writer.text("tokenizer.ggml.model", "llama").text("tokenizer.ggml.pre", "default");
        writer.texts("tokenizer.ggml.tokens", self.tokens.iter().map(|token| token.text.as_str()));
        writer.f32s("tokenizer.ggml.scores", self.tokens.iter().map(|token| token.score));
        writer.i32s("tokenizer.ggml.token_type", self.tokens.iter().map(|token| token.kind as i32));
        for (key, text) in [
            ("bos_token_id", "<bos>"),
            ("eos_token_id", "<eos>"),
            ("unknown_token_id", "<unk>"),
            ("padding_token_id", "<pad>"),
            ("eot_token_id", "<end_of_turn>"),
        ] {
            if let Some(id) = self.id(text) {
                writer.u32(&format!("tokenizer.ggml.{key}"), id);
            }
        }
        writer.bool("tokenizer.ggml.add_bos_token", true).bool("tokenizer.ggml.add_eos_token", false);
        writer.bool("tokenizer.ggml.add_space_prefix", false);
        if let Some(template) = &self.template {
            writer.text("tokenizer.chat_template", template);
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "ranks are below 2^24")]
fn from_json(path: &Path, count: usize) -> Result<Vec<Option<Token>>, ImportError> {
    let json: Json = read_json(path, TOKENIZER_AT_MOST)?;
    if json.model.kind.as_deref().is_some_and(|kind| kind != "BPE") {
        return Err(ImportError::Unsupported("its tokenizer does not merge pairs (BPE)".to_owned()));
    }
    let mut ranks: HashMap<String, usize> = HashMap::with_capacity(json.model.merges.len());
    for merge in json.model.merges {
        let made = match merge {
            Merge::Pair(left, right) => left + &right,
            Merge::Joined(pair) => pair.replacen(' ', "", 1),
        };
        let next = ranks.len();
        ranks.entry(made).or_insert(next);
    }
    let mut tokens = vec![None; count];
    for (text, id) in json.model.vocab {
        let score = ranks.get(&text).map_or(NO_SCORE, |rank| -(*rank as f32));
        let token = match (is_byte(&text), text.as_str()) {
            (true, _) => Token { text, score: 0.0, kind: Kind::Byte },
            (_, "<unk>") => Token { text, score: NO_SCORE, kind: Kind::Unknown },
            _ => Token { text, score, kind: Kind::Normal },
        };
        if let Some(slot) = tokens.get_mut(id as usize) {
            *slot = Some(token);
        }
    }
    for added in json.added_tokens {
        let control = added.special || looks_special(&added.content);
        // Runs of spaces are matched in the text itself, where spaces are spaces.
        let text = if control { added.content } else { added.content.replace(SPACE, " ") };
        let kind = if control { Kind::Control } else { Kind::UserDefined };
        if let Some(slot) = tokens.get_mut(added.id as usize) {
            *slot = Some(Token { text, score: -1_000.0, kind });
        }
    }
    Ok(tokens)
}

fn is_byte(text: &str) -> bool {
    let hex = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    hex.is_some_and(|hex| hex.len() == 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Marks that no text is to be read as, though the file does not say so.
fn looks_special(text: &str) -> bool {
    matches!(text, "<pad>" | "<mask>" | "<2mass>" | "[@BOS@]")
        || text.strip_prefix("<unused").and_then(|rest| rest.strip_suffix('>')).is_some()
}

/// The pieces of a SentencePiece model: field 1 of its message, each with a text (1), a score (2) and a kind (3).
fn from_sentencepiece(bytes: &[u8], count: usize) -> Option<Vec<Option<Token>>> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (field, value) = field(&mut rest)?;
        let Field::Bytes(mut piece) = value else { continue };
        if field != 1 {
            continue;
        }
        let mut token = Token { text: String::new(), score: 0.0, kind: Kind::Normal };
        while !piece.is_empty() {
            match self::field(&mut piece)? {
                (1, Field::Bytes(text)) => token.text = std::str::from_utf8(text).ok()?.to_owned(),
                (2, Field::Four(score)) => token.score = f32::from_le_bytes(score),
                (3, Field::Number(kind)) => {
                    token.kind = match kind {
                        2 => Kind::Unknown,
                        3 => Kind::Control,
                        4 => Kind::UserDefined,
                        5 => Kind::Unused,
                        6 => Kind::Byte,
                        _ => Kind::Normal,
                    };
                }
                _ => {}
            }
        }
        if token.kind == Kind::UserDefined {
            if looks_special(&token.text) {
                token.kind = Kind::Control;
            } else {
                token.text = token.text.replace(SPACE, " ");
            }
        }
        pieces.push(Some(token));
    }
    pieces.resize(count, None);
    Some(pieces)
}

/// A value of a protocol buffer.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Four([u8; 4]),
    Eight,
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Field::Number(varint(rest)?),
        1 => {
            rest.split_off(..8)?;
            Field::Eight
        }
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Field::Bytes(rest.split_off(..length)?)
        }
        5 => Field::Four(rest.split_off(..4)?.try_into().ok()?),
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

/// The chat template, wherever the checkpoint has it.
fn template(folder: &Path) -> Result<Option<String>, ImportError> {
    let own = folder.join("chat_template.jinja");
    if own.is_file() {
        let text = String::from_utf8(read_bounded(&own, TEMPLATE_AT_MOST)?);
        return Ok(text.ok());
    }
    for name in ["tokenizer_config.json", "chat_template.json"] {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        let json: Value = read_json(&path, TOKENIZER_AT_MOST)?;
        let found = match json.get("chat_template") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Array(list)) => list
                .iter()
                .find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"))
                .and_then(|entry| Some(entry.get("template")?.as_str()?.to_owned())),
            _ => None,
        };
        if let Some(text) = found.filter(|text| text.len() as u64 <= TEMPLATE_AT_MOST) {
            return Ok(Some(text));
        }
    }
    Ok(None)
}
