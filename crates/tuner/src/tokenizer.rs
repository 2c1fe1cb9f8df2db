//! Text to tokens, exactly as the engine does it at run time.
//!
//! A GGUF file carries its vocabulary with a score an entry. Text is first cut at control and
//! user-defined tokens (longest first), then single characters are joined, the best-scored pair first,
//! until no pair is in the vocabulary; characters that are not in it become byte tokens.

use crate::error::TrainError;
use candle_core::quantized::gguf_file::{Content, Value};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::path::Path;

/// What stands for a space inside vocabulary entries.
const SPACE: &str = "\u{2581}";

/// Turns text into the token ids of one model.
pub struct Tokenizer {
    encoder: Encoder,
    bos: u32,
    end_of_turn: u32,
}

enum Encoder {
    Pieces(Box<Pieces>),
    HuggingFace(Box<tokenizers::Tokenizer>),
}

struct Pieces {
    ids: HashMap<String, u32>,
    scores: Vec<f32>,
    /// Control and user-defined tokens, the longest first.
    special: Vec<(String, u32)>,
    bytes: [Option<u32>; 256],
    unknown: u32,
}

/// What ends a reply.
pub const END_OF_TURN: &str = "<end_of_turn>";

impl Tokenizer {
    /// Reads the vocabulary of a GGUF file.
    pub(crate) fn from_gguf(content: &Content, path: &Path) -> Result<Self, TrainError> {
        let fault = |reason: &str| TrainError::base(path, reason);
        let array = |key: &str| match content.metadata.get(key) {
            Some(Value::Array(values)) => Ok(values.as_slice()),
            _ => Err(TrainError::base(path, format!("{key} is missing"))),
        };
        let tokens = array("tokenizer.ggml.tokens")?;
        let scores = array("tokenizer.ggml.scores")?;
        let kinds = array("tokenizer.ggml.token_type")?;
        if scores.len() != tokens.len() || kinds.len() != tokens.len() {
            return Err(fault("its vocabulary's lists differ in length"));
        }
        let mut pieces = Pieces {
            ids: HashMap::with_capacity(tokens.len()),
            scores: Vec::with_capacity(tokens.len()),
            special: Vec::new(),
            bytes: [None; 256],
            unknown: id_of(content, "tokenizer.ggml.unknown_token_id").unwrap_or(0),
        };
        for (id, ((token, score), kind)) in tokens.iter().zip(scores).zip(kinds).enumerate() {
            let id = id as u32;
            let (Ok(token), Ok(score), Ok(kind)) = (token.to_string(), score.to_f32(), kind.to_i32()) else {
                return Err(fault("an entry of its vocabulary has a wrong type"));
            };
            match TokenKind::of(kind) {
                TokenKind::Special if !token.is_empty() => {
                    pieces.special.push((token.clone(), id));
                }
                TokenKind::Byte => {
                    let byte = token
                        .strip_prefix("<0x")
                        .and_then(|hex| hex.strip_suffix('>'))
                        .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    if let Some(byte) = byte {
                        pieces.bytes[usize::from(byte)] = Some(id);
                    }
                }
                _ => {}
            }
            pieces.ids.insert(token.clone(), id);
            pieces.scores.push(score);
        }
        pieces.special.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let bos = id_of(content, "tokenizer.ggml.bos_token_id")
            .ok_or_else(|| fault("it names no token for the beginning of text"))?;
        let end_of_turn =
            pieces.ids.get(END_OF_TURN).copied().ok_or_else(|| fault("its vocabulary has no <end_of_turn>"))?;
        Ok(Self { encoder: Encoder::Pieces(Box::new(pieces)), bos, end_of_turn })
    }

    /// Reads a `tokenizer.json`.
    pub(crate) fn from_json(path: &Path) -> Result<Self, TrainError> {
        let tokenizer = tokenizers::Tokenizer::from_file(path).map_err(|error| TrainError::base(path, error))?;
        let id = |token: &str| {
            tokenizer.token_to_id(token).ok_or_else(|| TrainError::base(path, format!("its vocabulary has no {token}")))
        };
        let (bos, end_of_turn) = (id("<bos>")?, id(END_OF_TURN)?);
        Ok(Self { encoder: Encoder::HuggingFace(Box::new(tokenizer)), bos, end_of_turn })
    }

