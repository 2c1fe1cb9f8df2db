//! `gemma-burger promote`: the candidate becomes the champion, if it is not worse.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use connect::mlflow::{Mlflow, ModelVersion, Pair, Reference};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::configure_quietly;
use crate::{
    cli::{Failure, print, tell},
    config::{Config, DATA, Flags},
    tracking,
};

/// How scores are named among a run's metrics.
const PREFIX: &str = "eval.";
/// The tag of a run that says on which cases it was scored, with which model and release.
const SET_TAG: &str = "eval.set";
/// Scores that must not be worse, by what they stand for. A judge's are added to these.
const GATE: [&str; 4] = ["eval.order", "eval.words", "eval.declined", "eval.facts"];
/// How a judge's scores are named.
const JUDGE: &str = "eval.judge.";
/// Without these nothing is promoted.
const NEEDED: [&str; 2] = ["eval.order", "eval.facts"];
/// Shares of some hundred cases differ by more, where they do.
const SAME: f64 = 1e-9;

/// Makes the candidate of the registered model its champion, if its scores are not worse on the same cases.
///
/// Scores are read from the versions' runs in MLflow; where they are missing, or of other cases, `eval` measures them
/// here. Order understanding and the check of facts count, and a judge's marks where there are some.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gemma-burger promote\n  gemma-burger promote --candidate 7 --dry-run\n\n\
    Exit code: 0 promoted, 1 refused by the gate or failed, 2 used wrongly.")]
pub struct Args {
    /// The version to promote: an alias or a number.
    #[arg(long, default_value = "candidate", value_name = "VERSION")]
    candidate: String,
    /// The alias that it gets.
    #[arg(long, default_value = "champion", value_name = "ALIAS")]
    champion: String,
    /// Cases as `eval` takes them. Without any, the restaurant's own.
    #[arg(long, value_name = "FILE")]
    cases: Vec<PathBuf>,
    /// Only tells what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<DATA>,
}

/// Scores by name; higher is better.
type Scores = BTreeMap<String, f64>;

