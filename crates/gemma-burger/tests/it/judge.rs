//! `eval` with the real models, before judges of all kinds: one that is ours, one on a bad day, and a real endpoint
//! whose model is too small for the task.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::{cli::program, product, tiers::on_a_socket};

const RESOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources");

/// What a judge of ours does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    /// Gives the labels of those it knows but for one, and 4 to all others; prefers what is longer.
    Fair,
    Prose,
    Garbage,
    Busy,
    Broken,
    Locked,
}

struct Bench {
    mood: Mood,
    asked: AtomicUsize,
    labels: Vec<Value>,
}

async fn judge(State(bench): State<Arc<Bench>>, Json(body): Json<Value>) -> Response {
    bench.asked.fetch_add(1, SeqCst);
    let case: Value = serde_json::from_str(body["messages"][1]["content"].as_str().unwrap()).unwrap();
    let text = match bench.mood {
        Mood::Prose => "A fine reply, if you ask me.".to_owned(),
        Mood::Garbage => return "<html>welcome</html>".into_response(),
        Mood::Busy => return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")], "slow down").into_response(),
        Mood::Broken => {
            return (StatusCode::INTERNAL_SERVER_ERROR, [("retry-after", "0")], "oh no").into_response();
        }
        Mood::Locked => return (StatusCode::UNAUTHORIZED, "who are you").into_response(),
        Mood::Fair if case.get("reply_a").is_some() => {
            let length = |name: &str| case[name].as_str().unwrap().len();
            let better = if length("reply_a") > length("reply_b") { "A" } else { "B" };
            json!({"better": better, "reason": "it says more"}).to_string()
        }
        Mood::Fair => {
            let known =
                bench.labels.iter().find(|label| label["reply"] == case["reply"] && label["guest"] == case["guest"]);
            let mark = |name: &str| {
                let score = known.map_or(4, |label| label["labels"][name].as_u64().unwrap());
                json!({"score": if name == "safety" { 5 } else { score }, "reason": "as I see it"})
            };
            let marks: serde_json::Map<String, Value> = ["accuracy", "kindness", "helpfulness", "safety"]
                .into_iter()
                .map(|name| (name.to_owned(), mark(name)))
                .collect();
            Value::from(marks).to_string()
        }
    };
    let message = json!({"message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    Json(json!({"choices": [message], "usage": {"prompt_tokens": 900, "completion_tokens": 100}})).into_response()
}

async fn bench(mood: Mood) -> (String, Arc<Bench>) {
    let labels = fs::read_to_string(format!("{RESOURCES}/eval/labels.jsonl")).unwrap();
    let labels = labels.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let bench = Arc::new(Bench { mood, asked: AtomicUsize::new(0), labels });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/v1/chat/completions", post(judge)).with_state(bench.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/v1"), bench)
}

/// Two cases: one that goes well, and one whose order cannot be what is wanted.
fn cases(dir: &Path) -> PathBuf {
    let path = dir.join("cases.jsonl");
    let good = json!({"id": "good", "kind": "price", "guest": "how much is the double stack?", "needs": ["$12.99"],
        "declines": false});
    let bad = json!({"id": "bad", "kind": "order", "guest": "a double stack please", "order": ["9 x <b>Soup</b>"]});
    fs::write(&path, format!("{good}\n{bad}\n")).unwrap();
    path
}

