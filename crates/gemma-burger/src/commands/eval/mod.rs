//! `gemma-burger eval`: how good the staff's replies are, by rules, and by a judge where there is one.

pub mod cases;
mod exchange;
mod html;
mod judging;
mod markdown;
mod play;
mod report;
mod rules;
mod svg;
mod told;

use std::path::PathBuf;

use concierge::{intent::AgentName, ports::Engine, prompt::Personas};
use jiff::Timestamp;
use serde::Serialize;
use store::{FILE_NAME, Store};

use super::{configure, runtime};
use crate::{
    brain::concierge::{Resources, manner::AGENTS, restaurant},
    cli::{Failure, print, tell},
    config::{Config, DATA, Flags},
};
use cases::Talk;
use judging::Judgement;
use play::{Held, Outcome, Stage};
use report::{Comparison, Made, Report};

/// Measures the staff: each case goes through the product's own decision, prompt, model and check.
///
/// Rules are held against every reply. With JUDGE_URL and JUDGE_MODEL a large model gives marks as well; without them
/// the report says what is missing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  gemma-burger eval\n  gemma-burger eval --report data/eval/today --compare data/eval/last \
                        --fail-below 95\n  gemma-burger eval --logs --report data/eval/guests\n  \
                        gemma-burger eval resources/eval/conversations.jsonl --transcript > conversations.md"
)]
pub struct Args {
    /// Files with a case a line: `{"id", "kind", "setup": [earlier messages], "guest", "needs"?: [words],
    /// "order"?: [lines afterwards], "declines"?: true or false}`. Without one, the restaurant's own.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Holds the conversations again that were kept with TURN_LOG=on, in place of the restaurant's own cases.
    #[arg(long)]
    logs: bool,
    /// Always the likeliest words, so that a run can be repeated on another machine.
    #[arg(long)]
    greedy: bool,
    /// Decides what is drawn where words are not always the likeliest.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Only so many conversations.
    #[arg(long)]
    limit: Option<usize>,
    /// Prints every case as a line of JSON, and the summary as the last.
    #[arg(long, conflicts_with = "transcript")]
    json: bool,
    /// Prints the conversations, unedited, as Markdown; nothing is judged.
    #[arg(long, conflicts_with_all = ["report", "compare", "fail_below", "fail_below_mark"])]
    transcript: bool,
    /// Writes report.html, report.md and report.json into a folder.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// Tells what became better and worse since an earlier run's report.
    #[arg(long, value_name = "RUN")]
    compare: Option<PathBuf>,
    /// Has the judge also say, reply by reply and in both orders, which run's is better.
    #[arg(long, requires = "compare")]
    pairwise: bool,
    /// Replies that people gave marks to, by which the judge itself is measured. Without it, the restaurant's own.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Ends with 1 where less than so many percent of all rules are kept.
    #[arg(long, value_name = "PERCENT")]
    fail_below: Option<f64>,
    /// Ends with 1 where the judge's mean mark is lower, or where there is none.
    #[arg(long, value_name = "MARK")]
    fail_below_mark: Option<f64>,
    #[command(flatten)]
    flags: Flags<DATA>,
}

