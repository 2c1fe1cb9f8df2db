//! Layouts of other programs: names, shapes, round trips, refusals.

use super::fixture::{HIDDEN, LAYERS, Tiny};
use crate::error::AdapterError;
use crate::export::tensors::{TensorFile, write_tensors};
use crate::export::{FusedType, Precision, fuse, load_adapter, load_mlx, load_peft, save_gguf, save_mlx, save_peft};
use crate::lora::{Adapter, LoraConfig};
use crate::model::{Gemma, Packed};
use crate::shape::Target;
use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Device, Tensor};
use std::fs::File;
use std::path::Path;

fn config() -> LoraConfig {
    LoraConfig {
        rank: 4,
        alpha: 10.0,
        layers: Some(2),
        targets: vec![Target::Q, Target::V, Target::Down],
        ..LoraConfig::default()
    }
}

fn values(adapter: &Adapter) -> Vec<Vec<f32>> {
    adapter.vars().map(|var| var.flatten_all().unwrap().to_vec1().unwrap()).collect()
}

fn json(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("adapter_config.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn mlx_layout_there_and_back() {
    let tiny = Tiny::new(1);
    let adapter = tiny.adapter(&config());
    let folder = tiny.dir.path().join("mlx");
    save_mlx(&adapter, &folder, tiny.base().shape(), Precision::F32).unwrap();
    let file = TensorFile::read(&folder.join("adapters.safetensors")).unwrap();
    assert_eq!(file.names().len(), 12);
    let a = file.tensor("model.layers.4.self_attn.q_proj.lora_a").unwrap();
    let b = file.tensor("model.layers.5.mlp.down_proj.lora_b").unwrap();
    assert_eq!((a.dims(), b.dims()), (&[HIDDEN, 4][..], &[4, HIDDEN][..]));
    let written = json(&folder);
    assert_eq!(written["fine_tune_type"], "lora");
    assert_eq!(written["num_layers"], 2);
    assert_eq!(written["lora_parameters"]["scale"], 2.5);
    assert_eq!(
        written["lora_parameters"]["keys"],
        serde_json::json!(["self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"])
    );
    let read = load_adapter(&folder).unwrap();
    assert_eq!(values(&read), values(&adapter));
    assert_eq!(read.base, "tiny");
    assert_eq!(read.config.scale(), adapter.config.scale());
    assert_eq!(read.config.targets, adapter.config.targets);
}

#[test]
fn peft_layout_there_and_back() {
    let tiny = Tiny::new(1);
    let adapter = tiny.adapter(&config());
    let folder = tiny.dir.path().join("peft");
    save_peft(&adapter, &folder, Precision::F32).unwrap();
    let file = TensorFile::read(&folder.join("adapter_model.safetensors")).unwrap();
    let name = "base_model.model.model.layers.4.self_attn.v_proj";
    let a = file.tensor(&format!("{name}.lora_A.weight")).unwrap();
    let b = file.tensor(&format!("{name}.lora_B.weight")).unwrap();
    assert_eq!((a.dims(), b.dims()), (&[4, HIDDEN][..], &[8, 4][..]));
    let written = json(&folder);
    assert_eq!((&written["r"], &written["lora_alpha"]), (&4.into(), &10.0.into()));
    assert_eq!(written["layers_to_transform"], serde_json::json!([4, 5]));
    let read = load_adapter(&folder).unwrap();
    assert_eq!(values(&read), values(&adapter));
    assert_eq!(read.config.alpha, 10.0);
    assert!(load_mlx(&folder).is_err());
}

#[test]
fn half_precision_halves_the_file_and_stays_close() {
    let tiny = Tiny::new(1);
    let adapter = tiny.adapter(&LoraConfig { rank: 64, ..config() });
    let size = |precision, name: &str| {
        let folder = tiny.dir.path().join(name);
        save_mlx(&adapter, &folder, tiny.base().shape(), precision).unwrap();
        let read = load_mlx(&folder).unwrap();
        let apart = values(&read)
            .concat()
            .iter()
            .zip(values(&adapter).concat())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        let path = folder.join("adapters.safetensors");
        (std::fs::metadata(path).unwrap().len(), apart)
    };
    let (whole, half) = (size(Precision::F32, "whole"), size(Precision::F16, "half"));
    assert_eq!(whole.1, 0.0);
    assert!(half.1 > 0.0 && half.1 < 3e-4, "{}", half.1);
    assert!(half.0 < whole.0 * 11 / 20);
    assert!(size(Precision::Bf16, "brain").1 < 3e-3);
}

#[test]
fn damaged_adapters_are_refused() {
    let tiny = Tiny::new(1);
    let adapter = tiny.adapter(&config());
    let folder = tiny.dir.path().join("mlx");
    save_mlx(&adapter, &folder, tiny.base().shape(), Precision::F32).unwrap();
    let path = folder.join("adapters.safetensors");
    let good = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        matches!(load_mlx(&folder), Err(AdapterError::Damaged { .. }))
    };
    assert!(refused(&[]));
    assert!(refused(b"not a tensor file at all"));
    assert!(refused(&good[..good.len() - 1]));
    assert!(refused(&good[..40]));
    let mut huge_header = good.clone();
    huge_header[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(refused(&huge_header));
    let mut not_a_number = good.clone();
    let end = not_a_number.len();
    not_a_number[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(refused(&not_a_number));
    std::fs::write(&path, &good).unwrap();
    assert!(load_mlx(&folder).is_ok());

    let zeros = |dims: (usize, usize)| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    let q = "model.layers.4.self_attn.q_proj";
    for tensors in [
        vec![],
        vec![(format!("{q}.lora_a"), zeros((32, 4)))],
        vec![(format!("{q}.lora_a"), zeros((32, 4))), (format!("{q}.lora_b"), zeros((5, 32)))],
        vec![("model.embed_tokens.weight".to_owned(), zeros((4, 4)))],
        vec![(format!("model.layers.{}.self_attn.q_proj.lora_a", u128::MAX), zeros((4, 4)))],
    ] {
        write_tensors(&path, &tensors, &[]).unwrap();
        assert!(matches!(load_mlx(&folder), Err(AdapterError::Damaged { .. })));
    }
    std::fs::write(folder.join("adapter_config.json"), "{\"rank\":").unwrap();
    assert!(matches!(load_mlx(&folder), Err(AdapterError::Damaged { .. })));
    assert!(matches!(load_peft(&tiny.dir.path().join("none")), Err(AdapterError::Io { .. })));
}

#[test]
fn another_base_is_refused_by_shape() {
    let (tiny, other) = (Tiny::new(1), Tiny::new(2));
    let adapter = tiny.adapter(&config());
    assert!(adapter.check(tiny.base().shape()).is_ok());
    let error = adapter.check(other.base().shape()).unwrap_err().to_string();
    assert!(error.contains("self_attn.v_proj is 16 × 32 in the model, 8 × 32"), "{error}");
    let out = tiny.dir.path().join("merged.gguf");
    assert!(fuse(&other.path, &adapter, &out, FusedType::F16).is_err());
    assert!(!out.exists());
}

#[test]
fn llama_cpp_adapter_has_its_names_and_shapes() {
    let tiny = Tiny::new(1);
    let adapter = tiny.adapter(&config());
    let path = tiny.dir.path().join("adapter.gguf");
    save_gguf(&adapter, &path, Precision::F16).unwrap();
    let content = Content::read(&mut File::open(&path).unwrap()).unwrap();
    let text = |key: &str| content.metadata[key].to_string().unwrap().clone();
    assert_eq!(text("general.type"), "adapter");
    assert_eq!(text("adapter.type"), "lora");
    assert_eq!(text("general.architecture"), "gemma3");
    assert_eq!(content.metadata["adapter.lora.alpha"].to_f32().unwrap(), 10.0);
    assert_eq!(content.tensor_infos.len(), 12);
    let dims = |name: &str| content.tensor_infos[name].shape.dims().to_vec();
    assert_eq!(dims("blk.5.attn_v.weight.lora_a"), [4, HIDDEN]);
    assert_eq!(dims("blk.5.attn_v.weight.lora_b"), [8, 4]);
}

#[test]
fn a_merged_model_answers_like_model_and_adapter() {
    let tiny = Tiny::new(1);
    let adapter = tiny.adapter(&config());
    let mut batch = Packed::default();
    batch.push(&(0..40).map(|i| i * 7 % 290).collect::<Vec<u32>>(), 1);
    let apart = |a: &Tensor, b: &Tensor| {
        let apart = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
        apart.max(0).unwrap().to_scalar::<f32>().unwrap()
    };
    let model = tiny.model();
    let plain = model.logits(&batch, None).unwrap();
    let tuned = model.logits(&batch, Some(&adapter)).unwrap();
    assert!(apart(&plain, &tuned) > 0.5);
    for (stored, allowed) in [(FusedType::F16, 0.02), (FusedType::Q8_0, 0.4)] {
        let out = tiny.dir.path().join("merged.gguf");
        fuse(&tiny.path, &adapter, &out, stored).unwrap();
        let mut base = crate::base::Base::open(&out).unwrap();
        let merged = Gemma::load(&mut base, &Device::Cpu).unwrap();
        assert_eq!(merged.shape().layers, LAYERS);
        let distance = apart(&merged.logits(&batch, None).unwrap(), &tuned);
        assert!(distance < allowed, "{stored:?}: {distance}");
    }
}
