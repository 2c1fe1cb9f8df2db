use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{scripted::app_with, tiers::on_a_socket};

/// The program, away from this machine's own settings.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gemma-burger"));
    command.args(arguments).env_clear().current_dir(std::env::temp_dir());
    for name in ["PATH", "HOME"] {
        command.env(name, std::env::var(name).unwrap_or_default());
    }
    command
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = program(arguments).envs(environment.iter().copied()).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn wrong_uses_are_named_and_end_with_two() {
    for (arguments, environment, told) in [
        (
            &["gateway", "--port", "many"][..],
            &[][..],
            "PORT is \"many\" on the command line; allowed: a whole number from 0 to 65535",
        ),
        (&["gateway"], &[("PORT", "-1")], "PORT is \"-1\" in the environment"),
        (&["gateway"], &[("LOG_FORMAT", "xml")], "LOG_FORMAT is \"xml\" in the environment; allowed: text, json"),
        (
            &["gateway", "--brain", "ftp://x"],
            &[],
            "BRAIN_URL is \"ftp://x\" on the command line; allowed: an address such as",
        ),
        (&["gateway"], &[], "the gateway needs to know where the brain is"),
        (&["brain"], &[("BRAIN_TOKEN", "short one")], "BRAIN_TOKEN is (a secret) in the environment"),
        (&["hub", "push", "rosy", "--adapter", "x"], &[], "HF_TOKEN is not set"),
        (&["hub", "push", "a/b/c", "--adapter", "x"], &[], "\"a/b/c\" names no repository"),
        (&["hub", "pull", "rosy"], &[], "names no model"),
        (&["hub", "pull", "a/rosy/x.gguf"], &[], "names a file; name a repository"),
        (
            &["ingest"],
            &[("RETRIEVER", "faiss")],
            "RETRIEVER is \"faiss\" in the environment; allowed: sqlite, pinecone",
        ),
        (&["ingest"], &[("PINECONE_INDEX", "My Index")], "PINECONE_INDEX is \"My Index\" in the environment"),
        (&["no-such-command"], &[], "unrecognized subcommand"),
    ] {
        let (code, out, err) = run(arguments, environment);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
        assert!(!err.contains("short one"));
    }
}

#[test]
fn a_env_file_is_read_after_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "# ours\nPORT=wrong\nHOST=nowhere\n").unwrap();
    let run = |environment: &[(&str, &str)]| {
        let output =
            program(&["gateway"]).current_dir(folder.path()).envs(environment.iter().copied()).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&[]).contains("PORT is \"wrong\" in the .env file"));
    assert!(run(&[("PORT", "0")]).contains("HOST is \"nowhere\" in the .env file"), "the environment wins");
    assert!(run(&[("PORT", "0"), ("HOST", "127.0.0.1")]).contains("needs to know where the brain is"));
}

#[test]
fn every_command_has_help_with_an_example() {
    let (code, out, _) = run(&["--help"], &[]);
    assert_eq!(code, 0);
    let commands =
        out.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| line.starts_with("  "));
    let commands: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let (code, out, _) = run(&[command, "--help"], &[]);
        assert_eq!(code, 0);
        assert!(out.contains("Example:") || out.contains("Examples:") || out.contains("Commands:"), "{command}: {out}");
    }
}

#[test]
fn the_reference_in_the_readme_is_the_declarations() {
    let (code, table, _) = run(&["config-docs"], &[]);
    assert_eq!(code, 0);
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- configuration -->\n").unwrap();
    let (written, _) = rest.split_once("<!-- /configuration -->").unwrap();
    assert_eq!(written, table, "put the output of `gemma-burger config-docs` between the marks in README.md");
}

