use std::{
    fs,
    time::{Duration, Instant},
};

use connect::service::{Body, Bounds, Service, ServiceError};
use serde_json::Value;
use ureq::http::Method;

use crate::scripted::{Act, Server, nobody};

const QUICK: Bounds =
    Bounds { patience: Duration::from_secs(5), tries: 3, longest_pause: Duration::from_secs(2), answer: 1_000 };

fn service(url: &str) -> Service {
    Service::new("The shop", url, QUICK)
}

/// The error of a GET, with the server's address as `URL`, and how often it was asked.
fn told(acts: Vec<Act>) -> (String, usize) {
    let server = Server::script(acts);
    let error = service(&server.url).get::<Value>("/things?key=secret").unwrap_err();
    (error.to_string().replace(&server.url, "URL"), server.asked().len())
}

#[test]
fn each_kind_of_trouble_has_words_of_its_own_and_only_what_may_pass_is_tried_again() {
    let long = "x".repeat(2_000);
    for (acts, words, times) in [
        (
            vec![Act::status(401, "{\"message\": \"Invalid token\"}")],
            "The shop does not accept the key (status 401): Invalid token",
            1,
        ),
        (
            vec![Act::status(403, "{\"error\": {\"message\": \"Token has expired\"}}")],
            "The shop does not accept the key (status 403): Token has expired",
            1,
        ),
        (vec![Act::status(429, "")], "The shop is not able to answer now (status 429): no reason given", 3),
        (
            vec![Act::status(500, "<html>oops</html>")],
            "The shop is not able to answer now (status 500): <html>oops</html>",
            3,
        ),
        (
            vec![Act::status(400, "{\"error\": \"no such thing\"}")],
            "The shop declined GET /things (status 400): no such thing",
            1,
        ),
        (
            vec![Act::json("certainly!")],
            "The shop gave an answer to GET /things that cannot be read: expected value at line 1 column 1",
            1,
        ),
        (
            vec![Act::json(&long)],
            "The shop gave an answer to GET /things that cannot be read: it has more than 1000 bytes",
            1,
        ),
    ] {
        assert_eq!(told(acts), (words.to_owned(), times));
    }
    let (half, times) = told(vec![Act::Half("{\"a\":")]);
    assert!(half.starts_with("The shop cannot be reached at URL: ") && times == 3, "{half}, {times} times");
    let url = nobody();
    let error = service(&url).get::<Value>("/").unwrap_err();
    assert!(matches!(error, ServiceError::Unreachable { .. }), "{error}");
    let error = Service::new("The shop", &url, QUICK).with("authorization", "a\nb").unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert!(!error.to_string().contains("a\nb"));
}

#[test]
fn what_passes_is_waited_for_as_the_service_asks() {
    let busy = Act::Say(429, "retry-after: 1\r\n", String::new());
    let server = Server::script(vec![busy, Act::status(503, ""), Act::json("{\"a\": 1}")]);
    let began = Instant::now();
    let answer: Value = service(&server.url).get("/").unwrap();
    assert_eq!((answer["a"].as_i64(), server.asked().len()), (Some(1), 3));
    assert!(began.elapsed() >= Duration::from_secs(1), "it asked for a second");
    // Longer than one may be made to wait: told at once.
    let server = Server::script(vec![Act::Say(429, "retry-after: 3600\r\n", "later".to_owned())]);
    let error = service(&server.url).get::<Value>("/").unwrap_err();
    assert_eq!((error.status(), server.asked().len()), (Some(429), 1));
}

#[test]
fn an_upload_that_broke_off_is_sent_again_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("adapter");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
    fs::write(&file, &bytes).unwrap();
    let server = Server::script(vec![Act::Drop(100_000), Act::json("")]);
    service(&server.url).send(&Method::PUT, "/adapter", Body::File(&file)).unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].body == bytes, "all of it, from its beginning");
    assert!(asked[1].head.to_lowercase().contains("content-length: 3000000"), "{}", asked[1].head);
    let error = service(&server.url).send(&Method::PUT, "/", Body::File(&folder.path().join("none"))).unwrap_err();
    assert!(matches!(error, ServiceError::File { .. }), "{error}");
}

#[test]
fn a_file_is_fetched_whole_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("file");
    let server = Server::script(vec![Act::Half("half"), Act::json("whole")]);
    service(&server.url).fetch("/file", &into).unwrap();
    assert_eq!(fs::read_to_string(&into).unwrap(), "whole");
    let server = Server::script(vec![Act::Half("half")]);
    let error = service(&server.url).fetch("/file", &into).unwrap_err();
    assert!(matches!(error, ServiceError::Unreachable { .. }), "{error}");
}

#[test]
fn what_each_request_carries_is_sent_and_never_shown() {
    let server = Server::script(vec![Act::json("{}")]);
    let service = service(&server.url).with("authorization", "Bearer hush").unwrap();
    let _: Value = service.post("/things", &serde_json::json!({"a": 1})).unwrap();
    let asked = server.asked().remove(0);
    assert_eq!((asked.line(), asked.body.as_slice()), ("POST /things HTTP/1.1", &b"{\"a\":1}"[..]));
    assert!(asked.head.contains("Bearer hush"));
    assert!(!format!("{service:?}").contains("hush"));
}
