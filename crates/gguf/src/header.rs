//! The header of a GGUF file, read with bounds.
//!
//! llama.cpp trusts what it reads further than a server should: some broken headers end the process. This reader
//! takes nothing on trust: every count and length is checked against the file's own length before it is used, and
//! long arrays are walked, not kept.
//!
//! Layout (all little endian): magic `GGUF`, version u32, tensor count u64, key count u64, then the keys
//! (`name, type u32, value`), then the tensors (`name, dimensions u32, length u64 each, type u32, offset u64`), then
//! padding to the alignment, then the tensors' data at their offsets.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, BufReader, Read},
    ops::Range,
    path::Path,
};

pub(crate) const MAGIC: &[u8; 4] = b"GGUF";
const KEYS_LIMIT: u64 = 4096;
const TENSORS_LIMIT: u64 = 65_536;
const NAME_LIMIT: u64 = 256;
/// llama.cpp keeps a tensor's name in 64 bytes, the closing null included.
const TENSOR_NAME_LIMIT: u64 = 63;
/// A chat template is the longest single string of a real file.
const STRING_LIMIT: u64 = 4 << 20;
const ARRAY_LIMIT: u64 = 16 << 20;
pub(crate) const DEFAULT_ALIGNMENT: u64 = 32;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It does not begin as GGUF files do.
    #[error("it does not begin with \"GGUF\"")]
    Magic,
    /// It is of a version that is not read.
    #[error("it is of GGUF version {0}, and versions 2 and 3 are read")]
    Version(u32),
    /// It ends before its contents do.
    #[error("it is cut off: {what} would end at byte {end} of {length}")]
    Truncated {
        /// What was being read.
        what: String,
        /// Where it would end.
        end: u64,
        /// The file's length.
        length: u64,
    },
    /// Something in it cannot be.
    #[error("{0}")]
    Nonsense(String),
}

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any of the unsigned and signed whole numbers.
    Integer(i128),
    /// Either of the floating-point types.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(String),
    /// An array, walked over.
    Array {
        /// The type of its elements, as the file numbers them.
        kind: u32,
        /// How many there are.
        length: u64,
        /// Whether the same text, not counting empty ones, is there twice. Other elements are not compared.
        repeats: bool,
    },
}

/// A tensor as the header tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name, such as `blk.0.attn_q.weight`.
    pub name: String,
    /// Lengths of its dimensions, the fastest first; 1 where it has fewer than four.
    pub shape: [u64; 4],
    /// Its element type, as ggml numbers them.
    pub kind: u32,
    /// Where its data begins, counted from [`Header::data_offset`].
    pub offset: u64,
    /// Bytes of its data.
    pub size: u64,
}

/// Where a key's value lies in the file, for those who need a whole array or copy a value as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpan {
    /// The key.
    pub name: String,
    /// The type of its value, as the file numbers them.
    pub kind: u32,
    /// Bytes of the value, counted from the file's beginning; for an array with its element type and length.
    pub bytes: Range<u64>,
}

/// What a GGUF file says of itself.
#[derive(Clone, Debug)]
pub struct Header {
    /// The keys and their values.
    pub metadata: BTreeMap<String, Value>,
    /// Where the values lie, in the file's order.
    pub spans: Vec<KeySpan>,
    /// The tensors in the file's order.
    pub tensors: Vec<TensorInfo>,
    /// Where the tensors' data begins.
    pub data_offset: u64,
}

/// The element type of GGUF arrays of text.
pub const KIND_TEXT: u32 = 8;
pub(crate) const KIND_ARRAY: u32 = 9;

