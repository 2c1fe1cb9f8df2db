//! `gemma-burger model trim`: a model with the tokens that the restaurant needs, and whether it speaks as before.

use std::{collections::HashMap, fs, path::PathBuf};

use concierge::{
    intent::AgentName,
    ports::{Engine, GenerationEvent, GenerationRequest},
    prompt::{self, Limits, Personas},
    tuning::Example,
};
use engine::Gemma;
use futures::StreamExt;
use gguf::Vocabulary;
use indicatif::{ProgressBar, ProgressStyle};
use models::Silent;
use serde::Serialize;
use serde_json::json;

use crate::{
    brain::concierge::{Resources, restaurant::voices},
    cli::{Failure, print},
    commands::{configure, model, runtime},
    config::{Config, DATA, Flags, VocabularyChoice},
    vocabulary::Texts,
};

/// Writes a model with fewer tokens: those of English, of the menu and of the training data.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gemma-burger model trim --out small.gguf --check 300\n\nThe product does this by itself \
                        for its default model (VOCABULARY=auto)."
)]
pub struct TrimArgs {
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A text whose tokens are to be kept as well; may be given several times.
    #[arg(long, value_name = "FILE")]
    text: Vec<PathBuf>,
    /// Compares replies to so many prompts of the training data, greedy, with the whole model.
    #[arg(long, value_name = "PROMPTS", default_value_t = 0)]
    check: usize,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<DATA>,
}

impl TrimArgs {
    /// Trims, and checks where that is asked for.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags)?;
        let fetched = model::fetch(&config, &config.model.model, &mut Silent)?;
        let source = fetched.gguf().map_err(Failure::new)?;
        let selection = Texts::read(&config.files.resources_dir, &self.text)?.selection();
        let report = gguf::trim(source, &self.out, &selection).map_err(Failure::new)?;
        let whole = Vocabulary::open(source).map_err(Failure::new)?;
        let small = Vocabulary::open(&self.out).map_err(Failure::new)?;
        let corpus = Corpus::read(&whole, &small, &Texts::all_within(&config.files.resources_dir)?);
        let replies = if self.check > 0 { Some(compare(&config, self.check)?) } else { None };
        if self.json {
            return print(&format!(
                "{}\n",
                json!({
                    "file": self.out, "tokens_before": report.tokens_before, "tokens_after": report.tokens_after,
                    "bytes_before": report.bytes_before, "bytes_after": report.bytes_after,
                    "corpus": corpus, "replies": replies,
                })
            ));
        }
        let mut told = format!(
            "{}\n  tokens   {} of {}\n  weights  {} MB of {} MB\n  texts    {} of {} ({} words) come back as they were; {} are read by the same tokens\n",
            self.out.display(),
            report.tokens_after,
            report.tokens_before,
            report.bytes_after / 1_000_000,
            report.bytes_before / 1_000_000,
            corpus.come_back,
            corpus.texts,
            corpus.words,
            corpus.same_tokens,
        );
        if let Some(replies) = replies {
            let equal = replies.compared - replies.differing.len();
            told.push_str(&format!("  replies  {equal} of {} are the same, word for word\n", replies.compared));
            for Differing { guest, whole, small, cut } in &replies.differing {
                let cut = if cut.is_empty() { "no token of either is cut".to_owned() } else { format!("cut: {cut:?}") };
                told.push_str(&format!("\n    guest  {guest}\n    whole  {whole}\n    small  {small}\n    {cut}\n"));
            }
        }
        print(&told)
    }
}

/// All texts of the restaurant's folder, those among them that nothing was chosen by: how the trimmed vocabulary has them.
#[derive(Serialize)]
struct Corpus {
    texts: usize,
    words: usize,
    /// Texts that are the same after they were taken apart and put together again.
    come_back: usize,
    /// Texts that both vocabularies take apart in the same way.
    same_tokens: usize,
}

impl Corpus {
    fn read(whole: &Vocabulary, small: &Vocabulary, texts: &[String]) -> Self {
        let mut corpus = Self { texts: texts.len(), words: 0, come_back: 0, same_tokens: 0 };
        for text in texts {
            corpus.words += text.split_whitespace().count();
            let tokens = small.encode(text);
            corpus.come_back += usize::from(small.decode(&tokens) == *text);
            let same = spelt(small, &tokens) == spelt(whole, &whole.encode(text));
            corpus.same_tokens += usize::from(same);
        }
        corpus
    }
}

