//! The judge's part of an evaluation, and how well it agrees with people.

use std::{collections::BTreeMap, path::Path, time::Duration};

use concierge::prompt::Personas;
use connect::{
    chat::Model,
    judge::{Agreement, Aspect, Case, Judge, JudgeError, Limits, Marks, Price, Settings, Winner, agreement},
    service::Bounds,
};
use serde::{Deserialize, Serialize};

use super::{exchange::Exchange, play::Outcome};
use crate::{
    cli::{Failure, tell},
    commands::data::read_lines,
    config::Config,
};

/// Tokens of an answer; large models think before they write.
const ANSWER_TOKENS: u32 = 2_000;
const BOUNDS: Bounds =
    Bounds { patience: Duration::from_secs(90), tries: 4, longest_pause: Duration::from_secs(60), answer: 256 * 1024 };
/// Marks on which the judge and people differ that are shown.
const MOST_APART: usize = 5;
/// The folder of paid answers, under the data directory.
const CACHE: &str = "judge-cache";

/// A reply that people gave marks to.
#[derive(Clone, Debug, Deserialize)]
pub struct Labelled {
    pub id: String,
    #[serde(flatten)]
    pub exchange: Exchange,
    /// Marks from 1 to 5, one for each aspect.
    pub labels: BTreeMap<Aspect, u8>,
    /// Why, for people.
    #[serde(default)]
    pub note: String,
}

/// What the judge made of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The judge's name.
    pub model: String,
    /// Cases with marks.
    pub judged: usize,
    /// Cases without, by what was in the way.
    pub unjudged: BTreeMap<String, usize>,
    /// The first such reason in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Mean marks.
    pub means: BTreeMap<Aspect, f64>,
    /// How often each mark was given, 1 first.
    pub counts: BTreeMap<Aspect, [usize; 5]>,
    /// Agreement with people, for each aspect; empty where it was not asked or gave nothing.
    pub agreement: BTreeMap<Aspect, Agreement>,
    /// Replies that people labelled, and how many of them the judge gave marks to.
    pub labelled: (usize, usize),
    /// Where the two are furthest apart.
    pub apart: Vec<Apart>,
    /// Against the earlier run: better, worse, neither, and of those how many contradicted themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
    /// Questions sent, and those answered before.
    pub asked: usize,
    pub cached: usize,
    /// Tokens read and written.
    pub tokens: (u64, u64),
    /// Cents, rounded up, where there is a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cents: Option<u64>,
}

/// A mark on which the judge and people do not agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Apart {
    /// The labelled reply.
    pub id: String,
    pub aspect: Aspect,
    /// Whose marks.
    pub people: u8,
    pub judge: u8,
    /// Why, in the words of each.
    pub note: String,
    pub reason: String,
}

/// How a run compares with an earlier one in the judge's eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    pub better: usize,
    pub worse: usize,
    pub ties: usize,
    /// Of the ties, those where the order of the two decided.
    pub inconsistent: usize,
    pub unjudged: usize,
}

/// The judge that the configuration names, if any.
///
/// # Errors
/// Half a configuration, or a limit of cents without a price.
pub fn configured(config: &Config) -> Result<Option<Judge>, Failure> {
    let at = &config.judge;
    let (url, model) = match (&at.url, &at.model) {
        (None, None) => return Ok(None),
        (Some(url), Some(model)) => (url, model),
        _ => {
            return Err(Failure::usage("a judge needs both JUDGE_URL and JUDGE_MODEL").hint(
                "Gemini: JUDGE_URL=https://generativelanguage.googleapis.com/v1beta/openai \
                 JUDGE_MODEL=gemini-2.5-flash JUDGE_KEY=…",
            ));
        }
    };
    let cents = match (at.max_cents, at.cents_read, at.cents_written) {
        (None, None, None) => None,
        // Without a limit a price tells what it has cost.
        (most, Some(read), Some(written)) => Some((most.unwrap_or(u64::MAX), Price { read, written })),
        _ => {
            return Err(Failure::usage("a limit of cents needs a price: JUDGE_CENTS_READ and JUDGE_CENTS_WRITTEN")
                .hint("cents for a million tokens, as the service's price list has them"));
        }
    };
    let key = at.key.as_ref().map(|key| key.reveal());
    let model = Model::new("the judge", url, model, key, BOUNDS).map_err(Failure::new)?;
    let settings = Settings {
        cache: Some(config.files.data_dir.join(CACHE)),
        limits: Limits { tokens: Some(at.max_tokens), cents },
        max_tokens: ANSWER_TOKENS,
    };
    Ok(Some(Judge::new(model, settings)))
}

