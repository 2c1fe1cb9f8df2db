//! An evaluation for MLflow: scores as metrics, a table, and each case with its verdicts.

use connect::{
    judge::Aspect,
    mlflow::{
        DataSet,
        evaluation::{Assessment, AssessmentSource, Case},
    },
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{play::Outcome, report::Report, rules::Rule};
use crate::{
    config::Config,
    tracking::{self, Told},
};

/// Whose verdict a rule's is.
const RULES: &str = "gemma-burger eval";

/// Tells it, where a server is named.
pub fn tell(config: &Config, report: &Report) {
    if config.mlflow.uri.is_none() {
        return;
    }
    let judge = report.judge.as_ref().map(|judge| judge.model.as_str());
    let mut params = vec![
        ("model", report.model.clone()),
        ("tuned", report.tuned.join(",")),
        ("greedy", report.greedy.to_string()),
        ("seed", report.seed.to_string()),
    ];
    params.extend(judge.map(|model| ("judge", model.to_owned())));
    let cases = report.outcomes.iter().map(|outcome| case(outcome, judge)).collect();
    tracking::tell_evaluation(config, Told { params, data: data(report), metrics: metrics(report), cases });
}

/// The cases by the hash of what was asked: conversations and what they need.
fn data(report: &Report) -> DataSet {
    let mut hash = Sha256::new();
    for outcome in &report.outcomes {
        let asked = json!([outcome.id, outcome.exchange.said_before, outcome.exchange.guest]).to_string();
        hash.update(Sha256::digest(asked));
    }
    DataSet {
        name: "cases".to_owned(),
        context: "eval".to_owned(),
        sha256: hex::encode(hash.finalize()),
        source: report.sets.join(" "),
        examples: report.outcomes.len(),
    }
}

fn metrics(report: &Report) -> Vec<(String, f64)> {
    let rules = report.rules.rules.iter().filter(|(_, (_, of))| *of > 0);
    let rules = rules.map(|(rule, (kept, of))| (format!("eval.{}", name(*rule)), *kept as f64 / *of as f64));
    let means = report.judge.iter().flat_map(|judge| &judge.means);
    let means = means.map(|(aspect, mean)| (format!("eval.judge.{}", aspect.as_str()), *mean));
    rules.chain(means).collect()
}

fn name(rule: Rule) -> String {
    json!(rule).as_str().unwrap_or_default().to_owned()
}

fn case(outcome: &Outcome, judge: Option<&str>) -> Case {
    let broken: Vec<String> = outcome.rules.iter().filter(|(_, kept)| !**kept).map(|(rule, _)| name(*rule)).collect();
    let rules = Assessment {
        name: "rules".to_owned(),
        value: broken.is_empty().into(),
        rationale: Some(if broken.is_empty() { "all kept".to_owned() } else { broken.join(", ") }),
        source: AssessmentSource::Code(RULES.to_owned()),
    };
    let marks = outcome.judged.iter().flat_map(|marks| Aspect::ALL.map(|aspect| (aspect, marks.of(aspect))));
    let marks = marks.map(|(aspect, mark)| Assessment {
        name: aspect.as_str().to_owned(),
        value: mark.score.into(),
        rationale: Some(mark.reason.clone()),
        source: AssessmentSource::Judge(judge.unwrap_or_default().to_owned()),
    });
    Case {
        id: outcome.id.clone(),
        asked: json!({"before": outcome.exchange.said_before, "guest": outcome.exchange.guest, "facts": outcome.exchange.facts}),
        reply: json!(outcome.exchange.reply),
        assessments: [rules].into_iter().chain(marks).collect(),
    }
}
