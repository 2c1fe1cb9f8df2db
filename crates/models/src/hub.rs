//! Models of the Hub: one request for what a repository holds, then its files, resumed where they broke off.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Component, Path, PathBuf},
    thread,
    time::Duration,
};

use serde::Deserialize;
use ureq::{Agent, Body, http::Response};

use crate::{Fetch, HubRef, ModelError, Progress, cache};

pub(crate) const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
/// A listing of files larger than this is not read.
const LISTING_LIMIT: u64 = 16 << 20;
/// Files of a repository that is fetched whole.
const FILES_LIMIT: usize = 500;
/// The file in which a repository may tell the SHA-256 of its others, as `sha256sum` writes it.
const SUMS: &str = "SHA256SUMS";
/// Times that a request is sent while the Hub is busy, the first pause between them, and the longest it may ask for.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
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
        let path = folder.join(file.name.rsplit('/').next().unwrap_or(&file.name));
        let sha256 = hub.fetch(revision, &file, &path, progress)?;
        fetched.push((path, sha256));
    }
    Ok(fetched)
}

/// A repository as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit.
    pub commit: String,
    /// Paths of its files, within the folder.
    pub files: Vec<String>,
}

/// Fetches all files of a repository into a folder that is not there yet, or is empty. The folder appears when every
/// file has come and fits its SHA-256: that of the Hub for large files, and that of the repository's own `SHA256SUMS`
/// where it has one. A try that broke off is gone on with.
///
/// # Errors
/// See [`ModelError`]; after any of them the folder is as it was.
pub fn snapshot(
    reference: &HubRef,
    how: &Fetch,
    out: &Path,
    progress: &mut dyn Progress,
) -> Result<Snapshot, ModelError> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) || out.is_file() {
        return Err(ModelError::Exists(out.to_owned()));
    }
    let hub = Hub { agent: agent(), how, id: &reference.id };
    let repository = hub.listing(&reference.revision)?;
    let revision = repository.sha.as_deref().unwrap_or(&reference.revision);
    let refused = |reason: String| ModelError::Refused { what: reference.id.clone(), reason };
    if repository.siblings.len() > FILES_LIMIT {
        return Err(refused(format!("it has {} files, more than {FILES_LIMIT}", repository.siblings.len())));
    }
    let name = out.file_name().ok_or_else(|| refused("its folder has no name".to_owned()))?.to_string_lossy();
    let staging = out.with_file_name(format!(".{name}.partial"));
    for file in &repository.siblings {
        if !is_safe(&file.name) {
            let shown: String = file.name.chars().filter(|c| !c.is_control()).take(80).collect();
            return Err(refused(format!("its file \"{shown}\" has a name that could leave its folder")));
        }
        let path = staging.join(&file.name);
        cache::make_folder(path.parent().unwrap_or(&staging))?;
        hub.fetch(revision, file, &path, progress)?;
    }
    let files: Vec<String> = repository.siblings.into_iter().map(|file| file.name).collect();
    check_sums(&reference.id, &staging, progress)?;
    // An empty folder gives way; anything else was refused above.
    let _ = fs::remove_dir(out);
    fs::rename(&staging, out).map_err(|error| ModelError::io(out, error))?;
    Ok(Snapshot { commit: revision.to_owned(), files })
}

/// Whether a path stays within its folder on any system.
fn is_safe(name: &str) -> bool {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
    plain
        && !name.is_empty()
        && name.len() <= 256
        && !name.contains("//")
        && !name.ends_with('/')
        && !name.contains(odd)
}

fn check_sums(id: &str, folder: &Path, progress: &mut dyn Progress) -> Result<(), ModelError> {
    let path = folder.join(SUMS);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(|error| ModelError::io(&path, error))?,
    };
    for line in text.lines() {
        let Some((expected, name)) = line.split_once("  ").filter(|(_, name)| is_safe(name)) else {
            let reason = format!("a line of its {SUMS} is no checksum and path");
            return Err(ModelError::Refused { what: id.to_owned(), reason });
        };
        cache::verify(&folder.join(name), expected, progress)?;
    }
    Ok(())
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

    /// Fetches one file and checks it where the Hub tells its hash: its SHA-256.
    fn fetch(
        &self,
        revision: &str,
        file: &Sibling,
        path: &Path,
        progress: &mut dyn Progress,
    ) -> Result<String, ModelError> {
        self.download(revision, file, path, progress)?;
        progress.start(&format!("checking {}", file.name), file.size);
        let sha256 = match file.lfs.as_ref().and_then(|lfs| lfs.sha256.as_deref()) {
            Some(expected) => cache::verify(path, expected, progress).map(|()| expected.to_owned()),
            None => cache::hash_file(path, progress),
        };
        progress.finish();
        sha256
    }

    /// Fetches one file, going on from what an earlier try left.
    fn download(
        &self,
        revision: &str,
        file: &Sibling,
        whole: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        let base = file.name.rsplit('/').next().unwrap_or(&file.name);
        // The commit in the name keeps bytes of another version from being gone on with.
        let partial = whole.with_file_name(format!("{base}.{revision}.partial"));
        let mut have = fs::metadata(&partial).map_or(0, |metadata| metadata.len());
        if file.size.is_some_and(|size| have > size) {
            have = 0;
        }
        if have == 0 || file.size != Some(have) {
            let url = format!("{}/{}/resolve/{revision}/{}", self.how.hub_endpoint, self.id, escaped(&file.name));
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
        fs::rename(&partial, whole).map_err(|error| ModelError::io(&partial, error))
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

    /// Sends a request, again after a pause while the Hub is busy.
    fn get(&self, url: &str, from: u64) -> Result<Response<Body>, ModelError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            let response = self.once(url, from)?;
            if !matches!(response.status().as_u16(), 408 | 429 | 500..=599) {
                return Ok(response);
            }
            let wanted = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let wait = wanted.map_or(pause, Duration::from_secs);
            if wait > LONGEST_PAUSE {
                return Ok(response);
            }
            thread::sleep(wait);
            pause *= 2;
        }
        self.once(url, from)
    }

    fn once(&self, url: &str, from: u64) -> Result<Response<Body>, ModelError> {
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
            status @ (401 | 403) if self.how.hub_token.is_some() => Err(ModelError::TokenRefused { what, status }),
            status @ (401 | 403) => Err(ModelError::Forbidden { what, status }),
            404 => Err(ModelError::NoSuchModel { what, place: "the Hub" }),
            status @ (408 | 429 | 500..=599) => Err(ModelError::Unwell { what, status }),
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

/// A path as a URL has it.
fn escaped(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
    path.bytes().fold(String::with_capacity(path.len()), |url, byte| {
        if plain(byte) { url + char::from(byte).encode_utf8(&mut [0; 4]) } else { url + &format!("%{byte:02X}") }
    })
}

fn content_length(response: &Response<Body>) -> Option<u64> {
    response.headers().get("content-length")?.to_str().ok()?.parse().ok()
}
