//! `hub push` and `hub pull` of the real program, with the adapter that ships, against the stand-in of the Hub.

#[path = "../../../connect/tests/it/hub/standin.rs"]
#[allow(dead_code, reason = "its ways to fail are for the client's own tests")]
mod standin;

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use connect::hub::sha256;
use serde_json::Value;

use self::standin::{Standin, TOKEN};
use crate::cli::program;

const REPOSITORY: &str = "joes-diner/rosy";

/// What a folder holds of these files, by SHA-256.
fn hashes(folder: &Path, files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    files.keys().map(|path| (path.clone(), sha256(&fs::read(folder.join(path)).unwrap_or_default()))).collect()
}

/// Runs the program in a data folder of its own; its status, and what it told.
fn run(standin: &Standin, token: &str, data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = program(arguments);
    command.envs([("HF_ENDPOINT", standin.url.as_str()), ("HF_TOKEN", token)]).env("DATA_DIR", data);
    let done = command.output().unwrap();
    let told = if done.status.success() { done.stdout } else { done.stderr };
    (done.status.code(), String::from_utf8(told).unwrap())
}

/// Publishes the adapter that ships.
fn push(standin: &Standin, data: &Path) -> Value {
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/adapters/gemma-3-270m");
    let adapter = adapter.to_str().unwrap();
    let base = ["--base-model", "google/gemma-3-270m"];
    let arguments = [&["hub", "push", "rosy", "--private", "--json", "--adapter", adapter][..], &base].concat();
    let (code, told) = run(standin, TOKEN, data, &arguments);
    assert_eq!(code, Some(0), "{told}");
    serde_json::from_str(&told).unwrap()
}

#[test]
fn the_adapter_that_ships_is_published_and_fetched_again_byte_for_byte() {
    let (standin, data) = (Standin::start(), tempfile::tempdir().unwrap());
    let pushed = push(&standin, data.path());
    assert_eq!(pushed["repository"], REPOSITORY);
    let published = standin.files(REPOSITORY);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/adapters/gemma-3-270m");
    for (path, ours) in [("adapter.gguf", "adapter.gguf"), ("mlx/adapters.safetensors", "adapters.safetensors")] {
        assert_eq!(published[path], sha256(&fs::read(shipped.join(ours)).unwrap()), "{path}");
    }
    for path in ["adapter_model.safetensors", "adapter_config.json", "README.md", "NOTICE", "SHA256SUMS", "run.json"] {
        assert!(published.contains_key(path), "{path}");
    }

    let (code, told) = run(&standin, TOKEN, data.path(), &["hub", "pull", REPOSITORY, "--json"]);
    assert_eq!(code, Some(0), "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["commit"], pushed["commit"]);
    let folder = data.path().join("adapters/rosy");
    assert_eq!(Path::new(told["folder"].as_str().unwrap()), folder);
    assert_eq!(hashes(&folder, &published), published);
    assert_eq!(standin.world().wrong, Vec::<String>::new());

    // A folder that is there is not written to; a wrong token is told without being shown.
    let (code, told) = run(&standin, TOKEN, data.path(), &["hub", "pull", REPOSITORY]);
    assert!(code == Some(1) && told.contains("adapters/rosy"), "{told}");
    let elsewhere = tempfile::tempdir().unwrap();
    let (code, told) = run(&standin, "hf_expired_long_ago", elsewhere.path(), &["hub", "pull", REPOSITORY]);
    assert!(code == Some(1) && told.contains("the token may have expired"), "{told}");
    assert!(!told.contains("hf_expired_long_ago") && !elsewhere.path().join("adapters/rosy").exists(), "{told}");
}

mod peers {
    use super::*;

    #[test]
    #[ignore = "needs the vendors' Python clients"]
    fn the_hubs_own_client_downloads_what_the_program_published() {
        let (standin, data) = (Standin::start(), tempfile::tempdir().unwrap());
        push(&standin, data.path());
        let out = data.path().join("theirs");
        let python = std::env::var("PEER_PYTHON").expect("PEER_PYTHON names a Python with the vendors' clients");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/peers/hub_client.py");
        let done = Command::new(python)
            .arg(script)
            .args(["download", REPOSITORY, out.to_str().unwrap()])
            .envs([("HF_ENDPOINT", standin.url.as_str()), ("HF_TOKEN", TOKEN), ("HF_HUB_DISABLE_XET", "1")])
            .env("HF_HOME", data.path().join("home"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let published = standin.files(REPOSITORY);
        assert_eq!(hashes(&out, &published), published);
        let told = String::from_utf8(done.stdout).unwrap();
        let told: Value = serde_json::from_str(told.lines().last().unwrap_or_default()).unwrap();
        assert_eq!(told["license"], "gemma", "{told}");
    }
}
