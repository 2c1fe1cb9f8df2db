//! A model with fewer tokens.
//!
//! Gemma's vocabulary serves 140 languages: of what a small Gemma reads for each word that it says, two thirds is the
//! table of 262,144 tokens. A restaurant that speaks English needs an eighth of them.
//!
//! **Why the rest reads the same.** An encoder joins the best-scored pair first. A text whose tokens are kept, with
//! every token that its joins went through, is encoded to the same tokens: by induction each join of the full run is
//! still possible, and none that beats it has been added. So the kept set is closed under the joins of the texts and
//! the tokens that were asked for. Other text is spelt with shorter pieces and, in the end, with bytes, which are all
//! kept: nothing becomes unreadable.
//!
//! Weights that a processor is slow to take apart are written in a wider form of the same numbers (`widen`).

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{
    header::{GgufError, Header, KIND_TEXT, TensorInfo, Value},
    vocabulary::{SPACE, TokenKind, Vocabulary},
    widen::{self, Q5_0, Q8_0},
    write::Writer,
};

const TOKENS: &str = "tokenizer.ggml.tokens";
const SCORES: &str = "tokenizer.ggml.scores";
const KINDS: &str = "tokenizer.ggml.token_type";
const KIND_I32: u32 = 5;
const KIND_F32: u32 = 6;
/// Tensors that have a row for each token.
const TABLES: [&str; 2] = ["token_embd.weight", "output.weight"];
/// Tokens that stand for nothing, left free by Gemma's makers for those who train it further: 6,244 of them.
const PLACEHOLDER: &str = "<unused";

/// What a trimmed vocabulary is to hold, beside control, byte and user-defined tokens and single Latin characters,
/// which it always does.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Tokens by their text, a space written as such or as U+2581. Those that the model does not have are passed over.
    pub tokens: Vec<String>,
    /// Texts that are to be encoded as before.
    pub texts: Vec<String>,
}

/// What a trim came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrimReport {
    /// Tokens of the model.
    pub tokens_before: usize,
    /// Tokens that were kept.
    pub tokens_after: usize,
    /// Bytes of its tensors.
    pub bytes_before: u64,
    /// Bytes of the tensors that were written.
    pub bytes_after: u64,
}

/// Why a model was not trimmed.
#[derive(Debug, thiserror::Error)]
pub enum TrimError {
    /// The model's file is no whole GGUF file.
    #[error("{} is damaged or no GGUF file: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        source: GgufError,
    },
    /// It is a model of another kind.
    #[error("{} cannot be trimmed: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is, and what is wanted.
        reason: &'static str,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Writes to `target` the model of `source` with the selected tokens only. The new numbers of tokens are in the order
