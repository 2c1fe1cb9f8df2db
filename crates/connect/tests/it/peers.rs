//! The stand-ins and this product's clients beside the vendors' own Python clients: `scripts/test.sh peers`.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    hub::{
        self, adapter, hashes, hashes_of,
        standin::{Standin as HubStandin, TOKEN},
    },
    pinecone::standin::{KEY, Standin as PineconeStandin},
};

/// Runs a script of `scripts/peers` with the Python of PEER_PYTHON and reads the last line that it prints.
fn run(script: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Value {
    let python = std::env::var("PEER_PYTHON").expect("PEER_PYTHON names a Python with the vendors' clients");
    let path = format!("{}/../../scripts/peers/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(python)
        .arg(path)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} {arguments:?}: {told}{errors}");
    serde_json::from_str(told.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{told}{errors}"))
}

#[test]
#[ignore = "needs the vendors' Python clients"]
fn the_hubs_own_client_fetches_what_we_publish_and_publishes_what_we_fetch() {
    let standin = HubStandin::start();
    let home = tempfile::tempdir().unwrap();
    let home_path = home.path().to_str().unwrap();
    let environment = [
        ("HF_ENDPOINT", standin.url.as_str()),
        ("HF_TOKEN", TOKEN),
        ("HF_HOME", home_path),
        // What arrives by the basic transfer is what is looked at here.
        ("HF_HUB_DISABLE_XET", "1"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
    ];
    // Ours to theirs.
    let files = adapter();
    hub::push(&standin, "rosy", &files).unwrap();
    let out = home.path().join("theirs");
    let told = run("hub_client.py", &["download", "joes-diner/rosy", out.to_str().unwrap()], &environment);
    assert_eq!(hashes_of(&out), hashes(&files));
    assert_eq!((&told["license"], &told["private"]), (&json!("gemma"), &json!(true)), "{told}");

    // Theirs to ours.
    let folder = home.path().join("ours");
    fs::create_dir_all(folder.join("mlx")).unwrap();
    for file in &files {
        fs::write(folder.join(&file.path), &file.bytes).unwrap();
    }
    fs::write(folder.join("adapter.gguf"), vec![3; 400_000]).unwrap();
    fs::remove_file(folder.join("SHA256SUMS")).unwrap();
    let second = HubStandin::start();
    let environment = [&environment[1..], &[("HF_ENDPOINT", second.url.as_str())]].concat();
    let told = run("hub_client.py", &["upload", folder.to_str().unwrap(), "rosy"], &environment);
    let pulled = home.path().join("pulled");
    let snapshot = hub::pull(&second, Some(TOKEN), "main", &pulled).unwrap();
    assert_eq!((told["commit"].as_str().unwrap(), hashes_of(&pulled)), (snapshot.commit.as_str(), hashes_of(&folder)));
    for standin in [standin, second] {
        assert_eq!(standin.world().wrong, Vec::<String>::new());
    }
}

#[test]
#[ignore = "needs the vendors' Python clients"]
fn pinecones_own_client_works_with_the_stand_in() {
    let standin = PineconeStandin::start();
    standin.world().any_version = true;
    standin.world().unready = 1;
    let told = run("pinecone_client.py", &[&standin.url, KEY], &[]);
    for (name, expected) in [
        ("ready", json!(true)),
        ("dimension", json!(3)),
        ("upserted", json!(8)),
        ("found", json!(["menu#1", "menu#3"])),
        ("count", json!(8)),
        ("listed", (0..8).map(|at| format!("menu#{at}")).collect()),
        ("values", json!([1.0, 1.0, 0.5])),
        ("left", json!(6)),
        ("wrong_key", json!("UnauthorizedError")),
    ] {
        assert_eq!(told[name], expected, "{name}: {told}");
    }
    assert_eq!(told["price"].as_f64(), Some(1.0), "{told}");
}
