//! `gemma-burger ingest`: the restaurant's data into the searchable index.

use std::fs;

use concierge::ports::Embedder;
use knowledge::SqliteIndex;

use super::configure;
use crate::{
    brain::concierge::{Resources, restaurant},
    cli::{Failure, print},
    config::{ALL, Flags},
};

/// Reads the menu and the store information into the index; what has not changed is not embedded again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger ingest --resources-dir ./resources --data-dir ./data")]
pub struct Args {
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<ALL>,
}

impl Args {
    /// Ingests once.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        let resources = Resources::read(&config)?;
        let embedder = restaurant::embedder(&config)?;
        let dir = &config.files.data_dir;
        fs::create_dir_all(dir).map_err(|error| Failure::new(format!("{} cannot be made: {error}", dir.display())))?;
        let index = SqliteIndex::new(dir, embedder.id(), embedder.dimensions());
        let report =
            knowledge::ingest(&resources.world.menu, &resources.world.info, &embedder, &index).map_err(Failure::new)?;
        if self.json {
            return print(&(serde_json::to_string(&report).map_err(Failure::new)? + "\n"));
        }
        print(&format!("embedded: {}, unchanged: {}, removed: {}\n", report.embedded, report.unchanged, report.removed))
    }
}
