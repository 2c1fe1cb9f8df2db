//! An evaluation as MLflow shows it: a run with metrics and a table, and a trace with assessments for each case.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Mlflow, MlflowError, Pair, RunStatus, runs::DataSet};
use crate::trace::{Endpoint, Kind, Span, Trace};

/// Where a table lies among a run's files.
const TABLE: &str = "evaluation.json";
/// Cases whose traces travel together.
const TOGETHER: usize = 50;

/// An evaluation to be told.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    /// The experiment.
    pub experiment: &'a str,
    /// The run's name.
    pub name: &'a str,
    /// Which adapter, model, settings.
    pub params: Vec<Pair>,
    /// The cases, by their hash: scores are compared on the same set only.
    pub data: DataSet,
    /// Shares from 0 to 1 and means, named `eval.…`: higher is better.
    pub metrics: Vec<(String, f64)>,
    /// Each case.
    pub cases: Vec<Case>,
}

/// A case and what became of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name in the set.
    pub id: String,
    /// What the guest said, and before it.
    pub asked: Value,
    /// What the guest read.
    pub reply: Value,
    /// How it was scored.
    pub assessments: Vec<Assessment>,
}

/// A verdict on one reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// What was looked at, such as `accuracy`.
    pub name: String,
    /// A number, yes or no, or a word.
    pub value: Value,
    /// Why.
    pub rationale: Option<String>,
    /// Whose it is.
    pub source: AssessmentSource,
}

/// Who gave a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssessmentSource {
    /// A rule of this product, by its name.
    Code(String),
    /// A language model, by its name.
    Judge(String),
    /// A person, by a name or what they are, such as `guest`.
    Person(String),
}

impl Case {
    fn trace(&self) -> Trace {
        let mut trace = Trace::random();
        let mut span = Span::begin(self.id.clone(), Kind::Evaluator);
        span.set("mlflow.spanInputs", self.asked.to_string());
        span.set("mlflow.spanOutputs", self.reply.to_string());
        trace.root(span.end());
        trace
    }
}

impl Mlflow {
    /// Tells an evaluation; returns the run's id.
    ///
    /// # Errors
    /// See [`MlflowError`]. A run that is half told stays `FAILED`.
    pub fn evaluation(&self, evaluation: &Evaluation<'_>) -> Result<String, MlflowError> {
        let experiment = self.experiment(evaluation.experiment)?;
        let run = self.create_run(&experiment, evaluation.name, crate::unix_ms(), &[])?;
        let told = self.tell(&experiment, &run.run_id, &run.artifact_uri, evaluation);
        let status = if told.is_ok() { RunStatus::Finished } else { RunStatus::Failed };
        let ended = self.set_status(&run.run_id, status, Some(crate::unix_ms()));
        told.and(ended).map(|()| run.run_id)
    }

    fn tell(&self, experiment: &str, run: &str, root: &str, evaluation: &Evaluation<'_>) -> Result<(), MlflowError> {
        self.params(run, &evaluation.params)?;
        self.data(run, &evaluation.data)?;
        self.tags(run, &[Pair::new("eval.set", &evaluation.data.sha256)])?;
        self.metrics(run, &evaluation.metrics)?;
        let endpoint = Endpoint::mlflow(self, experiment, Some(run))?;
        for part in evaluation.cases.chunks(TOGETHER) {
            let traces: Vec<Trace> = part.iter().map(Case::trace).collect();
            endpoint.send(&traces)?;
            for (case, trace) in part.iter().zip(&traces) {
                for assessment in &case.assessments {
                    self.assess(&trace.mlflow_id(), assessment)?;
                }
            }
        }
        self.table(run, root, TABLE, &["case", "asked", "reply", "scores"], &rows(&evaluation.cases))
    }

    /// Keeps a verdict on a trace (`tr-` and 32 hexadecimal digits).
    ///
    /// # Errors
    /// See [`MlflowError`]; a trace that has not arrived is declined.
    pub fn assess(&self, trace: &str, assessment: &Assessment) -> Result<(), MlflowError> {
        let (kind, source) = match &assessment.source {
            AssessmentSource::Code(name) => ("CODE", name),
            AssessmentSource::Judge(name) => ("LLM_JUDGE", name),
            AssessmentSource::Person(name) => ("HUMAN", name),
        };
        let mut body = json!({
            "assessment_name": assessment.name, "trace_id": trace,
            "source": {"source_type": kind, "source_id": source},
            "feedback": {"value": assessment.value},
        });
        if let (Some(rationale), Some(object)) = (&assessment.rationale, body.as_object_mut()) {
            object.insert("rationale".to_owned(), json!(rationale));
        }
        let path = format!("/api/3.0/mlflow/traces/{trace}/assessments");
        let _: Value = self.api.post(&path, &json!({"assessment": body}))?;
        Ok(())
    }

    /// Stores a table among a run's files, where MLflow shows it as one.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn table(
        &self,
        run: &str,
        root: &str,
        name: &str,
        columns: &[&str],
        rows: &[Vec<Value>],
    ) -> Result<(), MlflowError> {
        let bytes = json!({"columns": columns, "data": rows}).to_string();
        self.put_bytes(root, name, bytes.as_bytes())?;
        let known = json!([{"path": name, "type": "table"}]).to_string();
        self.tags(run, &[Pair::new("mlflow.loggedArtifacts", known)])
    }
}

fn rows(cases: &[Case]) -> Vec<Vec<Value>> {
    let scores = |case: &Case| {
        case.assessments
            .iter()
            .map(|verdict| (verdict.name.clone(), verdict.value.clone()))
            .collect::<serde_json::Map<_, _>>()
    };
    let row = |case: &Case| vec![json!(case.id), case.asked.clone(), case.reply.clone(), Value::Object(scores(case))];
    cases.iter().map(row).collect()
}