    /// The tokens of a text, control tokens understood; nothing is put before it.
    ///
    /// # Errors
    /// A text that the model's own `tokenizer.json` refuses.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, String> {
        match &self.encoder {
            Encoder::Pieces(pieces) => Ok(pieces.encode(text)),
            Encoder::HuggingFace(tokenizer) => tokenizer
                .encode_fast(text, false)
                .map(|encoding| encoding.get_ids().to_vec())
                .map_err(|error| error.to_string()),
        }
    }

    /// The token that begins every text.
    #[must_use]
    pub fn bos(&self) -> u32 {
        self.bos
    }

    /// The token that ends a reply.
    #[must_use]
    pub fn end_of_turn(&self) -> u32 {
        self.end_of_turn
    }
}

fn id_of(content: &Content, key: &str) -> Option<u32> {
    content.metadata.get(key)?.to_u32().ok()
}

enum TokenKind {
    Special,
    Byte,
    Normal,
}

impl TokenKind {
    /// The numbers that GGUF gives to kinds of tokens.
    fn of(number: i32) -> Self {
        match number {
            2..=4 => Self::Special,
            6 => Self::Byte,
            _ => Self::Normal,
        }
    }
}

enum Part<'a> {
    Text(&'a str),
    Token(u32),
}

impl Pieces {
    fn encode(&self, text: &str) -> Vec<u32> {
        let mut parts = vec![Part::Text(text)];
        for (special, id) in &self.special {
            // Most of the thousands of special tokens are nowhere in the text.
            if text.contains(special.as_str()) {
                parts = cut(parts, special, *id);
            }
        }
        let mut ids = Vec::with_capacity(text.len() / 3 + 8);
        for part in parts {
            match part {
                Part::Token(id) => ids.push(id),
                Part::Text(text) => self.join(&text.replace(' ', SPACE), &mut ids),
            }
        }
        ids
    }

    /// Joins characters to vocabulary entries, the best-scored pair first.
    fn join(&self, text: &str, ids: &mut Vec<u32>) {
        let mut symbols: Vec<Symbol> = text
            .char_indices()
            .enumerate()
            .map(|(i, (start, c))| Symbol { start, len: c.len_utf8(), previous: i.checked_sub(1), next: Some(i + 1) })
            .collect();
        if let Some(last) = symbols.last_mut() {
            last.next = None;
        }
        let mut queue = BinaryHeap::new();
        for left in 1..symbols.len() {
            self.offer(text, &symbols, Some(left - 1), Some(left), &mut queue);
        }
        while let Some(pair) = queue.pop() {
            let (left, right) = (&symbols[pair.left], &symbols[pair.right]);
            // One of the two has been joined to something else in the meantime.
            if left.len == 0 || right.len == 0 || left.len + right.len != pair.len {
                continue;
            }
            let next = right.next;
            symbols[pair.left].len = pair.len;
            symbols[pair.left].next = next;
            symbols[pair.right].len = 0;
            if let Some(next) = next {
                symbols[next].previous = Some(pair.left);
            }
            let previous = symbols[pair.left].previous;
            self.offer(text, &symbols, previous, Some(pair.left), &mut queue);
            self.offer(text, &symbols, Some(pair.left), next, &mut queue);
        }
        for symbol in symbols.iter().filter(|symbol| symbol.len > 0) {
            let piece = &text[symbol.start..symbol.start + symbol.len];
            if let Some(&id) = self.ids.get(piece) {
                ids.push(id);
            } else {
                let byte = |b: u8| self.bytes[usize::from(b)].unwrap_or(self.unknown);
                ids.extend(piece.bytes().map(byte));
            }
        }
    }

    fn offer(
        &self,
        text: &str,
        symbols: &[Symbol],
        left: Option<usize>,
        right: Option<usize>,
        queue: &mut BinaryHeap<Pair>,
    ) {
        let (Some(left), Some(right)) = (left, right) else {
            return;
        };
        let len = symbols[left].len + symbols[right].len;
        let start = symbols[left].start;
        if let Some(&id) = self.ids.get(&text[start..start + len]) {
            queue.push(Pair { score: self.scores[id as usize], left, right, len });
        }
    }
}

/// Cuts every text part at each occurrence of a special token.
fn cut<'a>(parts: Vec<Part<'a>>, special: &str, id: u32) -> Vec<Part<'a>> {
    let mut result = Vec::with_capacity(parts.len());
    for part in parts {
        let Part::Text(text) = part else {
            result.push(part);
            continue;
        };
        for (i, piece) in text.split(special).enumerate() {
            if i > 0 {
                result.push(Part::Token(id));
            }
            if !piece.is_empty() {
                result.push(Part::Text(piece));
            }
        }
    }
    result
}

/// A run of the text; `len` 0 when it has been joined to the one before.
struct Symbol {
    start: usize,
    len: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

struct Pair {
    score: f32,
    left: usize,
    right: usize,
    len: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}