async fn eval(dir: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> (i32, String, String) {
    let cases = cases(dir);
    let mut all = vec!["eval", cases.to_str().unwrap(), "--greedy", "--threads", "1", "--log", "warn"];
    let data = dir.join("data");
    all.extend(["--data-dir", data.to_str().unwrap(), "--resources-dir", RESOURCES]);
    all.extend(arguments);
    let mut command = program(&all);
    command.envs(settings.iter().copied());
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn report(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("report.json")).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_is_told_reported_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let (a, b) = (first.to_str().unwrap(), second.to_str().unwrap());

    // Without a judge the rules are held, and the report says what is missing.
    let (code, out, told) = eval(dir.path(), &["--report", a], &[]).await;
    assert_eq!(code, 0, "{told}");
    assert!(out.contains("the order is not as it should be") && out.contains("wanted: 9 x <b>Soup</b>"), "{out}");
    assert!(told.contains("JUDGE_URL and JUDGE_MODEL are not set"), "{told}");
    let plain = report(&first);
    assert_eq!(
        (&plain["rules"]["rules"]["order"], &plain["rules"]["rules"]["words"]),
        (&json!([0, 1]), &json!([1, 1]))
    );
    assert_eq!((&plain["judge"], plain["missing"].as_array().unwrap().len()), (&json!(null), 1));

    // With one there are marks, and its agreement with people.
    let (url, bench) = bench(Mood::Fair).await;
    let judged = [
        ("JUDGE_URL", url.as_str()),
        ("JUDGE_MODEL", "fair"),
        ("JUDGE_CENTS_READ", "30"),
        ("JUDGE_CENTS_WRITTEN", "250"),
        ("JUDGE_MAX_CENTS", "50"),
    ];
    let compare = ["--report", b, "--compare", a, "--pairwise", "--fail-below", "50", "--fail-below-mark", "4"];
    let (code, out, told) = eval(dir.path(), &compare, &judged).await;
    assert_eq!(code, 0, "{out}{told}");
    let made = &report(&second)["judge"];
    assert_eq!((&made["judged"], &made["labelled"], &made["cached"]), (&json!(2), &json!([60, 60]), &json!(0)));
    assert_eq!(made["agreement"]["accuracy"], json!({"pairs": 60, "exact": 60, "adjacent": 60, "kappa": 1.0}));
    // Of 60 labels for safety 43 are 5 and 9 are 4; a judge who always says 5 agrees as chance does.
    assert_eq!(made["agreement"]["safety"], json!({"pairs": 60, "exact": 43, "adjacent": 52, "kappa": 0.0}));
    assert_eq!((&made["asked"], &made["tokens"], &made["cents"]), (&json!(62), &json!([55_800, 6_200]), &json!(4)));
    assert!(out.contains("with people: equal 100%") && out.contains("beside the run of"), "{out}");
    assert_eq!(bench.asked.load(SeqCst), 62);
    for name in ["report.html", "report.md"] {
        let text = fs::read_to_string(second.join(name)).unwrap();
        assert!(text.contains("as I see it") && !text.contains("<b>Soup"), "{name}: {text}");
    }
    let page = fs::read_to_string(second.join("report.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("<script") && !page.contains("http:"), "one page by itself");

    // A second run costs nothing; what is not good enough ends with 1.
    let (code, out, _) = eval(dir.path(), &["--fail-below", "99.5"], &judged).await;
    assert_eq!((code, bench.asked.load(SeqCst)), (1, 62), "{out}");
    assert!(out.contains("0 questions sent, 62 answered from earlier runs"), "{out}");
    let (code, _, told) = eval(dir.path(), &["--fail-below-mark", "4"], &[]).await;
    assert!(code == 1 && told.contains("no reply has marks"), "{told}");
    let (code, _, told) = eval(dir.path(), &["--fail-below-mark", "4.9"], &judged).await;
    assert!(code == 1 && told.contains("mean mark is 4.25, less than 4.9"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_on_a_bad_day_costs_no_other_score() {
    let dir = tempfile::tempdir().unwrap();
    for (mood, kind, told_of) in [
        (Mood::Prose, "prose", "wrote prose"),
        (Mood::Garbage, "garbage", "cannot be read"),
        (Mood::Busy, "unwell", "status 429"),
        (Mood::Broken, "unwell", "status 500"),
        (Mood::Locked, "key", "does not accept the key"),
    ] {
        let (url, _) = bench(mood).await;
        let labels = dir.path().join("labels.jsonl");
        let one = fs::read_to_string(format!("{RESOURCES}/eval/labels.jsonl")).unwrap();
        fs::write(&labels, one.lines().next().unwrap()).unwrap();
        let folder = dir.path().join(format!("{mood:?}"));
        let arguments = ["--report", folder.to_str().unwrap(), "--labels", labels.to_str().unwrap()];
        let (code, out, told) = eval(dir.path(), &arguments, &[("JUDGE_URL", &url), ("JUDGE_MODEL", "m")]).await;
        assert_eq!(code, 0, "{mood:?}: {told}");
        let made = report(&folder);
        let unjudged = made["judge"]["unjudged"].as_object().unwrap();
        assert_eq!(unjudged.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 2, "{mood:?}: {unjudged:?}");
        assert!(
            unjudged.contains_key(kind) || mood == Mood::Locked && unjudged.contains_key("given_up"),
            "{unjudged:?}"
        );
        assert!(told.contains(told_of) && out.contains("0 replies have marks, 2 have none"), "{mood:?}: {told}{out}");
        assert_eq!(made["rules"]["rules"]["words"], json!([1, 1]), "the rules stand");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_that_guests_had_are_held_again() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, told) = eval(dir.path(), &["--logs"], &[]).await;
    assert!(code == 1 && told.contains("no turns were kept") && told.contains("TURN_LOG=on"), "{told}");
    let store = Store::open(&dir.path().join("data").join(store::FILE_NAME)).unwrap();
    let guest = store.create_session(1_780_000_000).unwrap().id;
    for (at, words) in ["two session cookies please", "make it four cookies"].iter().enumerate() {
        let entry = json!({"guest": words, "intent": "ORDER", "confidence": 0.9, "agent": "rosy", "acts": [], "facts": [],
            "points": [], "tools": [], "changed": true, "order": [], "reply": "Sure!", "model": "m", "tokens": [0, 0],
            "timings": {"understand_ms": 1.0, "queued_ms": 0.0, "prefill_ms": 0.0, "decode_ms": 0.0}});
        store.log_turn(&guest, &format!("t{at}"), &entry, 1_780_000_000 + at as i64).unwrap();
    }
    // What a later release has written is no reason to stop.
    store.log_turn(&guest, "t9", &json!({"version": 9}), 1_780_000_009).unwrap();
    let folder = dir.path().join("report");
    let (code, _, told) = eval(dir.path(), &["--logs", "--report", folder.to_str().unwrap()], &[]).await;
    assert!(code == 0 && told.contains("1 records are of another release"), "{told}");
    let made = report(&folder);
    assert_eq!(made["sets"], json!(["cases.jsonl", "guests' conversations"]));
    let outcomes = made["outcomes"].as_array().unwrap();
    assert_eq!(outcomes.len(), 4);
    let last = &outcomes[3];
    assert_eq!((&last["kind"], &last["order"]), (&json!("log_order"), &json!(["4 × Session Cookie"])));
    assert_eq!(last["id"], format!("log-{}-02", guest.label()));
    assert_eq!(last["said_before"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn half_a_judge_is_none() {
    let dir = tempfile::tempdir().unwrap();
    for (settings, told_of) in [
        (&[("JUDGE_URL", "http://127.0.0.1:9/v1")][..], "needs both JUDGE_URL and JUDGE_MODEL"),
        (
            &[("JUDGE_URL", "http://127.0.0.1:9/v1"), ("JUDGE_MODEL", "m"), ("JUDGE_MAX_CENTS", "5")],
            "a limit of cents needs a price",
        ),
        (&[("JUDGE_URL", "not an address")], "JUDGE_URL is"),
    ] {
        let (code, _, told) = eval(dir.path(), &[], settings).await;
        assert!(code == 2 && told.contains(told_of), "{told}");
    }
    let (code, _, told) = eval(dir.path(), &["--compare", "/nowhere"], &[]).await;
    assert!(code == 1 && told.contains("an earlier run is a folder"), "{told}");
}

/// The brain's own `/v1`: a real endpoint of OpenAI's protocol, whose base model of 270 million parameters answers in
/// prose and takes no `response_format`.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_too_small_to_judge_leaves_its_cases_unjudged() {
    let house = product::open().await;
    let (address, _) = on_a_socket(house.app.clone(), CancellationToken::new()).await;
    let dir = tempfile::tempdir().unwrap();
    let labels = dir.path().join("labels.jsonl");
    let one = fs::read_to_string(format!("{RESOURCES}/eval/labels.jsonl")).unwrap();
    fs::write(&labels, one.lines().next().unwrap()).unwrap();
    let (url, folder) = (format!("http://{address}/v1"), dir.path().join("report"));
    let arguments = ["--report", folder.to_str().unwrap(), "--labels", labels.to_str().unwrap()];
    let settings = [("JUDGE_URL", url.as_str()), ("JUDGE_MODEL", "gemma-3-270m")];
    let (code, out, told) = eval(dir.path(), &arguments, &settings).await;
    assert_eq!(code, 0, "{told}");
    let made = report(&folder);
    let unjudged = made["judge"]["unjudged"].as_object().unwrap();
    assert_eq!(unjudged.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 2, "{unjudged:?}");
    let kinds = ["prose", "form", "cut_off"];
    assert!(unjudged.keys().all(|kind| kinds.contains(&kind.as_str())), "it was asked and answered: {unjudged:?}");
    assert!(made["judge"]["tokens"][0].as_u64().unwrap() > 1_000, "{made}");
    assert_eq!(made["rules"]["rules"]["words"], json!([1, 1]), "{out}");
}
