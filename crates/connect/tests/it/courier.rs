use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use connect::{
    mlflow::{
        Login, Mlflow, Pair, Reference,
        courier::{Courier, send_all},
        journal::{Entry, Head, Journal, Kept, Point},
    },
    service::Bounds,
};
use serde_json::Value;

use crate::scripted::{Act, Asked, Server, nobody};

fn mlflow(url: &str) -> Mlflow {
    Mlflow::new(url, &Login::Open, Bounds::once()).unwrap()
}

fn head() -> Head {
    Head { experiment: "e".into(), name: "n".into(), started: 7, id: "i".into() }
}

fn point(step: i64) -> Entry {
    Entry::Point(Point { at: 1_000 + step, step, values: [("loss".to_owned(), 1.0 / step as f64)].into() })
}

fn courier(url: &str, folder: &Path) -> (Courier, Arc<Mutex<Vec<String>>>) {
    let (journal, pen) = Journal::begin(folder, &head()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let courier = Courier::start(mlflow(url), journal, pen, move |line| heard.lock().unwrap().push(line.to_owned()));
    (courier, told)
}

/// As much of MLflow as a run needs; away while `away` is set.
fn server(away: &Arc<AtomicBool>) -> Server {
    let away = Arc::clone(away);
    Server::answering(move |asked| {
        if away.load(SeqCst) {
            return Act::Drop(0);
        }
        answer(asked)
    })
}

fn answer(asked: &Asked) -> Act {
    let line = asked.line();
    Act::json(if line.contains("get-by-name") {
        "{\"experiment\": {\"experiment_id\": \"1\"}}"
    } else if line.contains("runs/create") {
        "{\"run\": {\"info\": {\"run_id\": \"r\", \"artifact_uri\": \"mlflow-artifacts:/1/r/artifacts\"}}}"
    } else if line.contains("runs/search") {
        "{}"
    } else if line.contains("artifacts?path=") {
        // Less than was sent.
        "{\"files\": [{\"path\": \"loss.svg\", \"is_dir\": false, \"file_size\": 3}]}"
    } else {
        "{}"
    })
}

/// The steps that arrived, in order.
fn steps(server: &Server) -> Vec<i64> {
    let batches = server.asked().into_iter().filter(|asked| asked.line().contains("log-batch"));
    batches
        .flat_map(|asked| {
            let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
            let metrics = body["metrics"].as_array().cloned().unwrap_or_default();
            metrics.into_iter().map(|metric| metric["step"].as_i64().unwrap())
        })
        .collect()
}

#[test]
fn a_server_that_is_away_delays_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut dead, told) = courier(&nobody(), folder.path());
    let began = Instant::now();
    for step in 1..=500 {
        dead.take(&point(step)).unwrap();
    }
    // Not a figure: a wait for the server would be ten seconds a step.
    assert!(began.elapsed() < Duration::from_secs(60));
    let outcome = dead.finish(Duration::from_millis(10));
    assert_eq!((outcome.points_left, outcome.whole), (500, false));
    assert!(outcome.trouble.unwrap().starts_with("MLflow cannot be reached at "));
    assert_eq!(told.lock().unwrap().len(), 1, "said once");
    let server = server(&Arc::default());
    let outcomes = send_all(&mlflow(&server.url), folder.path()).unwrap();
    assert_eq!((outcomes[0].points_left, outcomes[0].whole), (0, true));
    assert_eq!(steps(&server), (1..=500).collect::<Vec<_>>());
    // All is there: nothing is sent a second time.
    send_all(&mlflow(&server.url), folder.path()).unwrap();
    assert_eq!(steps(&server).len(), 500);
}

#[test]
fn a_server_that_comes_back_gets_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let away = Arc::new(AtomicBool::new(false));
    let server = server(&away);
    let (mut courier, told) = courier(&server.url, folder.path());
    courier.take(&point(1)).unwrap();
    let until = |arrived: usize| {
        let began = Instant::now();
        while steps(&server).len() < arrived && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(1);
    away.store(true, SeqCst);
    courier.take(&point(2)).unwrap();
    while told.lock().unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    courier.take(&point(3)).unwrap();
    away.store(false, SeqCst);
    let outcome = courier.finish(Duration::from_secs(20));
    assert!(outcome.whole, "{outcome:?}");
    let mut steps = steps(&server);
    steps.sort_unstable();
    steps.dedup();
    assert_eq!(steps, [1, 2, 3]);
    let told = told.lock().unwrap();
    assert!(told[0].contains("Training goes on") && told[1].contains("is back"), "{told:?}");
}

#[test]
fn a_wrong_key_is_said_at_once_and_what_was_told_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::script(vec![Act::status(401, "You are not authenticated.")]);
    let (mut courier, told) = courier(&server.url, folder.path());
    courier.take(&point(1)).unwrap();
    let outcome = courier.finish(Duration::from_secs(20));
    let reason = "MLflow does not accept the key (status 401): You are not authenticated.";
    assert_eq!((outcome.trouble.as_deref(), outcome.points_left), (Some(reason), 1));
    assert_eq!(server.asked().len(), 1, "asking again would not help");
    assert!(told.lock().unwrap()[0].starts_with(reason));
}

