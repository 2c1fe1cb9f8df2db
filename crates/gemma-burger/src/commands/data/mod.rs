//! `gemma-burger data`: what the staff's manner is learnt from.

mod calls;
mod decide;
mod provider;
pub(super) mod review;

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use concierge::{
    check,
    menu::Menu,
    prompt::Personas,
    tools::Tools,
    tuning::{Audit, Bank, Example, split, synthesise},
};

use super::{configure, parse::read_menu};
use crate::{
    cli::{Failure, print, tell},
    config::{DATA, Flags},
};
pub(super) use calls::House;
use provider::Provider;

/// A line longer than this is no example.
const LONGEST_LINE: u64 = 256 * 1024;

/// Makes, checks and renders training data.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(Check),
    Synth(Synth),
    Render(Render),
    Split(Split),
    Decide(decide::Decide),
    Review(review::Review),
}

/// Reports duplicates, replies that their facts do not support, length and balance.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger data check resources/fine_tuning/train.jsonl --json")]
struct Check {
    /// Files with an example a line.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The restaurant's menu.
    #[arg(long, value_name = "FILE", default_value = "resources/menu.json")]
    menu: PathBuf,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Makes examples up, over menus that are not the restaurant's own. Needs no network and repeats by its seed.
///
/// With `--provider` a large language model writes other words for each: off until PROVIDER_URL and PROVIDER_MODEL are
/// set, and every example passes the same check before it is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gemma-burger data synth --count 800 --seed 7 > more.jsonl\n  \
    gemma-burger data synth --count 200 --provider --provider-model gemini-2.5-flash > more.jsonl")]
struct Synth {
    /// How many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// The same seed gives the same examples.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Word banks and wordings.
    #[arg(long, value_name = "FILE", default_value = "resources/fine_tuning/synth.yaml")]
    bank: PathBuf,
    /// Has the configured large language model write them anew.
    #[arg(long)]
    provider: bool,
    /// The restaurant's menu: its dishes are told apart in what the provider writes.
    #[arg(long, value_name = "FILE", default_value = "resources/menu.json")]
    menu: PathBuf,
    #[command(flatten)]
    flags: Flags<DATA>,
}

/// Prints examples as the trainer reads them: the prompt, made by the product's own code, and the reply.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger data render resources/fine_tuning/train.jsonl > train.rendered.jsonl")]
struct Render {
    /// A file with an example a line.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder with the staff's files.
    #[arg(long, value_name = "DIR", default_value = "resources/personas")]
    personas: PathBuf,
    /// The restaurant's menu, which the choice of a tool is made from.
    #[arg(long, value_name = "FILE", default_value = "resources/menu.json")]
    menu: PathBuf,
}

/// Parts examples into a file to learn from and one to measure with. Of examples that ask the same, the first is kept.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gemma-burger data split handwritten.jsonl synth.jsonl --train train.jsonl --valid valid.jsonl"
)]
struct Split {
    /// Files with an example a line.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How many of each file are held out, taken from all kinds in turn.
    #[arg(long, default_value_t = 60)]
    held_out: usize,
    /// The same seed parts alike.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Where to write what is learnt from.
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Where to write what is measured with.
    #[arg(long, value_name = "FILE")]
    valid: PathBuf,
}

impl Args {
    /// Does what was asked.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Check(args) => args.run(),
            Command::Synth(args) => args.run(),
            Command::Render(args) => args.run(),
            Command::Split(args) => args.run(),
            Command::Decide(args) => args.run(),
            Command::Review(args) => args.run(),
        }
    }
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let menu: Menu = read_menu(&self.menu)?;
        let mut examples = Vec::new();
        for file in &self.files {
            if calls::holds_calls(file)? {
                tell(&calls::check(file, &Tools::new(&menu))?);
            } else {
                examples.extend(read_examples(file)?);
            }
        }
        let audit = Audit::of(&examples, &check::index(&menu));
        print(&if self.json { json(&audit)? } else { text(&audit) })?;
        if audit.is_clean() {
            return Ok(());
        }
        let (flawed, twice) = (audit.flawed.len(), audit.duplicates.len());
        Err(Failure::new(format!("{flawed} replies have a flaw, {twice} examples stand twice"))
            .hint("mend or delete the lines named above before training"))
    }
}

