//! The MLflow server that the configuration names.

use connect::{
    mlflow::{
        DataSet, Login, Mlflow, MlflowError, Pair,
        evaluation::{Case, Evaluation},
    },
    service::{Bounds, ServiceError},
};

use crate::{
    cli::{Failure, tell},
    config::{Config, Secret},
};

/// What a person does who wants it.
pub const HOW: &str = "`make mlflow` starts a server; then set MLFLOW_TRACKING_URI=http://localhost:5001";

/// The server, where one is named.
///
/// # Errors
/// A key that cannot be sent, or half of a name and a password.
pub fn server(config: &Config, bounds: Bounds) -> Result<Option<Mlflow>, Failure> {
    let Some(uri) = &config.mlflow.uri else { return Ok(None) };
    let reveal = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.reveal().to_owned());
    let settings = &config.mlflow;
    let login = match (&settings.username, reveal(&settings.password), reveal(&settings.token)) {
        (Some(name), Some(password), _) => Login::Basic { name: name.clone(), password },
        (None, None, Some(token)) => Login::Token(token),
        (None, None, None) => Login::Open,
        _ => return Err(Failure::usage("MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD belong together")),
    };
    Mlflow::new(uri, &login, bounds).map(Some).map_err(failure)
}

/// The server, for what cannot be done without one.
///
/// # Errors
/// None is named, and as above.
pub fn wanted(config: &Config) -> Result<Mlflow, Failure> {
    server(config, Bounds::default())?
        .ok_or_else(|| Failure::usage("no MLflow server is named: MLFLOW_TRACKING_URI is not set").hint(HOW))
}

/// What went wrong, and what to do about it.
#[must_use]
pub fn failure(error: MlflowError) -> Failure {
    let hint = match &error {
        MlflowError::Service(ServiceError::Denied { .. }) => {
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, hold the key; \
             a token may have expired"
        }
        MlflowError::Service(ServiceError::Unreachable { .. }) => {
            "look whether it runs, and at MLFLOW_TRACKING_URI; `gemma-burger mlflow check` tries it"
        }
        MlflowError::Service(ServiceError::Unwell { .. }) => "try again later; its own log tells more",
        MlflowError::Service(ServiceError::Garbage { .. }) => {
            "something else may answer there: MLFLOW_TRACKING_URI is the server's address, without a path of its pages"
        }
        MlflowError::NoVersion { .. } => {
            "`gemma-burger train` registers a candidate, `gemma-burger promote` a champion"
        }
        _ => return Failure::new(error),
    };
    Failure::new(error).hint(hint)
}

/// Tells an evaluation to the server, where one is named: metrics, a table, and each case with its verdicts. Where that
/// fails the evaluation counts all the same.
pub fn tell_evaluation(config: &Config, made: Told) {
    if let Err(failure) = try_to_tell(config, made) {
        tell(&format!("not told to MLflow: {}", failure.told()));
    }
}

fn try_to_tell(config: &Config, made: Told) -> Result<(), Failure> {
    let Some(mlflow) = server(config, Bounds::default())? else { return Ok(()) };
    let params = made.params.into_iter().map(|(name, value)| Pair::new(name, value)).collect();
    let evaluation = Evaluation {
        experiment: &config.mlflow.experiment,
        name: "eval",
        params,
        data: made.data,
        metrics: made.metrics,
        cases: made.cases,
    };
    let run = mlflow.evaluation(&evaluation).map_err(failure)?;
    tell(&format!("told to MLflow: run {run} in {}", config.mlflow.experiment));
    Ok(())
}

/// What is told of an evaluation.
pub struct Told {
    /// Model, adapter, settings.
    pub params: Vec<(&'static str, String)>,
    /// The cases as a whole.
    pub data: DataSet,
    /// Scores by name, `eval.…`: higher is better.
    pub metrics: Vec<(String, f64)>,
    /// The cases one by one.
    pub cases: Vec<Case>,
}