/// Greedy replies to the same prompts.
#[derive(Serialize)]
struct Replies {
    compared: usize,
    differing: Vec<Differing>,
}

/// Two replies to one prompt.
#[derive(Serialize)]
struct Differing {
    guest: String,
    whole: String,
    small: String,
    /// Tokens of the whole model's reply that the trimmed one does not have.
    cut: Vec<String>,
}

/// Tokens as their texts.
fn spelt<'a>(vocabulary: &'a Vocabulary, tokens: &[u32]) -> Vec<&'a str> {
    tokens.iter().filter_map(|id| vocabulary.token(*id)).collect()
}

/// Compares greedy replies to prompts of the training data, with the vocabulary that the product would cut and with the
/// whole one.
fn compare(config: &Config, prompts: usize) -> Result<Replies, Failure> {
    let resources = Resources::read(config)?;
    let personas = &resources.world.personas;
    let examples = examples(config, prompts)?;
    let with = |vocabulary| {
        let mut config = config.clone();
        config.model.vocabulary = vocabulary;
        voices(&config)
    };
    let (whole, manner) = with(VocabularyChoice::Full)?;
    let (small, _) = with(VocabularyChoice::Trimmed)?;
    let style = ProgressStyle::with_template("  replies {bar:30} {pos}/{len}, {eta} left");
    let bar =
        ProgressBar::new(examples.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let runtime = runtime()?;
    let vocabulary = |gemma: &Gemma| Vocabulary::open(&gemma.config().model).map_err(Failure::new);
    let (tokens, kept) = (vocabulary(&whole)?, vocabulary(&small)?);
    let mut differing = Vec::new();
    for example in &examples {
        let adapter = manner.is_tuned(example.agent).then_some(example.agent);
        let by_whole = runtime.block_on(reply(&whole, personas, example, adapter))?;
        let by_small = runtime.block_on(reply(&small, personas, example, adapter))?;
        bar.inc(1);
        if by_whole != by_small {
            let spelt = tokens.encode(&by_whole).into_iter().filter_map(|id| tokens.token(id));
            let cut = spelt.filter(|token| kept.id(token).is_none()).map(str::to_owned).collect();
            differing.push(Differing { guest: example.guest.clone(), whole: by_whole, small: by_small, cut });
        }
    }
    bar.finish();
    Ok(Replies { compared: examples.len(), differing })
}

/// Examples taken evenly over the kinds of situation.
pub fn examples(config: &Config, wanted: usize) -> Result<Vec<Example>, Failure> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut examples = Vec::new();
    for name in ["fine_tuning/valid.jsonl", "fine_tuning/train.jsonl"] {
        let path = config.files.resources_dir.join(name);
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
        for (number, line) in text.lines().enumerate() {
            let example = Example::parse(line)
                .map_err(|error| Failure::new(format!("{}, line {}: {error}", path.display(), number + 1)))?;
            let rank = seen.entry(example.kind.clone()).or_default();
            *rank += 1;
            examples.push((*rank, example));
        }
    }
    examples.sort_by_key(|(rank, _)| *rank);
    Ok(examples.into_iter().map(|(_, example)| example).take(wanted).collect())
}

async fn reply(
    engine: &Gemma,
    personas: &Personas,
    example: &Example,
    adapter: Option<AgentName>,
) -> Result<String, Failure> {
    let limits = Limits { max_tokens: 80, seed: 0 };
    let request = prompt::request(personas, &example.brief(), &example.history, &example.guest, &limits, None);
    let request = GenerationRequest { adapter, temperature: 0.0, ..request };
    let mut events = engine.start(request).map_err(Failure::new)?;
    let mut text = String::new();
    while let Some(event) = events.next().await {
        match event {
            GenerationEvent::Text(piece) => text.push_str(&piece),
            GenerationEvent::Failed(error) => return Err(Failure::new(error)),
            GenerationEvent::Read(_) | GenerationEvent::Done(_) => {}
        }
    }
    Ok(text)
}
