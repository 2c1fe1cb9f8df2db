//! `gemma-burger doctor`

use crate::cli::Failure;

/// Tells what is present on this machine, what is missing and how to get it.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    /// Looks around.
    pub fn run(self) -> Result<(), Failure> {
        Ok(())
    }
}