impl Header {
    /// Reads the header of a file and checks that all of its tensors lie within it.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(GgufError::Nonsense("it is a folder".to_owned()));
        }
        Self::read(BufReader::with_capacity(1 << 16, file), metadata.len())
    }

    /// Reads a header from the beginning of a file of `length` bytes.
    pub fn read(source: impl Read, length: u64) -> Result<Self, GgufError> {
        let mut input = Input { source, position: 0, length };
        if length < 4 || &input.array::<4>("its first word")? != MAGIC {
            return Err(GgufError::Magic);
        }
        let version = input.u32("its version")?;
        if !(2..=3).contains(&version) {
            return Err(GgufError::Version(version));
        }
        let tensor_count = input.count("tensors", TENSORS_LIMIT)?;
        let key_count = input.count("keys", KEYS_LIMIT)?;
        let mut metadata = BTreeMap::new();
        let mut spans = Vec::new();
        for _ in 0..key_count {
            let name = input.text("a key's name", NAME_LIMIT)?;
            if name.is_empty() {
                return Err(GgufError::Nonsense("a key has no name".to_owned()));
            }
            let kind = input.u32(&name)?;
            let start = input.position;
            let value = input.value(&name, kind)?;
            spans.push(KeySpan { name: name.clone(), kind, bytes: start..input.position });
            if metadata.insert(name.clone(), value).is_some() {
                return Err(GgufError::Nonsense(format!("the key {name} is there twice")));
            }
        }
        let alignment = match metadata.get("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(Value::Integer(n @ 8..=65_536)) if n.count_ones() == 1 => {
                u64::try_from(*n).unwrap_or(DEFAULT_ALIGNMENT)
            }
            Some(_) => {
                return Err(GgufError::Nonsense("general.alignment is no power of two from 8 to 65536".to_owned()));
            }
        };
        let mut tensors = Vec::new();
        for _ in 0..tensor_count {
            tensors.push(input.tensor(alignment)?);
        }
        let data_offset = input.position.next_multiple_of(alignment);
        let mut names = HashSet::new();
        for tensor in &tensors {
            if !names.insert(tensor.name.as_str()) {
                return Err(GgufError::Nonsense(format!("the tensor {} is there twice", tensor.name)));
            }
            let end = data_offset.checked_add(tensor.offset).and_then(|start| start.checked_add(tensor.size));
            if end.is_none_or(|end| end > length) {
                let end = end.unwrap_or(u64::MAX);
                return Err(GgufError::Truncated { what: format!("the tensor {}", tensor.name), end, length });
            }
        }
        Ok(Self { metadata, spans, tensors, data_offset })
    }

    /// A text of the metadata.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number of the metadata.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.metadata.get(key)? {
            Value::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The length of an array of the metadata and its element type.
    #[must_use]
    pub fn array(&self, key: &str) -> Option<(u32, u64)> {
        match self.metadata.get(key)? {
            Value::Array { kind, length, .. } => Some((*kind, *length)),
            _ => None,
        }
    }

    /// The tensor of this name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }
}

struct Input<R> {
    source: R,
    position: u64,
    length: u64,
}

