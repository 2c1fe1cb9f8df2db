//! Publishing to the Hub and fetching from it, against a stand-in.

pub mod standin;

use std::{collections::BTreeMap, fs, path::Path};

use connect::hub::{Hub, HubError, Pushed, Upload, sha256};
use models::{Fetch, HubRef, ModelError, Silent, Snapshot};
use tempfile::TempDir;

use self::standin::{Fault, OWNER, Standin, TOKEN};

fn upload(path: &str, bytes: impl Into<Vec<u8>>) -> Upload {
    Upload { path: path.to_owned(), bytes: bytes.into() }
}

/// An adapter as it is published: large and small files, an empty one, folders.
pub fn adapter() -> Vec<Upload> {
    let numbers = |seed: usize| (0..300_000).map(|at| ((at * seed) % 251) as u8).collect::<Vec<u8>>();
    let mut files = vec![
        upload("adapter_config.json", "{\"peft_type\": \"LORA\"}"),
        upload("adapter_model.safetensors", numbers(7)),
        upload("mlx/adapter_config.json", "{\"fine_tune_type\": \"lora\"}"),
        upload("mlx/adapters.safetensors", numbers(11)),
        upload("adapter.gguf", numbers(13)),
        upload("empty.bin", ""),
        upload("README.md", "---\nlicense: gemma\n---\n\n# Rosy 🍔\n"),
    ];
    let sums: String = files.iter().map(|file| format!("{}  {}\n", sha256(&file.bytes), file.path)).collect();
    files.push(upload("SHA256SUMS", sums));
    files
}

/// Paths and SHA-256 of what is published.
pub fn hashes(files: &[Upload]) -> BTreeMap<String, String> {
    files.iter().map(|file| (file.path.clone(), sha256(&file.bytes))).collect()
}

/// Paths and SHA-256 of a folder's files.
pub fn hashes_of(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
            if !name.starts_with(".cache/") && name != ".gitattributes" {
                found.insert(name, sha256(&fs::read(&path).unwrap()));
            }
        }
    }
    found
}

pub fn push(standin: &Standin, name: &str, files: &[Upload]) -> Result<Pushed, HubError> {
    Hub::new(&standin.url, TOKEN)?.push(&name.parse()?, true, files, "An adapter")
}

pub fn pull(standin: &Standin, token: Option<&str>, revision: &str, out: &Path) -> Result<Snapshot, ModelError> {
    let how = Fetch { hub_endpoint: standin.url.clone(), hub_token: token.map(str::to_owned), ..Fetch::default() };
    let reference = HubRef { id: format!("{OWNER}/rosy"), revision: revision.to_owned(), file: None };
    models::snapshot(&reference, &how, out, &mut Silent)
}

fn folder() -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("adapters/rosy");
    (dir, out)
}

#[test]
fn what_is_published_is_fetched_again_byte_for_byte() {
    let standin = Standin::start();
    let files = adapter();
    let pushed = push(&standin, "rosy", &files).unwrap();
    assert_eq!((pushed.repository.as_str(), pushed.uploaded), ("joes-diner/rosy", 3));
    assert_eq!(pushed.url, format!("{}/joes-diner/rosy", standin.url));
    assert!(standin.world().repositories["joes-diner/rosy"].private);
    assert_eq!(standin.files("joes-diner/rosy"), hashes(&files));

    let (_dir, out) = folder();
    let fetched = pull(&standin, Some(TOKEN), "main", &out).unwrap();
    assert_eq!((fetched.commit.as_str(), hashes_of(&out)), (pushed.commit.as_str(), hashes(&files)));
    assert!(matches!(pull(&standin, Some(TOKEN), "main", &out), Err(ModelError::Exists(_))));

    // A second version sends only what changed, and the first stays to be had.
    let mut second = files.clone();
    second[1].bytes[0] ^= 1;
    second.pop();
    let sums: String = second.iter().map(|file| format!("{}  {}\n", sha256(&file.bytes), file.path)).collect();
    second.push(upload("SHA256SUMS", sums));
    assert_eq!(push(&standin, "joes-diner/rosy", &second).unwrap().uploaded, 1);
    let (_dir, out) = folder();
    pull(&standin, Some(TOKEN), &pushed.commit, &out).unwrap();
    assert_eq!(hashes_of(&out), hashes(&files));
    assert_eq!(standin.world().wrong, Vec::<String>::new());
}

/// Nothing is shown before all of it has arrived, and the second try goes on.
#[test]
fn half_an_upload_is_told_and_finished_later() {
    let standin = Standin::start();
    let files = adapter();
    for (part, fault, times, words) in [
        ("/storage/", Fault::Half, 1, "was not taken whole: the storage answered 422: the file is not whole"),
        ("/storage/", Fault::Status(500, None), 4, "was not taken whole: the storage answered 500"),
        ("/commit/", Fault::Status(500, None), 1, "status 500"),
        ("/commit/", Fault::Garbage, 1, "cannot be read"),
    ] {
        standin.fail(part, fault.clone(), times);
        let error = push(&standin, "rosy", &files).unwrap_err();
        assert!(error.to_string().contains(words), "{fault:?}: {error}");
        assert!(error.to_string().contains("nothing was published"), "{error}");
        assert_eq!(standin.commits("joes-diner/rosy"), 1, "only that of the creation");
    }
    let before = standin.asked("PUT /storage/");
    push(&standin, "rosy", &files).unwrap();
    assert_eq!(standin.asked("PUT /storage/") - before, 0, "what had arrived was not sent again");
    assert_eq!(standin.files("joes-diner/rosy"), hashes(&files));
}

