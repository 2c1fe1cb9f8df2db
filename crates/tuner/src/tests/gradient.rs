//! The fused f32 kernels against f64 arithmetic and finite differences.

use super::fixture::{LAYERS, Tiny};
use crate::lora::{LoraConfig, Pass};
use crate::model::{Gemma, Packed};
use candle_core::{DType, Device, Tensor};

/// Three sequences: one longer than an attention block, one shorter than the window, one minimal.
fn batch() -> Packed {
    let mut batch = Packed::default();
    let token = |i: usize| ((i * 37 + 11) % 290) as u32;
    let long: Vec<u32> = (0..71).map(token).collect();
    let short: Vec<u32> = (100..104).map(token).collect();
    batch.push(&long, 30);
    batch.push(&short, 2);
    batch.push(&[2, 9], 1);
    batch
}

fn config(dropout: f32) -> LoraConfig {
    LoraConfig { rank: 3, alpha: 6.0, dropout, layers: Some(LAYERS - 1), ..LoraConfig::default() }
}

fn gradients_agree(kv_heads: usize, dropout: f32) {
    let tiny = Tiny::new(kv_heads);
    let fused = tiny.model();
    let exact = Gemma::load_as(&mut tiny.base(), &Device::Cpu, DType::F64).unwrap();
    let adapter = tiny.adapter(&config(dropout));
    let exact_adapter = adapter.to_f64().unwrap();
    let (batch, pass) = (batch(), Pass::Learn { seed: 5 });

    let loss = fused.loss(&batch, Some(&adapter), pass).unwrap();
    let value = |x: &Tensor| x.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap();
    let exact_loss = || {
        let loss = exact.loss(&batch, Some(&exact_adapter), pass).unwrap();
        value(&loss)
    };
    let (found, wanted) = (value(&loss), exact_loss());
    assert!((found / wanted - 1.0).abs() < 1e-5, "{found} {wanted}");

    let grads = loss.backward().unwrap();
    let (mut compared, mut apart, mut length) = (0, 0.0, 0.0);
    for (var, exact_var) in adapter.vars().zip(exact_adapter.vars()) {
        let grad: Vec<f32> = grads.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let values: Vec<f64> = exact_var.flatten_all().unwrap().to_vec1().unwrap();
        for place in [1, values.len() / 2] {
            let loss_at = |shift: f64| {
                let mut moved = values.clone();
                moved[place] += shift;
                let moved = Tensor::from_vec(moved, exact_var.shape(), &Device::Cpu).unwrap();
                exact_var.set(&moved).unwrap();
                exact_loss()
            };
            let h = 1e-5;
            let slope = (loss_at(h) - loss_at(-h)) / (2.0 * h);
            loss_at(0.0);
            let error = f64::from(grad[place]) - slope;
            assert!(error.abs() < 1e-3 * slope.abs().max(0.1), "{error} of {slope}");
            apart += error * error;
            length += slope * slope;
            compared += 1;
        }
    }
    assert_eq!(compared, (LAYERS - 1) * 7 * 2 * 2);
    assert!(length > 1.0 && (apart / length).sqrt() < 1e-3, "{apart} {length}");
}

#[test]
fn gradients_equal_finite_differences() {
    gradients_agree(1, 0.0);
}

#[test]
fn gradients_equal_finite_differences_with_dropout_and_grouped_heads() {
    gradients_agree(2, 0.3);
}

#[test]
fn both_forms_of_the_adapter_free_model_agree() {
    let tiny = Tiny::new(2);
    let exact = Gemma::load_as(&mut tiny.base(), &Device::Cpu, DType::F64).unwrap();
    let fused = tiny.model().logits(&batch(), None).unwrap();
    let exact = exact.logits(&batch(), None).unwrap();
    let apart = (fused.to_dtype(DType::F64).unwrap() - exact).unwrap().abs().unwrap();
    let apart = apart.flatten_all().unwrap().max(0).unwrap().to_scalar::<f64>().unwrap();
    assert!(apart < 1e-3, "{apart}");
}

#[test]
fn a_local_layer_does_not_see_beyond_its_window() {
    // One layer alone, so that nothing reaches further through the layers above.
    use crate::ops::attention;
    use std::sync::Arc;
    let random = |seed: u64, heads: usize| {
        let values: Vec<f32> =
            (0..12 * heads * 4).map(|i| ((i as u64 * 2_654_435_761 + seed * 97) % 1000) as f32 / 500.0 - 1.0).collect();
        Tensor::from_vec(values, (12, heads, 4), &Device::Cpu).unwrap()
    };
    let (q, k, v) = (random(1, 2), random(2, 1), random(3, 1));
    let lengths: Arc<[usize]> = vec![10, 2].into();
    let run = |k: &Tensor, window| -> Vec<Vec<f32>> {
        let out = attention(&q, k, &v, &lengths, window, 0.5).unwrap();
        out.flatten_from(1).unwrap().to_vec2().unwrap()
    };
    // Key 2 is another one.
    let other = Tensor::cat(
        &[
            k.narrow(0, 0, 2).unwrap(),
            k.narrow(0, 2, 1).unwrap().affine(-1.0, 0.7).unwrap(),
            k.narrow(0, 3, 9).unwrap(),
        ],
        0,
    )
    .unwrap();
    let differs = |window| -> Vec<usize> {
        let (a, b) = (run(&k, window), run(&other, window));
        (0..12).filter(|&i| a[i] != b[i]).collect()
    };
    assert_eq!(differs(Some(3)), [2, 3, 4]);
    assert_eq!(differs(None), [2, 3, 4, 5, 6, 7, 8, 9]);
    // A token alone in its sequence, or first in it, sees itself only.
    let first: Vec<f32> = v.narrow(0, 10, 1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(run(&k, None)[10], [first.clone(), first].concat());
}
