//! `gemma-burger config-docs`: the reference of the variables.

use crate::{
    cli::{Failure, print},
    config,
};

/// Prints the table of all configuration variables, in Markdown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger config-docs > variables.md")]
pub struct Args {}

impl Args {
    /// Prints it.
    pub fn run(self) -> Result<(), Failure> {
        print(&config::table())
    }
}
