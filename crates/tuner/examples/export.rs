//! Writes a trained adapter in other programs' layouts.
//!
//! ```text
//! cargo run --release -p tuner --example export -- BASE.gguf ADAPTER_FOLDER llama OUT.gguf
//! cargo run --release -p tuner --example export -- BASE.gguf ADAPTER_FOLDER peft|mlx OUT_FOLDER
//! cargo run --release -p tuner --example export -- BASE.gguf ADAPTER_FOLDER fuse OUT.gguf
//! ```
use std::error::Error;
use std::path::PathBuf;
use tuner::{Base, FusedType, Precision, fuse, load_adapter, save_gguf, save_mlx, save_peft};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, folder, layout, out] = arguments.as_slice() else {
        return Err("BASE ADAPTER_FOLDER LAYOUT OUT are expected".into());
    };
    let (base, out) = (PathBuf::from(base), PathBuf::from(out));
    let adapter = load_adapter(folder.as_ref())?;
    let opened = Base::open(&base)?;
    adapter.check(opened.shape())?;
    match layout.as_str() {
        "llama" => save_gguf(&adapter, &out, Precision::F16)?,
        "peft" => save_peft(&adapter, &out, Precision::F32)?,
        "mlx" => save_mlx(&adapter, &out, opened.shape(), Precision::F16)?,
        "fuse" => fuse(&base, &adapter, &out, FusedType::F16)?,
        _ => return Err(format!("no layout is called '{layout}'").into()),
    }
    Ok(())
}