#[test]
fn half_a_file_is_not_taken_for_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("loss.svg"), "<svg/>").unwrap();
    let (journal, mut pen) = Journal::begin(folder.path(), &head()).unwrap();
    pen.append(&point(1)).unwrap();
    pen.append(&Entry::File(Kept::of(folder.path(), "loss.svg").unwrap())).unwrap();
    let server = server(&Arc::default());
    let error = send_all(&mlflow(&server.url), folder.path()).unwrap_err();
    let words = "MLflow holds 3 bytes of loss.svg, which has 6; it is sent again the next time";
    assert_eq!(error.to_string(), words);
    assert_eq!((journal.points_left(), journal.is_sent()), (0, false), "the point before it counts");
}

#[test]
fn a_file_that_changed_since_belongs_to_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loss.svg");
    std::fs::write(&file, "<svg/>").unwrap();
    let (journal, mut pen) = Journal::begin(folder.path(), &head()).unwrap();
    pen.append(&Entry::File(Kept::of(folder.path(), "loss.svg").unwrap())).unwrap();
    std::fs::write(&file, "<svg>another</svg>").unwrap();
    let server = server(&Arc::default());
    send_all(&mlflow(&server.url), folder.path()).unwrap();
    assert!(journal.is_sent());
    assert!(server.asked().iter().all(|asked| !asked.line().starts_with("PUT")));
}

#[test]
fn each_trouble_of_a_server_is_told_in_its_own_words() {
    for (act, words) in [
        (Act::status(403, "Permission denied"), "MLflow does not accept the key (status 403): Permission denied"),
        (Act::status(429, "{\"message\": \"slow down\"}"), "MLflow is not able to answer now (status 429): slow down"),
        (Act::status(500, ""), "MLflow is not able to answer now (status 500): no reason given"),
        (
            Act::json("<html>a proxy</html>"),
            "MLflow gave an answer to GET /api/2.0/mlflow/experiments/get-by-name that cannot be read: \
             expected value at line 1 column 1",
        ),
    ] {
        let server = Server::script(vec![act]);
        assert_eq!(mlflow(&server.url).experiment("e").unwrap_err().to_string(), words);
    }
    let server = Server::script(vec![Act::json("<html>a proxy</html>")]);
    assert!(mlflow(&server.url).version().is_err(), "another server's page is no version");
}

#[test]
fn a_fetched_adapter_is_checked_before_it_is_used() {
    let right = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let folder = tempfile::tempdir().unwrap();
    let take = |tags: &str, bytes: &'static str| {
        let tags = tags.to_owned();
        let server = Server::answering(move |asked| {
            let line = asked.line();
            if line.contains("registered-models/get") {
                Act::json("{\"registered_model\": {\"aliases\": [{\"alias\": \"champion\", \"version\": \"3\"}]}}")
            } else if line.contains("get-download-uri") {
                Act::json("{\"artifact_uri\": \"mlflow-artifacts:/1/models/m/artifacts\"}")
            } else if line.contains("model-versions/get") {
                Act::json(&format!("{{\"model_version\": {{\"name\": \"gb\", \"version\": \"3\", \"tags\": {tags}}}}}"))
            } else {
                Act::json(bytes)
            }
        });
        let mlflow = mlflow(&server.url);
        let version = mlflow.version_of(&"gb@champion".parse::<Reference>().unwrap()).unwrap();
        mlflow.take_adapter(&version, folder.path()).map_err(|error| error.to_string())
    };
    let signed = format!("[{{\"key\": \"adapter.sha256\", \"value\": \"{right}\"}}]");
    let file = folder.path().join("adapter.gguf");
    let unsigned = "version 3 of gb has no tag \"adapter.sha256\": it cannot be checked, so it is not used";
    assert_eq!(take("[]", "hello").unwrap_err(), unsigned);
    let damaged = "adapter.gguf of version 3 of gb has another hash than was registered; it is not used";
    assert_eq!(take(&signed, "hullo").unwrap_err(), damaged);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing of it stays");
    assert_eq!(take(&signed, "hello").unwrap(), connect::mlflow::Taken::Fetched);
    assert_eq!(take(&signed, "hullo").unwrap(), connect::mlflow::Taken::Kept);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello");
    let error = mlflow(&Server::script(vec![Act::status(404, "")]).url)
        .version_of(&"gb@champion".parse::<Reference>().unwrap())
        .unwrap_err();
    assert_eq!(error.to_string(), "MLflow knows no version of gb with the alias \"champion\"");
}

#[test]
fn one_signs_in_by_name_or_by_token() {
    for (login, header) in [
        (Login::Open, None),
        (Login::Basic { name: "ana".into(), password: "p:w".into() }, Some("Basic YW5hOnA6dw==")),
        (Login::Token("abc".into()), Some("Bearer abc")),
    ] {
        let server = Server::script(vec![Act::json("{}")]);
        let mlflow = Mlflow::new(&server.url, &login, Bounds::once()).unwrap();
        mlflow.tags("r", &[Pair::new("a", "b")]).unwrap();
        let head = server.asked()[0].head.clone();
        let sent = head.lines().find_map(|line| line.strip_prefix("authorization: "));
        assert_eq!(sent, header);
        assert!(!format!("{mlflow:?}").contains("p:w"));
    }
}