/// of the old ones.
pub fn trim(source: &Path, target: &Path, selection: &Selection) -> Result<TrimReport, TrimError> {
    let header = Header::open(source).map_err(|error| TrimError::Damaged { path: source.to_owned(), source: error })?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| TrimError::Io { path, source }
    };
    let mut file = File::open(source).map_err(io(source))?;
    let vocabulary = read_vocabulary(&header, &mut file, source)?;
    let kept = Kept::choose(&vocabulary, &header, selection);

    let mut writer = Writer::new();
    for span in &header.spans {
        match span.name.as_str() {
            TOKENS => {
                let tokens: Vec<&str> = kept.old.iter().filter_map(|id| vocabulary.token(*id)).collect();
                writer.texts(TOKENS, tokens.into_iter());
            }
            SCORES => {
                let scores: Vec<f32> = kept.old.iter().filter_map(|id| vocabulary.score(*id)).collect();
                writer.f32s(SCORES, scores.into_iter());
            }
            name => {
                let mut value = read_range(&mut file, span.bytes.start, span.bytes.end).map_err(io(source))?;
                if name == KINDS {
                    value = rows_of(&value, 12, 4, &kept.old, KIND_I32);
                } else if let Some(Value::Integer(id)) = header.metadata.get(name)
                    && is_token_id(name)
                {
                    let new = u32::try_from(*id).ok().and_then(|id| kept.new_id(id)).unwrap_or(0);
                    writer.u32(name, new);
                    continue;
                } else if name.ends_with(".vocab_size") {
                    writer.u32(name, u32::try_from(kept.old.len()).unwrap_or(u32::MAX));
                    continue;
                }
                writer.raw(name, span.kind, &value);
            }
        }
    }

    let damaged = |source_error| TrimError::Damaged { path: source.to_owned(), source: source_error };
    for tensor in &header.tensors {
        let mut shape = tensor.shape;
        if TABLES.contains(&tensor.name.as_str()) {
            if shape[1] != vocabulary.len() as u64 || shape[2] != 1 {
                let problem = format!("{} does not have a row for each token", tensor.name);
                return Err(damaged(GgufError::Nonsense(problem)));
            }
            shape[1] = kept.old.len() as u64;
        }
        let kind = if is_widened(tensor) { Q8_0 } else { tensor.kind };
        writer.tensor(&tensor.name, shape, kind).map_err(damaged)?;
    }
    let mut bytes_after = 0;
    let mut originals = header.tensors.iter();
    let written = writer.write(target, |tensor, out| {
        bytes_after += tensor.size;
        let Some(original) = originals.next() else { return Ok(()) };
        file.seek(SeekFrom::Start(header.data_offset + original.offset))?;
        if TABLES.contains(&tensor.name.as_str()) {
            return copy_rows(&mut file, original, &kept.old, out);
        }
        if is_widened(original) {
            let blocks = original.shape.iter().product::<u64>() / 32;
            return widen::copy(&mut file, blocks, out);
        }
        let copied = io::copy(&mut (&mut file).take(original.size), out)?;
        if copied == original.size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    });
    written.map_err(io(target))?;
    Ok(TrimReport {
        tokens_before: vocabulary.len(),
        tokens_after: kept.old.len(),
        bytes_before: header.tensors.iter().map(|tensor| tensor.size).sum(),
        bytes_after,
    })
}

impl Vocabulary {
    /// Reads the vocabulary of a model file.
    pub fn open(path: &Path) -> Result<Self, TrimError> {
        let header = Header::open(path).map_err(|source| TrimError::Damaged { path: path.to_owned(), source })?;
        let mut file = File::open(path).map_err(|source| TrimError::Io { path: path.to_owned(), source })?;
        read_vocabulary(&header, &mut file, path)
    }
}

/// The tokens to keep, as their old numbers in ascending order.
struct Kept {
    old: Vec<u32>,
}

impl Kept {
    fn choose(vocabulary: &Vocabulary, header: &Header, selection: &Selection) -> Self {
        let mut chosen = vec![false; vocabulary.len()];
        for (slot, id) in chosen.iter_mut().zip(0_u32..) {
            let text = vocabulary.token(id).unwrap_or_default();
            *slot = match vocabulary.kind(id) {
                Some(TokenKind::Normal) => is_plain_character(text),
                Some(TokenKind::Control | TokenKind::UserDefined) => !text.starts_with(PLACEHOLDER),
                _ => true,
            };
        }
        let named = header.metadata.iter().filter(|(key, _)| is_token_id(key)).filter_map(|(_, value)| match value {
            Value::Integer(id) => usize::try_from(*id).ok(),
            _ => None,
        });
        named.for_each(|id| keep(&mut chosen, id));
        for text in &selection.texts {
            vocabulary.walk_into(text, &mut chosen);
        }
        for token in &selection.tokens {
            let mut path = Vec::new();
            let mut result = Vec::new();
            vocabulary.walk(&token.replace(SPACE, " "), &mut |id| result.push(id), &mut |id| path.push(id));
            // A token that its own text does not lead to is never met in text either.
            if let [_] = result.as_slice() {
                path.into_iter().chain(result).for_each(|id| keep(&mut chosen, id as usize));
            }
        }
        Self { old: chosen.iter().zip(0_u32..).filter_map(|(kept, id)| kept.then_some(id)).collect() }
    }

    fn new_id(&self, old: u32) -> Option<u32> {
        self.old.binary_search(&old).ok().and_then(|new| u32::try_from(new).ok())
    }
}

impl Vocabulary {
    fn walk_into(&self, text: &str, chosen: &mut [bool]) {
        let mut path = Vec::new();
        self.walk(text, &mut |id| keep(chosen, id as usize), &mut |id| path.push(id));
        path.into_iter().for_each(|id| keep(chosen, id as usize));
    }
}

fn keep(chosen: &mut [bool], id: usize) {
    if let Some(slot) = chosen.get_mut(id) {
        *slot = true;
    }
}

