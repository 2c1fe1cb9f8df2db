//! Arithmetic on plain `f32` slices: what the fused operations of [`crate::ops`] are made of.
//!
//! Everything here gives the same bits for the same input and thread count: sums run in a fixed
//! order, and threads share rows, never a sum.

mod matmul;
mod vector;

pub(crate) use matmul::{Into, Mat, MatMut, product};
pub(crate) use vector::{
    dot, gelu_tanh, gelu_tanh_slope, max, scale_in_place, softmax_in_place, sum_of_squares, sum_with_exp,
};
