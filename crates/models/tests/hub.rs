//! The Hub's side of fetching, against a small server of our own on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use models::{Cache, Fetch, ModelError, ModelFiles, ModelRef, Silent};
use sha2::{Digest, Sha256};

/// What a path answers.
#[derive(Clone)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    /// The connection closes after so many bytes of the body.
    cut: Option<usize>,
}

/// The path and the `Range` header of every request so far.
type Seen = Arc<Mutex<Vec<(String, Option<String>)>>>;

struct Hub {
    address: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    seen: Seen,
}

impl Hub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answers: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let seen: Seen = Arc::default();
        let (theirs, heard) = (Arc::clone(&answers), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &theirs, &heard);
            }
        });
        Self { address, answers, seen }
    }

    fn set(&self, path: &str, status: u16, body: &[u8], cut: Option<usize>) {
        self.answers.lock().unwrap().insert(path.to_owned(), Answer { status, body: body.to_vec(), cut });
    }

    /// A repository with one GGUF of these bytes; the listing promises `sha256`.
    fn with_model(body: &[u8], sha256: &str, cut: Option<usize>) -> Self {
        let hub = Self::start();
        let listing = serde_json::json!({"sha": "c0ffee", "siblings": [
            {"rfilename": "README.md", "size": 3},
            {"rfilename": "tiny-mmproj.gguf", "size": 3},
            {"rfilename": "tiny.gguf", "size": body.len(), "lfs": {"sha256": sha256}}]});
        hub.set("/api/models/a/b/revision/main?blobs=true", 200, listing.to_string().as_bytes(), None);
        hub.set("/a/b/resolve/c0ffee/tiny.gguf", 200, body, cut);
        hub
    }

    fn fetch(&self, model: &str, cache: &Cache) -> Result<ModelFiles, ModelError> {
        let how = Fetch { hub_endpoint: self.address.clone(), ..Fetch::default() };
        models::fetch(&model.parse::<ModelRef>().unwrap(), cache, &how, &mut Silent)
    }
}

fn serve(mut stream: TcpStream, answers: &Mutex<HashMap<String, Answer>>, seen: &Mutex<Vec<(String, Option<String>)>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = None;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) <= 2 {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("range: bytes=") {
            range = Some(value.trim().to_owned());
        }
    }
    seen.lock().unwrap().push((path.clone(), range.clone()));
    let answer = answers.lock().unwrap().get(&path).cloned();
    let Answer { mut status, body, cut } = answer.unwrap_or(Answer { status: 404, body: Vec::new(), cut: None });
    let from: usize = range.and_then(|range| range.trim_end_matches('-').parse().ok()).unwrap_or(0);
    if from > 0 && status == 200 {
        status = 206;
    }
    let body = &body[from.min(body.len())..];
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())]).unwrap();
}

fn sha(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().join("cache"));
    (folder, cache)
}

#[test]
fn a_repository_is_fetched_once_and_then_found_without_a_network() {
    let body = vec![7; 700_000];
    let hub = Hub::with_model(&body, &sha(&body), None);
    let (_folder, cache) = cache();
    let files = hub.fetch("a/b", &cache).unwrap();
    assert_eq!(std::fs::read(files.gguf().unwrap()).unwrap(), body);
    let asked = hub.seen.lock().unwrap().len();
    assert_eq!(hub.fetch("hf:a/b", &cache).unwrap(), files);
    assert_eq!(hub.seen.lock().unwrap().len(), asked, "the second call asked the network");
    let listed = cache.list().unwrap();
    assert_eq!((listed.len(), listed[0].model.as_str(), listed[0].size), (1, "hf:a/b", 700_000));
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let body: Vec<u8> = (0..900_000_u32).map(|i| (i % 251) as u8).collect();
    let hub = Hub::with_model(&body, &sha(&body), Some(300_000));
    let (_folder, cache) = cache();
    let broken = hub.fetch("a/b", &cache).unwrap_err();
    assert!(matches!(broken, ModelError::Truncated { got: 300_000, expected: 900_000, .. }), "{broken}");
    hub.set("/a/b/resolve/c0ffee/tiny.gguf", 200, &body, None);
    let files = hub.fetch("a/b", &cache).unwrap();
    assert_eq!(std::fs::read(files.gguf().unwrap()).unwrap(), body);
    let last = hub.seen.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last.1.as_deref(), Some("300000-"));
}