/// Reads labelled replies.
pub fn labelled(path: &Path) -> Result<Vec<Labelled>, Failure> {
    read_lines(path, |line| {
        let labelled: Labelled = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let fits =
            Aspect::ALL.iter().all(|aspect| labelled.labels.get(aspect).is_some_and(|mark| (1..=5).contains(mark)));
        if fits { Ok(labelled) } else { Err(format!("{}: labels are four marks from 1 to 5", labelled.id)) }
    })
}

/// Has the labelled replies and then the outcomes judged. Whatever goes wrong is noted and costs no other score.
pub fn judge(
    judge: &Judge,
    outcomes: &mut [Outcome],
    labelled: &[Labelled],
    personas: &Personas,
    earlier: Option<&[Outcome]>,
) -> Judgement {
    let mut made = Judgement { model: judge.name().to_owned(), ..Judgement::default() };
    let (cases, count) =
        (labelled.iter().map(|label| label.exchange.for_judge(personas)).collect::<Vec<_>>(), labelled.len());
    let marks = judge.each(&cases, Judge::marks, progress("labelled replies judged", count));
    made.labelled = (count, marks.iter().filter(|marks| marks.is_ok()).count());
    for aspect in Aspect::ALL {
        let pairs: Vec<(u8, u8)> = labelled
            .iter()
            .zip(&marks)
            .filter_map(|(label, marks)| Some((*label.labels.get(&aspect)?, marks.as_ref().ok()?.of(aspect).score)))
            .collect();
        if !pairs.is_empty() {
            made.agreement.insert(aspect, agreement(&pairs));
        }
    }
    made.apart = apart(labelled, &marks);
    let cases: Vec<Case> = outcomes.iter().map(|outcome| outcome.exchange.for_judge(personas)).collect();
    let marks = judge.each(&cases, Judge::marks, progress("replies judged", cases.len()));
    for (outcome, marks) in outcomes.iter_mut().zip(marks) {
        match marks {
            Ok(marks) => {
                made.judged += 1;
                for aspect in Aspect::ALL {
                    let score = marks.of(aspect).score;
                    *made.means.entry(aspect).or_default() += f64::from(score);
                    if let Some(count) = made.counts.entry(aspect).or_default().get_mut(usize::from(score) - 1) {
                        *count += 1;
                    }
                }
                outcome.judged = Some(marks);
            }
            Err(error) => {
                *made.unjudged.entry(error.kind().to_owned()).or_default() += 1;
                made.trouble.get_or_insert_with(|| error.to_string());
                outcome.unjudged = Some(error.to_string());
            }
        }
    }
    for mean in made.means.values_mut() {
        *mean /= made.judged.max(1) as f64;
    }
    if let Some(earlier) = earlier {
        made.preferences = Some(prefer(judge, outcomes, personas, earlier));
    }
    let spent = judge.spent();
    (made.asked, made.cached, made.tokens, made.cents) =
        (spent.asked, spent.cached, (spent.read, spent.written), spent.cents);
    made
}