impl<R: Read> Input<R> {
    /// Makes sure that so many bytes are left, and counts them as read.
    fn claim(&mut self, bytes: u64, what: &str) -> Result<(), GgufError> {
        let end = self.position.checked_add(bytes).filter(|end| *end <= self.length);
        self.position = end.ok_or_else(|| GgufError::Truncated {
            what: what.to_owned(),
            end: self.position.saturating_add(bytes),
            length: self.length,
        })?;
        Ok(())
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        self.claim(N as u64, what)?;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    fn count(&mut self, what: &str, limit: u64) -> Result<u64, GgufError> {
        let count = self.u64(what)?;
        if count > limit {
            return Err(GgufError::Nonsense(format!("it claims {count} {what}, and at most {limit} are read")));
        }
        Ok(count)
    }

    fn text(&mut self, what: &str, limit: u64) -> Result<String, GgufError> {
        let length = self.u64(what)?;
        if length > limit {
            return Err(GgufError::Nonsense(format!("{what} is {length} bytes long, and at most {limit} are read")));
        }
        self.claim(length, what)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.source.read_exact(&mut bytes)?;
        if bytes.contains(&0) {
            return Err(GgufError::Nonsense(format!("{what} has a null in it")));
        }
        String::from_utf8(bytes).map_err(|_| GgufError::Nonsense(format!("{what} is no UTF-8 text")))
    }

    fn skip(&mut self, bytes: u64, what: &str) -> Result<(), GgufError> {
        self.claim(bytes, what)?;
        let copied = io::copy(&mut self.source.by_ref().take(bytes), &mut io::sink())?;
        if copied == bytes { Ok(()) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
    }

    fn value(&mut self, key: &str, kind: u32) -> Result<Value, GgufError> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.array(key)?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.array(key)?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.array(key)?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.array(key)?).into()),
            4 => Value::Integer(u32::from_le_bytes(self.array(key)?).into()),
            5 => Value::Integer(i32::from_le_bytes(self.array(key)?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array(key)?).into()),
            7 => match self.array::<1>(key)? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => return Err(GgufError::Nonsense(format!("the key {key} is neither true nor false"))),
            },
            KIND_TEXT => Value::Text(self.text(key, STRING_LIMIT)?),
            KIND_ARRAY => self.elements(key)?,
            10 => Value::Integer(u64::from_le_bytes(self.array(key)?).into()),
            11 => Value::Integer(i64::from_le_bytes(self.array(key)?).into()),
            12 => Value::Float(f64::from_le_bytes(self.array(key)?)),
            _ => return Err(GgufError::Nonsense(format!("the key {key} is of an unknown type {kind}"))),
        })
    }

    fn elements(&mut self, key: &str) -> Result<Value, GgufError> {
        let kind = self.u32(key)?;
        let length = self.count(&format!("elements of {key}"), ARRAY_LIMIT)?;
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            KIND_TEXT => {
                let repeats = self.texts(key, length)?;
                return Ok(Value::Array { kind, length, repeats });
            }
            // Arrays of arrays are in the format and in no file; their nesting would have to be bounded.
            _ => return Err(GgufError::Nonsense(format!("the elements of {key} are of an unknown type {kind}"))),
        };
        self.skip(length * width, key)?;
        Ok(Value::Array { kind, length, repeats: false })
    }

    /// Walks over an array of texts: whether one is there twice.
    fn texts(&mut self, key: &str, length: u64) -> Result<bool, GgufError> {
        // A hash of each is enough: two that agree by chance in 64 bits are one in billions.
        let hasher = RandomState::new();
        let mut seen = HashSet::new();
        let mut repeats = false;
        let mut text = Vec::new();
        for _ in 0..length {
            let bytes = self.u64(key)?;
            if bytes > STRING_LIMIT {
                return Err(GgufError::Nonsense(format!("a text of {key} is {bytes} bytes long")));
            }
            self.claim(bytes, key)?;
            text.resize(usize::try_from(bytes).unwrap_or(0), 0);
            self.source.read_exact(&mut text)?;
            repeats |= !text.is_empty() && !seen.insert(hasher.hash_one(&text));
        }
        Ok(repeats)
    }

    fn tensor(&mut self, alignment: u64) -> Result<TensorInfo, GgufError> {
        let name = self.text("a tensor's name", TENSOR_NAME_LIMIT)?;
        let nonsense = |problem: String| GgufError::Nonsense(format!("the tensor {name} {problem}"));
        let dimensions = self.u32(&name)?;
        if !(1..=4).contains(&dimensions) {
            return Err(nonsense(format!("has {dimensions} dimensions")));
        }
        let mut shape = [1_u64; 4];
        for length in shape.iter_mut().take(dimensions as usize) {
            *length = self.u64(&name)?;
        }
        let kind = self.u32(&name)?;
        let offset = self.u64(&name)?;
        let (block, bytes) = block_of(kind).ok_or_else(|| nonsense(format!("is of an unknown type {kind}")))?;
        // ggml counts elements in signed 64-bit numbers.
        let elements = shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
        let elements = elements.filter(|count| (1..=1 << 48).contains(count));
        let [row, ..] = shape;
        let Some(elements) = elements.filter(|_| row.is_multiple_of(block)) else {
            return Err(nonsense(format!("cannot have the shape {shape:?}")));
        };
        if !offset.is_multiple_of(alignment) {
            return Err(nonsense(format!("does not begin at a multiple of {alignment}")));
        }
        Ok(TensorInfo { name, shape, kind, offset, size: elements / block * bytes })
    }
}

/// Elements and bytes of one block of a ggml type; none where the type is unknown.
#[must_use]
pub const fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 | 35 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        24 => (1, 1),
        27 | 28 => (1, 8),
        29 => (256, 56),
        34 => (256, 54),
        39 => (32, 17),
        _ => return None,
    })
}
