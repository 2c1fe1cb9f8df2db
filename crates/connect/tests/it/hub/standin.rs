//! A service that behaves as the Hugging Face Hub does towards its clients: repositories with commits, the large file
//! storage, files by revision, and its ways to fail.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::http::Method;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connect::hub::sha256;
use serde_json::{Value, json};

use crate::server::{Reply, Request, serve};

pub const TOKEN: &str = "hf_a_token_that_may_write";
pub const OWNER: &str = "joes-diner";
/// A page of a listing of files: small, so that clients have to turn it.
const PAGE: usize = 4;

/// What goes wrong with a request, so many times.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A status, with `Retry-After` where there is a number.
    Status(u16, Option<u32>),
    /// Good status, no JSON.
    Garbage,
    /// The connection breaks within the answer.
    Cut,
    /// Half of what is sent is kept, as if it were all.
    Half,
    /// Other bytes than were sent before are given, of the same length.
    Altered,
}

#[derive(Clone)]
struct File {
    bytes: Arc<Vec<u8>>,
    large: bool,
}

type Tree = BTreeMap<String, File>;

#[derive(Default)]
pub struct Repository {
    pub private: bool,
    /// The oldest first.
    commits: Vec<(String, Tree)>,
}

#[derive(Default)]
pub struct World {
    url: String,
    /// Where large files lie: another host for the clients, who leave their token behind and look no further for
    /// what the Hub's own answer told.
    storage_url: String,
    pub repositories: BTreeMap<String, Repository>,
    storage: BTreeMap<String, Arc<Vec<u8>>>,
    /// By a part of the path: what goes wrong, and how often.
    pub faults: Vec<(&'static str, Fault, usize)>,
    /// Method and path of each request.
    pub seen: Vec<String>,
    /// What no client may do.
    pub wrong: Vec<String>,
    pub ignored: Option<String>,
}

#[derive(Clone)]
pub struct Standin {
    pub url: String,
    world: Arc<Mutex<World>>,
}

impl Standin {
    pub fn start() -> Self {
        let world: Arc<Mutex<World>> = Arc::default();
        let theirs = Arc::clone(&world);
        let address = serve(move |request| theirs.lock().unwrap().respond(request));
        let url = format!("http://{address}");
        world.lock().unwrap().url.clone_from(&url);
        world.lock().unwrap().storage_url = url.replace("127.0.0.1", "localhost");
        Self { url, world }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn fail(&self, path: &'static str, fault: Fault, times: usize) {
        self.world().faults.push((path, fault, times));
    }

    /// Paths and SHA-256 of what a repository shows.
    pub fn files(&self, id: &str) -> BTreeMap<String, String> {
        let world = self.world();
        let tree = world.repositories.get(id).and_then(|repository| repository.commits.last());
        let files = tree.into_iter().flat_map(|(_, tree)| tree);
        files
            .filter(|(path, _)| *path != ".gitattributes")
            .map(|(path, file)| (path.clone(), sha256(&file.bytes)))
            .collect()
    }

    pub fn commits(&self, id: &str) -> usize {
        self.world().repositories.get(id).map_or(0, |repository| repository.commits.len())
    }

    /// Requests whose path holds this, since the start.
    pub fn asked(&self, part: &str) -> usize {
        self.world().seen.iter().filter(|seen| seen.contains(part)).count()
    }

    /// Adds a commit as another client would.
    pub fn publish(&self, id: &str, files: &[(&str, &[u8])]) {
        let mut world = self.world();
        let repository = world.repositories.entry(id.to_owned()).or_default();
        let mut tree = repository.commits.last().map(|(_, tree)| tree.clone()).unwrap_or_default();
        for (path, bytes) in files {
            tree.insert(
                (*path).to_owned(),
                File { bytes: Arc::new(bytes.to_vec()), large: is_large(path, bytes.len()) },
            );
        }
        repository.add(tree);
    }
}

/// As the rules of a new repository on the Hub.
fn is_large(path: &str, size: usize) -> bool {
    [".safetensors", ".gguf", ".bin", ".pt"].iter().any(|end| path.ends_with(end)) || size > 10 << 20
}

impl Repository {
    fn new(private: bool) -> Self {
        let mut repository = Self { private, commits: Vec::new() };
        let rules = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n".to_vec();
        let rules = File { bytes: Arc::new(rules), large: false };
        repository.add(BTreeMap::from([(".gitattributes".to_owned(), rules)]));
        repository
    }

    fn add(&mut self, tree: Tree) -> String {
        let mut known = self.commits.len().to_string();
        for (path, file) in &tree {
            known += path;
            known += &sha256(&file.bytes);
        }
        let oid = sha256(known.as_bytes())[..40].to_owned();
        self.commits.push((oid.clone(), tree));
        oid
    }