#[test]
fn wrong_bytes_are_deleted_and_named() {
    let hub = Hub::with_model(b"not what was promised", &sha(b"something else"), None);
    let (folder, cache) = cache();
    let error = hub.fetch("a/b", &cache).unwrap_err();
    assert!(matches!(&error, ModelError::WrongHash { file, .. } if file == "tiny.gguf"), "{error}");
    let partial = std::fs::read_dir(folder.path().join("cache/partial")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_dir(partial).unwrap().count(), 0, "the damaged file is still there");
    assert!(cache.list().unwrap().is_empty());
}

#[test]
fn refusals_are_told_apart() {
    let hub = Hub::start();
    let (_folder, cache) = cache();
    assert!(matches!(hub.fetch("a/none", &cache), Err(ModelError::NoSuchModel { .. })));
    hub.set("/api/models/a/gated/revision/main?blobs=true", 401, b"", None);
    assert!(matches!(hub.fetch("a/gated", &cache), Err(ModelError::Forbidden { status: 401, .. })));
    hub.set("/api/models/a/odd/revision/main?blobs=true", 200, b"<html>", None);
    assert!(matches!(hub.fetch("a/odd", &cache), Err(ModelError::Refused { .. })));
    let listing = br#"{"siblings": [{"rfilename": "model.safetensors"}, {"rfilename": "config.json"}]}"#;
    hub.set("/api/models/a/mlx/revision/main?blobs=true", 200, listing, None);
    let error = hub.fetch("hf:a/mlx/x.gguf", &cache).unwrap_err().to_string();
    assert!(!error.is_empty());
    let listing = br#"{"siblings": [{"rfilename": "x-IQ1.gguf"}, {"rfilename": "x-IQ2.gguf"}]}"#;
    hub.set("/api/models/a/many/revision/main?blobs=true", 200, listing, None);
    let error = hub.fetch("a/many", &cache).unwrap_err();
    assert!(matches!(&error, ModelError::NoSuchFile { found, .. } if found.contains("x-IQ1.gguf")), "{error}");
}

#[test]
fn a_checkpoint_comes_with_all_of_its_files() {
    let hub = Hub::start();
    let (_folder, cache) = cache();
    let names = ["config.json", "tokenizer.json", "model-1.safetensors", "model-2.safetensors"];
    let listed: Vec<String> = names
        .iter()
        .chain(&["README.md", "x/y.safetensors"])
        .map(|name| format!("{{\"rfilename\": \"{name}\"}}"))
        .collect();
    let listing = format!("{{\"sha\": \"c0ffee\", \"siblings\": [{}]}}", listed.join(", "));
    hub.set("/api/models/a/mlx/revision/main?blobs=true", 200, listing.as_bytes(), None);
    for name in names {
        hub.set(&format!("/a/mlx/resolve/c0ffee/{name}"), 200, name.as_bytes(), None);
    }
    let files = hub.fetch("a/mlx", &cache).unwrap();
    let mut found: Vec<_> = files.files.iter().map(|file| file.name.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["config.json", "model-1.safetensors", "model-2.safetensors", "tokenizer.json"]);
    assert!(files.gguf().is_err());
}

#[test]
fn an_unreachable_hub_is_said_to_be_so() {
    let (_folder, cache) = cache();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let how = Fetch { hub_endpoint: format!("http://{address}"), ..Fetch::default() };
    let error = models::fetch(&"a/b".parse().unwrap(), &cache, &how, &mut Silent).unwrap_err();
    assert!(matches!(error, ModelError::Offline { .. }), "{error}");
}