#[test]
fn the_doctor_speaks_json() {
    let (_, out, _) = run(&["doctor", "--json"], &[]);
    let findings: serde_json::Value = serde_json::from_str(&out).unwrap();
    let names: Vec<_> = findings.as_array().unwrap().iter().map(|finding| finding["name"].as_str().unwrap()).collect();
    for name in [
        "rust",
        "cmake",
        "clang",
        "libclang",
        "python",
        "pip",
        "processor",
        "memory",
        "models",
        "knowledge",
        "port",
        "browser",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    for finding in findings.as_array().unwrap() {
        assert!(finding["state"] == "ok" || finding["hint"].is_string(), "{finding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_gateway_relays_and_lets_replies_finish_when_asked_to_end() {
    let app = app_with(Duration::from_millis(40), &[]).await;
    let (brain, _) = on_a_socket(gemma_burger::brain::router(app.brain.clone()), CancellationToken::new()).await;
    let data = tempfile::tempdir().unwrap();
    let mut process = program(&[
        "gateway",
        "--port",
        "0",
        "--brain",
        &format!("http://{brain}"),
        "--data-dir",
        data.path().to_str().unwrap(),
    ])
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let told = lines.next().unwrap().unwrap();
    let url = told
        .split_whitespace()
        .find(|word| word.starts_with("http://localhost:"))
        .unwrap()
        .trim_end_matches(',')
        .to_owned();
    let url = url.replace("localhost", "127.0.0.1");
    let client: hyper_util::client::legacy::Client<_, axum::body::Body> =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = axum::http::Request::post(format!("{url}/chat")).header("content-type", "application/json");
    let response = client.request(request.body("{\"message\": \"count 30\"}".into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let mut events =
        crate::client::Answer { status: parts.status, headers: parts.headers, body: axum::body::Body::new(body) }
            .events();
    events.until("token").await;
    Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert_eq!(events.until("done").await.data["finish_reason"], "stop", "the reply is finished");
    let asked = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        assert!(asked.elapsed() < Duration::from_secs(5), "the gateway does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success(), "{status}");
}

#[test]
fn training_data_with_a_bad_line_trains_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("mine.jsonl"), dir.path().join("out"));
    let (resources, data_dir) = (concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources"), dir.path().join("data"));
    std::fs::write(&data, "{\"prompt\": \"a\", \"reply\": \"b\"}\n\n{\"prompt\": \"a\"}\n").unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let common = ["train", "--out", &path(&out), "--resources-dir", resources, "--data-dir", &path(&data_dir)];
    let with = |more: &[&str]| run(&[&common, more].concat(), &[("MALLOC_TRIM_THRESHOLD_", "1")]);
    let (code, _, told) = with(&["--data", &path(&data)]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("mine.jsonl, line 3: missing field `reply`"), "{told}");
    assert!(!out.exists());
    let (code, _, told) = with(&["--steps", "2", "--epochs", "1"]);
    assert_eq!(code, 2, "{told}");
    let (code, _, told) = with(&["--targets", "q,x"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("'x' is not one of q, k, v, o, gate, up, down"), "{told}");
}

#[test]
fn the_shipped_adapter_was_made_of_the_shipped_data() {
    let resources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources"));
    let run = std::fs::read_to_string(resources.join("adapters/gemma-3-270m/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    let sources = run["config"]["sources"].as_array().unwrap();
    assert!(!sources.is_empty());
    for source in sources {
        let name = source["name"].as_str().unwrap();
        let bytes = std::fs::read(resources.join("fine_tuning").join(name)).unwrap();
        let found = hex::encode(Sha256::digest(&bytes));
        assert_eq!(source["sha256"], found.as_str(), "{name} is other data; train anew, see docs/TUNING.md");
    }
}

#[test]
fn choices_of_a_tool_are_checked_and_rendered_as_the_product_asks() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("calls.jsonl");
    let path = file.to_str().unwrap().to_owned();
    let menu = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources/menu.json");
    let personas = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources/personas");
    let line =
        |agent: &str, call: &str| format!("{{\"id\":\"a\",\"agent\":\"{agent}\",\"guest\":\"hi\",\"call\":{call}}}\n");
    let render = |text: String| {
        std::fs::write(&file, text).unwrap();
        run(&["data", "render", &path, "--menu", menu, "--personas", personas], &[])
    };
    let (code, told, error) = render(line("rosy", "{\"tool\":\"store_info\",\"arguments\":{\"topic\":\"hours\"}}"));
    assert_eq!(code, 0, "{error}");
    let rendered: serde_json::Value = serde_json::from_str(&told).unwrap();
    let call = "{\"tool\":\"store_info\",\"arguments\":{\"topic\":\"hours\"}}<end_of_turn>";
    assert_eq!(rendered["reply"], call);
    assert!(rendered["prompt"].as_str().unwrap().ends_with("user\nhi<end_of_turn>\n<start_of_turn>model\n"));
    for (agent, call, why) in [
        ("rosy", "{\"tool\":\"store_info\",\"arguments\":{}}", "\"topic\" is missing"),
        ("rosy", "{\"tool\":\"fly\"}", "there is no tool \"fly\""),
        ("gordon", "{\"tool\":\"place_order\",\"arguments\":{\"confirmed\":true}}", "place_order is no tool of gordon"),
    ] {
        let (code, _, told) = render(line("rosy", "{\"tool\":\"none\"}") + &line(agent, call));
        assert_eq!(code, 1, "{told}");
        assert!(told.contains("calls.jsonl, line 2: ") && told.contains(why), "{told}");
    }
    std::fs::write(&file, line("rosy", "{\"tool\":\"none\"}").repeat(2)).unwrap();
    let (code, _, told) = run(&["data", "check", &path, "--menu", menu], &[]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("asks what another line asks"), "{told}");
}
