//! `gemma-burger eval`: what the staff say to questions that they were not trained on.

use std::{collections::BTreeMap, fs, path::PathBuf};

use concierge::{
    check::Fault,
    intent::AgentName,
    ports::{Engine, FinishReason},
    prompt::{Limits, Personas},
};
use connect::mlflow::{
    DataSet,
    evaluation::{Assessment, AssessmentSource, Case as Tracked},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{configure, data::read_lines, runtime};
use crate::{
    brain::concierge::{
        Resources,
        rehearsal::{self, Rehearsal, Said},
        restaurant::{self, Knowledge},
    },
    cli::{Failure, print, tell},
    config::{Config, DATA, Flags},
    tracking::{self, Told},
};

/// A reply of more words is a lecture.
const MOST_WORDS: usize = 60;
/// Pieces of a prompt that no guest may read.
const PROMPT: [&str; 5] = ["<start_of_turn>", "<end_of_turn>", "Facts:", "Now:", "Guest:"];

/// Measures the staff: each case goes through the product's own decision, prompt, model and check.
///
/// The rules ask, of every reply that the model wrote: does the check let it stand, does it leave nothing out, does it
/// end by itself within 60 words, does it keep its orders to itself.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  gemma-burger eval\n  gemma-burger eval resources/eval/replies.jsonl --json > report.jsonl\n  \
                        gemma-burger eval resources/eval/conversations.jsonl --transcript > conversations.md"
)]
pub struct Args {
    /// Files with a case a line: `{"id", "kind", "setup": [earlier messages], "guest", "needs"?: [words]}`. Without
    /// one, the restaurant's own.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Always the likeliest words, so that a run can be repeated on another machine.
    #[arg(long)]
    greedy: bool,
    /// Decides what is drawn where words are not always the likeliest.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Only so many cases.
    #[arg(long)]
    limit: Option<usize>,
    /// Prints every case as a line of JSON, and the summary as the last.
    #[arg(long, conflicts_with = "transcript")]
    json: bool,
    /// Prints the conversations, unedited, as Markdown.
    #[arg(long)]
    transcript: bool,
    #[command(flatten)]
    flags: Flags<DATA>,
}

/// Something a guest says, after earlier messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    kind: String,
    #[serde(default)]
    setup: Vec<String>,
    guest: String,
    /// Words that the guest must read.
    #[serde(default)]
    needs: Vec<String>,
}

/// What became of a case.
#[derive(Serialize)]
struct Outcome {
    id: String,
    kind: String,
    agent: AgentName,
    guest: String,
    /// What the guest reads.
    reply: String,
    /// What the model wrote, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    /// Whether the model was asked: some things are said by rule.
    asked: bool,
    /// The check let every sentence stand.
    held: bool,
    /// And nothing had to be added.
    whole: bool,
    /// It ended by itself, within so many words.
    ended: bool,
    /// It told its orders.
    leaked: bool,
    /// The words that the case needs were there.
    right: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<(Fault, String)>,
}

/// How many of the model's replies keep each rule.
#[derive(Default)]
struct Summary {
    cases: usize,
    /// Replies of the model; the rest is said by rule.
    replies: usize,
    held: usize,
    whole: usize,
    ended: usize,
    leaked: usize,
    /// Cases whose needed words were there.
    right: usize,
    /// Held of replies, by kind of case.
    kinds: BTreeMap<String, (usize, usize)>,
}

