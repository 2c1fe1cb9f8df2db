//! `gemma-burger mlflow`: the server that keeps runs, models, prompts and traces.

use std::path::PathBuf;

use clap::Subcommand;
use connect::mlflow::{Mlflow, Reference, courier::send_all, journal::Journal};

use super::configure_quietly;
use crate::{
    brain::concierge::{Resources, manner::FOLDER, prompts},
    cli::{Failure, print},
    config::{Config, DATA, Flags},
    tracking,
};

/// Aliases that this product sets.
const ALIASES: [&str; 2] = ["champion", "candidate"];

/// Works with the MLflow server that MLFLOW_TRACKING_URI names.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tries the server and the key, and tells which adapters are registered.
    #[command(after_help = "Example:\n  MLFLOW_TRACKING_URI=http://localhost:5001 gemma-burger mlflow check")]
    Check {
        #[command(flatten)]
        flags: Flags<DATA>,
    },
    /// Sends what training runs have kept because the server was away.
    #[command(after_help = "Example:\n  gemma-burger mlflow send data/adapters/manner")]
    Send {
        /// Folders of runs; without any, all in the data folder.
        #[arg(value_name = "DIR")]
        runs: Vec<PathBuf>,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
    /// Registers personas and prompts: a new version only of what has changed.
    #[command(after_help = "Example:\n  gemma-burger mlflow prompts")]
    Prompts {
        #[command(flatten)]
        flags: Flags<DATA>,
    },
}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Check { flags } => {
                let config = configure_quietly(flags)?;
                check(&config, &tracking::wanted(&config)?)
            }
            Action::Send { runs, flags } => {
                let config = configure_quietly(flags)?;
                send(&config, &tracking::wanted(&config)?, runs)
            }
            Action::Prompts { flags } => {
                let config = configure_quietly(flags)?;
                let mlflow = tracking::wanted(&config)?;
                let world = Resources::read(&config)?.world;
                let versions = prompts::register(&mlflow, &world, &config.mlflow.model).map_err(tracking::failure)?;
                let told = |new: bool| if new { "new" } else { "unchanged" };
                let lines = versions
                    .iter()
                    .map(|prompt| format!("{}  version {}  {}\n", prompt.name, prompt.version, told(prompt.is_new)));
                print(&lines.collect::<String>())
            }
        }
    }
}

fn check(config: &Config, mlflow: &Mlflow) -> Result<(), Failure> {
    let version = mlflow.version().map_err(tracking::failure)?;
    let experiment = mlflow.experiment(&config.mlflow.experiment).map_err(tracking::failure)?;
    let mut text =
        format!("MLflow {version} at {}\nexperiment {}: {experiment}\n", mlflow.uri(), config.mlflow.experiment);
    for alias in ALIASES {
        let wanted = Reference { name: config.mlflow.model.clone(), which: alias.to_owned(), is_alias: true };
        let found = mlflow.find_version(&wanted).map_err(tracking::failure)?;
        let found = found.map_or_else(|| "none".to_owned(), |version| format!("version {}", version.version));
        text += &format!("{wanted}: {found}\n");
    }
    print(&text)
}

fn send(config: &Config, mlflow: &Mlflow, runs: Vec<PathBuf>) -> Result<(), Failure> {
    let runs = if runs.is_empty() { waiting(config) } else { runs };
    if runs.is_empty() {
        return print("nothing waits\n");
    }
    for run in runs {
        if Journal::all(&run).is_empty() {
            return Err(Failure::usage(format!("{} holds no run that was tracked", run.display())));
        }
        for outcome in send_all(mlflow, &run).map_err(tracking::failure)? {
            let version = outcome.state.version.map_or_else(String::new, |version| format!(", version {version}"));
            print(&format!("{}: run {}{version}\n", run.display(), outcome.state.run_id))?;
        }
    }
    Ok(())
}

/// Runs of the data folder whose journals have not arrived.
fn waiting(config: &Config) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(config.files.data_dir.join(FOLDER)).into_iter().flatten().flatten();
    let waits = |folder: &PathBuf| Journal::all(folder).iter().any(|journal| !journal.is_sent());
    folders.map(|entry| entry.path()).filter(waits).collect()
}
