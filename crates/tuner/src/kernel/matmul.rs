//! Strided views over slices and the one product that all fused operations use.
//!
//! candle's own `matmul` cannot add into an existing buffer; LoRA's `y += s·z·B`, attention's sums over
//! blocks and the chunked head all need that, so they call the same `gemm` crate that candle calls.

use gemm::Parallelism;

/// A read-only matrix over a slice; strides are counted in elements.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Mat<'a> {
    /// A row-major matrix whose rows lie `row_stride` elements apart.
    pub(crate) fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// A dense row-major matrix.
    pub(crate) fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// The same data with rows and columns exchanged.
    pub(crate) fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }
}

/// A writable row-major matrix over a slice.
pub(crate) struct MatMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

impl<'a> MatMut<'a> {
    /// Rows lie `row_stride` elements apart.
    pub(crate) fn strided(data: &'a mut [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        Self { data, rows, cols, row_stride }
    }

    /// A dense matrix.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }
}

/// How the product is shared among threads and joined with what `dst` holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    /// `dst = scale·a·b`
    Overwrite,
    /// `dst += scale·a·b`
    Add,
}

/// Products below this many multiplications are not worth waking a second thread for.
const SINGLE_THREAD_BELOW: usize = 1 << 20;

/// `dst = scale·a·b`, or `dst += scale·a·b`. With `threads` false the calling thread does it alone
/// (for callers that already share their work among threads).
pub(crate) fn product(dst: MatMut<'_>, a: Mat<'_>, b: Mat<'_>, scale: f32, into: Into, threads: bool) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(b.rows == k && dst.rows == m && dst.cols == n, "matrix shapes do not fit");
    if m == 0 || n == 0 {
        return;
    }
    let fits = |len: usize, rows: usize, cols: usize, rs: usize, cs: usize| {
        rows == 0 || cols == 0 || (rows - 1) * rs + (cols - 1) * cs < len
    };
    assert!(
        fits(a.data.len(), a.rows, a.cols, a.row_stride, a.col_stride)
            && fits(b.data.len(), b.rows, b.cols, b.row_stride, b.col_stride)
            && fits(dst.data.len(), m, n, dst.row_stride, 1)
            && dst.row_stride >= n,
        "matrix larger than its data"
    );
    let parallelism =
        if threads && m * k * n >= SINGLE_THREAD_BELOW { Parallelism::Rayon(0) } else { Parallelism::None };
    let add = into == Into::Add;
    #[allow(unsafe_code, reason = "gemm's interface takes pointers; the bounds are checked above")]
    // SAFETY: every element that the strides reach lies inside its slice (asserted above), `dst` is
    // borrowed mutably so it overlaps neither input, and its rows do not overlap each other.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.data.as_mut_ptr(),
            1,
            dst.row_stride as isize,
            add,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            if add { 1.0 } else { 0.0 },
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposed_and_added() {
        // a = [[1,2,3],[4,5,6]], b = aᵀ: a·b = [[14,32],[32,77]]
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut c = [1.0; 4];
        let m = Mat::new(&a, 2, 3);
        product(MatMut::new(&mut c, 2, 2), m, m.t(), 2.0, Into::Add, true);
        assert_eq!(c, [29.0, 65.0, 65.0, 155.0]);
        product(MatMut::new(&mut c, 2, 2), m, m.t(), 1.0, Into::Overwrite, true);
        assert_eq!(c, [14.0, 32.0, 32.0, 77.0]);
    }

    #[test]
    #[should_panic(expected = "larger than its data")]
    fn a_view_beyond_its_data_is_refused() {
        let a = [0.0; 5];
        let mut c = [0.0; 4];
        let m = Mat::new(&a, 2, 3);
        product(MatMut::new(&mut c, 2, 2), m, m.t(), 1.0, Into::Overwrite, false);
    }
}