impl Args {
    /// Measures, and tells.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags.clone())?;
        let earlier = self.compare.as_deref().map(Report::read).transpose()?;
        let judge = judging::configured(&config)?;
        let (talks, sets) = self.talks(&config)?;
        let resources = Resources::read(&config)?;
        let knowledge = restaurant::knowledge(&config, &resources)?;
        let (engine, manner) = restaurant::voices(&config)?;
        let (world, runtime) = (&resources.world, runtime()?);
        let stage = Stage {
            world,
            knowledge: &knowledge,
            engine: engine.as_ref(),
            manner: &manner,
            runtime: &runtime,
            max_tokens: config.model.max_reply_tokens,
            greedy: self.greedy,
            seed: self.seed,
        };
        let model = engine.info().model;
        if self.transcript {
            return self.transcribe(&stage, &talks, &model);
        }
        let mut outcomes = Vec::new();
        for (number, talk) in talks.iter().enumerate() {
            outcomes.extend(stage.hold(number, talk)?.into_iter().filter_map(|held| held.outcome));
            if (number + 1).is_multiple_of(25) {
                tell(&format!("{} of {} conversations held", number + 1, talks.len()));
            }
        }
        let mut missing = Vec::new();
        let judgement = match &judge {
            None => {
                missing.push(
                    "what a judge thinks of the replies, and how far it agrees with people: JUDGE_URL and JUDGE_MODEL \
                     are not set."
                        .to_owned(),
                );
                None
            }
            Some(judge) => {
                let labels =
                    self.labels.clone().unwrap_or_else(|| config.files.resources_dir.join("eval/labels.jsonl"));
                let labelled = if self.labels.is_some() || labels.exists() {
                    judging::labelled(&labels)?
                } else {
                    missing.push(format!("how far the judge agrees with people: {} is not there.", labels.display()));
                    Vec::new()
                };
                let pairwise = earlier.as_ref().filter(|_| self.pairwise).map(|run| run.outcomes.as_slice());
                let made = judging::judge(judge, &mut outcomes, &labelled, &world.personas, pairwise);
                missing.extend(unjudged(&made));
                Some(made)
            }
        };
        if self.pairwise && judge.is_none() {
            missing.push("which run's replies are better in a judge's eyes, for want of one.".to_owned());
        }
        let tuned: Vec<String> =
            AGENTS.into_iter().filter(|agent| manner.is_tuned(*agent)).map(|agent| agent.to_string()).collect();
        let at = Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
        let made = Made { at, model, tuned, greedy: self.greedy, seed: self.seed, sets };
        let report = Report::new(made, outcomes, judgement, missing);
        told::tell(&config, &report);
        self.finish(&report, earlier.as_ref())
    }

    /// The conversations to hold, and where they come from.
    fn talks(&self, config: &Config) -> Result<(Vec<Talk>, Vec<String>), Failure> {
        let (mut talks, mut sets) = (Vec::new(), Vec::new());
        let mut files = self.files.clone();
        if files.is_empty() && !self.logs {
            files.push(config.files.resources_dir.join("eval/replies.jsonl"));
        }
        for file in &files {
            talks.extend(cases::written(file)?);
            // A report may be sent to others: the folders of this machine are nobody's business.
            let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.display().to_string());
            sets.push(name);
        }
        if self.logs {
            let store = Store::open(&config.files.data_dir.join(FILE_NAME)).map_err(Failure::new)?;
            let (kept, unread) = cases::kept(&store, 0)?;
            if kept.is_empty() {
                return Err(Failure::new("no turns were kept").hint("with TURN_LOG=on the restaurant keeps them"));
            }
            if unread > 0 {
                tell(&format!("{unread} records are of another release and left out"));
            }
            talks.extend(cases::logged(&kept));
            sets.push("guests' conversations".to_owned());
        }
        talks.truncate(self.limit.unwrap_or(usize::MAX));
        Ok((talks, sets))
    }

    fn transcribe(&self, stage: &Stage<'_>, talks: &[Talk], model: &str) -> Result<(), Failure> {
        let how = if self.greedy { "always the likeliest words" } else { "words drawn as they are for guests" };
        print(&format!(
            "# Conversations\n\nUnedited: the guests' words are given, the replies are {model}'s with the staff's trained manner, {how}.\n\
             Made by `gemma-burger eval {} --transcript`.\n\n",
            self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
        ))?;
        for (number, talk) in talks.iter().enumerate() {
            print(&transcript(talk, &stage.hold(number, talk)?, &stage.world.personas))?;
        }
        Ok(())
    }

    /// Prints and writes, and says whether it is good enough.
    fn finish(&self, report: &Report, earlier: Option<&Report>) -> Result<(), Failure> {
        let comparison = earlier.map(|earlier| Comparison::of(earlier, report));
        if self.json {
            for outcome in &report.outcomes {
                print(&line(outcome)?)?;
            }
            print(&line(&Told {
                rules: &report.rules,
                judge: report.judge.as_ref(),
                comparison: comparison.as_ref(),
            })?)?;
        } else {
            for outcome in report.outcomes.iter().filter(|outcome| outcome.fails()) {
                print(&told(outcome))?;
            }
            print(&report.rules.text())?;
            if let Some(judge) = &report.judge {
                print(&judge.text())?;
            }
            if let Some(comparison) = &comparison {
                print(&comparison.text())?;
            }
        }
        for missing in &report.missing {
            tell(&format!("Not said here: {missing}"));
        }
        if let Some(folder) = &self.report {
            report.write(folder, comparison.as_ref())?;
            tell(&format!("{} holds report.html, report.md and report.json", folder.display()));
        }
        if let Some(least) = self.fail_below.filter(|least| report.rules.percent() < *least) {
            return Err(Failure::new(format!(
                "{:.1}% of all rules are kept, less than {least}%",
                report.rules.percent()
            )));
        }
        match (self.fail_below_mark, report.mark()) {
            (Some(least), None) => Err(Failure::new(format!("no reply has marks, so that {least} is not reached"))
                .hint("a judge is asked where JUDGE_URL and JUDGE_MODEL are set")),
            (Some(least), Some(mark)) if mark < least => {
                Err(Failure::new(format!("the judge's mean mark is {mark:.2}, less than {least}")))
            }
            _ => Ok(()),
        }
    }
}

/// The last line of `--json`.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    rules: &'a report::Summary,
    judge: Option<&'a Judgement>,
    comparison: Option<&'a Comparison>,
}

/// What a judge's silence leaves unsaid.
fn unjudged(made: &Judgement) -> Option<String> {
    let count: usize = made.unjudged.values().sum();
    let trouble = made.trouble.as_ref().filter(|_| count > 0)?;
    Some(format!("what the judge thinks of {count} of {} replies: {trouble}", count + made.judged))
}

fn line(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map(|line| line + "\n").map_err(Failure::new)
}

fn told(outcome: &Outcome) -> String {
    let mut text = format!(
        "{} {}\n  guest: {}\n  reply: {}\n",
        outcome.id, outcome.exchange.agent, outcome.exchange.guest, outcome.exchange.reply
    );
    if let Some(raw) = &outcome.raw {
        text += &format!("  model: {raw}\n");
    }
    if let Some((fault, sentence)) = &outcome.fault {
        text += &format!("  {fault:?}: {sentence}\n");
    }
    for (rule, _) in outcome.rules.iter().filter(|(_, kept)| !**kept) {
        text += &format!("  {}\n", rule.broken());
    }
    if let Some(wanted) = &outcome.order_wanted {
        text += &format!("  order: {}; wanted: {}\n", outcome.order.join("; "), wanted.join("; "));
    }
    text
}

fn transcript(talk: &Talk, held: &[Held], personas: &Personas) -> String {
    let mut text = format!("## {}\n", talk.title);
    for Held { guest, agent, reply, .. } in held {
        let name = |agent: AgentName| &personas.of(agent).name;
        text += &format!("\n**Guest:** {guest}\n\n**{}:** {reply}\n", name(*agent));
    }
    text + "\n"
}
