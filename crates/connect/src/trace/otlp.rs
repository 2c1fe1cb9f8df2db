//! OTLP over HTTP with JSON, as its specification has it: ids in hexadecimal digits, 64-bit numbers as text.

use serde_json::{Value as Json, json};
use ureq::http::Method;

use super::{Kind, Span, Trace, Value};
use crate::{
    mlflow::{Mlflow, MlflowError},
    service::{Body, Bounds, Service, ServiceError},
};

/// The name for people of a collector.
const NAME: &str = "the trace collector";
/// What the attributes follow.
const SCOPE: &str = "gemma-burger";

/// Where traces are sent.
#[derive(Clone, Debug)]
pub struct Endpoint {
    service: Service,
    resource: Json,
}

impl Endpoint {
    /// A collector: the whole address of its traces, and the headers that it wants.
    ///
    /// # Errors
    /// A header that cannot be sent.
    pub fn new(
        url: &str,
        service_name: &str,
        headers: &[(String, String)],
        bounds: Bounds,
    ) -> Result<Self, ServiceError> {
        let service = headers
            .iter()
            .try_fold(Service::new(NAME, url, bounds), |service, (name, value)| service.with(name, value))?;
        Ok(Self { service, resource: resource(service_name) })
    }

    /// An MLflow server's own door for traces; those of a run are found there.
    ///
    /// # Errors
    /// A header that cannot be sent.
    pub fn mlflow(mlflow: &Mlflow, experiment: &str, run: Option<&str>) -> Result<Self, MlflowError> {
        let mut service = mlflow.traces()?.with("x-mlflow-experiment-id", experiment)?;
        if let Some(run) = run {
            service = service.with("x-mlflow-run-id", run)?;
        }
        Ok(Self { service, resource: resource(SCOPE) })
    }

    /// Sends traces in one request.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn send<T: AsRef<Trace>>(&self, traces: &[T]) -> Result<(), ServiceError> {
        let spans = traces.iter().flat_map(|trace| {
            let trace = trace.as_ref();
            trace.spans.iter().map(move |span| encoded(trace, span))
        });
        let body = json!({"resourceSpans": [{
            "resource": self.resource,
            "scopeSpans": [{"scope": {"name": SCOPE}, "spans": spans.collect::<Vec<_>>()}],
        }]});
        let bytes = body.to_string();
        let answer = self.service.send(&Method::POST, "", Body::Bytes(bytes.as_bytes(), "application/json"))?;
        // A collector that takes a part says so with a good status.
        let told: Option<Json> = serde_json::from_slice(&answer.body).ok();
        let partial = told.as_ref().and_then(|told| told.get("partialSuccess"));
        if let Some(message) = partial.and_then(|partial| partial.get("errorMessage")).and_then(Json::as_str) {
            tracing::warn!(message, "{NAME} did not take all spans");
        }
        Ok(())
    }
}

impl AsRef<Self> for Trace {
    fn as_ref(&self) -> &Self {
        self
    }
}

fn resource(name: &str) -> Json {
    let attributes = [
        ("service.name", Value::Text(name.to_owned())),
        ("service.version", Value::from(env!("CARGO_PKG_VERSION"))),
        ("telemetry.sdk.language", Value::from("rust")),
        ("telemetry.sdk.name", Value::from(SCOPE)),
    ];
    json!({"attributes": attributes.iter().map(|(key, value)| attribute(key, value)).collect::<Vec<_>>()})
}

fn encoded(trace: &Trace, span: &Span) -> Json {
    let kind = Value::from(span.kind.as_str());
    let operation = operation(span.kind).map(|name| ("gen_ai.operation.name", Value::from(name)));
    let own = [("mlflow.spanType", kind)].into_iter().chain(operation);
    let attributes: Vec<Json> = own
        .map(|(key, value)| attribute(key, &value))
        .chain(span.attributes.iter().map(|(key, value)| attribute(key, value)))
        .collect();
    let mut encoded = json!({
        "traceId": hex::encode(trace.id),
        "spanId": format!("{:016x}", span.id),
        "name": span.name,
        // Internal: all of it runs in this process or belongs to it.
        "kind": 1,
        "startTimeUnixNano": trace.nanos(span.started).to_string(),
        "endTimeUnixNano": trace.nanos(span.ended).to_string(),
        "attributes": attributes,
        "status": match &span.failed {
            Some(reason) => json!({"code": 2, "message": reason}),
            None => json!({"code": 1}),
        },
    });
    if let (Some(parent), Some(object)) = (span.parent, encoded.as_object_mut()) {
        object.insert("parentSpanId".to_owned(), json!(format!("{parent:016x}")));
    }
    encoded
}

/// What OpenTelemetry's conventions call it.
const fn operation(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Agent => Some("invoke_agent"),
        Kind::ChatModel => Some("chat"),
        Kind::Embedding => Some("embeddings"),
        Kind::Tool => Some("execute_tool"),
        Kind::Retriever => Some("retrieval"),
        Kind::Chain | Kind::Parser | Kind::Guardrail | Kind::Evaluator => None,
    }
}

fn attribute(key: &str, value: &Value) -> Json {
    json!({"key": key, "value": any(value)})
}

fn any(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Int(number) => json!({"intValue": number.to_string()}),
        // JSON has no word for what is no number.
        Value::Real(number) if number.is_finite() => json!({"doubleValue": number}),
        Value::Real(_) => json!({"stringValue": "not a number"}),
        Value::Flag(flag) => json!({"boolValue": flag}),
        Value::List(words) => {
            json!({"arrayValue": {"values": words.iter().map(|word| json!({"stringValue": word})).collect::<Vec<_>>()}})
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_trace_is_a_tree_as_the_specification_writes_it() {
        let mut trace = Trace::named("0123456789abcdef0123456789abcdef").unwrap();
        let mut understand = Span::begin("understand", Kind::Parser);
        understand.set("confidence", 0.5_f32);
        let mut found = Span::begin("retrieve", Kind::Retriever).under(&understand);
        found.set("entries", 3_usize);
        found.set("names", vec!["a".to_owned()]);
        found.fail("away");
        trace.add(found.end());
        let below = understand.id;
        trace.add(understand.end());
        trace.root(Span::begin("turn", Kind::Agent).end());
        let spans: Vec<Json> = trace.spans.iter().map(|span| encoded(&trace, span)).collect();
        let (found, understand, turn) = (&spans[0], &spans[1], &spans[2]);
        assert_eq!(turn["parentSpanId"], Json::Null);
        assert_eq!(understand["parentSpanId"], turn["spanId"]);
        assert_eq!(found["parentSpanId"], format!("{below:016x}"));
        assert_eq!(turn["traceId"], "0123456789abcdef0123456789abcdef");
        assert_eq!(found["status"], json!({"code": 2, "message": "away"}));
        assert_eq!(found["attributes"][2], json!({"key": "entries", "value": {"intValue": "3"}}));
        let time = |span: &Json, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time(understand, "startTimeUnixNano") <= time(found, "startTimeUnixNano"));
        assert!(time(turn, "startTimeUnixNano") > 1_600_000_000_000_000_000);
        for wrong in ["", "00000000000000000000000000000000", "+123456789abcdef0123456789abcdef"] {
            assert!(Trace::named(wrong).is_none(), "{wrong}");
        }
    }
}
