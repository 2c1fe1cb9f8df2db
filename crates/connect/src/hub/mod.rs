//! The Hugging Face Hub: publishing a folder as one commit of a model repository.
//!
//! The routes are those of the Hub's own clients: the repository is made, each file is announced, large ones go to the
//! large file storage by the basic transfer, and one commit names them all. Nothing is visible before that commit, and
//! a second try sends only what the storage lacks. Fetching is in `models`, which fetches from the Hub anyway.

pub mod card;

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ureq::http::Method;

use crate::service::{Body, Bounds, Service, ServiceError};

/// The Hub's own address.
pub const ENDPOINT: &str = "https://huggingface.co";
const NAME: &str = "the Hugging Face Hub";
const BRANCH: &str = "main";
const LFS_JSON: &str = "application/vnd.git-lfs+json";
/// First bytes of a file that the Hub looks at to tell text from data.
const SAMPLE: usize = 512;
/// Bytes of a file that is published. An adapter has a hundredth of it, and the storage's basic transfer has a limit of
/// 5 GB.
const LARGEST: usize = 2 << 30;
/// Of one large file, at a megabit a second some 200 MB.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A repository: `owner/name`, or a name alone, which is then the token's owner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    owner: Option<String>,
    name: String,
}

impl FromStr for Repository {
    type Err = HubError;

    fn from_str(text: &str) -> Result<Self, HubError> {
        let fits = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.ends_with(|c: char| c.is_ascii_alphanumeric())
                && word.len() <= 96
                && !word.contains("..")
                && !word.contains("--")
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let (owner, name) = text.split_once('/').map_or((None, text), |(owner, name)| (Some(owner), name));
        if !fits(name) || !owner.is_none_or(fits) {
            return Err(HubError::Name(text.chars().take(100).collect()));
        }
        Ok(Self { owner: owner.map(str::to_owned), name: name.to_owned() })
    }
}

