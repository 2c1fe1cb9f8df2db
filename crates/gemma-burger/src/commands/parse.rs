//! `gemma-burger parse`: order lines from utterances, on any menu.

use std::{fs, path::PathBuf};

use concierge::{
    menu::Menu,
    order::{OrderLine, Pick},
    understand::{Lexicon, Problem, UnknownThing, parse},
};
use serde::Serialize;

use super::lines;
use crate::cli::Failure;

/// Reads {"id", "text"} lines and prints {"id", "lines"}: what each utterance orders.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  echo '{\"id\": 1, \"text\": \"two shakes\"}' | gemma-burger parse --menu resources/menu.json"
)]
pub struct Args {
    /// The restaurant's menu.
    #[arg(long, value_name = "FILE", default_value = "resources/menu.json")]
    menu: PathBuf,
}

#[derive(Serialize)]
struct Parsed {
    id: serde_json::Value,
    lines: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<UnknownThing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
}

impl Args {
    /// Parses standard input.
    pub fn run(self) -> Result<(), Failure> {
        let menu = read_menu(&self.menu)?;
        let lexicon = Lexicon::new(&menu);
        lines::answer(|utterance| {
            let parsed = parse(&lexicon, &utterance.text);
            let lines = parsed.lines.iter().map(line).collect::<Result<_, _>>()?;
            Ok(Parsed { id: utterance.id, lines, unknown: parsed.unknown, problems: parsed.problems })
        })
    }
}

/// A line as JSON. Where several items fit, `any_of` names them and `item` is the first, for readers that know no
/// `any_of`.
fn line(line: &OrderLine) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(line).map_err(Failure::new)?;
    if let Pick::AnyOf(items) = &line.item {
        value["item"] = serde_json::to_value(items.first()).map_err(Failure::new)?;
    }
    Ok(value)
}

/// Reads and checks a menu file.
pub fn read_menu(path: &std::path::Path) -> Result<Menu, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    Menu::from_json(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}