    fn at(&self, revision: &str) -> Option<&(String, Tree)> {
        if revision == "main" { self.commits.last() } else { self.commits.iter().find(|(oid, _)| oid == revision) }
    }
}

fn refusal(status: u16, code: &'static str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": message})).with("x-error-code", code).with("x-error-message", message)
}

impl World {
    fn respond(&mut self, request: &Request) -> Reply {
        let path = format!("/{}", request.path.join("/"));
        self.seen.push(format!("{} {path}", request.method));
        let due = self.faults.iter_mut().find(|(part, _, times)| path.contains(part) && *times > 0);
        let fault = due.map(|(_, fault, times)| {
            *times -= 1;
            fault.clone()
        });
        match fault {
            Some(Fault::Status(status, wait)) => {
                let reply = refusal(status, "Unwell", "told to fail");
                return wait.map_or(reply.clone(), |wait| reply.with("retry-after", wait.to_string()));
            }
            Some(Fault::Garbage) => return Reply::bytes(200, "application/json", "<html>busy"),
            Some(Fault::Cut) => {
                let reply = self.answer(request);
                return Reply { cut: Some(reply.body.len() / 2), ..reply };
            }
            Some(Fault::Half) => {
                let oid = request.path.last().unwrap().clone();
                self.storage.insert(oid, Arc::new(request.body[..request.body.len() / 2].to_vec()));
                return Reply::text(200, "");
            }
            Some(Fault::Altered) => {
                let mut reply = self.answer(request);
                if let Some(byte) = reply.body.first_mut() {
                    *byte ^= 1;
                }
                return reply;
            }
            None => {}
        }
        self.answer(request)
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let parts: Vec<&str> = request.path.iter().map(String::as_str).collect();
        // Signed addresses of the storage, to which a token is never shown.
        if let ["storage", oid] = parts.as_slice() {
            return self.storage(request, oid);
        }
        let authorised = request.header("authorization") == Some(&format!("Bearer {TOKEN}"));
        let public = |world: &Self, owner: &str, name: &str| {
            world.repositories.get(&format!("{owner}/{name}")).is_some_and(|repository| !repository.private)
        };
        let reading = request.method == Method::GET || request.method == Method::HEAD;
        let open = match parts.as_slice() {
            ["api", "models", owner, name, ..] | [owner, name, "resolve", ..] => reading && public(self, owner, name),
            _ => false,
        };
        if !authorised && (!open || request.header("authorization").is_some()) {
            return refusal(401, "Unauthorized", "Invalid credentials in Authorization header");
        }
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "whoami-v2"]) => Reply::json(200, &json!({"type": "user", "name": OWNER})),
            ("POST", ["api", "validate-yaml"]) => Reply::json(200, &json!({"errors": [], "warnings": []})),
            ("POST", ["api", "repos", "create"]) => self.create(&request.json()),
            ("POST", [owner, name, "info", "lfs", "objects", "batch"]) => {
                let id = format!("{owner}/{}", name.trim_end_matches(".git"));
                self.batch(request, &id)
            }
            (_, ["api", "models", owner, name, rest @ ..]) => {
                self.repository(request, &format!("{owner}/{name}"), rest)
            }
            ("GET" | "HEAD", [owner, name, "resolve", revision, file @ ..]) => {
                self.resolve(&format!("{owner}/{name}"), revision, &file.join("/"))
            }
            _ => refusal(404, "NotFound", "Not Found"),
        }
    }

    fn create(&mut self, wanted: &Value) -> Reply {
        let name = wanted["name"].as_str().unwrap_or_default();
        let id = format!("{}/{name}", wanted["organization"].as_str().unwrap_or(OWNER));
        if !id.starts_with(&format!("{OWNER}/")) {
            return refusal(403, "Forbidden", "You don't have the rights to create a model under this namespace");
        }
        let url = format!("{}/{id}", self.url);
        if self.repositories.contains_key(&id) {
            return Reply::json(409, &json!({"error": "You already created this model repo", "url": url}));
        }
        let private = wanted["private"] == true || wanted["visibility"] == "private";
        self.repositories.insert(id.clone(), Repository::new(private));
        Reply::json(200, &json!({"url": url, "name": id, "id": "0123456789abcdef01234567"}))
    }

    fn repository(&mut self, request: &Request, id: &str, rest: &[&str]) -> Reply {
        let url = self.url.clone();
        let ignored = self.ignored.clone();
        let Some(repository) = self.repositories.get_mut(id) else {
            return refusal(404, "RepoNotFound", "Repository not found");
        };
        let method = request.method.as_str();
        match (method, rest) {
            ("GET", []) => described(id, repository, "main", false),
            ("GET", ["revision", revision]) => described(id, repository, revision, request.query("blobs").is_some()),
            ("GET", ["tree", revision, ..]) => listed(&url, id, repository, revision, request),
            ("POST", ["preupload", _]) => {
                let asked = request.json();
                let files = asked["files"].as_array().into_iter().flatten().map(|file| {
                    let path = file["path"].as_str().unwrap_or_default();
                    let mode =
                        if is_large(path, file["size"].as_u64().unwrap_or(0) as usize) { "lfs" } else { "regular" };
                    json!({"path": path, "uploadMode": mode, "shouldIgnore": ignored.as_deref() == Some(path)})
                });
                Reply::json(200, &json!({"files": files.collect::<Vec<_>>()}))
            }
            ("POST", ["lfs", "verify"]) => {
                let asked = request.json();
                let kept = self.storage.get(asked["oid"].as_str().unwrap_or_default());
                let whole = kept.is_some_and(|kept| asked["size"] == kept.len() && asked["oid"] == sha256(kept));
                if whole { Reply::json(200, &json!({})) } else { refusal(422, "Invalid", "the file is not whole") }
            }
            ("POST", ["commit", "main"]) => self.commit(request, id),
            _ => refusal(404, "NotFound", "Not Found"),
        }
    }

    fn batch(&mut self, request: &Request, id: &str) -> Reply {
        if !self.repositories.contains_key(id) {
            return refusal(404, "RepoNotFound", "Repository not found");
        }
        let asked = request.json();
        if request.header("content-type").is_none_or(|kind| !kind.starts_with("application/vnd.git-lfs+json"))
            || asked["operation"] != "upload"
            || !asked["transfers"].as_array().is_some_and(|all| all.contains(&json!("basic")))
        {
            return refusal(400, "Invalid", "this is no request for an upload");
        }
        let (url, storage) = (&self.url, &self.storage_url);
        let objects = asked["objects"].as_array().into_iter().flatten().map(|object| {
            let oid = object["oid"].as_str().unwrap_or_default();
            let mut told = json!({"oid": oid, "size": object["size"]});
            if self.storage.get(oid).is_none_or(|kept| sha256(kept) != oid) {
                told["actions"] = json!({
                    "upload": {"href": format!("{storage}/storage/{oid}?X-Amz-Signature=signed")},
                    "verify": {"href": format!("{url}/api/models/{id}/lfs/verify")}});
            }
            told
        });
        let told = json!({"transfer": "basic", "objects": objects.collect::<Vec<_>>()});
        Reply::bytes(200, "application/vnd.git-lfs+json", told.to_string())
    }

    fn storage(&mut self, request: &Request, oid: &str) -> Reply {
        if request.header("authorization").is_some() {
            self.wrong.push("the token was shown to the storage".to_owned());
        }
        if request.query("X-Amz-Signature") != Some("signed") {
            return Reply::text(403, "<Error>SignatureDoesNotMatch</Error>");
        }
        if request.method == Method::PUT {
            self.storage.insert(oid.to_owned(), Arc::new(request.body.to_vec()));
            return Reply::text(200, "");
        }
        let Some(bytes) = self.storage.get(oid) else { return Reply::text(404, "") };
        ranged(request, bytes)
    }

    fn commit(&mut self, request: &Request, id: &str) -> Reply {
        let storage = &self.storage;
        let repository = self.repositories.get_mut(id).unwrap();
        if request.header("content-type") != Some("application/x-ndjson") {
            return refusal(400, "Invalid", "a commit is NDJSON");
        }
        let lines: Option<Vec<Value>> = request
            .body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).ok())
            .collect();
        let Some(lines) = lines.filter(|lines| lines.first().is_some_and(|line| line["key"] == "header")) else {
            return refusal(400, "Invalid", "a commit begins with its header");
        };
        let (head, mut tree) = repository.commits.last().cloned().unwrap();
        let parent = lines[0]["value"]["parentCommit"].as_str();
        if parent.is_some_and(|parent| parent != head) {
            return refusal(412, "PreconditionFailed", "A commit has happened since. Please refresh and try again.");
        }
        for line in &lines[1..] {
            let value = &line["value"];
            let path = value["path"].as_str().unwrap_or_default().to_owned();
            let file = match line["key"].as_str() {
                Some("file") => match STANDARD.decode(value["content"].as_str().unwrap_or_default()) {
                    Ok(bytes) => File { bytes: Arc::new(bytes), large: false },
                    Err(_) => return refusal(400, "Invalid", "the content is no base64"),
                },
                Some("lfsFile") => {
                    let kept = storage.get(value["oid"].as_str().unwrap_or_default());
                    match kept.filter(|kept| value["algo"] == "sha256" && value["size"] == kept.len()) {
                        Some(bytes) => File { bytes: Arc::clone(bytes), large: true },
                        None => return refusal(400, "Invalid", "an LFS object was not uploaded"),
                    }
                }
                _ => return refusal(400, "Invalid", "a line of the commit is not known"),
            };
            if is_large(&path, file.bytes.len()) && !file.large && !file.bytes.is_empty() {
                return refusal(400, "Invalid", "a large file belongs into the storage");
            }
            tree.insert(path, file);
        }
        let oid = repository.add(tree);
        let url = format!("{}/{id}/commit/{oid}", self.url);
        Reply::json(200, &json!({"success": true, "commitOid": oid, "commitUrl": url, "hookOutput": ""}))
    }

    fn resolve(&mut self, id: &str, revision: &str, path: &str) -> Reply {
        let Some(repository) = self.repositories.get(id) else {
            return refusal(404, "RepoNotFound", "Repository not found");
        };
        let Some((oid, tree)) = repository.at(revision) else {
            return refusal(404, "RevisionNotFound", "Invalid rev id");
        };
        let Some(file) = tree.get(path) else { return refusal(404, "EntryNotFound", "Entry not found") };
        let hash = sha256(&file.bytes);
        if !file.large {
            let reply = Reply::bytes(200, "text/plain", file.bytes.as_ref().clone());
            return reply
                .with("x-repo-commit", oid)
                .with("etag", format!("\"{}\"", &hash[..40]))
                .with("content-length", file.bytes.len().to_string());
        }
        self.storage.insert(hash.clone(), Arc::clone(&file.bytes));
        Reply::text(302, "")
            .with("x-repo-commit", oid)
            .with("x-linked-etag", format!("\"{hash}\""))
            .with("x-linked-size", file.bytes.len().to_string())
            .with("etag", format!("\"{}\"", &hash[..40]))
            .with("location", format!("{}/storage/{hash}?X-Amz-Signature=signed", self.storage_url))
    }
}

