//! `gemma-burger model import`: a checkpoint in safetensors as the GGUF file that the engine loads.

use std::path::PathBuf;

use models::{Progress, Silent};
use serde_json::json;

use crate::{
    checkpoints,
    cli::{Failure, print},
    commands::{configure, model},
    config::{DATA, Flags},
};

/// Makes a GGUF file of a checkpoint in safetensors: Apple's MLX 4-bit weights, without a second loss, or 16 and 32-bit
/// floats. Gemma 3, and the text part of one that sees pictures.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gemma-burger model import mlx-community/gemma-3-4b-it-4bit --out gemma-3-4b.gguf\n\nThe \
                        product does this by itself for a MODEL that is a checkpoint."
)]
pub struct ImportArgs {
    /// A folder, or a name of the Hub.
    model: String,
    /// The file to write; without it, one beside the cached models.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<DATA>,
}

impl ImportArgs {
    /// Imports, and tells what became of the weights.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        let mut progress: Box<dyn Progress> = if self.json { Box::new(Silent) } else { models::bars() };
        let files = model::fetch(&config, &self.model, progress.as_mut())?;
        let folder = checkpoints::folder(&files).ok_or_else(|| {
            Failure::usage(format!("{} is no checkpoint", self.model))
                .hint("a checkpoint has config.json, model.safetensors and tokenizer.json; a GGUF file needs no import")
        })?;
        let out = self.out.map_or_else(|| checkpoints::kept_at(&config, &files), Ok)?;
        let report = checkpoints::import(&files, folder, &out, progress.as_mut())?;
        if self.json {
            let mut told = json!(report);
            told["file"] = json!(out);
            return print(&format!("{told}\n"));
        }
        let exact = if report.rounded == 0 {
            format!("all {} scales and biases are exact", report.scales)
        } else {
            format!(
                "{} of {} scales and biases were rounded, by {:e} at most",
                report.rounded, report.scales, report.largest_change
            )
        };
        print(&format!(
            "{}\n  weights  {} MB in {} tensors\n  4 bits   {} tensors as they were; {exact}\n  unpacked {} tensors, to 16 bits\n  left out {} tensors of pictures\n",
            out.display(),
            report.bytes / 1_000_000,
            report.tensors,
            report.four_bit,
            report.unpacked,
            report.skipped,
        ))
    }
}
