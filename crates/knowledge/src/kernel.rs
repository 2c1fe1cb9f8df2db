//! The sums that vectors and the encoder are made of, laid out so that the compiler keeps them in vector registers.

use std::array;

/// Numbers that are worked on side by side: what one register holds.
const LANES: usize = if cfg!(target_feature = "avx512f") {
    16
} else if cfg!(target_feature = "avx2") {
    8
} else {
    4
};

/// Registers of a matrix's rows, and states, that are multiplied at once: as many as have all their sums in registers,
/// so that each number that is read serves several products.
const REGISTERS: usize = if cfg!(any(target_feature = "avx512f", target_arch = "aarch64")) { 4 } else { 2 };
const STATES: usize = 6;

/// The numbers of one column in as many rows of a matrix as are worked on at once.
type Column = [[f32; LANES]; REGISTERS];
const ROWS: usize = LANES * REGISTERS;

/// A matrix, and a number that each of its rows adds.
pub(crate) struct Matrix {
    /// Pass by pass, [`ROWS`] rows each, column by column; rows that fill up the last pass are zeros.
    columns: Vec<Column>,
    bias: Vec<f32>,
    width: usize,
}

impl Matrix {
    /// Of `bias.len()` rows, one after another, whose length is not zero.
    pub(crate) fn new(rows: &[f32], bias: Vec<f32>) -> Self {
        let width = (rows.len() / bias.len().max(1)).max(1);
        let column = |rows: &[f32], at: usize| {
            let mut column = Column::default();
            for (to, row) in column.as_flattened_mut().iter_mut().zip(rows.chunks_exact(width)) {
                *to = row.get(at).copied().unwrap_or_default();
            }
            column
        };
        let passes = rows.chunks(ROWS * width);
        let columns = passes.flat_map(|rows| (0..width).map(move |at| column(rows, at))).collect();
        Self { columns, bias, width }
    }

    /// Each of `states` times each row: of states one after another, results one after another.
    pub(crate) fn times(&self, states: &[f32]) -> Vec<f32> {
        let count = states.len() / self.width;
        // As even as they can be: ten are five and five.
        match count.div_ceil(count.div_ceil(STATES).max(1)) {
            0 => Vec::new(),
            1 => self.times_groups::<1>(states),
            2 => self.times_groups::<2>(states),
            3 => self.times_groups::<3>(states),
            4 => self.times_groups::<4>(states),
            5 => self.times_groups::<5>(states),
            _ => self.times_groups::<STATES>(states),
        }
    }

    fn times_groups<const S: usize>(&self, states: &[f32]) -> Vec<f32> {
        let outputs = self.bias.len();
        let groups: Vec<Vec<[f32; S]>> =
            states.chunks(S * self.width).map(|group| by_column(group, self.width)).collect();
        let mut results = vec![0.0; states.len() / self.width * outputs];
        // The rows of a pass stay in the nearest cache while all states go by, so the matrix is read once.
        for (pass, columns) in self.columns.chunks_exact(self.width).enumerate() {
            let places = pass * ROWS..outputs.min((pass + 1) * ROWS);
            let bias = self.bias.get(places.clone()).unwrap_or_default();
            for (group, results) in groups.iter().zip(results.chunks_mut(S * outputs)) {
                let sums = products(columns, group);
                for (sums, result) in sums.iter().zip(results.chunks_exact_mut(outputs)) {
                    let result = result.get_mut(places.clone()).unwrap_or_default();
                    for ((to, sum), bias) in result.iter_mut().zip(sums.as_flattened()).zip(bias) {
                        *to = sum + bias;
                    }
                }
            }
        }
        results
    }
}

/// A few states, column by column; where there are fewer, zeros.
fn by_column<const S: usize>(states: &[f32], width: usize) -> Vec<[f32; S]> {
    let mut columns = vec![[0.0; S]; width];
    for (at, state) in states.chunks_exact(width).enumerate() {
        for (column, value) in columns.iter_mut().zip(state) {
            if let Some(to) = column.get_mut(at) {
                *to = *value;
            }
        }
    }
    columns
}

/// The sum of the products of each state and each row.
fn products<const S: usize>(columns: &[Column], states: &[[f32; S]]) -> [Column; S] {
    let mut sums = [Column::default(); S];
    for (column, states) in columns.iter().zip(states) {
        for (sums, state) in sums.iter_mut().zip(states) {
            for (sums, rows) in sums.iter_mut().zip(column) {
                *sums = array::from_fn(|lane| add_product(sums[lane], rows[lane], *state));
            }
        }
    }
    sums
}

/// Two registers, whose sums do not wait for each other.
const WIDE: usize = 2 * LANES;

