//! Models of the Hub: one request for what a repository holds, then its file, resumed where it broke off.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use ureq::{Agent, Body, http::Response};

use crate::{Fetch, HubRef, ModelError, Progress, cache};

pub(crate) const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
/// A listing of files larger than this is not read.
const LISTING_LIMIT: u64 = 16 << 20;
/// Which of several quantisations is taken when none is named: small, with little loss, first.
const PREFERRED: [&str; 6] = ["q4_k_m", "q4_0", "q5_k_m", "q6_k", "q8_0", "f16"];

/// What a checkpoint in safetensors has beside its weights.
const CHECKPOINT: [&str; 8] = [
    "config.json",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
];

#[derive(Deserialize)]
struct Repository {
    /// The commit, so that a resumed download cannot mix two versions.
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Clone, Deserialize)]
struct Sibling {
    #[serde(rename = "rfilename")]
    name: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Clone, Deserialize)]
struct Lfs {
    sha256: Option<String>,
}

/// Fetches the repository's GGUF, or the files of its checkpoint where it has none, into the folder: their paths and
/// SHA-256.
pub(crate) fn fetch(
    reference: &HubRef,
    how: &Fetch,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<(PathBuf, String)>, ModelError> {
    let hub = Hub { agent: agent(), how, id: &reference.id };
    let repository = hub.listing(&reference.revision)?;
    let revision = repository.sha.as_deref().unwrap_or(&reference.revision);
    let mut fetched = Vec::new();
    for file in choose(reference, &repository.siblings)? {
        let path = hub.download(revision, &file, folder, progress)?;
        progress.start(&format!("checking {}", file.name), file.size);
        let sha256 = match file.lfs.as_ref().and_then(|lfs| lfs.sha256.as_deref()) {
            Some(expected) => cache::verify(&path, expected, progress).map(|()| expected.to_owned()),
            None => cache::hash_file(&path, progress),
        };
        progress.finish();
        fetched.push((path, sha256?));
    }
    Ok(fetched)
}

fn choose(reference: &HubRef, siblings: &[Sibling]) -> Result<Vec<Sibling>, ModelError> {
    let lacks = |wanted: &str| {
        let names: Vec<&str> = siblings.iter().take(20).map(|file| file.name.as_str()).collect();
        ModelError::NoSuchFile { what: reference.id.clone(), wanted: wanted.to_owned(), found: names.join(", ") }
    };
    if let Some(name) = &reference.file {
        let named = siblings.iter().find(|file| &file.name == name).cloned();
        return named.map(|file| vec![file]).ok_or_else(|| lacks(name));
    }
    let ends = |file: &Sibling, end: &str| file.name.to_ascii_lowercase().ends_with(end);
    // A projector for pictures is a GGUF too, and no model that speaks.
    let ggufs: Vec<&Sibling> = siblings
        .iter()
        .filter(|file| ends(file, ".gguf") && !file.name.to_ascii_lowercase().contains("mmproj"))
        .collect();
    if ggufs.is_empty() && siblings.iter().any(|file| ends(file, ".safetensors")) {
        let part = |file: &&Sibling| {
            let own = !file.name.contains('/');
            own && (ends(file, ".safetensors") || CHECKPOINT.contains(&file.name.as_str()))
        };
        return Ok(siblings.iter().filter(part).cloned().collect());
    }
    if let [only] = ggufs.as_slice() {
        return Ok(vec![(*only).clone()]);
    }
    PREFERRED
        .iter()
        .find_map(|kind| ggufs.iter().find(|file| file.name.to_ascii_lowercase().contains(kind)))
        .map(|file| vec![(*file).clone()])
        .ok_or_else(|| {
            lacks(if ggufs.is_empty() { "GGUF file" } else { "GGUF file that is the plain choice; name one" })
        })
}

fn agent() -> Agent {
    Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .user_agent("gemma-burger")
        .build()
        .into()
}

struct Hub<'a> {
    agent: Agent,
    how: &'a Fetch,
    id: &'a str,
}

