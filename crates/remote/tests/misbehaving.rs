//! Endpoints that are slow, busy, broken or speak something else: what becomes of replies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use concierge::{
    intent::AgentName,
    ports::{ChatMessage, Engine, EngineError, FinishReason, GenerationEvent, GenerationRequest, Role},
};
use futures::StreamExt;
use remote::{Remote, RemoteConfig, breaker::State};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::sleep,
};

/// What an endpoint does with a request for a reply.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Says three words and ends.
    Well,
    /// The same, without usage, `[DONE]` or the last empty line.
    Terse,
    /// Calls a function, its arguments in two parts.
    Calls,
    /// Answers 500.
    Broken,
    /// Answers 503 with Retry-After.
    Busy,
    /// Answers 400, as llama-server does for a long prompt.
    TooLong,
    /// Answers 401.
    Locked,
    /// Never answers.
    Silent,
    /// Sends a head and never a word.
    Wordless,
    /// Says one word and cuts the line.
    Cuts,
    /// Says one word and hangs.
    Hangs,
    /// Sends events that are no JSON.
    Garbage,
    /// Sends no HTTP.
    NoHttp,
    /// Sends one line without an end.
    Endless,
    /// Speaks for ever.
    Talkative,
}

struct Endpoint {
    url: String,
    asked: Arc<AtomicUsize>,
    /// Connections on which a reply is under way.
    open: Arc<AtomicUsize>,
    last_body: Arc<std::sync::Mutex<String>>,
}

/// Serves `manners` one after the other, the last one for ever.
async fn endpoint(manners: &'static [Manner]) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let last_body = Arc::new(std::sync::Mutex::new(String::new()));
    let endpoint = Endpoint { url, asked: asked.clone(), open: open.clone(), last_body: last_body.clone() };
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (asked, open, last_body) = (asked.clone(), open.clone(), last_body.clone());
            tokio::spawn(async move {
                let _ = serve(stream, manners, &asked, &open, &last_body).await;
            });
        }
    });
    endpoint
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

