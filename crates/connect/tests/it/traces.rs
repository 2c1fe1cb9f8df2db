use std::time::{Duration, Instant};

use connect::{
    mlflow::{Login, Mlflow},
    service::Bounds,
    trace::{Counts, Endpoint, Kind, Sink, Span, Trace, Tracer},
};
use serde_json::Value;

use crate::scripted::{Act, Server, nobody};

fn trace() -> Trace {
    let mut trace = Trace::random();
    trace.root(Span::begin("turn", Kind::Agent).end());
    trace
}

fn collector(url: &str) -> Sink {
    let headers = [("x-key".to_owned(), "k".to_owned())];
    Sink::Collector(Endpoint::new(&format!("{url}/v1/traces"), "house", &headers, Bounds::once()).unwrap())
}

#[test]
fn traces_go_to_every_receiver() {
    let one = Server::script(vec![Act::json("{\"partialSuccess\": {}}")]);
    let other = Server::answering(|asked| {
        Act::json(if asked.line().contains("get-by-name") {
            "{\"experiment\": {\"experiment_id\": \"7\"}}"
        } else {
            ""
        })
    });
    let mlflow = Mlflow::new(&other.url, &Login::Token("t".into()), Bounds::once()).unwrap();
    let tracer = Tracer::start(vec![collector(&one.url), Sink::Mlflow(mlflow, "house".into())]);
    for _ in 0..3 {
        tracer.record(trace());
    }
    assert!(tracer.close(Duration::from_secs(20)));
    assert_eq!(tracer.counts(), Counts { sent: 6, dropped: 0 });
    let asked = &one.asked()[0];
    assert_eq!(asked.line(), "POST /v1/traces HTTP/1.1");
    assert!(asked.head.contains("x-key: k") && asked.head.contains("content-type: application/json"));
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let spans = &body["resourceSpans"][0];
    assert_eq!(spans["resource"]["attributes"][0]["value"]["stringValue"], "house");
    assert_eq!(spans["scopeSpans"][0]["spans"].as_array().unwrap().len(), 3);
    let sent = other.asked().pop().unwrap().head;
    assert!(sent.contains("x-mlflow-experiment-id: 7") && sent.contains("authorization: Bearer t"), "{sent}");
}

#[test]
fn a_receiver_that_is_away_is_not_waited_for() {
    let tracer = Tracer::start(vec![collector(&nobody())]);
    let began = Instant::now();
    for _ in 0..3_000 {
        tracer.record(trace());
    }
    // Not a figure: a wait for the receiver would be seconds a trace.
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(tracer.counts().dropped >= 3_000 - 1_024 - 64, "the queue has an end: {:?}", tracer.counts());
    assert!(!tracer.close(Duration::from_millis(50)));
}

#[test]
fn what_is_declined_is_dropped_and_the_next_goes_on() {
    let server = Server::script(vec![Act::status(422, "Cannot convert"), Act::status(503, ""), Act::json("{}")]);
    let tracer = Tracer::start(vec![collector(&server.url)]);
    tracer.record(trace());
    let began = Instant::now();
    while tracer.counts().dropped == 0 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    tracer.record(trace());
    while tracer.counts().sent == 0 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((tracer.counts(), server.asked().len()), (Counts { sent: 1, dropped: 1 }, 3));
}
