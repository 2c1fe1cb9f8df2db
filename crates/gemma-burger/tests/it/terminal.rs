//! The real program at a terminal: `chat` and `bench`, with the real models.

use std::{
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::cli::program;

const RESOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources");

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn chat(data: &Path, arguments: &[&str], input: &[u8]) -> Ended {
    let mut all = vec![
        "chat",
        "--resources-dir",
        RESOURCES,
        "--data-dir",
        data.to_str().unwrap(),
        "--log",
        "warn",
        "--threads",
        "1",
    ];
    all.extend(arguments);
    let mut process =
        program(&all).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input).unwrap();
    ended(process.wait_with_output().unwrap())
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_conversation_is_shown_and_goes_on_another_day() {
    let data = tempfile::tempdir().unwrap();
    let first = chat(data.path(), &[], b"hi\n\n  \ntwo double stacks please\n");
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.contains("You: two double stacks please\n") && first.out.contains("\nRosy: "), "{}", first.out);
    assert!(first.out.contains("  |   2 × Gemma Double Stack") && first.out.contains("$25.98"), "{}", first.out);
    assert_eq!(first.out.matches("You: ").count(), 2, "empty lines are not said: {}", first.out);
    assert!(!first.err.contains("WARN"), "nothing is warned of: {}", first.err);
    let session = first.err.trim_end().rsplit(' ').next().unwrap();
    let second = chat(data.path(), &["--session", session], b"what did i order?\nfood for 3 under 60 dollars");
    assert!(second.out.contains("Double Stack") && second.out.contains("  * "), "{}", second.out);
}

#[test]
fn events_are_lines_of_json_and_refusals_end_with_one() {
    let data = tempfile::tempdir().unwrap();
    let mut input = b"when do you close on friday?\n".to_vec();
    input.extend(b"\xff\xfe\n");
    input.extend("x".repeat(2_001).bytes());
    let ended = chat(data.path(), &["--json"], &input);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("2 messages got no reply"), "{}", ended.err);
    let events: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["turn", "agent"]);
    let first = |name: &str| names.iter().position(|event| *event == name).unwrap();
    assert!(first("cart") < first("token"), "{names:?}");
    assert_eq!(names[names.len() - 3..], ["done", "error", "error"]);
    let codes: Vec<_> =
        events[events.len() - 2..].iter().map(|event| event["data"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["malformed", "message_too_long"]);
}

#[test]
fn what_cannot_begin_is_told_by_name() {
    let data = tempfile::tempdir().unwrap();
    let wrong = data.path().join("wrong.gguf");
    std::fs::write(&wrong, "not a model").unwrap();
    let absent = data.path().join("absent.gguf");
    for (arguments, code, told) in [
        (&["--model", wrong.to_str().unwrap()][..], 1, "wrong.gguf is damaged or no GGUF file"),
        (&["--model", absent.to_str().unwrap()], 1, "absent.gguf"),
        (&["--session", "mine"], 2, "32 hexadecimal digits"),
        (&["--slots", "0"], 2, "SLOTS is \"0\" on the command line; allowed: a whole number from 1 to 64"),
    ] {
        let ended = chat(data.path(), arguments, b"hi\n");
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.err);
        assert!(!ended.err.contains("error: error:"), "{}", ended.err);
    }
}

#[test]
fn the_benchmark_speaks_json() {
    let arguments = ["bench", "--json", "--questions", "2", "--rounds", "1", "--resources-dir", RESOURCES];
    let ended = ended(program(&arguments).output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    assert!(report["machine"]["model"].as_str().unwrap().contains(".gguf"), "{}", report["machine"]);
    let figures = report["figures"].as_array().unwrap();
    let names: std::collections::BTreeSet<_> = figures.iter().map(|figure| figure["name"].as_str().unwrap()).collect();
    assert!(names.len() == figures.len() && names.len() >= 15, "{names:?}");
    for name in ["start to ready, warm, p50", "first token, p50", "retrieval, embedding included, p50"] {
        let figure = figures.iter().find(|figure| figure["name"] == name).unwrap();
        assert!(figure["measured"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(figure["limit"]["at_most"].is_number() && figure["ok"].is_boolean(), "{figure}");
    }
    let messages = report["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert!(message["first_ms"].as_f64().unwrap() <= message["total_ms"].as_f64().unwrap(), "{message}");
        assert_eq!(message["done"]["finish_reason"], "stop");
    }
}
