//! `gemma-burger logs`: what was kept of turns with TURN_LOG=on.

use clap::{ArgGroup, Subcommand};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use store::{FILE_NAME, Store};

use super::{configure, data::review, eval::cases};
use crate::{
    brain::concierge::turn_log::Entry,
    cli::{Failure, print, tell},
    config::{Config, DATA, Flags},
};

/// Exports and deletes the log of turns, which is kept only where TURN_LOG=on.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Export(Export),
    Delete(Delete),
}

/// Prints the kept turns, a line of JSON each. Sessions stand under labels that let nobody in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger logs export --since 2026-11-01 > turns.jsonl")]
struct Export {
    /// Only from this day on, in this machine's time zone.
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
    #[command(flatten)]
    flags: Flags<DATA>,
}

/// Deletes kept turns, and what waits for review because of them. Conversations and orders themselves stay.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("which").required(true).args(["session", "before", "all"])),
    after_help = "Examples:\n  gemma-burger logs delete --session 0123456789ab\n  \
                  gemma-burger logs delete --before 2026-11-01\n  gemma-burger logs delete --all"
)]
struct Delete {
    /// Those of one session, by its label as `logs export` prints it, or by its id.
    #[arg(long, value_name = "LABEL")]
    session: Option<String>,
    /// Those from before a day, in this machine's time zone.
    #[arg(long, value_name = "DATE")]
    before: Option<Date>,
    /// All.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    flags: Flags<DATA>,
}

/// A line of an export.
#[derive(Serialize)]
struct Line<'a> {
    session: &'a str,
    turn: &'a str,
    at: String,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl Args {
    /// Does what was asked.
    pub fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Export(args) => args.run(),
            Action::Delete(args) => args.run(),
        }
    }
}

impl Export {
    fn run(self) -> Result<(), Failure> {
        let store = open(&configure(self.flags)?)?;
        let (kept, unread) = cases::kept(&store, self.since.map_or(Ok(0), midnight)?)?;
        for turn in &kept {
            let at = Timestamp::from_second(turn.at).map_or_else(|_| turn.at.to_string(), |at| at.to_string());
            let line = Line { session: &turn.session, turn: &turn.turn, at, entry: &turn.entry };
            print(&(serde_json::to_string(&line).map_err(Failure::new)? + "\n"))?;
        }
        if unread > 0 {
            tell(&format!("{unread} records are of another release and left out"));
        }
        Ok(())
    }
}

impl Delete {
    fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        let store = open(&config)?;
        let deleted = match (&self.session, self.before) {
            (Some(label), _) => {
                let mut sessions = store.logged_sessions().map_err(Failure::new)?.into_iter();
                let found = sessions.find(|session| session.label() == *label || session.as_str() == label);
                let session = found.ok_or_else(|| {
                    Failure::new("no turns of such a session are kept")
                        .hint("`gemma-burger logs export` shows the labels")
                })?;
                store.delete_turn_log(&session)
            }
            (None, Some(day)) => store.purge_turn_log(midnight(day)?),
            (None, None) => store.purge_turn_log(i64::MAX),
        };
        let deleted = deleted.map_err(Failure::new)?;
        review::forget(&config, &store)?;
        print(&format!("{deleted} kept turns are deleted.\n"))
    }
}

fn open(config: &Config) -> Result<Store, Failure> {
    Store::open(&config.files.data_dir.join(FILE_NAME)).map_err(Failure::new)
}

/// When a day begins, in seconds since 1970.
fn midnight(day: Date) -> Result<i64, Failure> {
    let begins = day.to_zoned(TimeZone::system()).map_err(Failure::usage)?;
    Ok(begins.timestamp().as_second())
}
