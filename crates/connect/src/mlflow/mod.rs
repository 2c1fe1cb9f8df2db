//! MLflow's REST API (server 3.x): runs, files, models and their aliases, prompts, assessments.
//!
//! ```no_run
//! use connect::{mlflow::{Login, Mlflow}, service::Bounds};
//!
//! let mlflow = Mlflow::new("http://localhost:5001", &Login::Open, Bounds::default())?;
//! let experiment = mlflow.experiment("gemma-burger")?;
//! let run = mlflow.create_run(&experiment, "a run", 1_780_000_000_000, &[])?;
//! mlflow.metrics(&run.run_id, &[("eval.facts".into(), 0.98)])?;
//! # Ok::<(), connect::mlflow::MlflowError>(())
//! ```
//!
//! What a training run tells goes through a [`journal`] on the disk, so that a server that is away stops nothing.

mod artifacts;
pub mod courier;
mod delivery;
pub mod evaluation;
pub mod journal;
mod models;
mod prompts;
mod runs;

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

pub use artifacts::{Listed, sha256_of};
pub use models::{ModelVersion, NewVersion, Reference, Taken};
pub use prompts::PromptVersion;
pub use runs::{DataSet, Run, RunStatus};

use crate::service::{Bounds, Service, ServiceError};

/// Its name for people.
const NAME: &str = "MLflow";
/// What stands before every path of the API.
const API: &str = "/api/2.0/mlflow";

/// How one signs in.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Login {
    /// Nobody asks.
    #[default]
    Open,
    /// HTTP's basic authentication.
    Basic {
        /// The user.
        name: String,
        /// The password.
        password: String,
    },
    /// A bearer token.
    Token(String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Basic { .. } => "Basic(a secret)",
            Self::Token(_) => "Token(a secret)",
        })
    }
}

impl Login {
    /// The value of the header `Authorization`, where there is one.
    #[must_use]
    pub fn authorization(&self) -> Option<String> {
        match self {
            Self::Open => None,
            Self::Basic { name, password } => Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))),
            Self::Token(token) => Some(format!("Bearer {token}")),
        }
    }

    fn sign(&self, service: Service) -> Result<Service, ServiceError> {
        match self.authorization() {
            Some(value) => service.with("authorization", &value),
            None => Ok(service),
        }
    }
}

/// Why MLflow did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MlflowError {
    /// The request failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Files do not go through the server.
    #[error(
        "MLflow keeps its files at {0}, where this program cannot write; start the server with --artifacts-destination"
    )]
    NotProxied(String),
    /// A file did not arrive whole.
    #[error("MLflow holds {held} bytes of {file}, which has {sent}; it is sent again the next time")]
    Half {
        /// Its path on the server.
        file: String,
        /// Bytes that the server has.
        held: u64,
        /// Bytes that it should have.
        sent: u64,
    },
    /// A model version says nothing of its adapter's hash.
    #[error("version {version} of {model} has no tag \"{tag}\": it cannot be checked, so it is not used")]
    Unsigned {
        /// The registered model.
        model: String,
        /// Its version.
        version: String,
        /// What is missing.
        tag: &'static str,
    },
    /// A fetched file is not what its version says.
    #[error("{file} of version {version} of {model} has another hash than was registered; it is not used")]
    Damaged {
        /// The registered model.
        model: String,
        /// Its version.
        version: String,
        /// The file.
        file: &'static str,
    },
    /// No version has this alias.
    #[error("MLflow knows no version of {model} with the alias \"{alias}\"")]
    NoVersion {
        /// The registered model.
        model: String,
        /// The alias, or the version's number.
        alias: String,
    },
    /// The journal cannot be read or written.
    #[error("{}: {reason}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl MlflowError {
    fn disk(path: &std::path::Path, error: &dyn std::fmt::Display) -> Self {
        Self::Disk { path: path.to_owned(), reason: error.to_string() }
    }

    /// Whether waiting cannot help: the key is refused.
    #[must_use]
    pub const fn is_denied(&self) -> bool {
        matches!(self, Self::Service(ServiceError::Denied { .. }))
    }
}

/// A name and a value, as the API writes tags and parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The name.
    pub key: String,
    /// The value.
    #[serde(default)]
    pub value: String,
}

impl Pair {
    /// A name and a value.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// An answer in which nothing matters but that it came.
#[derive(Deserialize)]
struct Done {}

/// A server.
#[derive(Clone, Debug)]
pub struct Mlflow {
    api: Service,
    /// The same with the patience that files need.
    files: Service,
    login: Login,
}

impl Mlflow {
    /// A server at `uri` (`http` or `https`). Nothing is asked of it yet.
    ///
    /// # Errors
    /// A key that cannot stand in a header.
    pub fn new(uri: &str, login: &Login, bounds: Bounds) -> Result<Self, MlflowError> {
        let service = |bounds| login.sign(Service::new(NAME, uri, bounds));
        Ok(Self { api: service(bounds)?, files: service(bounds.files())?, login: login.clone() })
    }

    /// Its door for traces, `/v1/traces`.
    pub(crate) fn traces(&self) -> Result<Service, ServiceError> {
        self.login.sign(Service::new(NAME, &format!("{}/v1/traces", self.uri()), self.api.bounds()))
    }

    /// Where it is.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.api.base()
    }

    /// The version that the server tells of itself. It needs no key.
    ///
    /// # Errors
    /// It is away, or no MLflow server.
    pub fn version(&self) -> Result<String, MlflowError> {
        let answer = self.api.send(&ureq::http::Method::GET, "/version", crate::service::Body::Empty)?;
        let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
        if text.starts_with(|c: char| c.is_ascii_digit()) && text.len() < 40 {
            return Ok(text);
        }
        let (what, reason) = ("GET /version".to_owned(), "it is no version".to_owned());
        Err(ServiceError::Garbage { service: NAME, what, reason }.into())
    }
}

/// Whether an answer says that the thing is not there.
fn is_missing(error: &ServiceError) -> bool {
    error.status() == Some(404)
}

/// A value of a query.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}
