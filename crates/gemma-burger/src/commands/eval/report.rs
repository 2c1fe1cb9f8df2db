//! An evaluation as a whole: what was asked, how it went, and how that compares with an earlier one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{html, judging::Judgement, markdown, play::Outcome, rules::Rule};
use crate::cli::Failure;

/// The form of the file; another one is not compared with.
const VERSION: u32 = 1;
/// The file's name in a report's folder.
const DATA: &str = "report.json";
/// Cases that are shown as the worst.
const WORST: usize = 10;

/// An evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    /// When, by the clock of UTC.
    pub made: String,
    /// The language model.
    pub model: String,
    /// Who spoke with a trained manner.
    pub tuned: Vec<String>,
    /// Always the likeliest words.
    pub greedy: bool,
    pub seed: u32,
    /// Where the cases come from.
    pub sets: Vec<String>,
    pub rules: Summary,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Judgement>,
    /// What this evaluation does not say, and why.
    pub missing: Vec<String>,
    pub outcomes: Vec<Outcome>,
}

/// How many of the replies keep each rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub cases: usize,
    /// Replies of the model; the rest is said by rule.
    pub asked: usize,
    /// Kept, and of how many, by rule.
    pub rules: BTreeMap<Rule, (usize, usize)>,
    /// Replies that show a mark of their persona.
    pub marked: usize,
    pub kinds: BTreeMap<String, Kind>,
}

/// How one kind of case went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    pub cases: usize,
    /// Cases that keep all their rules.
    pub clean: usize,
    /// Rules kept, and of how many.
    pub kept: usize,
    pub of: usize,
    /// Cases with marks, and the sum of their means.
    pub judged: usize,
    pub marks: f64,
}

impl Kind {
    /// The share of rules that are kept, in percent.
    pub fn percent(&self) -> f64 {
        percent(self.kept, self.of)
    }

    /// The mean of the judge's marks.
    pub fn mark(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.marks / self.judged as f64)
    }
}

pub fn percent(part: usize, of: usize) -> f64 {
    if of == 0 { 100.0 } else { 100.0 * part as f64 / of as f64 }
}

impl Summary {
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut summary = Self::default();
        for outcome in outcomes {
            summary.cases += 1;
            summary.asked += usize::from(outcome.asked);
            summary.marked += usize::from(!outcome.marks.is_empty());
            let kind = summary.kinds.entry(outcome.kind.clone()).or_default();
            kind.cases += 1;
            kind.clean += usize::from(!outcome.fails());
            for (rule, kept) in &outcome.rules {
                let count = summary.rules.entry(*rule).or_default();
                *count = (count.0 + usize::from(*kept), count.1 + 1);
                (kind.kept, kind.of) = (kind.kept + usize::from(*kept), kind.of + 1);
            }
            if let Some(marks) = &outcome.judged {
                (kind.judged, kind.marks) = (kind.judged + 1, kind.marks + marks.mean());
            }
        }
        summary
    }

    /// The share of all rules that are kept, in percent.
    pub fn percent(&self) -> f64 {
        let sum = |part: fn(&(usize, usize)) -> usize| self.rules.values().map(part).sum();
        percent(sum(|count| count.0), sum(|count| count.1))
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("\n{} cases, {} said by rule\n", self.cases, self.cases - self.asked);
        for (rule, (kept, of)) in &self.rules {
            text += &format!("{kept:>4} of {of:<4} {:>5.1}%  {}\n", percent(*kept, *of), rule.told());
        }
        text += &format!(
            "{:>4} of {:<4} {:>5.1}%  show a mark of their persona (counted, no rule)\n",
            self.marked,
            self.cases,
            percent(self.marked, self.cases)
        );
        text += &format!("{:>18.1}%  of all rules kept\n", self.percent());
        for (name, kind) in self.kinds.iter().filter(|(_, kind)| kind.clean < kind.cases) {
            text += &format!("      {name}: {} of {} keep all\n", kind.clean, kind.cases);
        }
        text
    }
}

/// Where a report comes from.
pub struct Made {
    pub at: String,
    pub model: String,
    pub tuned: Vec<String>,
    pub greedy: bool,
    pub seed: u32,
    pub sets: Vec<String>,
}

impl Report {
    pub fn new(made: Made, outcomes: Vec<Outcome>, judge: Option<Judgement>, missing: Vec<String>) -> Self {
        Self {
            version: VERSION,
            made: made.at,
            model: made.model,
            tuned: made.tuned,
            greedy: made.greedy,
            seed: made.seed,
            sets: made.sets,
            rules: Summary::of(&outcomes),
            judge,
            missing,
            outcomes,
        }
    }

    /// The mean of the judge's marks over all cases with marks.
    pub fn mark(&self) -> Option<f64> {
        let judge = self.judge.as_ref().filter(|judge| judge.judged > 0)?;
        Some(judge.means.values().sum::<f64>() / judge.means.len().max(1) as f64)
    }

