//! `gemma-burger bench`: the product's figures on this machine, beside what they should be.

mod engine;
mod gateway;
mod guest;
mod made_up;
mod manner;
mod overload;
mod parts;
mod report;
mod soak;
mod tier;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use self::{
    guest::{House, Told},
    report::{Figure, Limit, Machine, Times, table},
};
use super::{block_on, configure_quietly, model};
use crate::{
    cli::{Failure, print, tell},
    config::{ALL, Config, Flags},
    http::server,
    vocabulary,
};

/// The messages that are asked, in the folder of the restaurant's files.
const GUESTS_FILE: &str = "bench/guests.jsonl";

/// Measures the product on this machine: start, first words, retrieval, memory, understanding, planning.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  gemma-burger bench\n  gemma-burger bench engine\n  gemma-burger bench gateway\n  gemma-burger bench overload\n  gemma-burger bench --json > figures.json\n  \
        gemma-burger bench --records 10000 --threads 4\n\nThe restaurant's own data folder is not touched."
)]
pub struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// Asks the first N messages only.
    #[arg(long, value_name = "N")]
    questions: Option<usize>,
    /// How often starts are timed and the short measurements gone through.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// Also times retrieval among N made-up records.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    records: u32,
    /// Prints JSON for programs, with each message's times.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<ALL>,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    Engine(engine::Args),
    Gateway(gateway::Args),
    Overload(overload::Args),
}

/// A line of the messages' file: who says what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    guest: u32,
    say: String,
}

/// What became of one message.
#[derive(Debug, Serialize)]
struct Asked {
    say: String,
    intent: String,
    cart_ms: Option<f64>,
    plan_ms: Option<f64>,
    first_ms: Option<f64>,
    total_ms: f64,
    done: serde_json::Value,
    #[serde(skip)]
    by_model: bool,
}

/// Everything that is printed as JSON.
#[derive(Serialize)]
struct Report {
    machine: Machine,
    figures: Vec<Figure>,
    messages: Vec<Asked>,
}

impl Args {
    /// Measures and prints.
    pub fn run(self) -> Result<(), Failure> {
        match self.part {
            Some(Part::Engine(engine)) => return engine.run(),
            Some(Part::Gateway(gateway)) => return gateway.run(),
            Some(Part::Overload(overload)) => return overload.run(),
            None => {}
        }
        let config = configure_quietly(self.flags.clone())?;
        let mut lines = script(&config.files.resources_dir.join(GUESTS_FILE))?;
        lines.truncate(self.questions.unwrap_or(lines.len()).max(1));
        // Fetched before anything is timed.
        let gguf = model_file(&config)?;
        let machine = Machine::this(config.model.threads, &gguf);
        let folder = tempfile::tempdir().map_err(|error| Failure::new(format!("a temporary folder: {error}")))?;
        let rounds = usize::from(self.rounds);
        let data = folder.path().join("data");
        let (mut figures, messages) = block_on(async {
            tokio::select! {
                measured = product(&self.flags, &lines, rounds, &data) => measured,
                // What was started is ended too.
                () = server::stop_requested() => Err(Failure::new("the benchmark was stopped")),
            }
        })?;
        let said: Vec<String> = lines.into_iter().map(|line| line.say).collect();
        figures.extend(parts::measure(&config, &said, rounds, self.records as usize, folder.path())?);
        if self.json {
            let report = Report { machine, figures, messages };
            return print(&(serde_json::to_string_pretty(&report).map_err(Failure::new)? + "\n"));
        }
        print(&format!("{}\n{}", machine.text(), table(&figures)))
    }
}

/// The language model's file as the product would load it.
fn model_file(config: &Config) -> Result<PathBuf, Failure> {
    let fetched = model::fetch(config, &config.model.model, models::bars().as_mut())?;
    vocabulary::model_file(config, fetched.gguf().map_err(Failure::new)?)
}

fn script(path: &Path) -> Result<Vec<Line>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| Failure::new(format!("{} line {}: {error}", path.display(), number + 1)))
    };
    let lines: Vec<Line> =
        text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(line).collect::<Result<_, _>>()?;
    if lines.is_empty() {
        return Err(Failure::new(format!("{} holds no messages", path.display())));
    }
    Ok(lines)
}

/// Starts the product a few times and talks with the last one.
async fn product(
    flags: &Flags<ALL>,
    lines: &[Line],
    rounds: usize,
    data_dir: &Path,
) -> Result<(Vec<Figure>, Vec<Asked>), Failure> {
    tell("a first start, which fills the index …");
    let mut house = House::open(flags, data_dir).await?;
    let mut starts = Times::default();
    for round in 1..=rounds {
        tell(&format!("start {round} of {rounds} …"));
        house.close().await;
        house = House::open(flags, data_dir).await?;
        starts.push(house.ready_ms);
    }
    let mut sessions: BTreeMap<u32, String> = BTreeMap::new();
    let mut messages = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        tell(&format!("message {} of {} …", at + 1, lines.len()));
        let told = house.say(sessions.get(&line.guest).map(String::as_str), &line.say).await?;
        sessions.insert(line.guest, told.session.clone());
        messages.push(asked(&line.say, told));
    }
    let peak = house.peak_memory_mb();
    house.close().await;
    let times = |of: fn(&Asked) -> Option<f64>| messages.iter().filter_map(of).collect::<Times>();
    let first = times(|asked| asked.first_ms);
    let model = times(|asked| asked.first_ms.filter(|_| asked.by_model));
    let (cart, plan) = (times(|asked| asked.cart_ms), times(|asked| asked.plan_ms));
    let figures = vec![
        Figure::new("start to ready, warm, p50", starts.at(50), "ms").limit(Limit::AtMost(3_000.0)),
        Figure::new("first token, p50", first.at(50), "ms").limit(Limit::AtMost(1_000.0)),
        Figure::new("first token, p95", first.at(95), "ms"),
        Figure::new("first token where the model speaks, p50", model.at(50), "ms").limit(Limit::AtMost(1_000.0)),
        Figure::new("first token where the model speaks, p95", model.at(95), "ms"),
        Figure::new("whole reply, p50", times(|asked| Some(asked.total_ms)).at(50), "ms"),
        Figure::new("cart after the message, p50", cart.at(50), "ms").limit(Limit::AtMost(50.0)),
        Figure::new("cart after the message, p95", cart.at(95), "ms").limit(Limit::AtMost(50.0)),
        Figure::new("plan after the message, p95", plan.at(95), "ms"),
        Figure::new("memory of serve, peak", peak, "MB").limit(Limit::AtMost(900.0)),
    ];
    Ok((figures, messages))
}

fn asked(say: &str, told: Told) -> Asked {
    Asked {
        say: say.to_owned(),
        by_model: told.model_tokens() > 0,
        intent: told.intent,
        cart_ms: told.cart_ms,
        plan_ms: told.plan_ms,
        first_ms: told.first_ms,
        total_ms: told.total_ms,
        done: told.done,
    }
}
