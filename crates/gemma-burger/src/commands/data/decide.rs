//! `gemma-burger data decide`: from guests' words to examples.

use std::{collections::HashMap, path::PathBuf};

use concierge::tuning::Example;
use serde::Deserialize;

use super::{json, read_lines};
use crate::{
    brain::concierge::{
        Resources,
        rehearsal::Rehearsal,
        restaurant::{self, Knowledge},
    },
    cli::{Failure, print, tell},
    commands::configure,
    config::{DATA, Flags},
};

/// Turns scenarios, which are guests' words and a written reply, into examples: each goes through the very decision
/// that a guest's message goes through, so that acts, facts and history are the product's own.
///
/// Replies that the check refuses are told on standard error with the facts they were held against, and left out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  gemma-burger data decide resources/fine_tuning/scenarios.jsonl > handwritten.jsonl\n  \
                        gemma-burger data decide mine.jsonl --show > mine.examples.jsonl"
)]
pub(super) struct Decide {
    /// A file with a scenario a line: `{"id", "kind", "setup": [earlier messages], "guest", "reply"?}`.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Also tells what is decided where no reply is written yet.
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    flags: Flags<DATA>,
}

/// A guest's words after earlier ones, and what the staff should say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    id: String,
    kind: String,
    #[serde(default)]
    setup: Vec<String>,
    guest: String,
    #[serde(default)]
    reply: Option<String>,
}

impl Scenario {
    fn turns(&self) -> Vec<&str> {
        self.setup.iter().chain([&self.guest]).map(String::as_str).collect()
    }
}

impl Decide {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags.clone())?;
        let scenarios: Vec<Scenario> =
            read_lines(&self.file, |line| serde_json::from_str(line).map_err(|error| error.to_string()))?;
        let resources = Resources::read(&config)?;
        let Knowledge { embedder, index } = restaurant::knowledge(&config, &resources)?;
        let world = &resources.world;
        // A scenario's earlier messages are answered by the scenario that ends with them, if there is one.
        let replies: HashMap<Vec<&str>, &str> =
            scenarios.iter().filter_map(|scenario| Some((scenario.turns(), scenario.reply.as_deref()?))).collect();
        let (mut kept, mut refused) = (0, 0);
        for scenario in &scenarios {
            let turns = scenario.turns();
            let mut rehearsal = Rehearsal::new(world, &embedder, &index);
            for (at, text) in turns.iter().enumerate() {
                let heard = rehearsal.hear(text);
                let reply = replies.get(&turns[..=at]).copied();
                if at + 1 == turns.len() {
                    let (id, said) = (scenario.id.clone(), reply.unwrap_or_default());
                    let history = heard.history.clone();
                    let example = Example::of(&heard.brief, &scenario.kind, id, history, text, said);
                    match reply.map(|_| example.check(&world.mentions)) {
                        Some(Ok(())) => {
                            kept += 1;
                            print(&json(&example)?)?;
                        }
                        Some(Err(flaw)) => {
                            refused += 1;
                            explain(&example, &turns, &flaw.to_string());
                        }
                        None if self.show => explain(&example, &turns, "no reply yet"),
                        None => {}
                    }
                }
                let said = reply.map_or_else(|| heard.brief.plain(), str::to_owned);
                rehearsal.answered(heard, said);
            }
        }
        let open = scenarios.len() - kept - refused;
        tell(&format!("{kept} examples, {refused} refused, {open} without a reply"));
        Ok(())
    }
}

fn explain(example: &Example, turns: &[&str], why: &str) {
    let mut told = format!(
        "{} {} {:?}: {}\n   {why}\n   > {}",
        example.id,
        example.agent,
        example.acts,
        turns.join(" > "),
        example.reply
    );
    for fact in &example.facts {
        told += &format!("\n   - {}", fact.text);
    }
    for point in &example.points {
        told += &format!("\n   {:?} {}", point.needs, point.plain);
    }
    tell(&told);
}
