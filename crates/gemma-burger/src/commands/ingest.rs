//! `gemma-burger ingest`: the restaurant's data into the searchable index.

use std::fs;

use concierge::ports::Embedder;
use knowledge::{IngestReport, Mirrored, SqliteIndex, Vectors as _};
use serde::Serialize;

use super::configure;
use crate::{
    brain::concierge::{Resources, lookup, restaurant},
    cli::{Failure, print},
    config::{ALL, Flags, RetrieverChoice},
};

/// Reads the menu and the store information into the index; what has not changed is not embedded again.
///
/// With RETRIEVER=pinecone the Pinecone index is made where it is missing and brought to the same state.
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
        let pinecone = match config.knowledge.retriever {
            RetrieverChoice::Sqlite => None,
            RetrieverChoice::Pinecone => {
                let pinecone = lookup::pinecone(&config, embedder.dimensions())?;
                let entries = index.entries().map_err(Failure::new)?;
                let told = |error| Failure::new(error).hint("the embedded index is filled and answers meanwhile");
                Some(pinecone.mirror(&entries).map_err(told)?)
            }
        };
        let told = Told { report, pinecone };
        print(&if self.json { serde_json::to_string(&told).map_err(Failure::new)? + "\n" } else { told.text() })
    }
}

/// What was done, for programs.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    report: IngestReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinecone: Option<Mirrored>,
}

impl Told {
    fn text(&self) -> String {
        let IngestReport { embedded, unchanged, removed } = self.report;
        let here = format!("embedded: {embedded}, unchanged: {unchanged}, removed: {removed}\n");
        let there = self.pinecone.map(|Mirrored { sent, unchanged, removed }| {
            format!("Pinecone: sent: {sent}, unchanged: {unchanged}, removed: {removed}\n")
        });
        here + &there.unwrap_or_default()
    }
}