impl Args {
    /// Measures what is missing, compares, and moves the alias.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure_quietly(self.flags.clone())?;
        let mlflow = tracking::wanted(&config)?;
        let name = config.mlflow.model.clone();
        let is_alias = !self.candidate.bytes().all(|byte| byte.is_ascii_digit());
        let wanted = Reference { name: name.clone(), which: self.candidate.clone(), is_alias };
        let candidate = mlflow.version_of(&wanted).map_err(tracking::failure)?;
        let alias = Reference { name: name.clone(), which: self.champion.clone(), is_alias: true };
        let champion = mlflow.find_version(&alias).map_err(tracking::failure)?;
        if champion.as_ref().is_some_and(|champion| champion.version == candidate.version) {
            tell(&format!("version {} of {name} is the {} already", candidate.version, self.champion));
            return Ok(());
        }
        let set = self.set(&config)?;
        let ours = self.scores(&mlflow, &candidate, &set)?;
        let theirs = champion.as_ref().map(|champion| self.scores(&mlflow, champion, &set)).transpose()?;
        let verdicts = compare(&ours, theirs.as_ref());
        let passes = verdicts.iter().all(|verdict| verdict.passes);
        let moved = passes && !self.dry_run;
        if moved {
            let gate = json!({"set": set, "candidate": ours, "champion": theirs,
                "over": champion.as_ref().map(|champion| &champion.version)});
            mlflow.tag_version(&candidate, &Pair::new("gate", gate.to_string())).map_err(tracking::failure)?;
            mlflow.set_alias(&name, &self.champion, &candidate.version).map_err(tracking::failure)?;
        }
        if self.json {
            print(&format!(
                "{}\n",
                json!({"model": name, "candidate": candidate.version, "scores": ours, "champion_scores": theirs,
                    "champion": champion.map(|champion| champion.version), "passes": passes, "promoted": moved})
            ))?;
        } else {
            print(&table(&verdicts, champion.as_ref().map(|champion| champion.version.as_str())))?;
        }
        if !passes {
            return Err(Failure::new(format!("version {} of {name} is not promoted", candidate.version))
                .hint("train another one, or look at `gemma-burger eval` for what it says"));
        }
        let what = if moved { "is" } else { "would be" };
        tell(&format!("version {} of {name} {what} the {} now", candidate.version, self.champion));
        Ok(())
    }

    fn files(&self, config: &Config) -> Vec<PathBuf> {
        if self.cases.is_empty() {
            return vec![config.files.resources_dir.join("eval/replies.jsonl")];
        }
        self.cases.clone()
    }

    /// What scores must share to be compared: cases, language model and release.
    fn set(&self, config: &Config) -> Result<String, Failure> {
        let mut hash = Sha256::new();
        for file in self.files(config) {
            let bytes = fs::read(&file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
            hash.update(Sha256::digest(&bytes));
        }
        hash.update(format!("{} {}", config.model.model, env!("CARGO_PKG_VERSION")));
        Ok(hex::encode(hash.finalize()))
    }

    /// A version's scores: those that its run has, else measured now and kept there.
    fn scores(&self, mlflow: &Mlflow, version: &ModelVersion, set: &str) -> Result<Scores, Failure> {
        let run = (!version.run_id.is_empty()).then(|| mlflow.run(&version.run_id)).transpose();
        let run = run.map_err(tracking::failure)?;
        if let Some(run) = run.as_ref().filter(|run| run.tags.get(SET_TAG).is_some_and(|of| of == set)) {
            let scores = run.metrics.iter().filter(|(name, _)| name.starts_with(PREFIX));
            return Ok(scores.map(|(name, value)| (name.clone(), *value)).collect());
        }
        let scores = self.measure(version)?;
        if let Some(run) = &run {
            let values: Vec<(String, f64)> = scores.iter().map(|(name, value)| (name.clone(), *value)).collect();
            let told = mlflow.metrics(&run.run_id, &values);
            told.and_then(|()| mlflow.tags(&run.run_id, &[Pair::new(SET_TAG, set)])).map_err(tracking::failure)?;
        }
        Ok(scores)
    }

    /// Runs `eval` with a version's adapter, in a process of its own: two language models have no room in one.
    fn measure(&self, version: &ModelVersion) -> Result<Scores, Failure> {
        tell(&format!("measuring version {} of {} …", version.version, version.name));
        let program = std::env::current_exe().map_err(Failure::new)?;
        let mut flags = self.flags.clone();
        flags.set("ADAPTER", &format!("mlflow:{}/{}", version.name, version.version));
        let output = Command::new(program)
            .args(["eval", "--greedy", "--json"])
            .args(flags.arguments())
            .args(&self.cases)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Failure::new(format!("`gemma-burger eval` does not run: {error}")))?;
        if !output.status.success() {
            return Err(Failure::new("`gemma-burger eval` failed, so nothing is promoted"));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let last: Option<Value> = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
        last.as_ref()
            .map(scores_of)
            .filter(|scores| !scores.is_empty())
            .ok_or_else(|| Failure::new("`gemma-burger eval` told no scores, so nothing is promoted"))
    }
}

/// The scores of an evaluation's summary: shares by rule, and the judge's mean marks.
fn scores_of(summary: &Value) -> Scores {
    let mut scores = Scores::new();
    for (rule, count) in summary["rules"].as_object().into_iter().flatten() {
        let (kept, of) = (count[0].as_f64().unwrap_or(0.0), count[1].as_f64().unwrap_or(0.0));
        if of > 0.0 {
            scores.insert(format!("{PREFIX}{rule}"), kept / of);
        }
    }
    for (aspect, mean) in summary["judge"]["means"].as_object().into_iter().flatten() {
        scores.extend(mean.as_f64().map(|mean| (format!("{JUDGE}{aspect}"), mean)));
    }
    scores
}