/// The sum of the products of two vectors.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<WIDE>(), b.as_chunks::<WIDE>());
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; WIDE];
    for (a, b) in a.iter().zip(b) {
        sums = array::from_fn(|lane| add_product(sums[lane], a[lane], b[lane]));
    }
    total(sums) + rest
}

/// The sum of many numbers.
pub(crate) fn sum(of: &[f32]) -> f32 {
    let (of, rest) = of.as_chunks::<WIDE>();
    let sums = of.iter().fold([0.0; WIDE], |sums, of| array::from_fn(|lane| sums[lane] + of[lane]));
    total(sums) + rest.iter().sum::<f32>()
}

/// Half by half: one after another, each addition would wait for the one before.
fn total(mut sums: [f32; WIDE]) -> f32 {
    let mut half = WIDE / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// The vector in the same direction, of length 1; zeros stay as they are.
pub(crate) fn normalised(vector: &[f32]) -> Vec<f32> {
    let length = dot(vector, vector).sqrt();
    let factor = if length > 0.0 { length.recip() } else { 0.0 };
    vector.iter().map(|value| value * factor).collect()
}

/// Adds a multiple of `from` to `to`, number by number.
pub(crate) fn add_multiple(to: &mut [f32], factor: f32, from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = add_product(*to, factor, *from);
    }
}

/// In one instruction where the processor has it; where it has not, that would be a call of a function.
#[inline(always)]
fn add_product(sum: f32, a: f32, b: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, sum) } else { a * b + sum }
}

/// The exponential function to a few units in the last place, between what would be zero and what would be infinite.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// The natural logarithm of two as a short number and what is left of it.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = x.clamp(-87.0, 88.0);
    let twos = (x * std::f32::consts::LOG2_E).round_ties_even();
    let rest = add_product(add_product(x, twos, -LN_2[0]), twos, -LN_2[1]);
    // The series of the exponential function; `rest` is at most 0.35.
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = series.into_iter().fold(1.0 / 5_040.0, |sum, factor| add_product(factor, sum, rest));
    power * f32::from_bits(((twos as i32 + 127) as u32) << 23)
}

/// `x` times the share of a normal distribution that lies below it. The error function in it is Abramowitz and Stegun's
/// 7.1.26, right to 1.5e-7.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let factors = [-1.453_152, 1.421_413_7, -0.284_496_72, 0.254_829_6];
    let tail = factors.into_iter().fold(1.061_405_4, |sum, factor| add_product(factor, sum, t)) * t * exp(-z * z);
    0.5 * x * (1.0 + (1.0 - tail).copysign(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: f32) -> Vec<f32> {
        (0..count).map(|at| (at as f32 * seed).sin()).collect()
    }

    /// Shapes that fill their passes and groups, and such that do not.
    #[test]
    fn a_matrix_gives_the_sums_of_products() {
        for (width, outputs, count) in
            [(32, 128, 6), (48, 70, 13), (37, 7, 5), (1, 1, 1), (64, 64, 4), (16, 100, 8), (5, 9, 0)]
        {
            let (rows, bias) = (numbers(width * outputs, 0.37), numbers(outputs, 1.9));
            let matrix = Matrix::new(&rows, bias.clone());
            let states = numbers(width * count, 0.73);
            let found = matrix.times(&states);
            assert_eq!(found.len(), count * outputs);
            for (at, found) in found.iter().enumerate() {
                let (state, row) = (at / outputs, at % outputs);
                let pairs = (0..width).map(|k| (rows[row * width + k], states[state * width + k]));
                let exact: f64 = pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum::<f64>() + f64::from(bias[row]);
                assert!((f64::from(*found) - exact).abs() < 1e-5, "{width} {outputs} {count}: {found} {exact}");
            }
        }
    }

    #[test]
    fn the_curves_are_close_to_the_exact_ones() {
        for at in -8_800..=8_800 {
            let x = at as f32 / 100.0;
            let exact = f64::from(x).exp();
            assert!(x < -87.0 || (f64::from(exp(x)) - exact).abs() <= exact * 3e-7, "{x}: {} {exact}", exp(x));
        }
        // Of a table of the normal distribution.
        for (x, below) in [(0.0, 0.5), (0.5, 0.691_462_46), (1.0, 0.841_344_8), (2.0, 0.977_249_87), (3.0, 0.998_650_1)]
        {
            assert!((gelu(x) - x * below).abs() < 1e-6, "{x}");
            assert!((gelu(-x) + x * (1.0 - below)).abs() < 1e-6, "-{x}");
        }
        assert_eq!((gelu(50.0), gelu(-50.0).abs()), (50.0, 0.0));
    }
}