impl Hub<'_> {
    fn listing(&self, revision: &str) -> Result<Repository, ModelError> {
        let url = format!("{}/api/models/{}/revision/{revision}?blobs=true", self.how.hub_endpoint, self.id);
        let mut response = self.get(&url, 0)?;
        self.check(&response, self.id)?;
        response
            .body_mut()
            .with_config()
            .limit(LISTING_LIMIT)
            .read_to_vec()
            .map_err(|error| self.network(&error))
            .and_then(|bytes| {
                serde_json::from_slice(&bytes).map_err(|error| ModelError::Refused {
                    what: self.id.to_owned(),
                    reason: format!("its list of files cannot be read ({error})"),
                })
            })
    }

    /// Fetches one file, going on from what an earlier try left.
    fn download(
        &self,
        revision: &str,
        file: &Sibling,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, ModelError> {
        let base = file.name.rsplit('/').next().unwrap_or(&file.name);
        let whole = folder.join(base);
        // The commit in the name keeps bytes of another version from being gone on with.
        let partial = folder.join(format!("{base}.{revision}.partial"));
        let mut have = fs::metadata(&partial).map_or(0, |metadata| metadata.len());
        if file.size.is_some_and(|size| have > size) {
            have = 0;
        }
        if have == 0 || file.size != Some(have) {
            let url = format!("{}/{}/resolve/{revision}/{}", self.how.hub_endpoint, self.id, file.name);
            let mut response = self.get(&url, have)?;
            self.check(&response, &format!("{}/{}", self.id, file.name))?;
            if response.status().as_u16() != 206 {
                // The server sends everything, so what is there is written over.
                have = 0;
            }
            let mut target = File::options()
                .create(true)
                .append(have > 0)
                .write(true)
                .truncate(have == 0)
                .open(&partial)
                .map_err(|error| ModelError::io(&partial, error))?;
            let left = content_length(&response);
            let expected = file.size.or(left.map(|left| left + have));
            progress.start(&format!("fetching {base}"), expected);
            let copied = self.copy(&mut response, &mut target, &partial, have, expected, progress);
            progress.finish();
            let got = copied?;
            if let Some(expected) = expected.filter(|expected| got != *expected) {
                return Err(ModelError::Truncated { file: base.to_owned(), got, expected });
            }
        }
        fs::rename(&partial, &whole).map_err(|error| ModelError::io(&partial, error))?;
        Ok(whole)
    }

    /// Copies the body: bytes in the file afterwards. A body that breaks off is told by the count.
    fn copy(
        &self,
        response: &mut Response<Body>,
        target: &mut File,
        path: &Path,
        mut done: u64,
        expected: Option<u64>,
        progress: &mut dyn Progress,
    ) -> Result<u64, ModelError> {
        let mut reader = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 18];
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => return Ok(done),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) if expected.is_some() => return Ok(done),
                Err(error) => return Err(self.offline(error.to_string())),
            };
            target.write_all(buffer.get(..read).unwrap_or_default()).map_err(|error| ModelError::io(path, error))?;
            done += read as u64;
            if expected.is_some_and(|expected| done > expected) {
                let reason = "it is longer than it was said to be".to_owned();
                return Err(ModelError::Refused { what: self.id.to_owned(), reason });
            }
            progress.advance(done);
        }
    }

    fn get(&self, url: &str, from: u64) -> Result<Response<Body>, ModelError> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.how.hub_token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        request.call().map_err(|error| self.network(&error))
    }

    fn check(&self, response: &Response<Body>, what: &str) -> Result<(), ModelError> {
        let what = what.to_owned();
        match response.status().as_u16() {
            200 | 206 => Ok(()),
            // The Hub answers 401 for repositories that don't exist as well, so as not to tell which do.
            status @ (401 | 403) => Err(ModelError::Forbidden { what, status }),
            404 => Err(ModelError::NoSuchModel { what, place: "the Hub" }),
            status => Err(ModelError::Refused { what, reason: format!("the Hub answered {status}") }),
        }
    }

    fn network(&self, error: &ureq::Error) -> ModelError {
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                ModelError::Refused { what: self.id.to_owned(), reason: error.to_string() }
            }
            _ => self.offline(error.to_string()),
        }
    }

    fn offline(&self, reason: String) -> ModelError {
        ModelError::Offline { what: self.id.to_owned(), reason }
    }
}

fn content_length(response: &Response<Body>) -> Option<u64> {
    response.headers().get("content-length")?.to_str().ok()?.parse().ok()
}
