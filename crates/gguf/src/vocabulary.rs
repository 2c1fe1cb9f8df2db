//! Text to tokens, exactly as llama.cpp does for vocabularies whose entries have scores (Gemma's among them).
//!
//! Text is first cut at control and user-defined tokens, the longest first; then single characters are joined, the
//! best-scored pair first, until no pair is in the vocabulary; characters that are not in it become byte tokens.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
};

/// What stands for a space inside vocabulary entries.
pub(crate) const SPACE: &str = "\u{2581}";

/// What an entry of a vocabulary is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A piece of text.
    Normal,
    /// A mark that no text contains by itself, such as the beginning of a turn.
    Control,
    /// A text that is always a token of its own, such as a run of line ends.
    UserDefined,
    /// What stands for text that has no token.
    Unknown,
    /// One byte.
    Byte,
}

impl TokenKind {
    /// From the number that GGUF files have for it.
    #[must_use]
    pub const fn of(number: i32) -> Self {
        match number {
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            6 => Self::Byte,
            _ => Self::Normal,
        }
    }
}

/// A vocabulary, ready to encode.
#[derive(Debug)]
pub struct Vocabulary {
    tokens: Vec<String>,
    scores: Vec<f32>,
    kinds: Vec<TokenKind>,
    ids: HashMap<String, u32>,
    /// Control and user-defined tokens, the longest first.
    special: Vec<u32>,
    bytes: Box<[Option<u32>; 256]>,
    unknown: u32,
}

impl Vocabulary {
    /// A vocabulary from the lists of a GGUF file, all of one length. None where they are not.
    #[must_use]
    pub fn new(tokens: Vec<String>, scores: Vec<f32>, kinds: Vec<TokenKind>, unknown: u32) -> Option<Self> {
        if scores.len() != tokens.len() || kinds.len() != tokens.len() || u32::try_from(tokens.len()).is_err() {
            return None;
        }
        let mut bytes = Box::new([None; 256]);
        let mut special = Vec::new();
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, (token, kind)) in (0_u32..).zip(tokens.iter().zip(&kinds)) {
            match kind {
                TokenKind::Control | TokenKind::UserDefined | TokenKind::Unknown if !token.is_empty() => {
                    special.push(id)
                }
                TokenKind::Byte => {
                    let hex = token.strip_prefix("<0x").and_then(|hex| hex.strip_suffix('>'));
                    let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    if let Some(slot) = byte.and_then(|byte| bytes.get_mut(usize::from(byte))) {
                        *slot = Some(id);
                    }
                }
                _ => {}
            }
            ids.insert(token.clone(), id);
        }
        special.sort_by_key(|id| std::cmp::Reverse(tokens.get(*id as usize).map_or(0, String::len)));
        Some(Self { tokens, scores, kinds, ids, special, bytes, unknown })
    }

    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The entry of this text.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// An entry's text, in which U+2581 stands for a space.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize).map(String::as_str)
    }

    /// What an entry is for.
    #[must_use]
    pub fn kind(&self, id: u32) -> Option<TokenKind> {
        self.kinds.get(id as usize).copied()
    }

    /// An entry's score; of two possible joins the higher is made first.
    #[must_use]
    pub fn score(&self, id: u32) -> Option<f32> {
        self.scores.get(id as usize).copied()
    }

    /// The tokens of a text, control tokens understood; nothing is put before it.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 3 + 8);
        self.walk(text, &mut |id| ids.push(id), &mut |_| {});
        ids
    }

    /// The text of tokens, those of control among them; bytes that are no text become U+FFFD.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for &id in ids {
            let token = self.token(id).unwrap_or_default();
            match self.kind(id) {
                Some(TokenKind::Byte) => {
                    let byte = self.bytes.iter().position(|byte| *byte == Some(id));
                    bytes.extend(byte.and_then(|byte| u8::try_from(byte).ok()));
                }
                Some(TokenKind::Normal) => bytes.extend(token.replace(SPACE, " ").bytes()),
                _ => bytes.extend(token.bytes()),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Encodes a text: `token` gets each token of the result in order, `step` each token that a join went through,
    /// the results of joins among them.
    pub(crate) fn walk(&self, text: &str, token: &mut dyn FnMut(u32), step: &mut dyn FnMut(u32)) {
        let mut parts = vec![Part::Text(text)];
        for &id in &self.special {
            // Most of the thousands of special tokens are nowhere in the text.
            if let Some(special) = self.token(id).filter(|special| text.contains(special)) {
                parts = cut(parts, special, id);
            }
        }
        for part in parts {
            match part {
                Part::Token(id) => token(id),
                Part::Text(text) => self.join(&text.replace(' ', SPACE), token, step),
            }
        }
    }

    /// Joins characters to entries, the best-scored pair first.
    fn join(&self, text: &str, token: &mut dyn FnMut(u32), step: &mut dyn FnMut(u32)) {
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
            step(pair.id);
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
            match self.id(piece) {
                Some(id) => token(id),
                None => piece.bytes().for_each(|b| token(self.bytes[usize::from(b)].unwrap_or(self.unknown))),
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
        let (Some(left), Some(right)) = (left, right) else { return };
        let len = symbols[left].len + symbols[right].len;
        let start = symbols[left].start;
        if let Some(id) = self.id(&text[start..start + len])
            && let Some(score) = self.score(id)
        {
            queue.push(Pair { score, left, right, len, id });
        }
    }
}

enum Part<'a> {
    Text(&'a str),
    Token(u32),
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
    id: u32,
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