/// The marks that differ most, by at least two.
fn apart(labelled: &[Labelled], marks: &[Result<Marks, JudgeError>]) -> Vec<Apart> {
    let mut apart: Vec<Apart> = labelled
        .iter()
        .zip(marks)
        .filter_map(|(label, marks)| Some((label, marks.as_ref().ok()?)))
        .flat_map(|(label, marks)| {
            label.labels.iter().map(|(aspect, people)| {
                let mark = marks.of(*aspect);
                let (note, reason) = (label.note.clone(), mark.reason.clone());
                Apart { id: label.id.clone(), aspect: *aspect, people: *people, judge: mark.score, note, reason }
            })
        })
        .filter(|apart| apart.people.abs_diff(apart.judge) >= 2)
        .collect();
    apart.sort_by_key(|apart| std::cmp::Reverse(apart.people.abs_diff(apart.judge)));
    apart.truncate(MOST_APART);
    apart
}

/// Has each reply compared with the earlier run's, where the two differ.
fn prefer(judge: &Judge, outcomes: &mut [Outcome], personas: &Personas, earlier: &[Outcome]) -> Preferences {
    let before: BTreeMap<&str, &str> =
        earlier.iter().map(|outcome| (outcome.id.as_str(), outcome.exchange.reply.as_str())).collect();
    let pairs: Vec<(usize, Case, &str)> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(at, outcome)| {
            let other = before.get(outcome.id.as_str()).filter(|other| **other != outcome.exchange.reply)?;
            Some((at, outcome.exchange.for_judge(personas), *other))
        })
        .collect();
    let told = progress("pairs of replies compared", pairs.len());
    let preferences = judge.each(&pairs, |judge, (_, case, other)| judge.prefer(case, other), told);
    let mut tally = Preferences::default();
    for ((at, ..), preference) in pairs.iter().zip(preferences) {
        match &preference {
            Err(_) => tally.unjudged += 1,
            Ok(preference) => {
                match preference.winner {
                    Winner::First => tally.better += 1,
                    Winner::Second => tally.worse += 1,
                    Winner::Tie => tally.ties += 1,
                }
                tally.inconsistent += usize::from(!preference.consistent);
            }
        }
        if let Some(outcome) = outcomes.get_mut(*at) {
            outcome.preference = preference.ok();
        }
    }
    tally
}

fn progress(what: &str, of: usize) -> impl Fn(usize) + Sync + '_ {
    move |done| {
        if done.is_multiple_of(25) || done == of {
            tell(&format!("{done} of {of} {what}"));
        }
    }
}

impl Judgement {
    /// For a terminal.
    pub fn text(&self) -> String {
        let unjudged: usize = self.unjudged.values().sum();
        let mut text = format!("\njudge {}: {} replies have marks, {unjudged} have none\n", self.model, self.judged);
        for (kind, count) in &self.unjudged {
            text += &format!("{count:>6}  without: {kind}\n");
        }
        for aspect in Aspect::ALL {
            let mean = self.means.get(&aspect).map_or_else(|| "   –".to_owned(), |mean| format!("{mean:.2}"));
            text += &format!("  {mean}  {}", aspect.as_str());
            if let Some(agreement) = self.agreement.get(&aspect) {
                let share = |count: usize| super::report::percent(count, agreement.pairs);
                let kappa = agreement.kappa.map_or_else(|| "–".to_owned(), |kappa| format!("{kappa:.2}"));
                let (exact, adjacent) = (share(agreement.exact), share(agreement.adjacent));
                text += &format!("; with people: equal {exact:.0}%, within one {adjacent:.0}%, kappa {kappa}");
            }
            text.push('\n');
        }
        text += &format!("agreement over {} of {} labelled replies\n", self.labelled.1, self.labelled.0);
        if let Some(Preferences { better, worse, ties, inconsistent, unjudged }) = self.preferences {
            text += &format!(
                "beside the earlier run's replies: {better} better, {worse} worse, {ties} neither ({inconsistent} as the \
                 order decided), {unjudged} not compared\n"
            );
        }
        let cents = self.cents.map_or_else(String::new, |cents| format!(", {cents} cents"));
        text += &format!(
            "{} questions sent, {} answered from earlier runs; {} tokens read, {} written{cents}\n",
            self.asked, self.cached, self.tokens.0, self.tokens.1
        );
        text
    }
}