/// A repository at a revision.
fn described(id: &str, repository: &Repository, revision: &str, blobs: bool) -> Reply {
    let Some((oid, tree)) = repository.at(revision) else {
        return refusal(404, "RevisionNotFound", "Invalid rev id");
    };
    let sibling = |(path, file): (&String, &File)| {
        let hash = sha256(&file.bytes);
        let mut told = json!({"rfilename": path});
        if blobs {
            told["size"] = file.bytes.len().into();
            told["blobId"] = hash[..40].into();
            if file.large {
                told["lfs"] = json!({"sha256": hash, "size": file.bytes.len(), "pointerSize": 134});
            }
        }
        told
    };
    let siblings: Vec<Value> = tree.iter().map(sibling).collect();
    Reply::json(
        200,
        &json!({"_id": "0123456789abcdef01234567", "id": id, "modelId": id, "author": OWNER, "sha": oid,
        "private": repository.private, "disabled": false, "gated": false, "downloads": 0, "likes": 0, "tags": [],
        "lastModified": "2026-11-28T00:00:00.000Z", "createdAt": "2026-11-28T00:00:00.000Z", "siblings": siblings}),
    )
}

/// A page of the files at a revision.
fn listed(url: &str, id: &str, repository: &Repository, revision: &str, request: &Request) -> Reply {
    let Some((_, tree)) = repository.at(revision) else { return refusal(404, "RevisionNotFound", "Invalid rev id") };
    let from: usize = request.query("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let entry = |(path, file): (&String, &File)| {
        let hash = sha256(&file.bytes);
        let mut told = json!({"type": "file", "oid": hash[..40], "size": file.bytes.len(), "path": path});
        if file.large {
            told["lfs"] = json!({"oid": hash, "size": file.bytes.len(), "pointerSize": 134});
        }
        told
    };
    let page: Vec<Value> = tree.iter().skip(from).take(PAGE).map(entry).collect();
    let reply = Reply::json(200, &Value::Array(page));
    if from + PAGE >= tree.len() {
        return reply;
    }
    let next = format!("<{url}/api/models/{id}/tree/{revision}?recursive=True&cursor={}>; rel=\"next\"", from + PAGE);
    reply.with("link", next)
}

/// A file, or the part of it that is asked for.
fn ranged(request: &Request, bytes: &[u8]) -> Reply {
    let from =
        request.header("range").and_then(|range| range.strip_prefix("bytes=")?.trim_end_matches('-').parse().ok());
    match from {
        Some(from) if from > 0 && from < bytes.len() => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Reply::bytes(206, "application/octet-stream", &bytes[from..]).with("content-range", range)
        }
        _ => Reply::bytes(200, "application/octet-stream", bytes),
    }
}
