//! The tensors of a checkpoint: which there are, and their bytes.
//!
//! A safetensors file begins with the length of its header (u64), then the header as JSON, then the data. The format's
//! own crate reads whole files in memory only, so the header alone is read here with its types, and nothing that it says
//! is believed which the file itself does not bear out: tensors lie side by side, each as long as its shape and type
//! make it, and end where the file ends.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::Mutex,
};

use ::safetensors::{Dtype, tensor::Metadata};
use serde::Deserialize;

use crate::{ImportError, read_json};

/// Bytes of a header; those of the largest models have a few hundred thousand.
const HEADER_AT_MOST: u64 = 32 << 20;
/// Files of a checkpoint.
const FILES_AT_MOST: usize = 256;
const INDEX_AT_MOST: u64 = 32 << 20;

/// Why a header is not read.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something in it cannot be.
    #[error("{0}")]
    Nonsense(String),
}

/// A tensor as a file's header tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name, such as `model.norm.weight`.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Lengths of its dimensions, the slowest first.
    pub shape: Vec<u64>,
    /// Where its data lies, counted from the file's beginning.
    pub data: Range<u64>,
}

/// The tensors of a file of `length` bytes that begins with what `source` gives, in the order of their data.
///
/// # Errors
/// [`HeaderError`]; whatever is returned lies within the file and overlaps nothing.
pub fn header(mut source: impl Read, length: u64) -> Result<Vec<TensorInfo>, HeaderError> {
    let nonsense = |reason: String| HeaderError::Nonsense(reason);
    let mut head = [0; 8];
    source.read_exact(&mut head).map_err(|_| nonsense("it is too short for a header".to_owned()))?;
    let header = u64::from_le_bytes(head);
    if header > HEADER_AT_MOST || header.saturating_add(8) > length {
        return Err(nonsense(format!("its header would have {header} bytes, and the file has {length}")));
    }
    let mut bytes = Vec::new();
    source.take(header).read_to_end(&mut bytes)?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|error| nonsense(error.to_string()))?;
    let mut found: Vec<_> = metadata.tensors().into_iter().collect();
    found.sort_unstable_by_key(|(_, info)| info.data_offsets);
    let mut end = 8 + header;
    let mut tensors = Vec::with_capacity(found.len());
    for (name, info) in found {
        let place = |offset: usize| (offset as u64).checked_add(8 + header);
        let bits = info.shape.iter().try_fold(info.dtype.bitsize(), |bits, length| bits.checked_mul(*length));
        let whole = bits.filter(|bits| bits.is_multiple_of(8));
        let stop = whole.and_then(|bits| end.checked_add(bits as u64 / 8));
        let told = (place(info.data_offsets.0), place(info.data_offsets.1));
        let (true, Some(stop)) = (told == (Some(end), stop), stop) else {
            return Err(nonsense(format!("the tensor {name} does not lie where its shape wants it")));
        };
        let shape = info.shape.iter().map(|length| *length as u64).collect();
        tensors.push(TensorInfo { name, dtype: info.dtype, shape, data: end..stop });
        end = stop;
    }
    if end != length {
        return Err(nonsense(format!("its tensors end at byte {end}, and the file has {length}")));
    }
    Ok(tensors)
}

/// A tensor within its file.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub dtype: Dtype,
    /// The slowest dimension first.
    pub shape: Vec<u64>,
    file: usize,
    offset: u64,
    pub bytes: u64,
}

/// All tensors of a checkpoint.
pub struct Weights {
    files: Vec<(PathBuf, Mutex<File>)>,
    tensors: BTreeMap<String, Tensor>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl Weights {
    /// Reads the headers of `model.safetensors`, or of the files that `model.safetensors.index.json` names.
    pub fn open(folder: &Path) -> Result<Self, ImportError> {
        let index = folder.join("model.safetensors.index.json");
        let names: BTreeSet<String> = if index.is_file() {
            read_json::<Index>(&index, INDEX_AT_MOST)?.weight_map.into_values().collect()
        } else {
            BTreeSet::from(["model.safetensors".to_owned()])
        };
        let plain = |name: &String| !name.contains(['/', '\\']) && name.ends_with(".safetensors");
        if names.is_empty() || names.len() > FILES_AT_MOST || !names.iter().all(plain) {
            return Err(ImportError::Damaged { path: index, reason: "it names no files beside it".to_owned() });
        }
        let mut weights = Self { files: Vec::new(), tensors: BTreeMap::new() };
        for name in names {
            weights.add(&folder.join(name))?;
        }
        Ok(weights)
    }

    fn add(&mut self, path: &Path) -> Result<(), ImportError> {
        let unreadable = |source| ImportError::Unreadable { path: path.to_owned(), source };
        let damaged = |reason: String| ImportError::Damaged { path: path.to_owned(), reason };
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let tensors = header(&file, length).map_err(|error| match error {
            HeaderError::Io(source) => unreadable(source),
            HeaderError::Nonsense(reason) => damaged(reason),
        })?;
        for TensorInfo { name, dtype, shape, data } in tensors {
            let tensor =
                Tensor { dtype, shape, file: self.files.len(), offset: data.start, bytes: data.end - data.start };
            if self.tensors.insert(name.clone(), tensor).is_some() {
                return Err(damaged(format!("the tensor {name} is there twice")));
            }
        }
        self.files.push((path.to_owned(), Mutex::new(file)));
        Ok(())
    }

    /// The names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Bytes of a tensor, from `start`.
    pub fn read(&self, tensor: &Tensor, start: u64, length: usize) -> Result<Vec<u8>, ImportError> {
        let Some((path, file)) = self.files.get(tensor.file) else { return Ok(Vec::new()) };
        let unreadable = |source| ImportError::Unreadable { path: path.clone(), source };
        let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(tensor.offset + start)).map_err(unreadable)?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }
}
