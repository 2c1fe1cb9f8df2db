//! Bringing a journal to the server: from where the last try ended, each line so that a second time does no harm.

use super::{
    Mlflow, MlflowError, NewVersion, Pair,
    journal::{Entry, Head, Journal, Kept, Model, State},
    models::{ADAPTER_FILE, Logged, SHA256_TAG},
    runs::{METRICS_AT_ONCE, Metric},
    sha256_of,
};

/// The tag by which a run is found whose answer was lost.
const JOURNAL_TAG: &str = "gemma_burger.journal";

/// Sends what has not arrived of a journal.
///
/// # Errors
/// What went wrong; all that had arrived before counts, and the next call goes on there.
pub(super) fn deliver(mlflow: &Mlflow, journal: &Journal) -> Result<State, MlflowError> {
    let mut delivery = Delivery { mlflow, journal, state: journal.state() };
    if delivery.state.run_id.is_empty() {
        delivery.begin(&journal.head()?)?;
    }
    loop {
        let lines = journal.read(delivery.state.sent)?;
        if lines.is_empty() {
            return Ok(delivery.state);
        }
        let (mut metrics, mut reached) = (Vec::new(), delivery.state.sent);
        for (entry, end) in lines {
            if let Some(Entry::Point(point)) = entry {
                let (timestamp, step) = (point.at, point.step);
                let values = point.values.into_iter();
                metrics.extend(values.map(|(key, value)| Metric { key, value, timestamp, step }));
            } else {
                delivery.points(&mut metrics, reached)?;
                match entry {
                    Some(entry) => delivery.tell(entry)?,
                    None => {
                        tracing::warn!(journal = %journal.path().display(), "a line that cannot be read is left out")
                    }
                }
            }
            reached = end;
            if metrics.is_empty() || metrics.len() >= METRICS_AT_ONCE / 2 {
                delivery.points(&mut metrics, reached)?;
            }
        }
        delivery.points(&mut metrics, reached)?;
    }
}

struct Delivery<'a> {
    mlflow: &'a Mlflow,
    journal: &'a Journal,
    state: State,
}

impl Delivery<'_> {
    /// Makes the run, or finds the one that was made and whose answer was lost.
    fn begin(&mut self, head: &Head) -> Result<(), MlflowError> {
        let experiment = self.mlflow.experiment(&head.experiment)?;
        let lost = if self.state.asked {
            let filter = format!("tags.`{JOURNAL_TAG}` = '{}'", head.id);
            self.mlflow.search_runs(&experiment, &filter, 1)?.into_iter().next()
        } else {
            self.state.asked = true;
            self.journal.keep(&self.state)?;
            None
        };
        let run = match lost {
            Some(run) => run,
            None => {
                let tag = Pair::new(JOURNAL_TAG, &head.id);
                self.mlflow.create_run(&experiment, &head.name, head.started, &[tag])?
            }
        };
        (self.state.experiment_id, self.state.run_id) = (experiment, run.run_id);
        self.state.artifact_uri = run.artifact_uri;
        self.journal.keep(&self.state)
    }

    /// Sends what was gathered; everything up to `reached` has arrived then.
    fn points(&mut self, metrics: &mut Vec<Metric>, reached: u64) -> Result<(), MlflowError> {
        self.mlflow.points(&self.state.run_id, metrics)?;
        metrics.clear();
        if reached > self.state.sent {
            self.state.sent = reached;
            self.journal.keep(&self.state)?;
        }
        Ok(())
    }

    fn tell(&mut self, entry: Entry) -> Result<(), MlflowError> {
        let run = self.state.run_id.clone();
        match entry {
            Entry::Head(_) | Entry::Point(_) => Ok(()),
            Entry::Params(params) => self.mlflow.params(&run, &params),
            Entry::Tags(tags) => self.mlflow.tags(&run, &tags),
            Entry::Data(data) => self.mlflow.data(&run, &data),
            Entry::Status { status, at } => {
                let ended = (status != super::RunStatus::Running).then_some(at);
                self.mlflow.set_status(&run, status, ended)
            }
            Entry::File(file) => {
                let root = self.state.artifact_uri.clone();
                self.put(&root, &file)
            }
            Entry::Model(model) => self.model(&model),
        }
    }

    fn model(&mut self, model: &Model) -> Result<(), MlflowError> {
        let run = self.state.run_id.clone();
        let (model_id, root) = match &self.state.model {
            Some(known) => known.clone(),
            None => {
                let logged = self.mlflow.log_model(&self.state.experiment_id, &run, &model.name, &model.params)?;
                let Logged { model_id, artifact_uri } = logged;
                self.state.model = Some((model_id.clone(), artifact_uri.clone()));
                self.journal.keep(&self.state)?;
                (model_id, artifact_uri)
            }
        };
        for file in &model.files {
            self.put(&root, file)?;
        }
        self.mlflow.finish_model(&run, &model_id, model.step)?;
        let hash = model.files.iter().find(|file| file.name == ADAPTER_FILE);
        let hash = hash.map(|file| Pair::new(SHA256_TAG, &file.sha256));
        let tags: Vec<Pair> = model.tags.iter().cloned().chain(hash).collect();
        let new = NewVersion { name: &model.name, model_id: &model_id, run_id: &run, tags: &tags };
        let version = self.mlflow.register(&new)?;
        self.mlflow.set_alias(&model.name, &model.alias, &version.version)?;
        (self.state.model, self.state.version) = (None, Some(version.version));
        Ok(())
    }

    /// Stores a file, unless it is gone or another one by now: that is told, and stops nothing.
    fn put(&self, root: &str, file: &Kept) -> Result<(), MlflowError> {
        let path = self.journal.folder().join(&file.name);
        if sha256_of(&path).is_ok_and(|hash| hash == file.sha256) {
            return self.mlflow.put_file(root, &file.name, &path);
        }
        tracing::warn!(file = %path.display(), "has changed or is gone since the run; it is not stored with it");
        Ok(())
    }
}
