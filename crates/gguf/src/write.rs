//! Writing a GGUF file: keys and tensors are announced first, then the data is streamed, so that a model of any size
//! is written in little memory.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use crate::header::{DEFAULT_ALIGNMENT, GgufError, KIND_ARRAY, KIND_TEXT, MAGIC, TensorInfo, block_of};

const VERSION: u32 = 3;
const KIND_U32: u32 = 4;
const KIND_I32: u32 = 5;
const KIND_F32: u32 = 6;
const KIND_BOOL: u32 = 7;

/// A file in the making.
#[derive(Debug, Default)]
pub struct Writer {
    keys: Vec<u8>,
    key_count: u64,
    tensors: Vec<TensorInfo>,
    /// Where the next tensor's data begins.
    end: u64,
}

impl Writer {
    /// A file without keys and tensors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A key whose value is encoded already, such as one copied from another file.
    pub fn raw(&mut self, key: &str, kind: u32, value: &[u8]) -> &mut Self {
        put_text(&mut self.keys, key);
        self.keys.extend(kind.to_le_bytes());
        self.keys.extend(value);
        self.key_count += 1;
        self
    }

    /// A text.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        let mut encoded = Vec::with_capacity(value.len() + 8);
        put_text(&mut encoded, value);
        self.raw(key, KIND_TEXT, &encoded)
    }

    /// A whole number of 32 bits.
    pub fn u32(&mut self, key: &str, value: u32) -> &mut Self {
        self.raw(key, KIND_U32, &value.to_le_bytes())
    }

    /// A number.
    pub fn f32(&mut self, key: &str, value: f32) -> &mut Self {
        self.raw(key, KIND_F32, &value.to_le_bytes())
    }

    /// True or false.
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, KIND_BOOL, &[u8::from(value)])
    }

    /// A list of texts.
    pub fn texts<'a>(&mut self, key: &str, values: impl ExactSizeIterator<Item = &'a str>) -> &mut Self {
        let mut encoded = array_of(KIND_TEXT, values.len());
        values.for_each(|value| put_text(&mut encoded, value));
        self.raw(key, KIND_ARRAY, &encoded)
    }

    /// A list of numbers.
    pub fn f32s(&mut self, key: &str, values: impl ExactSizeIterator<Item = f32>) -> &mut Self {
        let mut encoded = array_of(KIND_F32, values.len());
        values.for_each(|value| encoded.extend(value.to_le_bytes()));
        self.raw(key, KIND_ARRAY, &encoded)
    }

    /// A list of whole numbers.
    pub fn i32s(&mut self, key: &str, values: impl ExactSizeIterator<Item = i32>) -> &mut Self {
        let mut encoded = array_of(KIND_I32, values.len());
        values.for_each(|value| encoded.extend(value.to_le_bytes()));
        self.raw(key, KIND_ARRAY, &encoded)
    }

    /// Announces a tensor: its shape with the fastest dimension first (at most four; further ones are 1), and its
    /// element type as ggml numbers them.
    pub fn tensor(&mut self, name: &str, shape: [u64; 4], kind: u32) -> Result<(), GgufError> {
        let nonsense = |problem: &str| GgufError::Nonsense(format!("the tensor {name} {problem}"));
        let (block, bytes) = block_of(kind).ok_or_else(|| nonsense("is of an unknown type"))?;
        let elements = shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
        let [row, ..] = shape;
        let elements = elements.filter(|count| *count > 0 && row.is_multiple_of(block));
        let elements = elements.ok_or_else(|| nonsense("cannot have its shape"))?;
        let size = (elements / block).checked_mul(bytes).ok_or_else(|| nonsense("is too large"))?;
        let offset = self.end;
        self.end =
            offset.checked_add(size).ok_or_else(|| nonsense("is too large"))?.next_multiple_of(DEFAULT_ALIGNMENT);
        self.tensors.push(TensorInfo { name: name.to_owned(), shape, kind, offset, size });
        Ok(())
    }

    /// Writes the file: `data` is called for each tensor in turn and writes exactly its `size` bytes. A file that is
    /// there is replaced only by a whole one.
    pub fn write(
        self,
        path: &Path,
        mut data: impl FnMut(&TensorInfo, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let outcome = self.stream(Path::new(&partial), &mut data);
        if outcome.is_ok() {
            return fs::rename(&partial, path);
        }
        // What matters is why it failed, not whether the rest could be tidied away.
        let _untidied = fs::remove_file(&partial);
        outcome
    }

    fn stream(
        &self,
        path: &Path,
        data: &mut dyn FnMut(&TensorInfo, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = Counted { inner: BufWriter::with_capacity(1 << 20, File::create(path)?), written: 0 };
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&(self.tensors.len() as u64).to_le_bytes())?;
        out.write_all(&self.key_count.to_le_bytes())?;
        out.write_all(&self.keys)?;
        for tensor in &self.tensors {
            let dimensions = tensor.shape.iter().rposition(|length| *length != 1).map_or(1, |last| last + 1);
            let mut entry = Vec::new();
            put_text(&mut entry, &tensor.name);
            entry.extend((dimensions as u32).to_le_bytes());
            tensor.shape.iter().take(dimensions).for_each(|length| entry.extend(length.to_le_bytes()));
            entry.extend(tensor.kind.to_le_bytes());
            entry.extend(tensor.offset.to_le_bytes());
            out.write_all(&entry)?;
        }
        out.pad()?;
        let start = out.written;
        for tensor in &self.tensors {
            data(tensor, &mut out)?;
            let written = out.written - start - tensor.offset;
            if written != tensor.size {
                let problem = format!("{} got {written} of its {} bytes", tensor.name, tensor.size);
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
            out.pad()?;
        }
        out.flush()?;
        out.inner.get_ref().sync_all()
    }
}

fn array_of(kind: u32, length: usize) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(length as u64).to_le_bytes()].concat()
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Knows how much was written, for the alignment.
struct Counted<W> {
    inner: W,
    written: u64,
}

impl<W: Write> Counted<W> {
    fn pad(&mut self) -> io::Result<()> {
        let gap = self.written.next_multiple_of(DEFAULT_ALIGNMENT) - self.written;
        self.write_all(&[0; DEFAULT_ALIGNMENT as usize][..gap as usize])
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