async fn serve(
    mut stream: TcpStream,
    manners: &[Manner],
    asked: &AtomicUsize,
    open: &AtomicUsize,
    last_body: &std::sync::Mutex<String>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let complete = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        (body.len() >= length.unwrap_or(0)).then(|| (head.to_owned(), body.to_owned()))
    };
    let (head, body) = loop {
        let mut buffer = [0; 4096];
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..n]);
        if let Some(whole) = complete(&request) {
            break whole;
        }
    };
    let answer = |status: &str, headers: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let manner = |n: usize| *manners.get(n).or(manners.last()).unwrap();
    if head.starts_with("GET /v1/models") {
        let status = match manner(asked.load(SeqCst)) {
            Manner::Broken => "500 Internal Server Error",
            Manner::Locked => "401 Unauthorized",
            _ => "200 OK",
        };
        return stream.write_all(answer(status, "", r#"{"data":[{"id":"m"},{"id":"m:rosy"}]}"#).as_bytes()).await;
    }
    *last_body.lock().unwrap() = body;
    open.fetch_add(1, SeqCst);
    let result = speak(&mut stream, manner(asked.fetch_add(1, SeqCst)), answer).await;
    open.fetch_sub(1, SeqCst);
    result
}

async fn speak(
    stream: &mut TcpStream,
    manner: Manner,
    answer: impl Fn(&str, &str, &str) -> String,
) -> std::io::Result<()> {
    let word = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n";
    let text = match manner {
        Manner::Well => {
            format!("{STREAM}{}: alive\n\n{}{}{end}{usage}data: [DONE]\n\n", word("one "), word("two "), word("three"))
        }
        Manner::Calls => {
            let part = |function: &str| {
                format!(
                    "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{function}}}]}}}}]}}\n\n"
                )
            };
            let (name, one, two) =
                (r#"{"name":"f","arguments":""}"#, r#"{"arguments":"{\"a\":"}"#, r#"{"arguments":"1}"}"#);
            let end = end.replace("stop", "tool_calls");
            format!("{STREAM}{}{}{}{end}data: [DONE]\n\n", part(name), part(one), part(two))
        }
        Manner::Terse => format!("{STREAM}{}{}", word("one"), end.trim_end()),
        Manner::Broken => answer("500 Internal Server Error", "", "oops"),
        Manner::Busy => answer("503 Service Unavailable", "retry-after: 7\r\n", "{}"),
        Manner::TooLong => {
            let error = r#"{"error":{"type":"exceed_context_size_error","n_prompt_tokens":900,"n_ctx":512}}"#;
            answer("400 Bad Request", "", error)
        }
        Manner::Locked => answer("401 Unauthorized", "", "{}"),
        Manner::Silent => String::new(),
        Manner::Wordless | Manner::Endless | Manner::Hangs | Manner::Talkative => STREAM.to_owned(),
        Manner::Cuts => format!("{STREAM}{}", word("one ")),
        Manner::Garbage => format!("{STREAM}data: <html>\n\n"),
        Manner::NoHttp => "220 mail ready\r\n".to_owned(),
    };
    stream.write_all(text.as_bytes()).await?;
    match manner {
        Manner::Silent | Manner::Wordless => sleep(Duration::from_secs(60)).await,
        Manner::Hangs => {
            stream.write_all(word("one ").as_bytes()).await?;
            sleep(Duration::from_secs(60)).await;
        }
        Manner::Endless => loop {
            stream.write_all(&[b'x'; 65_536]).await?;
        },
        Manner::Talkative => loop {
            stream.write_all(word("more ").as_bytes()).await?;
            sleep(Duration::from_millis(5)).await;
        },
        _ => {}
    }
    Ok(())
}

fn config(endpoints: &[&Endpoint]) -> RemoteConfig {
    let mut config = RemoteConfig::new(endpoints.iter().map(|endpoint| endpoint.url.parse().unwrap()).collect(), "m");
    config.first_word_patience = Duration::from_millis(400);
    config.word_patience = Duration::from_millis(300);
    config.reply_time_limit = Duration::from_secs(4);
    config.backoff = Duration::from_millis(10);
    config.health_interval = Duration::from_secs(3600);
    config
}

fn engine(endpoints: &[&Endpoint]) -> Remote {
    Remote::start(config(endpoints), Handle::current()).unwrap()
}

fn request() -> GenerationRequest {
    GenerationRequest {
        preamble: "Be kind.".into(),
        messages: vec![ChatMessage { role: Role::User, text: "hi".to_owned() }],
        adapter: Some(AgentName::Rosy),
        temperature: 0.0,
        max_tokens: 20,
        seed: 1,
        grammar: None,
        functions: None,
        conversation: None,
    }
}

/// The words of a reply, and how it ended.
async fn reply(engine: &Remote) -> (String, Result<FinishReason, EngineError>) {
    let mut words = String::new();
    let mut stream = engine.start(request()).unwrap();
    while let Some(event) = stream.next().await {
        match event {
            GenerationEvent::Read(_) => {}
            GenerationEvent::Text(text) => words.push_str(&text),
            GenerationEvent::Done(end) => return (words, Ok(end.reason)),
            GenerationEvent::Failed(error) => return (words, Err(error)),
        }
    }
    panic!("a reply without an end after {words:?}");
}

#[tokio::test]
async fn every_manner_comes_to_its_end() {
    type Expected = fn(&EngineError) -> bool;
    let cases: [(&'static [Manner], &str, Option<Expected>, usize); 14] = [
        (&[Manner::Well], "one two three", None, 1),
        (&[Manner::Terse], "one", None, 1),
        (&[Manner::Calls], r#"{"tool":"f","arguments":{"a":1}}"#, None, 1),
        (&[Manner::Broken, Manner::NoHttp, Manner::Well], "one two three", None, 3),
        (&[Manner::Garbage, Manner::Well], "one two three", None, 2),
        (&[Manner::Broken], "", Some(|error| matches!(error, EngineError::Failed(_))), 3),
        (&[Manner::Busy], "", Some(|error| *error == EngineError::Overloaded { retry_after_s: 7 }), 3),
        (&[Manner::TooLong], "", Some(|error| *error == EngineError::PromptTooLong { tokens: 900, limit: 512 }), 1),
        (&[Manner::Locked], "", Some(|error| matches!(error, EngineError::NotReady(_))), 3),
        (&[Manner::Silent, Manner::Well], "one two three", None, 2),
        (&[Manner::Wordless, Manner::Well], "one two three", None, 2),
        (&[Manner::Endless, Manner::Well], "one two three", None, 2),
        (&[Manner::Cuts], "one ", Some(|error| matches!(error, EngineError::Failed(_))), 1),
        (&[Manner::Hangs], "one ", Some(|error| matches!(error, EngineError::Failed(_))), 1),
    ];
    for (n, (manners, words, expected, asked)) in cases.into_iter().enumerate() {
        let endpoint = endpoint(manners).await;
        let (said, end) = reply(&engine(&[&endpoint])).await;
        assert_eq!(said, words, "case {n}");
        match (&end, expected) {
            (Ok(reason), None) => assert_eq!(*reason, FinishReason::Stop, "case {n}"),
            (Err(error), Some(expected)) => assert!(expected(error), "case {n}: {error}"),
            _ => panic!("case {n}: {end:?}"),
        }
        assert_eq!(endpoint.asked.load(SeqCst), asked, "case {n}");
    }
}

#[tokio::test]
async fn a_reply_has_its_time() {
    let endpoint = endpoint(&[Manner::Talkative]).await;
    let mut config = config(&[&endpoint]);
    config.reply_time_limit = Duration::from_millis(300);
    let (words, end) = reply(&Remote::start(config, Handle::current()).unwrap()).await;
    assert!(words.starts_with("more more "));
    assert_eq!(end, Ok(FinishReason::Timeout));
}

#[tokio::test]
async fn who_leaves_closes_the_line() {
    let endpoint = endpoint(&[Manner::Talkative]).await;
    let engine = engine(&[&endpoint]);
    let mut stream = engine.start(request()).unwrap();
    assert_eq!(stream.next().await, Some(GenerationEvent::Text("more ".to_owned())));
    assert_eq!((endpoint.open.load(SeqCst), engine.snapshot().running), (1, 1));
    let left = Instant::now();
    drop(stream);
    while endpoint.open.load(SeqCst) > 0 || engine.snapshot().running > 0 {
        assert!(left.elapsed() < Duration::from_secs(2), "the endpoint still speaks");
        sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(engine.snapshot().cancelled, 1);
}

#[tokio::test]
async fn one_that_fails_is_given_up_and_comes_back() {
    let bad = endpoint(&[Manner::Broken, Manner::Broken, Manner::Broken, Manner::Well]).await;
    let good = endpoint(&[Manner::Well]).await;
    let engine = engine(&[&bad, &good]);
    for _ in 0..12 {
        assert_eq!(reply(&engine).await.0, "one two three", "guests notice nothing");
    }
    let states = || engine.snapshot().endpoints.iter().map(|endpoint| endpoint.state).collect::<Vec<_>>();
    assert_eq!((bad.asked.load(SeqCst), states()), (3, vec![State::Open, State::Closed]));
    assert_eq!(engine.snapshot().retries, 3);
    assert_eq!(engine.look().await, 1, "it is left alone");
    sleep(remote::breaker::REST).await;
    assert_eq!(states()[0], State::HalfOpen);
    assert_eq!(engine.look().await, 2, "the look at its health is the trial");
    assert_eq!(states(), [State::Closed, State::Closed]);
    let before = bad.asked.load(SeqCst);
    for _ in 0..4 {
        reply(&engine).await.1.unwrap();
    }
    assert_eq!(bad.asked.load(SeqCst), before + 2, "the two take turns again");
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let engine = Remote::start(RemoteConfig::new(vec!["http://127.0.0.1:9".parse().unwrap()], "m"), Handle::current());
    let engine = engine.unwrap();
    let started = Instant::now();
    assert!(matches!(reply(&engine).await.1, Err(EngineError::NotReady(_))));
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(!engine.is_well(), "three failures are enough");
    assert!(matches!(reply(&engine).await.1, Err(EngineError::NotReady(_))));
}

#[tokio::test]
async fn more_than_there_is_room_for_are_refused() {
    let endpoint = endpoint(&[Manner::Talkative]).await;
    let mut config = config(&[&endpoint]);
    config.replies = 2;
    let engine = Remote::start(config, Handle::current()).unwrap();
    let held = [engine.start(request()).unwrap(), engine.start(request()).unwrap()];
    assert!(matches!(engine.start(request()).err(), Some(EngineError::Overloaded { .. })));
    drop(held);
    while engine.snapshot().running > 0 {
        sleep(Duration::from_millis(2)).await;
    }
    assert!(engine.start(request()).is_ok());
}

#[tokio::test]
async fn what_is_asked_is_the_protocol() {
    let endpoint = endpoint(&[Manner::Well]).await;
    let engine = engine(&[&endpoint]);
    reply(&engine).await.1.unwrap();
    assert!(endpoint.last_body.lock().unwrap().contains("\"model\":\"m\""), "its models are not known yet");
    engine.look().await;
    reply(&engine).await.1.unwrap();
    let body: serde_json::Value = serde_json::from_str(&endpoint.last_body.lock().unwrap()).unwrap();
    assert_eq!(body["model"], "m:rosy", "the adapter that it lists");
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["messages"][1]["content"], "hi");
    assert_eq!((&body["stream"], &body["max_tokens"]), (&serde_json::json!(true), &serde_json::json!(20)));
}
