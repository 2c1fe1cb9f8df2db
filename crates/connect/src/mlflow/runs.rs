//! Experiments and runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{API, Done, Mlflow, MlflowError, Pair, encoded, is_missing};

/// The most that one request may carry, by the server's own limits.
pub(super) const METRICS_AT_ONCE: usize = 1_000;
const PAIRS_AT_ONCE: usize = 100;
/// Letters of a parameter's or tag's value that the server keeps.
const VALUE_LETTERS: usize = 5_000;
/// Letters of a data set's digest.
const DIGEST_LETTERS: usize = 32;

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub run_id: String,
    /// Where its files lie, as the server names it.
    pub artifact_uri: String,
    /// The last value of each metric.
    pub metrics: BTreeMap<String, f64>,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// It goes on.
    Running,
    /// It came to its end.
    Finished,
    /// It failed.
    Failed,
    /// It was stopped.
    Killed,
}

/// Data that a run rests on, by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    /// A name for people.
    pub name: String,
    /// `training`, `validation` or `eval`.
    pub context: String,
    /// SHA-256 of the data, in hexadecimal digits.
    pub sha256: String,
    /// Where it came from.
    pub source: String,
    /// Examples in it.
    pub examples: usize,
}

/// A value of a metric at a step.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Metric {
    pub key: String,
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub step: i64,
}

#[derive(Deserialize)]
struct Named {
    experiment: Experiment,
}

#[derive(Deserialize)]
struct Experiment {
    experiment_id: String,
}

#[derive(Deserialize)]
struct Told {
    run: Wire,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    runs: Vec<Wire>,
}

#[derive(Deserialize)]
struct Wire {
    info: Info,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize)]
struct Info {
    run_id: String,
    artifact_uri: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    metrics: Vec<Last>,
    params: Vec<Pair>,
    tags: Vec<Pair>,
}

#[derive(Deserialize)]
struct Last {
    key: String,
    /// A string where it is no finite number.
    value: serde_json::Value,
}

impl From<Wire> for Run {
    fn from(Wire { info, data }: Wire) -> Self {
        let pairs = |pairs: Vec<Pair>| pairs.into_iter().map(|pair| (pair.key, pair.value)).collect();
        let metrics = data.metrics.into_iter().filter_map(|last| Some((last.key, last.value.as_f64()?))).collect();
        let (params, tags) = (pairs(data.params), pairs(data.tags));
        Self { run_id: info.run_id, artifact_uri: info.artifact_uri, metrics, params, tags }
    }
}

