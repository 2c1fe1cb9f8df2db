//! A run told to MLflow while it goes on: to a journal on the disk, from which a thread brings it to the server.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use connect::mlflow::{
    DataSet, Mlflow, MlflowError, Pair, RunStatus,
    courier::{Courier, Outcome},
    journal::{Entry, Head, Journal, Kept, Model, Pen, Point},
    sha256_of,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tuner::{TrainConfig, TrainEvent, TrainListener, TrainReport};

use crate::{
    brain::concierge::manner::ADAPTER_FILE,
    cli::{print, tell},
    config::Config,
    tracking,
};

/// The alias of what was trained last.
const CANDIDATE: &str = "candidate";
/// Files of a run that are stored with it.
const FILES: [&str; 5] = ["loss.svg", "run.json", "adapters.safetensors", "adapter_config.json", ADAPTER_FILE];
/// Files of the logged model.
const MODEL_FILES: [&str; 3] = [ADAPTER_FILE, "adapters.safetensors", "adapter_config.json"];
/// How long a server that is away is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run that is tracked; all of its copies are the same one.
#[derive(Clone)]
pub(super) struct Tracked(Arc<Mutex<Tracking>>);

struct Tracking {
    mlflow: Mlflow,
    experiment: String,
    model: String,
    run: TrainConfig,
    courier: Option<Courier>,
    /// Time that training has waited for this, and the longest at once.
    spent: Duration,
    longest: Duration,
}

impl Tracked {
    /// Where a server is named; else it says how to have one.
    pub fn new(config: &Config, run: &TrainConfig) -> Result<Option<Self>, crate::cli::Failure> {
        let Some(mlflow) = tracking::server(config, connect::service::Bounds::once())? else {
            tell(&format!("This run is not tracked. {}.", tracking::HOW));
            return Ok(None);
        };
        let tracking = Tracking {
            mlflow,
            experiment: config.mlflow.experiment.clone(),
            model: config.mlflow.model.clone(),
            run: run.clone(),
            courier: None,
            spent: Duration::ZERO,
            longest: Duration::ZERO,
        };
        Ok(Some(Self(Arc::new(Mutex::new(tracking)))))
    }

