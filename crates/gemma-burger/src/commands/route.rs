//! `gemma-burger route`: intents of utterances, and training of what decides them.

use std::{fs, path::Path};

use concierge::{
    intent::{AgentName, Intent},
    ports::Embedder,
    route::{Evaluation, Example, RouteHints, TrainConfig, parse_utterances, train},
    understand::{Lexicon, slots},
};
use serde::Serialize;

use super::{configure, lines, parse::read_menu};
use crate::{
    brain::concierge::restaurant,
    cli::{Failure, print, tell},
    config::{ALL, Config, Flags},
};

/// Reads {"id", "text"} lines and prints {"id", "intent", "agent", "confidence"}.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  echo '{\"id\": 1, \"text\": \"when do you open\"}' | gemma-burger route\n  gemma-burger route --test resources/routing/test.jsonl"
)]
pub struct Args {
    /// Trains the classifier on routing/train.jsonl of the resources and writes routing/head.bin beside it.
    #[arg(long, conflicts_with = "test")]
    train: bool,
    /// Measures the classifier on labelled utterances instead.
    #[arg(long, value_name = "FILE")]
    test: Option<std::path::PathBuf>,
    #[command(flatten)]
    flags: Flags<ALL>,
}

#[derive(Serialize)]
struct Routed {
    id: serde_json::Value,
    intent: Intent,
    agent: AgentName,
    confidence: f32,
}

/// Sentences embedded at once.
const BATCH: usize = 64;

impl Args {
    /// Routes standard input, trains or tests.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        let embedder = restaurant::embedder(&config)?;
        if self.train {
            return learn(&config, &embedder);
        }
        if let Some(file) = self.test {
            let (right, of) = test(&config, &embedder, &file)?;
            return print(&format!("right: {right} of {of}\n"));
        }
        let router = restaurant::read_router(&config.files.resources_dir)?;
        let lexicon = lexicon(&config)?;
        lines::answer(|utterance| {
            let vectors = embedder.embed_deep(&[&utterance.text]).map_err(Failure::new)?;
            let embedding = vectors.into_iter().next().unwrap_or_default();
            let route = router.route(&utterance.text, &embedding, hints(&lexicon, &utterance.text));
            Ok(Routed { id: utterance.id, intent: route.intent, agent: route.agent, confidence: route.confidence })
        })
    }
}

/// How many of a file's labelled utterances are routed rightly, and how many there are.
pub(super) fn test(config: &Config, embedder: &dyn Embedder, file: &Path) -> Result<(usize, usize), Failure> {
    let router = restaurant::read_router(&config.files.resources_dir)?;
    let lexicon = lexicon(config)?;
    let examples = examples(file, embedder)?;
    let right = |example: &&Example| {
        let hints = hints(&lexicon, &example.text);
        router.route(&example.text, &example.embedding, hints).intent == example.intent
    };
    Ok((examples.iter().filter(right).count(), examples.len()))
}

fn lexicon(config: &Config) -> Result<Lexicon, Failure> {
    Ok(Lexicon::new(&read_menu(&config.files.resources_dir.join("menu.json"))?))
}

fn hints(lexicon: &Lexicon, text: &str) -> RouteHints {
    RouteHints { menu_terms: slots(lexicon, text).items.len(), ..RouteHints::default() }
}

fn learn(config: &Config, embedder: &dyn Embedder) -> Result<(), Failure> {
    let dir = config.files.resources_dir.join("routing");
    tell("embedding the training utterances …");
    let examples = examples(&dir.join("train.jsonl"), embedder)?;
    tell(&format!("training on {} utterances …", examples.len()));
    let trained = train(&examples, &TrainConfig::default()).map_err(Failure::new)?;
    let path = dir.join("head.bin");
    let temporary = dir.join("head.bin.new");
    fs::write(&temporary, trained.head.to_bytes())
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))?;
    print(&format!("{}\nwritten: {}\n", report(&trained.held_out), path.display()))
}

fn report(evaluation: &Evaluation) -> String {
    let mut text = format!("right on batches not trained on: {:.1}%\n", evaluation.accuracy() * 100.0);
    for (intent, row) in Intent::ALL.iter().zip(&evaluation.confusion) {
        let answers: Vec<String> = row.iter().map(|count| format!("{count:>4}")).collect();
        text.push_str(&format!("{:<11}{}\n", intent.as_str(), answers.join(" ")));
    }
    text
}

fn examples(path: &Path, embedder: &dyn Embedder) -> Result<Vec<Example>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
    let utterances = parse_utterances(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let mut examples = Vec::with_capacity(utterances.len());
    for chunk in utterances.chunks(BATCH) {
        let texts: Vec<&str> = chunk.iter().map(|utterance| utterance.text.as_str()).collect();
        let vectors = embedder.embed_deep(&texts).map_err(Failure::new)?;
        examples.extend(chunk.iter().cloned().zip(vectors).map(|(utterance, vector)| Example::new(utterance, vector)));
    }
    Ok(examples)
}