impl Args {
    /// Measures, and tells.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags.clone())?;
        let files = if self.files.is_empty() {
            vec![config.files.resources_dir.join("eval/replies.jsonl")]
        } else {
            self.files.clone()
        };
        let mut cases: Vec<Case> = Vec::new();
        for file in &files {
            cases.extend(read_lines(file, |line| serde_json::from_str(line).map_err(|error| error.to_string()))?);
        }
        cases.truncate(self.limit.unwrap_or(usize::MAX));
        let resources = Resources::read(&config)?;
        let Knowledge { embedder, index } = restaurant::knowledge(&config, &resources)?;
        let (engine, manner) = restaurant::voices(&config)?;
        let (world, runtime) = (&resources.world, runtime()?);
        let (mut summary, mut told_cases) = (Summary::default(), Vec::new());
        if self.transcript {
            let model = engine.info().model;
            let how = if self.greedy { "always the likeliest words" } else { "words drawn as they are for guests" };
            print(&format!(
                "# Conversations\n\nUnedited: the guests' words are given, the replies are {model}'s with the staff's trained manner, {how}.\n\
                 Made by `gemma-burger eval {} --transcript`.\n\n",
                files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
            ))?;
        }
        for (number, case) in cases.iter().enumerate() {
            let mut rehearsal = Rehearsal::new(world, &embedder, &index);
            let mut talk = Vec::new();
            for (at, text) in case.setup.iter().chain([&case.guest]).enumerate() {
                let heard = rehearsal.hear(text);
                let agent = heard.brief.agent;
                let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(u32::try_from(number * 31 + at).unwrap_or(0));
                let limits = Limits { max_tokens: config.model.max_reply_tokens, seed };
                let said = runtime.block_on(rehearsal::speak(world, engine.as_ref(), &heard, &limits, |request| {
                    request.adapter = request.adapter.filter(|agent| manner.is_tuned(*agent));
                    if self.greedy {
                        request.temperature = 0.0;
                    }
                }))?;
                talk.push((text, agent, said.spoken.text.clone()));
                rehearsal.answered(heard, said.spoken.text.clone());
                if at == case.setup.len() && !self.transcript {
                    let outcome = judge(case, agent, said, &world.personas);
                    summary.add(&outcome);
                    told_cases.push(outcome.told(&case.setup));
                    if self.json {
                        print(&line(&outcome)?)?;
                    } else if outcome.fails() {
                        print(&told(&outcome))?;
                    }
                }
            }
            if self.transcript {
                print(&transcript(case, &talk, &world.personas))?;
            } else if (number + 1).is_multiple_of(25) {
                tell(&format!("{} of {}", number + 1, cases.len()));
            }
        }
        if self.transcript {
            return Ok(());
        }
        print(&if self.json { line(&summary.told())? } else { summary.text() })?;
        tracking::tell_evaluation(&config, self.told(&config, &files, &summary, told_cases)?);
        Ok(())
    }
}

impl Args {
    fn told(
        &self,
        config: &Config,
        files: &[PathBuf],
        summary: &Summary,
        cases: Vec<Tracked>,
    ) -> Result<Told, Failure> {
        let mut hash = Sha256::new();
        for file in files {
            hash.update(fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?);
        }
        let names = files.iter().filter_map(|file| file.file_name()).map(|name| name.to_string_lossy().into_owned());
        let data = DataSet {
            name: "cases".to_owned(),
            context: "eval".to_owned(),
            sha256: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            source: names.collect::<Vec<_>>().join(" "),
            examples: cases.len(),
        };
        let share = |(rule, [kept, of]): (&str, [usize; 2])| {
            (of > 0).then(|| (format!("eval.{rule}"), kept as f64 / of as f64))
        };
        let params = vec![
            ("model", config.model.model.clone()),
            ("adapter", format!("{:?}", config.model.adapters)),
            ("greedy", self.greedy.to_string()),
            ("seed", self.seed.to_string()),
        ];
        Ok(Told { params, data, metrics: summary.rules().into_iter().filter_map(share).collect(), cases })
    }
}

fn judge(case: &Case, agent: AgentName, said: Said, personas: &Personas) -> Outcome {
    let Said { raw, end, spoken, asked } = said;
    let orders = [personas.rosy.prompt.as_str(), personas.gordon.prompt.as_str()];
    // Half a sentence of its orders is theirs, not the staff's.
    let told = |orders: &str| orders.split(". ").any(|order| order.len() > 20 && raw.contains(order.trim()));
    let reply = spoken.text.to_lowercase();
    Outcome {
        held: spoken.fault.is_none(),
        whole: spoken.fault.is_none() && spoken.plain == 0,
        ended: end == Some(FinishReason::Stop) && raw.split_whitespace().count() <= MOST_WORDS,
        leaked: PROMPT.iter().any(|piece| raw.contains(piece)) || orders.into_iter().any(told),
        right: case.needs.iter().all(|need| reply.contains(&need.to_lowercase())),
        raw: (asked && raw.trim() != spoken.text).then_some(raw),
        reply: spoken.text,
        fault: spoken.fault,
        id: case.id.clone(),
        kind: case.kind.clone(),
        guest: case.guest.clone(),
        agent,
        asked,
    }
}