/// One score of both.
#[derive(Debug, PartialEq)]
struct Verdict {
    name: String,
    candidate: Option<f64>,
    champion: Option<f64>,
    /// Whether it decides.
    counts: bool,
    passes: bool,
}

fn compare(ours: &Scores, theirs: Option<&Scores>) -> Vec<Verdict> {
    let none = Scores::new();
    let theirs = theirs.unwrap_or(&none);
    let needed = NEEDED.map(str::to_owned);
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).chain(&needed).collect();
    let verdict = |name: &String| {
        let (candidate, champion) = (ours.get(name).copied(), theirs.get(name).copied());
        let counts = GATE.contains(&name.as_str()) || name.starts_with(JUDGE);
        let passes = match (candidate, champion) {
            (Some(candidate), Some(champion)) => candidate >= champion - SAME,
            (Some(_), None) => true,
            (None, _) => false,
        };
        Verdict { name: name.clone(), candidate, champion, counts, passes: passes || !counts }
    };
    names.into_iter().map(verdict).collect()
}

fn table(verdicts: &[Verdict], champion: Option<&str>) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "missing".to_owned(), |value| format!("{value:.4}"));
    let against = champion.map_or_else(|| "no champion yet".to_owned(), |version| format!("champion {version}"));
    let mut text = format!("{:<24} {:>10} {against:>16}\n", "", "candidate");
    for verdict in verdicts {
        let sign = match (verdict.counts, verdict.passes) {
            (true, true) => "ok",
            (true, false) => "WORSE",
            (false, _) => "(told only)",
        };
        let (ours, theirs) = (number(verdict.candidate), number(verdict.champion));
        text += &format!("{:<24} {ours:>10} {theirs:>16}  {sign}\n", verdict.name);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
    use super::*;

    fn scores(pairs: &[(&str, f64)]) -> Scores {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn the_gate_opens_for_what_is_not_worse() {
        let champion = scores(&[("eval.facts", 0.9), ("eval.words", 1.0), ("eval.order", 0.8), ("eval.length", 1.0)]);
        let judged = scores(&[("eval.judge.kindness", 4.0)]);
        let with = |changes: &[(&str, f64)]| champion.clone().into_iter().chain(scores(changes)).collect::<Scores>();
        let without = |name: &str| champion.clone().into_iter().filter(|(other, _)| other != name).collect::<Scores>();
        for (ours, theirs, passes) in [
            (champion.clone(), Some(champion.clone()), true),
            (with(&[("eval.facts", 0.95)]), Some(champion.clone()), true),
            (with(&[("eval.facts", 0.8999)]), Some(champion.clone()), false),
            (with(&[("eval.order", 0.7)]), Some(champion.clone()), false),
            (with(&[("eval.length", 0.1)]), Some(champion.clone()), true),
            (without("eval.order"), Some(champion.clone()), false),
            (champion.clone(), Some(with(&[("eval.judge.kindness", 4.0)])), false),
            (with(&[("eval.judge.kindness", 3.0)]), Some(champion.clone()), true),
            (champion.clone(), None, true),
            (judged, None, false),
            (Scores::new(), None, false),
        ] {
            let verdicts = compare(&ours, theirs.as_ref());
            assert_eq!(verdicts.iter().all(|verdict| verdict.passes), passes, "{ours:?} against {theirs:?}");
        }
    }

    #[test]
    fn scores_are_read_from_an_evaluations_last_line() {
        let line = json!({"cases": 4, "rules": {"facts": [3, 4], "words": [4, 4], "order": [0, 0]},
            "judge": {"means": {"kindness": 4.5}}});
        let read = scores(&[("eval.facts", 0.75), ("eval.words", 1.0), ("eval.judge.kindness", 4.5)]);
        assert_eq!(scores_of(&line), read);
        assert!(scores_of(&json!({"other": 1})).is_empty());
    }
}