impl Synth {
    fn run(self) -> Result<(), Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", self.bank.display()));
        let bank = Bank::from_yaml(&read(&self.bank)?).map_err(|error| wrong(&error))?;
        let count = usize::try_from(self.count).map_err(Failure::new)?;
        let provider = if self.provider { Some(Provider::configured(&configure(self.flags)?)?) } else { None };
        let made = synthesise(&bank, count, self.seed).map_err(|error| wrong(&error))?;
        if let Some(provider) = provider {
            let tally = provider.ask(&made.examples, &check::index(&read_menu(&self.menu)?))?;
            tell(&tally.told());
            return Ok(());
        }
        for example in &made.examples {
            print(&json(example)?)?;
        }
        tell(&format!(
            "{} examples; {} wordings were refused by the check and drawn again",
            made.examples.len(),
            made.refused.len()
        ));
        Ok(())
    }
}

impl Render {
    fn run(self) -> Result<(), Failure> {
        print(&read_rendered(&self.file, &House::read(&self.personas, &self.menu)?)?.concat())
    }
}

impl Split {
    fn run(self) -> Result<(), Failure> {
        let (mut train, mut valid) = (Vec::new(), Vec::new());
        // What stands in both files of a pair would be measured on what was learnt.
        let mut seen = HashSet::new();
        for file in &self.files {
            let mut examples = read_examples(file)?;
            examples.retain(|example| seen.insert(example.asked()));
            let (more, held) = split(examples, self.held_out, self.seed);
            train.extend(more);
            valid.extend(held);
        }
        for (path, examples) in [(&self.train, &train), (&self.valid, &valid)] {
            let lines = examples.iter().map(json).collect::<Result<String, Failure>>()?;
            std::fs::write(path, lines)
                .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))?;
        }
        tell(&format!("{} examples to learn from, {} to measure with", train.len(), valid.len()));
        Ok(())
    }
}

/// Reads a file of examples whole. The first line that is none is named, and nothing is used.
pub fn read_examples(path: &Path) -> Result<Vec<Example>, Failure> {
    read_lines(path, Example::parse)
}

/// Reads a file of examples, or of prompts and replies that are rendered already, as the lines that the trainer reads.
pub(super) fn read_rendered(path: &Path, house: &House) -> Result<Vec<String>, Failure> {
    read_lines(path, |line| {
        let rendered = house.render(line)?;
        serde_json::to_string(&rendered).map(|line| line + "\n").map_err(|error| error.to_string())
    })
}

/// The staff's files, whose prompts stand at the head of every example.
pub fn read_personas(dir: &Path) -> Result<Personas, Failure> {
    let persona = |name: &str| read(&dir.join(name));
    Personas::from_yaml(&persona("rosy.yaml")?, &persona("gordon.yaml")?).map_err(Failure::new)
}

pub(super) fn read_lines<T>(path: &Path, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Failure> {
    let cannot = |error: std::io::Error| Failure::new(format!("{} cannot be read: {error}", path.display()));
    let mut input = BufReader::new(File::open(path).map_err(cannot)?);
    let mut examples = Vec::new();
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(cannot)?;
        if read == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let wrong = |reason: &dyn std::fmt::Display| {
            Failure::new(format!("{}, line {number}: {reason}", path.display()))
                .hint("a line is one example as `gemma-burger data synth --count 1` prints it")
        };
        if read as u64 == LONGEST_LINE {
            return Err(wrong(&format_args!("longer than {LONGEST_LINE} bytes")));
        }
        let text = std::str::from_utf8(&line).map_err(|error| wrong(&error))?;
        examples.push(parse(text).map_err(|error| wrong(&error))?);
    }
    if examples.is_empty() {
        return Err(Failure::new(format!("{} holds no example", path.display())));
    }
    Ok(examples)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map(|line| line + "\n").map_err(Failure::new)
}

fn text(audit: &Audit) -> String {
    let mut text = format!(
        "{} examples, {} with a conversation before them; replies of {} words on average, {} at most\n",
        audit.examples, audit.with_history, audit.mean_reply_words, audit.longest_reply_words
    );
    for (title, counts) in [("agent", &audit.by_agent), ("kind", &audit.by_kind), ("act", &audit.by_act)] {
        text.push_str(&format!("\nby {title}\n"));
        for (name, count) in counts {
            text.push_str(&format!("{count:>6}  {name}\n"));
        }
    }
    if !audit.rare_acts.is_empty() {
        text.push_str(&format!("\nhardly learnt, too few examples: {}\n", audit.rare_acts.join("; ")));
    }
    for (first, second) in &audit.duplicates {
        text.push_str(&format!("\n{second}: asks the same as {first}\n"));
    }
    for (id, flaw) in &audit.flawed {
        text.push_str(&format!("\n{id}: {flaw}\n"));
    }
    text
}