impl Outcome {
    /// For MLflow: one verdict, which names the rules that were broken.
    fn told(&self, setup: &[String]) -> Tracked {
        let rules = [
            ("facts", self.held),
            ("whole", self.whole),
            ("ends", self.ended),
            ("sealed", !self.leaked),
            ("words", self.right),
        ];
        let counts = |name: &str| self.asked || name == "words";
        let broken: Vec<&str> =
            rules.iter().filter(|(name, kept)| !kept && counts(name)).map(|(name, _)| *name).collect();
        let verdict = Assessment {
            name: "rules".to_owned(),
            value: broken.is_empty().into(),
            rationale: Some(if broken.is_empty() { "all kept".to_owned() } else { broken.join(", ") }),
            source: AssessmentSource::Code("gemma-burger eval".to_owned()),
        };
        Tracked {
            id: self.id.clone(),
            asked: serde_json::json!({"before": setup, "guest": self.guest}),
            reply: serde_json::json!(self.reply),
            assessments: vec![verdict],
        }
    }

    const fn fails(&self) -> bool {
        (self.asked && (!self.whole || !self.ended || self.leaked)) || !self.right
    }
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
        self.cases += 1;
        self.right += usize::from(outcome.right);
        if !outcome.asked {
            return;
        }
        self.replies += 1;
        self.held += usize::from(outcome.held);
        self.whole += usize::from(outcome.whole);
        self.ended += usize::from(outcome.ended);
        self.leaked += usize::from(outcome.leaked);
        let kind = self.kinds.entry(outcome.kind.clone()).or_default();
        kind.0 += usize::from(outcome.held);
        kind.1 += 1;
    }

    /// The last line of `--json`: kept, and of how many, by rule.
    fn told(&self) -> serde_json::Value {
        let rules = BTreeMap::from(self.rules());
        serde_json::json!({"cases": self.cases, "replies": self.replies, "kinds": self.kinds, "rules": rules})
    }

    const fn rules(&self) -> [(&'static str, [usize; 2]); 5] {
        [
            ("facts", [self.held, self.replies]),
            ("whole", [self.whole, self.replies]),
            ("ends", [self.ended, self.replies]),
            ("sealed", [self.replies - self.leaked, self.replies]),
            ("words", [self.right, self.cases]),
        ]
    }

    fn text(&self) -> String {
        let share = |count: usize| {
            let share = 100.0 * count as f64 / self.replies.max(1) as f64;
            format!("{count:>4} of {}  {share:.1}%", self.replies)
        };
        let mut text = format!("\n{} cases, {} said by rule\n", self.cases, self.cases - self.replies);
        for (what, count) in [
            ("pass the check as they are", self.held),
            ("and leave nothing out", self.whole),
            ("end by themselves within 60 words", self.ended),
            ("tell a part of the prompt", self.leaked),
        ] {
            text += &format!("{}  {what}\n", share(count));
        }
        text += &format!("{:>4} of {}  cases with the words they need\n", self.right, self.cases);
        for (kind, (held, replies)) in self.kinds.iter().filter(|(_, (held, replies))| held < replies) {
            text += &format!("      {kind}: {held} of {replies} pass\n");
        }
        text
    }
}

fn line(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map(|line| line + "\n").map_err(Failure::new)
}

fn told(outcome: &Outcome) -> String {
    let mut text =
        format!("{} {}\n  guest: {}\n  reply: {}\n", outcome.id, outcome.agent, outcome.guest, outcome.reply);
    if let Some(raw) = &outcome.raw {
        text += &format!("  model: {}\n", raw.trim());
    }
    if let Some((fault, sentence)) = &outcome.fault {
        text += &format!("  {fault:?}: {sentence}\n");
    }
    text
}

fn transcript(case: &Case, talk: &[(&String, AgentName, String)], personas: &Personas) -> String {
    let mut text = format!("## {}\n", case.kind);
    for (guest, agent, reply) in talk {
        text += &format!("\n**Guest:** {guest}\n\n**{}:** {reply}\n", personas.of(*agent).name);
    }
    text + "\n"
}