    /// Stores what came of the run, waits for the rest to arrive, and says where it is.
    pub fn finish(&self, report: &TrainReport, json: bool) -> Result<(), crate::cli::Failure> {
        let told = self.lock().finish(report);
        let (outcome, spent, longest) = match told {
            Ok(Some(told)) => told,
            Ok(None) => return Ok(()),
            Err(error) => {
                tell(&format!("{error}. The adapter is there all the same."));
                return Ok(());
            }
        };
        let out = self.lock().run.out.clone();
        let folder = out.display();
        if json {
            let state = &outcome.state;
            return print(&format!(
                "{}\n",
                json!({"event": "tracked", "run_id": state.run_id, "experiment_id": state.experiment_id,
                    "version": state.version, "points_left": outcome.points_left, "whole": outcome.whole,
                    "trouble": outcome.trouble, "spent_ms": millis(spent), "longest_ms": millis(longest)})
            ));
        }
        let state = &outcome.state;
        if outcome.whole {
            let uri = self.lock().mlflow.uri().to_owned();
            tell(&format!("tracked at {uri}/#/experiments/{}/runs/{}", state.experiment_id, state.run_id));
            if let Some(version) = &state.version {
                let model = self.lock().model.clone();
                tell(&format!("registered as version {version} of {model}, alias {CANDIDATE}"));
            }
            return Ok(());
        }
        let reason = outcome.trouble.unwrap_or_else(|| "MLflow has not taken all of it".to_owned());
        tell(&format!("{reason}. {} points and the files are kept in {folder}.", outcome.points_left));
        tell(&format!("Send them later with: gemma-burger mlflow send {folder}"));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Tracking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TrainListener for Tracked {
    fn on_event(&mut self, event: &TrainEvent<'_>) -> ControlFlow<()> {
        let began = Instant::now();
        let mut tracking = self.lock();
        if let Err(error) = tracking.hear(event) {
            tell(&format!("{error}. Training goes on and is not tracked any more."));
            tracking.courier = None;
        }
        let took = began.elapsed();
        tracking.spent += took;
        tracking.longest = tracking.longest.max(took);
        ControlFlow::Continue(())
    }
}

impl Tracking {
    fn hear(&mut self, event: &TrainEvent<'_>) -> Result<(), MlflowError> {
        match event {
            TrainEvent::Started { first_step, steps, examples, tokens, parameters } => {
                let more =
                    [("steps", *steps), ("examples", *examples), ("tokens", *tokens), ("parameters", *parameters)];
                self.start(*first_step, &more)
            }
            TrainEvent::Step { step, loss, learning_rate, gradient, tokens_per_second, .. } => self.point(
                *step,
                &[
                    ("loss", *loss),
                    ("learning_rate", *learning_rate),
                    ("gradient", *gradient),
                    ("tokens_per_second", *tokens_per_second),
                ],
            ),
            TrainEvent::Validated { step, loss } => self.point(*step, &[("validation_loss", *loss)]),
            TrainEvent::Failed { message, .. } => {
                self.take(&Entry::Tags(vec![Pair::new("failure", *message)]))?;
                self.take(&Entry::Status { status: RunStatus::Failed, at: now() })?;
                if let Some(courier) = self.courier.take() {
                    let _ = courier.finish(PATIENCE);
                }
                Ok(())
            }
            TrainEvent::Checkpoint { .. } | TrainEvent::Finished(_) => Ok(()),
        }
    }

    /// Goes on with the journal of a run that is resumed, else begins one.
    fn start(&mut self, first_step: usize, more: &[(&str, usize)]) -> Result<(), MlflowError> {
        let out = &self.run.out;
        let last = Journal::all(out).pop().filter(|_| first_step > 0);
        let (journal, pen, entries) = match last {
            Some(journal) => {
                let pen = journal.pen()?;
                (journal, pen, vec![Entry::Status { status: RunStatus::Running, at: now() }])
            }
            None => {
                let (journal, pen) = self.begin(out)?;
                let mut params = params(&self.run);
                params.extend(more.iter().map(|(name, value)| Pair::new(*name, value.to_string())));
                (journal, pen, [vec![Entry::Params(params)], self.data()?].concat())
            }
        };
        let mut courier = Courier::start(self.mlflow.clone(), journal, pen, tell);
        for entry in &entries {
            courier.take(entry)?;
        }
        self.courier = Some(courier);
        Ok(())
    }

    fn begin(&self, out: &Path) -> Result<(Journal, Pen), MlflowError> {
        let name = out.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
        let id = format!("{:032x}", rand::random::<u128>());
        Journal::begin(out, &Head { experiment: self.experiment.clone(), name, started: now(), id })
    }

    fn data(&self) -> Result<Vec<Entry>, MlflowError> {
        let set = |path: &PathBuf, context: &str| {
            let disk = |error: std::io::Error| MlflowError::Disk { path: path.clone(), reason: error.to_string() };
            let examples = fs::read(path).map_err(disk)?.iter().filter(|byte| **byte == b'\n').count();
            let name = format!("{context} examples");
            let sha256 = sha256_of(path)?;
            let tag = Pair::new(format!("data.{context}.sha256"), &sha256);
            let source = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let data = DataSet { name, context: context.to_owned(), sha256, source, examples };
            Ok::<_, MlflowError>([Entry::Tags(vec![tag]), Entry::Data(data)])
        };
        let mut entries = Vec::from(set(&self.run.train, "training")?);
        if let Some(valid) = &self.run.valid {
            entries.extend(set(valid, "validation")?);
        }
        Ok(entries)
    }

    fn point(&mut self, step: usize, values: &[(&str, f64)]) -> Result<(), MlflowError> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        self.take(&Entry::Point(Point { at: now(), step: i64::try_from(step).unwrap_or(i64::MAX), values }))
    }

    fn take(&mut self, entry: &Entry) -> Result<(), MlflowError> {
        self.courier.as_mut().map_or(Ok(()), |courier| courier.take(entry))
    }

    fn finish(&mut self, report: &TrainReport) -> Result<Option<(Outcome, Duration, Duration)>, MlflowError> {
        let Some(mut courier) = self.courier.take() else { return Ok(None) };
        for entry in outcome_of(&self.run.out, report, &self.model)? {
            courier.take(&entry)?;
        }
        Ok(Some((courier.finish(PATIENCE), self.spent, self.longest)))
    }
}

/// What is stored at the end of the run in the folder `out`; the report names folders by their last part alone. A run
/// that was stopped is gone on with: its adapter is no candidate yet.
fn outcome_of(out: &Path, report: &TrainReport, model: &str) -> Result<Vec<Entry>, MlflowError> {
    let kept = |names: &[&str]| names.iter().map(|name| Kept::of(out, name)).collect::<Result<Vec<_>, _>>();
    let step = i64::try_from(report.adapter_step).unwrap_or(i64::MAX);
    let best = report.curve.valid.iter().find(|(step, _)| *step == report.adapter_step);
    let mut values = vec![("adapter_step", step as f64), ("seconds", report.seconds)];
    values.extend(best.map(|(_, loss)| ("best_validation_loss", *loss)));
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let steps = i64::try_from(report.steps).unwrap_or(i64::MAX);
    let mut entries = vec![Entry::Point(Point { at: now(), step: steps, values })];
    entries.extend(kept(&FILES)?.into_iter().map(Entry::File));
    if report.stopped {
        entries.push(Entry::Status { status: RunStatus::Killed, at: now() });
        return Ok(entries);
    }
    let lora = &report.config.lora;
    let tags = vec![Pair::new("base", &report.base), Pair::new("data.training.sha256", &report.train_sha256)];
    entries.push(Entry::Model(Model {
        name: model.to_owned(),
        alias: CANDIDATE.to_owned(),
        step,
        files: kept(&MODEL_FILES)?,
        params: vec![
            Pair::new("base", &report.base),
            Pair::new("rank", lora.rank.to_string()),
            Pair::new("alpha", lora.alpha.to_string()),
        ],
        tags,
    }));
    entries.push(Entry::Status { status: RunStatus::Finished, at: now() });
    Ok(entries)
}

/// The settings, flat. Paths are this machine's business: of them the last name is told.
fn params(run: &TrainConfig) -> Vec<Pair> {
    let mut params = Vec::new();
    flatten("", &serde_json::to_value(run).unwrap_or_default(), &mut params);
    for pair in &mut params {
        if matches!(pair.key.as_str(), "base" | "train" | "valid" | "out" | "from") {
            let name = Path::new(&pair.value).file_name().map(|name| name.to_string_lossy().into_owned());
            pair.value = name.unwrap_or_default();
        }
    }
    params
}

fn flatten(name: &str, value: &Value, into: &mut Vec<Pair>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            flatten(&inner, value, into);
        }),
        Value::Array(values) if !values.is_empty() => {
            let words = values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            into.push(Pair::new(name, words.collect::<Vec<_>>().join(",")));
        }
        Value::String(text) => into.push(Pair::new(name, text)),
        Value::Null | Value::Array(_) => {}
        other => into.push(Pair::new(name, other.to_string())),
    }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A report names folders by their last part alone, and what the run left lies elsewhere.
    fn report(out: &Path, stopped: bool) -> TrainReport {
        let config = TrainConfig::new("base.gguf".into(), "train.jsonl".into(), out.file_name().unwrap().into());
        TrainReport {
            base: "base".to_owned(),
            config,
            train_sha256: "0".to_owned(),
            valid_sha256: None,
            examples: 1,
            steps: 2,
            stopped,
            adapter_step: 2,
            parameters: 3,
            tokens: 4,
            seconds: 5.0,
            tokens_per_second: 0.8,
            curve: tuner::Curve::default(),
        }
    }

    #[test]
    fn a_runs_files_are_those_of_its_folder_and_a_stopped_run_is_no_candidate() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("mine");
        fs::create_dir(&out).unwrap();
        for name in FILES {
            fs::write(out.join(name), name).unwrap();
        }
        let names = |entries: &[Entry]| {
            let kept = entries.iter().filter_map(|entry| if let Entry::File(kept) = entry { Some(kept) } else { None });
            kept.map(|kept| kept.name.clone()).collect::<Vec<_>>()
        };
        let models = |entries: &[Entry]| {
            let files = |entry: &Entry| if let Entry::Model(model) = entry { Some(model.files.clone()) } else { None };
            entries.iter().filter_map(files).map(|files| files.len()).collect::<Vec<_>>()
        };
        let whole = outcome_of(&out, &report(&out, false), "gemma-burger").unwrap();
        assert_eq!((names(&whole), models(&whole)), (FILES.map(str::to_owned).to_vec(), vec![MODEL_FILES.len()]));
        let stopped = outcome_of(&out, &report(&out, true), "gemma-burger").unwrap();
        assert_eq!((names(&stopped).len(), models(&stopped)), (FILES.len(), vec![]));
        fs::remove_file(out.join(ADAPTER_FILE)).unwrap();
        assert!(outcome_of(&out, &report(&out, false), "gemma-burger").is_err());
    }
}