    /// Reads an earlier one, given as its file or its folder.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let path = if path.is_dir() { path.join(DATA) } else { path.to_owned() };
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::new(format!("{}: {error}", path.display()))
                .hint("an earlier run is a folder that `gemma-burger eval --report FOLDER` wrote, or its report.json")
        };
        let text = fs::read_to_string(&path).map_err(|error| wrong(&error))?;
        let report: Self = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        if report.version == VERSION {
            Ok(report)
        } else {
            Err(wrong(&format_args!("it has version {}, and this program compares with {VERSION}", report.version)))
        }
    }

    /// Writes the page, the text and the data into a folder.
    pub fn write(&self, folder: &Path, comparison: Option<&Comparison>) -> Result<(), Failure> {
        let cannot =
            |error: &dyn std::fmt::Display| Failure::new(format!("{} cannot be written: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(|error| cannot(&error))?;
        let data = serde_json::to_string(self).map_err(|error| cannot(&error))?;
        for (name, text) in [
            (DATA, data + "\n"),
            ("report.html", html::page(self, comparison)),
            ("report.md", markdown::text(self, comparison)),
        ] {
            fs::write(folder.join(name), text).map_err(|error| cannot(&error))?;
        }
        Ok(())
    }

    /// The cases that went worst: by rules, then by the judge. Those in which nothing is wrong are not among them.
    pub fn worst(&self) -> Vec<&Outcome> {
        let mark = |outcome: &Outcome| outcome.judged.as_ref().map_or(5.0, connect::judge::Marks::mean);
        // A broken rule weighs as much as a mark that is two lower.
        let score = |outcome: &Outcome| {
            let broken = outcome.rules.values().filter(|kept| !**kept).count();
            mark(outcome) - 2.0 * broken as f64
        };
        let mut worst: Vec<&Outcome> =
            self.outcomes.iter().filter(|outcome| outcome.fails() || mark(outcome) < 4.0).collect();
        worst.sort_by(|a, b| score(a).total_cmp(&score(b)));
        worst.truncate(WORST);
        worst
    }
}

/// What became better and worse since an earlier run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// When the earlier one was made, and with which model.
    pub earlier: String,
    /// Percent of rules kept, then and now.
    pub percent: (f64, f64),
    /// The judge's mean mark, then and now, where there are both.
    pub mark: Option<(f64, f64)>,
    /// By kind, those in both: percent then and now, and mean marks.
    pub kinds: BTreeMap<String, KindChange>,
    /// Cases that kept all rules then and do not now.
    pub broken: Vec<String>,
    /// Cases that do now.
    pub mended: Vec<String>,
    /// Cases that only one of the two has.
    pub new: usize,
    pub gone: usize,
}

/// How a kind changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct KindChange {
    pub percent: (f64, f64),
    pub mark: Option<(f64, f64)>,
}

impl Comparison {
    /// Compares the cases that both runs have.
    pub fn of(earlier: &Report, now: &Report) -> Self {
        let ids = |report: &Report| -> BTreeSet<String> {
            report.outcomes.iter().map(|outcome| outcome.id.clone()).collect()
        };
        let (then, here) = (ids(earlier), ids(now));
        let both: BTreeSet<&String> = then.intersection(&here).collect();
        let shared = |report: &Report| -> Vec<Outcome> {
            report.outcomes.iter().filter(|outcome| both.contains(&outcome.id)).cloned().collect()
        };
        let (before, after) = (shared(earlier), shared(now));
        let clean: BTreeMap<&str, bool> =
            before.iter().map(|outcome| (outcome.id.as_str(), !outcome.fails())).collect();
        let (old, new) = (Summary::of(&before), Summary::of(&after));
        let kinds = new.kinds.iter().filter_map(|(name, kind)| {
            let earlier = old.kinds.get(name)?;
            let change =
                KindChange { percent: (earlier.percent(), kind.percent()), mark: earlier.mark().zip(kind.mark()) };
            Some((name.clone(), change))
        });
        let changed = |was: bool, is: bool| -> Vec<String> {
            after
                .iter()
                .filter(|outcome| clean.get(outcome.id.as_str()) == Some(&was) && outcome.fails() != is)
                .map(|outcome| outcome.id.clone())
                .collect()
        };
        let mean = |summary: &Summary| {
            let judged: usize = summary.kinds.values().map(|kind| kind.judged).sum();
            (judged > 0).then(|| summary.kinds.values().map(|kind| kind.marks).sum::<f64>() / judged as f64)
        };
        Self {
            earlier: format!("{} with {}", earlier.made, earlier.model),
            percent: (old.percent(), new.percent()),
            mark: mean(&old).zip(mean(&new)),
            kinds: kinds.collect(),
            broken: changed(true, false),
            mended: changed(false, true),
            new: here.difference(&then).count(),
            gone: then.difference(&here).count(),
        }
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("\nbeside the run of {}\n", self.earlier);
        text += &format!("{:>6.1}% ─▶ {:.1}%  of all rules kept\n", self.percent.0, self.percent.1);
        if let Some((then, now)) = self.mark {
            text += &format!("{then:>6.2}  ─▶ {now:.2}   mean mark of the judge\n");
        }
        for (name, change) in self.changed() {
            let marks = change.mark.map_or_else(String::new, |(then, now)| format!(", marks {then:.2} ─▶ {now:.2}"));
            text += &format!("      {name}: {:.1}% ─▶ {:.1}%{marks}\n", change.percent.0, change.percent.1);
        }
        for (what, cases) in [("newly broken", &self.broken), ("mended", &self.mended)] {
            if !cases.is_empty() {
                text += &format!("{what}: {}\n", cases.join(", "));
            }
        }
        if self.new + self.gone > 0 {
            text += &format!("{} cases are new and {} are gone; they are not compared\n", self.new, self.gone);
        }
        text
    }

    /// The kinds that are not as they were, the most changed first.
    pub fn changed(&self) -> Vec<(&String, &KindChange)> {
        let moved = |change: &KindChange| {
            let marks = change.mark.map_or(0.0, |(then, now)| (now - then).abs() * 20.0);
            (change.percent.1 - change.percent.0).abs() + marks
        };
        let mut changed: Vec<_> = self.kinds.iter().filter(|(_, change)| moved(change) > 0.05).collect();
        changed.sort_by(|a, b| moved(b.1).total_cmp(&moved(a.1)));
        changed
    }
}
