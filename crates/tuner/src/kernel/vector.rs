//! Row arithmetic written so that the compiler turns it into vector instructions.
//!
//! Two things keep it from doing so by itself: a float sum has a fixed order (so the sums here keep
//! sixteen running sums), and `f32::exp` is a library call (so the exponential is a polynomial here).

const LANES: usize = 16;

#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    // Without the instruction, `mul_add` is a slow library call.
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

/// `eˣ` within three units in the last place for -87 ≤ x ≤ 88; smaller arguments give about 1e-38, larger
/// ones about 1.6e38.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // x = n·ln 2 + r. Adding 1.5·2²³ rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Comparisons written this way keep a NaN a NaN.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let rounded = fused(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = fused(n, -LN2_LOW, fused(n, -LN2_HIGH, x));
    let mut p = 1.987_569_1e-4;
    p = fused(p, r, 1.398_2e-3);
    p = fused(p, r, 8.333_452e-3);
    p = fused(p, r, 4.166_579_6e-2);
    p = fused(p, r, 0.166_666_66);
    p = fused(p, r, 0.5);
    p = fused(p, r * r, r + 1.0);
    let exponent = (rounded.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    p * f32::from_bits((exponent.wrapping_add(127) as u32) << 23)
}

/// Folds a row into [`LANES`] running values, then those into one, always in the same order.
#[inline(always)]
fn fold(row: &[f32], start: f32, f: impl Fn(f32, f32) -> f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = f(*lane, x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = f(*lane, x);
    }
    lanes.into_iter().fold(start, join)
}

/// The largest value; negative infinity for an empty row.
pub(crate) fn max(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    fold(row, f32::NEG_INFINITY, larger, larger)
}

/// `Σ x²`
pub(crate) fn sum_of_squares(row: &[f32]) -> f32 {
    fold(row, 0.0, |s, x| fused(x, x, s), |a, b| a + b)
}

/// `Σ aᵢ·bᵢ` over the shorter of the two.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (ca, cb) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (ra, rb) = (ca.remainder(), cb.remainder());
    for (x, y) in ca.zip(cb) {
        for i in 0..LANES {
            lanes[i] = fused(x[i], y[i], lanes[i]);
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(ra).zip(rb) {
        *lane = fused(x, y, *lane);
    }
    lanes.into_iter().sum()
}

/// `x ← x·s`
pub(crate) fn scale_in_place(row: &mut [f32], s: f32) {
    for x in row {
        *x *= s;
    }
}

/// `x ← e^(x - shift)`; returns the sum of the new values.
pub(crate) fn sum_with_exp(row: &mut [f32], shift: f32) -> f32 {
    for x in row.iter_mut() {
        *x = exp(*x - shift);
    }
    fold(row, 0.0, |s, x| s + x, |a, b| a + b)
}

/// `x ← softmax(scale·x)`
pub(crate) fn softmax_in_place(row: &mut [f32], scale: f32) {
    scale_in_place(row, scale);
    let shift = max(row);
    let total = sum_with_exp(row, shift);
    scale_in_place(row, 1.0 / total);
}

const GELU_INNER: f32 = 0.797_884_6; // √(2/π)
const GELU_CUBIC: f32 = 0.044_715;

#[inline(always)]
fn tanh(x: f32) -> f32 {
    // 1 - 2/(e²ˣ + 1); beyond |x| = 9, f32 holds no other value than ±1.
    let x = if x > 9.0 { 9.0 } else { x };
    let x = if x < -9.0 { -9.0 } else { x };
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// GELU in its tanh form, as Gemma's gate uses it.
#[inline(always)]
pub(crate) fn gelu_tanh(x: f32) -> f32 {
    let u = GELU_INNER * (x + GELU_CUBIC * x * x * x);
    0.5 * x * (1.0 + tanh(u))
}

/// The value of [`gelu_tanh`] and its derivative.
#[inline(always)]
pub(crate) fn gelu_tanh_slope(x: f32) -> (f32, f32) {
    let u = GELU_INNER * (x + GELU_CUBIC * x * x * x);
    let t = tanh(u);
    let du = GELU_INNER * (1.0 + 3.0 * GELU_CUBIC * x * x);
    (0.5 * x * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * du)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_close_to_the_library() {
        let mut worst = 0f64;
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let want = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - want) / want).abs());
        }
        assert!(worst < 4e-7, "{worst}");
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_cover_the_rest_of_a_row() {
        let row: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(max(&row), 36.0);
        assert_eq!(sum_of_squares(&row), 16_206.0);
        assert_eq!(dot(&row, &row), 16_206.0);
        let mut p = row.clone();
        softmax_in_place(&mut p, 0.5);
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((p[36] / p[35] - 0.5f32.exp()).abs() < 1e-4);
    }

    #[test]
    fn gelu_slope_matches_differences() {
        for i in -60..60 {
            let x = i as f32 / 10.0;
            let (value, slope) = gelu_tanh_slope(x);
            let h = 1e-2;
            let difference = (gelu_tanh(x + h) - gelu_tanh(x - h)) / (2.0 * h);
            assert_eq!(value, gelu_tanh(x));
            assert!((slope - difference).abs() < 1e-3, "{x}: {slope} {difference}");
        }
    }
}
