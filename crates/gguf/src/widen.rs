//! Q5_0 blocks as Q8_0 blocks, without a loss.
//!
//! Both hold 32 whole numbers and one factor for them. Five bits fit into eight, so number and factor stay the same,
//! and so does every product with them. What is gained is time: taking five bits apart costs a processor more than
//! reading the third byte more that the wider block has.

use std::io::{self, Read, Write};

/// ggml's number of the narrow type.
pub(crate) const Q5_0: u32 = 6;
/// ggml's number of the wide type.
pub(crate) const Q8_0: u32 = 8;

const NARROW: usize = 22;
const WIDE: usize = 34;
const NUMBERS: usize = 32;

/// Reads `blocks` Q5_0 blocks and writes them as Q8_0 blocks.
pub(crate) fn copy(input: &mut dyn Read, blocks: u64, out: &mut dyn Write) -> io::Result<()> {
    let mut narrow = [0; NARROW];
    let mut input = io::BufReader::with_capacity(1 << 20, input.take(blocks.saturating_mul(NARROW as u64)));
    for _ in 0..blocks {
        input.read_exact(&mut narrow)?;
        out.write_all(&widened(&narrow))?;
    }
    Ok(())
}

/// A factor, the fifth bits of all numbers, then their four lower bits: two numbers a byte, sixteen apart.
fn widened(narrow: &[u8; NARROW]) -> [u8; WIDE] {
    let fifths = u32::from_le_bytes([narrow[2], narrow[3], narrow[4], narrow[5]]);
    let mut wide = [0; WIDE];
    wide[..2].copy_from_slice(&narrow[..2]);
    for place in 0..NUMBERS {
        let byte = narrow[6 + place % 16];
        let lower = if place < 16 { byte & 15 } else { byte >> 4 };
        let fifth = u8::from((fifths >> place) & 1 == 1) << 4;
        // Counted from -16.
        wide[2 + place] = (lower | fifth).wrapping_sub(16);
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_factor_stay_the_same() {
        // ggml's own way to write a block, for numbers that meet every value and every place.
        let numbers: Vec<i8> = (0_i8..32).map(|place| place.wrapping_mul(5).rem_euclid(32) - 16).collect();
        let mut narrow = [0_u8; NARROW];
        narrow[..2].copy_from_slice(&[0x34, 0x12]);
        let mut fifths = 0_u32;
        for (place, number) in numbers.iter().enumerate() {
            let raised = (number + 16) as u8;
            narrow[6 + place % 16] |= (raised & 15) << (4 * (place / 16));
            fifths |= u32::from(raised >> 4) << place;
        }
        narrow[2..6].copy_from_slice(&fifths.to_le_bytes());
        let mut wide = Vec::new();
        assert!(copy(&mut [narrow, narrow].concat().as_slice(), 2, &mut wide).is_ok());
        let expected: Vec<u8> = [0x34, 0x12].into_iter().chain(numbers.iter().map(|number| *number as u8)).collect();
        assert_eq!(wide, [expected.clone(), expected].concat());
    }

    #[test]
    fn an_early_end_is_an_error() {
        assert!(copy(&mut [0_u8; NARROW].as_slice(), 2, &mut Vec::new()).is_err());
    }
}
