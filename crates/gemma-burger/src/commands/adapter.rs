//! `gemma-burger adapter`: what there is, and other programs' layouts.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use tuner::{Adapter, Base, FusedType, Precision, fuse, load_adapter, save_gguf, save_mlx, save_peft};

use super::{configure, train};
use crate::{
    brain::concierge::manner::{ADAPTER_FILE, Shelf},
    cli::{Failure, print},
    config::{DATA, Flags},
};

/// Lists the staff's adapters and writes them in other programs' layouts.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the adapters that can be served with, by name.
    #[command(after_help = "Example:\n  gemma-burger adapter list --json")]
    List {
        /// Prints JSON for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
    /// Reads an adapter of MLX-LM, PEFT or llama.cpp and writes it in another layout, or merged into its model.
    #[command(
        after_help = "Examples:\n  gemma-burger adapter convert data/adapters/mine --to peft --out mine-peft\n  \
                            gemma-burger adapter convert mine-peft --to gguf --out data/adapters/mine/adapter.gguf\n  \
                            gemma-burger adapter convert data/adapters/mine --to model --out mine.gguf"
    )]
    Convert {
        /// A folder of MLX-LM's or PEFT's layout, or llama.cpp's file.
        #[arg(value_name = "ADAPTER")]
        from: PathBuf,
        /// The layout to write.
        #[arg(long, value_enum)]
        to: Layout,
        /// The folder to write (MLX-LM, PEFT), or the file.
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
        /// The model that the adapter is for: a GGUF file, a folder, or a name of `model list`.
        #[arg(long, value_name = "MODEL")]
        base: Option<String>,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
}

/// How an adapter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// MLX-LM's folder: adapters.safetensors and adapter_config.json.
    Mlx,
    /// PEFT's folder: adapter_model.safetensors and adapter_config.json.
    Peft,
    /// llama.cpp's file, which the restaurant is served with.
    Gguf,
    /// The whole model with the adapter merged in, as a GGUF file.
    Model,
}

impl Args {
    /// Lists or converts.
    pub fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::List { json, flags } => {
                let config = configure(flags)?;
                let shelf = Shelf::new(&config.files.data_dir, &config.files.resources_dir);
                let found = shelf.list().into_iter().filter_map(|name| Some((shelf.find(&name)?, name)));
                if json {
                    let all: Vec<_> = found.map(|(path, name)| json!({"name": name, "path": path})).collect();
                    return print(&format!("{}\n", json!(all)));
                }
                let lines: String = found.map(|(path, name)| format!("{name}  {}\n", path.display())).collect();
                print(if lines.is_empty() { "no adapters; `gemma-burger train` makes one\n" } else { &lines })
            }
            Action::Convert { from, to, out, base, flags } => {
                let config = configure(flags)?;
                let adapter = load_adapter(&from).map_err(Failure::new)?;
                let base = train::base(&config, base.as_deref())?;
                let opened = Base::open(&base).map_err(Failure::new)?;
                adapter.check(opened.shape()).map_err(|error| {
                    Failure::new(error).hint(format!(
                        "{} was made for \"{}\"; name it with --base",
                        from.display(),
                        adapter.base
                    ))
                })?;
                write(&adapter, to, &out, &base, &opened)?;
                print(&format!("{}\n", out.display()))
            }
        }
    }
}

fn write(adapter: &Adapter, to: Layout, out: &Path, base: &Path, opened: &Base) -> Result<(), Failure> {
    match to {
        Layout::Mlx => save_mlx(adapter, out, opened.shape(), Precision::F16).map_err(Failure::new),
        // PEFT's loader expects the model's own type or f32.
        Layout::Peft => save_peft(adapter, out, Precision::F32).map_err(Failure::new),
        Layout::Gguf => {
            let path = if out.is_dir() { out.join(ADAPTER_FILE) } else { out.to_owned() };
            save_gguf(adapter, &path, Precision::F16).map_err(Failure::new)
        }
        Layout::Model => fuse(base, adapter, out, FusedType::F16).map_err(Failure::new),
    }
}
