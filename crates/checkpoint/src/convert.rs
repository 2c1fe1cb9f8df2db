//! The bytes of one tensor, row by row, so that memory stays small.

use std::io::{self, Write};

use half::{bf16, f16};

use crate::{
    ImportError, Report,
    plan::{Kind, Making, Planned, plain},
    safetensors::Weights,
};

/// Bytes read at once.
const CHUNK: u64 = 4 << 20;
/// Weights of a block of Q4_1.
const BLOCK: usize = 32;

/// Why a tensor is not written.
pub enum Failure {
    Write(io::Error),
    Import(ImportError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

/// Writes a tensor's data.
pub fn write(tensor: &Planned, weights: &Weights, report: &mut Report, out: &mut dyn Write) -> Result<(), Failure> {
    let source = |what: &str| {
        let name = format!("{}.{what}", tensor.source);
        let missing = || ImportError::Tensor { name: name.clone(), reason: "is not there".to_owned() };
        weights.get(&name).ok_or_else(missing)
    };
    let weight = source("weight")?;
    match tensor.making {
        Making::Copy => {
            let mut start = 0;
            while start < weight.bytes {
                let length = CHUNK.min(weight.bytes - start);
                out.write_all(&weights.read(weight, start, length as usize)?)?;
                start += length;
            }
        }
        Making::Norm => {
            let values = floats(plain(weight.dtype), &weights.read(weight, 0, weight.bytes as usize)?);
            for value in values {
                out.write_all(&(value + 1.0).to_le_bytes())?;
            }
        }
        Making::Packed { bits, group } => {
            match tensor.kind {
                Kind::Q4_1 => report.four_bit += 1,
                _ => report.unpacked += 1,
            }
            let (scales, biases) = (source("scales")?, source("biases")?);
            let rows = tensor.rows().max(1);
            let (packed_row, scale_row) = (weight.bytes / rows, scales.bytes / rows);
            let at_once = (CHUNK / packed_row.max(1)).clamp(1, rows);
            let mut row = 0;
            while row < rows {
                let count = at_once.min(rows - row);
                let read = |tensor, width: u64| weights.read(tensor, row * width, (count * width) as usize);
                let packed = read(weight, packed_row)?;
                let scales = floats(plain(scales.dtype), &read(scales, scale_row)?);
                let biases = floats(plain(biases.dtype), &read(biases, scale_row)?);
                let groups = scales.iter().copied().zip(biases.iter().copied());
                let group_bytes = group as usize * bits as usize / 8;
                for ((scale, bias), packed) in groups.zip(packed.chunks_exact(group_bytes)) {
                    if tensor.kind == Kind::Q4_1 {
                        blocks(scale, bias, packed, report, out)?;
                    } else {
                        unpacked(scale, bias, packed, bits, out)?;
                    }
                }
                row += count;
            }
        }
    }
    Ok(())
}

/// A group of MLX's 4-bit weights as blocks of Q4_1. MLX packs weight `i` into bits `4 i …` of its row; a block has
/// its first sixteen weights in the low halves of its bytes and the others in the high halves.
fn blocks(scale: f32, bias: f32, packed: &[u8], report: &mut Report, out: &mut dyn Write) -> io::Result<()> {
    let head = [short(scale, report)?.to_le_bytes(), short(bias, report)?.to_le_bytes()].concat();
    for packed in packed.chunks_exact(BLOCK / 2) {
        let weight = |index: usize| {
            let byte = packed.get(index / 2).copied().unwrap_or(0);
            if index.is_multiple_of(2) { byte & 15 } else { byte >> 4 }
        };
        let mut block = [0; BLOCK / 2];
        for (index, byte) in block.iter_mut().enumerate() {
            *byte = weight(index) | weight(index + BLOCK / 2) << 4;
        }
        out.write_all(&head)?;
        out.write_all(&block)?;
    }
    Ok(())
}

/// A scale or bias as a 16-bit float, and whether that changed it.
fn short(value: f32, report: &mut Report) -> io::Result<f16> {
    let short = f16::from_f32(value);
    if !short.is_finite() {
        let problem = format!("a scale of {value} fits no 16-bit float");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    report.scales += 1;
    let change = (short.to_f32() - value).abs();
    if change > 0.0 {
        report.rounded += 1;
        report.largest_change = report.largest_change.max(change);
    }
    Ok(short)
}

/// A group of packed weights, as 16-bit floats.
fn unpacked(scale: f32, bias: f32, packed: &[u8], bits: u32, out: &mut dyn Write) -> io::Result<()> {
    let mask = u8::MAX >> (8 - bits);
    for byte in packed {
        for shift in (0..8).step_by(bits as usize) {
            let weight = scale * f32::from((byte >> shift) & mask) + bias;
            out.write_all(&f16::from_f32(weight).to_le_bytes())?;
        }
    }
    Ok(())
}

/// The numbers of an unpacked tensor.
fn floats(kind: Option<Kind>, bytes: &[u8]) -> Vec<f32> {
    let pairs = || bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    match kind {
        Some(Kind::Bf16) => pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect(),
        Some(Kind::F16) => pairs().map(|pair| f16::from_le_bytes(pair).to_f32()).collect(),
        _ => bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect(),
    }
}