/// One character of Latin script, of punctuation or of money.
fn is_plain_character(text: &str) -> bool {
    let mut characters = text.chars();
    let (Some(c), None) = (characters.next(), characters.next()) else { return false };
    matches!(c, ' '..='~' | '\u{a0}'..='\u{24f}' | '\u{2010}'..='\u{203a}' | '\u{20a0}'..='\u{20bf}' | '\u{2150}'..='\u{215e}' | '\u{2190}'..='\u{2193}' | '\u{2581}')
}

/// Tables are cut by rows and stay as they are.
fn is_widened(tensor: &TensorInfo) -> bool {
    tensor.kind == Q5_0 && !TABLES.contains(&tensor.name.as_str())
}

fn is_token_id(key: &str) -> bool {
    key.starts_with("tokenizer.ggml.") && key.ends_with("_token_id")
}

fn read_vocabulary(header: &Header, file: &mut File, path: &Path) -> Result<Vocabulary, TrimError> {
    let unsupported = |reason| TrimError::Unsupported { path: path.to_owned(), reason };
    if header.text("tokenizer.ggml.model") != Some("llama") {
        return Err(unsupported("its vocabulary has no scores; Gemma's has"));
    }
    let (Some((KIND_TEXT, count)), Some((KIND_F32, scores)), Some((KIND_I32, kinds))) =
        (header.array(TOKENS), header.array(SCORES), header.array(KINDS))
    else {
        return Err(unsupported("its vocabulary lacks tokens, scores or kinds"));
    };
    if scores != count || kinds != count {
        return Err(unsupported("its vocabulary's lists differ in length"));
    }
    let mut values = |key: &str| {
        let span = header.spans.iter().find(|span| span.name == key);
        let range = span.map_or(0..0, |span| span.bytes.clone());
        // Past the element type and the length.
        let values = read_range(file, range.start, range.end).map(|bytes| bytes.get(12..).unwrap_or_default().to_vec());
        values.map_err(|source| TrimError::Io { path: path.to_owned(), source })
    };
    let tokens = texts(&values(TOKENS)?).ok_or_else(|| unsupported("a token is no UTF-8 text"))?;
    let fours = |bytes: Vec<u8>| bytes.chunks_exact(4).map(|four| [four[0], four[1], four[2], four[3]]).collect();
    let scores: Vec<[u8; 4]> = fours(values(SCORES)?);
    let kinds: Vec<[u8; 4]> = fours(values(KINDS)?);
    let unknown = header.integer("tokenizer.ggml.unknown_token_id").and_then(|id| u32::try_from(id).ok());
    let vocabulary = Vocabulary::new(
        tokens,
        scores.into_iter().map(f32::from_le_bytes).collect(),
        kinds.into_iter().map(|kind| TokenKind::of(i32::from_le_bytes(kind))).collect(),
        unknown.unwrap_or(0),
    );
    vocabulary.ok_or_else(|| unsupported("its vocabulary's lists differ in length"))
}

/// Texts one after the other, each with its length before it.
fn texts(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut result = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (text, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        result.push(String::from_utf8(text.to_vec()).ok()?);
        bytes = rest;
    }
    Some(result)
}

/// An encoded array with some of its elements only.
fn rows_of(array: &[u8], head: usize, width: usize, rows: &[u32], kind: u32) -> Vec<u8> {
    let mut result = [&kind.to_le_bytes()[..], &(rows.len() as u64).to_le_bytes()].concat();
    let element = |row: &u32| array.get(head + *row as usize * width..).and_then(|rest| rest.get(..width));
    rows.iter().filter_map(element).for_each(|element| result.extend(element));
    result
}

fn read_range(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).map_err(io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Copies some rows of a table whose data begins where the file stands.
fn copy_rows(file: &mut File, table: &TensorInfo, rows: &[u32], out: &mut dyn Write) -> io::Result<()> {
    let width = table.size / table.shape[1];
    let mut row = vec![0; usize::try_from(width).map_err(io::Error::other)?];
    let mut input = io::BufReader::with_capacity(1 << 20, file);
    let mut position = 0;
    for wanted in rows {
        let start = u64::from(*wanted) * width;
        input.seek_relative(i64::try_from(start - position).map_err(io::Error::other)?)?;
        input.read_exact(&mut row)?;
        out.write_all(&row)?;
        position = start + width;
    }
    Ok(())
}