/// A file to publish.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its path in the repository, parted by `/`.
    pub path: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// `owner/name`.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// Where people look at it.
    pub url: String,
    /// Files that the large file storage did not have yet.
    pub uploaded: usize,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The token is missing, wrong or expired, or may not write.
    #[error("{0}; make a token that may write at {ENDPOINT}/settings/tokens and set HF_TOKEN to it")]
    Token(#[source] ServiceError),
    /// It cannot be reached, is not well, declined, or answered nonsense.
    #[error("{0}; nothing was published")]
    Service(#[source] ServiceError),
    /// No name of a repository.
    #[error("\"{0}\" names no repository; write owner/name or name, of letters, digits, dots and dashes")]
    Name(String),
    /// It is there and everybody sees it.
    #[error("{0} is there already and is public; choose another name, or make it private on the Hub")]
    Public(String),
    /// A file is too large for the basic transfer.
    #[error("{path} has {bytes} bytes, more than is sent in one piece; publish it with the Hub's own program")]
    TooLarge {
        /// Its path.
        path: String,
        /// Its size.
        bytes: usize,
    },
    /// The repository's own rules leave a file out.
    #[error("the repository's .gitignore leaves {0} out; nothing was published")]
    Ignored(String),
    /// The storage did not take a file, or not all of it.
    #[error("{path} was not taken whole: {reason}; nothing was published, run the same command again to go on")]
    Part {
        /// Its path.
        path: String,
        /// What went wrong.
        reason: String,
    },
    /// Somebody else published meanwhile.
    #[error("{0} was changed by somebody else meanwhile; nothing was published, run the same command again")]
    Changed(String),
}

impl From<ServiceError> for HubError {
    fn from(error: ServiceError) -> Self {
        if matches!(error, ServiceError::Denied { .. }) { Self::Token(error) } else { Self::Service(error) }
    }
}

/// The Hub, as somebody.
#[derive(Clone, Debug)]
pub struct Hub {
    api: Service,
    /// For commits, which must not be made twice.
    once: Service,
    lfs: Service,
    /// Without the token: the storage's addresses are signed, and other people's.
    storage: Service,
}

#[derive(Deserialize)]
struct Owner {
    name: String,
}

/// What the Hub knows of a repository; a new one may have no commit.
#[derive(Deserialize)]
struct Known {
    sha: Option<String>,
    #[serde(default)]
    private: bool,
}

#[derive(Deserialize)]
struct Announced {
    files: Vec<Mode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mode {
    path: String,
    upload_mode: String,
    #[serde(default)]
    should_ignore: bool,
}

#[derive(Deserialize)]
struct Batch {
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    oid: String,
    actions: Option<Actions>,
    error: Option<ObjectError>,
}

#[derive(Deserialize)]
struct Actions {
    upload: Option<Action>,
    verify: Option<Action>,
}

#[derive(Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: Option<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct ObjectError {
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Committed {
    commit_oid: String,
}

/// A large file: its place among the uploads and its hash.
struct Large<'a> {
    file: &'a Upload,
    oid: String,
}

impl Hub {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`HubError::Token`] for a token that cannot be sent.
    pub fn new(endpoint: &str, token: &str) -> Result<Self, HubError> {
        let bearer = format!("Bearer {token}");
        let with = |bounds| Service::new(NAME, endpoint, bounds).with("Authorization", &bearer);
        let patient = Bounds { patience: UPLOAD_PATIENCE, ..Bounds::default() };
        Ok(Self {
            api: with(Bounds::default())?,
            once: with(Bounds { tries: 1, patience: Duration::from_secs(120), ..Bounds::default() })?,
            lfs: with(Bounds::default())?.with("Accept", LFS_JSON)?,
            storage: Service::new(NAME, "", patient),
        })
    }

    /// Publishes files as one commit; the repository is made where it is missing. `private` is for a new one, and a
    /// public one that is there is then refused.
    ///
    /// # Errors
    /// See [`HubError`]; after any of them the repository shows what it showed before.
    pub fn push(
        &self,
        repository: &Repository,
        private: bool,
        files: &[Upload],
        summary: &str,
    ) -> Result<Pushed, HubError> {
        if let Some(file) = files.iter().find(|file| file.bytes.len() > LARGEST) {
            return Err(HubError::TooLarge { path: file.path.clone(), bytes: file.bytes.len() });
        }
        let id = self.create(repository, private)?;
        let known: Known = self.api.get(&format!("/api/models/{id}"))?;
        if private && !known.private {
            return Err(HubError::Public(id));
        }
        let large = self.announce(&id, files)?;
        let uploaded = self.store(&id, &large)?;
        let commit = self.commit(&id, files, &large, known.sha.as_deref(), summary)?;
        let url = format!("{}/{id}", self.api.base());
        Ok(Pushed { repository: id, commit, url, uploaded })
    }

    /// The repository's full name, once it is there.
    fn create(&self, repository: &Repository, private: bool) -> Result<String, HubError> {
        let owner = match &repository.owner {
            Some(owner) => owner.clone(),
            None => self.api.get::<Owner>("/api/whoami-v2")?.name,
        };
        let id = format!("{owner}/{}", repository.name);
        // The owner's name may come from outside.
        id.parse::<Repository>()?;
        let wanted = json!({"name": repository.name, "organization": owner, "type": "model", "private": private});
        match self.api.post::<Value>("/api/repos/create", &wanted) {
            Ok(_) | Err(ServiceError::Declined { status: 409, .. }) => Ok(id),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the Hub what comes and learns which files are large.
    fn announce<'a>(&self, id: &str, files: &'a [Upload]) -> Result<Vec<Large<'a>>, HubError> {
        let listed = files.iter().map(|file| {
            let sample = file.bytes.get(..SAMPLE).unwrap_or(&file.bytes);
            json!({"path": file.path, "sample": STANDARD.encode(sample), "size": file.bytes.len()})
        });
        let wanted = json!({"files": listed.collect::<Vec<_>>()});
        let told: Announced = self.api.post(&format!("/api/models/{id}/preupload/{BRANCH}"), &wanted)?;
        if let Some(ignored) = told.files.iter().find(|mode| mode.should_ignore) {
            return Err(HubError::Ignored(ignored.path.clone()));
        }
        let is_large = |file: &&Upload| {
            let mode = told.files.iter().find(|mode| mode.path == file.path);
            // The storage takes no empty file.
            !file.bytes.is_empty() && mode.is_some_and(|mode| mode.upload_mode == "lfs")
        };
        Ok(files.iter().filter(is_large).map(|file| Large { file, oid: sha256(&file.bytes) }).collect())
    }

    /// Brings large files into the storage: how many it did not have.
    fn store(&self, id: &str, large: &[Large<'_>]) -> Result<usize, HubError> {
        if large.is_empty() {
            return Ok(0);
        }
        let objects: Vec<_> =
            large.iter().map(|large| json!({"oid": large.oid, "size": large.file.bytes.len()})).collect();
        // Only the basic transfer is offered; the Hub moves what arrives by it to its newer storage by itself.
        let wanted = json!({"operation": "upload", "transfers": ["basic"], "objects": objects, "hash_algo": "sha256",
            "ref": {"name": BRANCH}});
        let body = wanted.to_string();
        let path = format!("/{id}.git/info/lfs/objects/batch");
        let answer = self.lfs.send(&Method::POST, &path, Body::Bytes(body.as_bytes(), LFS_JSON))?;
        let batch: Batch = serde_json::from_slice(&answer.body).map_err(|error| ServiceError::Garbage {
            service: NAME,
            what: format!("POST {path}"),
            reason: error.to_string(),
        })?;
        let mut uploaded = 0;
        for Large { file, oid } in large {
            let part = |reason: String| HubError::Part { path: file.path.clone(), reason };
            let object = batch.objects.iter().find(|object| &object.oid == oid);
            let object = object.ok_or_else(|| part("the storage does not speak of it".to_owned()))?;
            if let Some(error) = &object.error {
                return Err(part(error.message.clone()));
            }
            // Without actions the storage has it already.
            let Some(actions) = &object.actions else { continue };
            if let Some(upload) = &actions.upload {
                self.upload(file, upload)?;
                uploaded += 1;
            }
            if let Some(verify) = &actions.verify {
                self.verify(&verify.href, oid, file)?;
            }
        }
        Ok(uploaded)
    }

    fn upload(&self, file: &Upload, action: &Action) -> Result<(), HubError> {
        let part = |reason: String| HubError::Part { path: file.path.clone(), reason };
        if action.header.as_ref().is_some_and(|header| header.contains_key("chunk_size")) {
            return Err(HubError::TooLarge { path: file.path.clone(), bytes: file.bytes.len() });
        }
        let secure = self.api.base().starts_with("https:");
        if !action.href.starts_with("https://") && (secure || !action.href.starts_with("http://")) {
            return Err(part("the storage's address is not safe".to_owned()));
        }
        let body = Body::Bytes(&file.bytes, "application/octet-stream");
        self.storage.send(&Method::PUT, &action.href, body).map_err(|error| part(told(&error)))?;
        Ok(())
    }

    /// Asks whether a file arrived whole. The token goes to the Hub only.
    fn verify(&self, href: &str, oid: &str, file: &Upload) -> Result<(), HubError> {
        let part = |reason: String| HubError::Part { path: file.path.clone(), reason };
        let path = href.strip_prefix(self.api.base()).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| part("the place to ask is not the Hub's".to_owned()))?;
        let asked = json!({"oid": oid, "size": file.bytes.len()}).to_string();
        let answer = self.api.send(&Method::POST, path, Body::Bytes(asked.as_bytes(), "application/json"));
        answer.map(|_| ()).map_err(|error| part(told(&error)))
    }

    fn commit(
        &self,
        id: &str,
        files: &[Upload],
        large: &[Large<'_>],
        parent: Option<&str>,
        summary: &str,
    ) -> Result<String, HubError> {
        let mut header = json!({"summary": summary, "description": ""});
        if let Some(parent) = parent {
            header["parentCommit"] = parent.into();
        }
        let mut lines = json!({"key": "header", "value": header}).to_string() + "\n";
        for file in files {
            let stored = large.iter().find(|large| large.file.path == file.path);
            let line = match stored {
                Some(Large { oid, .. }) => json!({"key": "lfsFile",
                    "value": {"path": file.path, "algo": "sha256", "oid": oid, "size": file.bytes.len()}}),
                None => json!({"key": "file",
                    "value": {"path": file.path, "encoding": "base64", "content": STANDARD.encode(&file.bytes)}}),
            };
            lines += &line.to_string();
            lines.push('\n');
        }
        let path = format!("/api/models/{id}/commit/{BRANCH}");
        let answer = match self.once.send(&Method::POST, &path, Body::Bytes(lines.as_bytes(), "application/x-ndjson")) {
            Err(ServiceError::Declined { status: 409 | 412, .. }) => return Err(HubError::Changed(id.to_owned())),
            answer => answer?,
        };
        let committed: Committed = serde_json::from_slice(&answer.body).map_err(|error| ServiceError::Garbage {
            service: NAME,
            what: format!("POST {path}"),
            reason: error.to_string(),
        })?;
        Ok(committed.commit_oid)
    }
}

/// An error of the storage without its address, which is a key to the file while it lasts.
fn told(error: &ServiceError) -> String {
    match error {
        ServiceError::Unreachable { reason, .. } => format!("the connection broke ({reason})"),
        ServiceError::Denied { status, .. } | ServiceError::Unwell { status, .. } => {
            format!("the storage answered {status}")
        }
        ServiceError::Declined { status, message, .. } => format!("the storage answered {status}: {message}"),
        ServiceError::Garbage { reason, .. } | ServiceError::File { reason, .. } => reason.clone(),
    }
}

/// SHA-256 in lower-case hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owner.as_ref().map_or(Ok(()), |owner| write!(f, "{owner}/"))?;
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_of_repositories() {
        for name in ["rosy", "joes-diner/rosy", "a/b.c_d", "1/2"] {
            assert_eq!(name.parse::<Repository>().unwrap().to_string(), name);
        }
        for wrong in ["", "/", "a/", "/a", "a/b/c", "a b", "../a", "a/..", "a--b", "-a", "a.", "a/b?c", "é"] {
            assert!(matches!(wrong.parse::<Repository>(), Err(HubError::Name(_))), "{wrong}");
        }
    }
}