#[test]
fn each_trouble_of_publishing_has_its_own_message() {
    let files = adapter();
    let standin = Standin::start();
    let hub = Hub::new(&standin.url, "hf_expired").unwrap();
    let error = hub.push(&"rosy".parse().unwrap(), false, &files, "x").unwrap_err();
    assert!(matches!(error, HubError::Token(_)) && error.to_string().contains("set HF_TOKEN"), "{error}");
    assert!(!error.to_string().contains("hf_expired"), "{error}");
    assert!(matches!(Hub::new(&standin.url, "a\nb"), Err(HubError::Token(_))));
    let error = push(&standin, "somebody-else/rosy", &files).unwrap_err();
    assert!(matches!(error, HubError::Token(_)) && error.to_string().contains("the rights to create"), "{error}");

    for (fault, words) in [
        (Fault::Status(429, None), "is not able to answer now (status 429)"),
        (Fault::Status(429, Some(3_600)), "is not able to answer now (status 429)"),
        (Fault::Status(500, None), "is not able to answer now (status 500)"),
        (Fault::Garbage, "cannot be read"),
        (Fault::Cut, "cannot be reached"),
    ] {
        let standin = Standin::start();
        standin.fail("/preupload/", fault.clone(), 9);
        let error = push(&standin, "rosy", &files).unwrap_err();
        assert!(error.to_string().contains(words), "{fault:?}: {error}");
    }
    standin.fail("/preupload/", Fault::Status(429, Some(1)), 1);
    push(&standin, "rosy", &files).unwrap();

    standin.publish("joes-diner/shop-window", &[("README.md", b"for all to see")]);
    let error = push(&standin, "shop-window", &files).unwrap_err();
    assert!(matches!(&error, HubError::Public(id) if id == "joes-diner/shop-window"), "{error}");
    assert_eq!(standin.files("joes-diner/shop-window").len(), 1, "nothing private was shown");

    standin.world().ignored = Some("adapter.gguf".to_owned());
    let error = push(&standin, "rosy", &files).unwrap_err();
    assert!(matches!(&error, HubError::Ignored(path) if path == "adapter.gguf"), "{error}");
    standin.world().ignored = None;

    standin.fail("/commit/", Fault::Status(412, None), 1);
    assert!(matches!(push(&standin, "rosy", &files).unwrap_err(), HubError::Changed(_)));
    let mut gone = standin;
    "http://127.0.0.1:9".clone_into(&mut gone.url);
    let error = push(&gone, "rosy", &files).unwrap_err();
    assert!(error.to_string().contains("cannot be reached at http://127.0.0.1:9"), "{error}");
}

#[test]
fn each_trouble_of_fetching_has_its_own_message_and_leaves_nothing_half() {
    let standin = Standin::start();
    let files = adapter();
    push(&standin, "rosy", &files).unwrap();
    let (_dir, out) = folder();
    let fails = |token: Option<&str>, revision: &str, words: &str| {
        let error = pull(&standin, token, revision, &out).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(!out.exists(), "{words}");
    };
    fails(None, "main", "set HF_TOKEN to a token of yours");
    fails(Some("hf_expired"), "main", "the token may have expired");
    fails(Some(TOKEN), "no-such-tag", "does not exist at the Hub");
    for (part, fault, times, words) in [
        ("/revision/", Fault::Status(429, None), 9, "cannot give joes-diner/rosy now (429)"),
        ("/revision/", Fault::Status(429, Some(3_600)), 1, "cannot give joes-diner/rosy now (429)"),
        ("/resolve/", Fault::Status(500, None), 9, "now (500)"),
        ("/revision/", Fault::Garbage, 1, "its list of files cannot be read"),
        ("/storage/", Fault::Cut, 1, "run the same command again to go on from there"),
        // A large file by the Hub's own hash, a small one by the repository's list.
        ("/storage/", Fault::Altered, 1, "is damaged"),
        ("README.md", Fault::Altered, 1, "README.md is damaged"),
    ] {
        standin.fail(part, fault, times);
        fails(Some(TOKEN), "main", words);
        standin.world().faults.clear();
    }
    standin.fail("/resolve/", Fault::Status(429, Some(1)), 1);
    pull(&standin, Some(TOKEN), "main", &out).unwrap();
    assert_eq!(hashes_of(&out), hashes(&files));
}

#[test]
fn no_file_leaves_its_folder() {
    for name in ["../up.txt", "/etc/up.txt", "a/../../up.txt", "a\\up.txt", "c:up.txt", "a//b", "a/"] {
        let standin = Standin::start();
        standin.publish("joes-diner/rosy", &[(name, b"x")]);
        let (dir, out) = folder();
        let error = pull(&standin, None, "main", &out).unwrap_err();
        assert!(error.to_string().contains("has a name that could leave its folder"), "{name}: {error}");
        assert!(!out.exists() && !dir.path().join("up.txt").exists());
    }
    let standin = Standin::start();
    standin.publish("joes-diner/rosy", &[("SHA256SUMS", b"00  ../../secret\n")]);
    let (_dir, out) = folder();
    let error = pull(&standin, None, "main", &out).unwrap_err();
    assert!(error.to_string().contains("SHA256SUMS is no checksum and path"), "{error}");
}