impl Mlflow {
    /// The id of an experiment, which is made where it is missing.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn experiment(&self, name: &str) -> Result<String, MlflowError> {
        let find = || self.api.get(&format!("{API}/experiments/get-by-name?experiment_name={}", encoded(name)));
        let known: Result<Named, _> = find();
        match known {
            Err(error) if is_missing(&error) => {
                let made: Result<Experiment, _> =
                    self.api.post(&format!("{API}/experiments/create"), &json!({"name": name}));
                // Another program may have made it in between.
                made.or_else(|error| find().map(|named: Named| named.experiment).map_err(|_| error))
                    .map(|experiment| experiment.experiment_id)
                    .map_err(Into::into)
            }
            known => Ok(known?.experiment.experiment_id),
        }
    }

    /// Begins a run. `started` is in milliseconds since 1970.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn create_run(&self, experiment: &str, name: &str, started: i64, tags: &[Pair]) -> Result<Run, MlflowError> {
        let source = [Pair::new("mlflow.source.name", "gemma-burger"), Pair::new("mlflow.source.type", "LOCAL")];
        let tags: Vec<&Pair> = tags.iter().chain(&source).collect();
        let body = json!({"experiment_id": experiment, "run_name": name, "start_time": started, "tags": tags});
        let told: Told = self.api.post(&format!("{API}/runs/create"), &body)?;
        Ok(told.run.into())
    }

    /// A run with its last values.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn run(&self, run_id: &str) -> Result<Run, MlflowError> {
        let told: Told = self.api.get(&format!("{API}/runs/get?run_id={}", encoded(run_id)))?;
        Ok(told.run.into())
    }

    /// The newest runs of an experiment that meet a filter of the API's own language.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn search_runs(&self, experiment: &str, filter: &str, most: u32) -> Result<Vec<Run>, MlflowError> {
        let body = json!({"experiment_ids": [experiment], "filter": filter, "max_results": most,
            "order_by": ["attributes.start_time DESC"]});
        let found: Found = self.api.post(&format!("{API}/runs/search"), &body)?;
        Ok(found.runs.into_iter().map(Into::into).collect())
    }

    /// Says how a run stands, and when it ended if it did.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn set_status(&self, run_id: &str, status: RunStatus, ended: Option<i64>) -> Result<(), MlflowError> {
        let mut body = json!({"run_id": run_id, "status": status});
        if let (Some(at), Some(object)) = (ended, body.as_object_mut()) {
            object.insert("end_time".to_owned(), at.into());
        }
        let _: serde_json::Value = self.api.post(&format!("{API}/runs/update"), &body)?;
        Ok(())
    }

    /// Notes values of metrics, now and at step 0. Values that are no finite numbers are left out.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn metrics(&self, run_id: &str, values: &[(String, f64)]) -> Result<(), MlflowError> {
        let timestamp = crate::unix_ms();
        let metrics = values.iter().map(|(key, value)| Metric { key: key.clone(), value: *value, timestamp, step: 0 });
        self.points(run_id, &metrics.collect::<Vec<_>>())
    }

    /// Notes values at their steps. The same value a second time changes nothing.
    pub(super) fn points(&self, run_id: &str, metrics: &[Metric]) -> Result<(), MlflowError> {
        let finite: Vec<&Metric> = metrics.iter().filter(|metric| metric.value.is_finite()).collect();
        for part in finite.chunks(METRICS_AT_ONCE) {
            self.batch(&json!({"run_id": run_id, "metrics": part}))?;
        }
        Ok(())
    }

    /// Notes parameters, which cannot be changed afterwards.
    ///
    /// # Errors
    /// See [`MlflowError`]; a parameter that has another value already is declined.
    pub fn params(&self, run_id: &str, params: &[Pair]) -> Result<(), MlflowError> {
        for part in params.chunks(PAIRS_AT_ONCE) {
            self.batch(&json!({"run_id": run_id, "params": cut(part)}))?;
        }
        Ok(())
    }

    /// Sets a run's tags.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn tags(&self, run_id: &str, tags: &[Pair]) -> Result<(), MlflowError> {
        for part in tags.chunks(PAIRS_AT_ONCE) {
            self.batch(&json!({"run_id": run_id, "tags": cut(part)}))?;
        }
        Ok(())
    }

    /// Names the data that a run rests on.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn data(&self, run_id: &str, data: &DataSet) -> Result<(), MlflowError> {
        let digest: String = data.sha256.chars().take(DIGEST_LETTERS).collect();
        let body = json!({"run_id": run_id, "datasets": [{
            "tags": [{"key": "mlflow.data.context", "value": data.context}],
            "dataset": {
                "name": data.name, "digest": digest, "source_type": "local",
                "source": json!({"uri": data.source}).to_string(),
                "profile": json!({"num_rows": data.examples, "sha256": data.sha256}).to_string(),
            },
        }]});
        let _: Done = self.api.post(&format!("{API}/runs/log-inputs"), &body)?;
        Ok(())
    }

    fn batch(&self, body: &serde_json::Value) -> Result<(), MlflowError> {
        let _: Done = self.api.post(&format!("{API}/runs/log-batch"), body)?;
        Ok(())
    }
}

fn cut(pairs: &[Pair]) -> Vec<Pair> {
    let short = |pair: &Pair| Pair::new(&pair.key, pair.value.chars().take(VALUE_LETTERS).collect::<String>());
    pairs.iter().map(short).collect()
}
