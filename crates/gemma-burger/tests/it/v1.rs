//! OpenAI's protocol, from outside and as the way to a language model elsewhere.

use std::{process::Command, sync::atomic::Ordering::SeqCst, time::Duration};

use concierge::{
    intent::AgentName,
    ports::{ChatMessage, Engine, EngineError, FinishReason, GenerationEvent, GenerationRequest, Role},
    tools::{Choice, Function, Functions},
};
use futures::StreamExt;
use gemma_burger::brain;
use remote::{Remote, RemoteConfig};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Answer, Ask, ask, count, get, post, say},
    python::python,
    scripted::{App, app, app_with},
    tiers::on_a_socket,
};

fn complete(model: &str, text: &str, extra: &Value) -> Ask {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    for (key, value) in extra.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    post("/v1/chat/completions").json(&body)
}

/// The data of a stream's events.
async fn chunks(answer: Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = answer.text().await;
    let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(data.last(), Some(&"[DONE]"));
    data[..data.len() - 1].iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn words(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}

#[tokio::test]
async fn models_are_listed() {
    let app = app().await;
    let list = get("/v1/models").send(&app.gateway).await.value().await;
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["gemma-burger", "small", "small:rosy"]);
    assert_eq!(get("/v1/models/small:rosy").send(&app.gateway).await.value().await["object"], "model");
    assert_eq!(get("/v1/models/large").send(&app.gateway).await.status, 404);
}

#[tokio::test]
async fn the_model_itself_answers_whole_or_word_by_word() {
    let app = app().await;
    let whole = complete("small", "count 3", &json!({"max_tokens": 9})).send(&app.gateway).await;
    assert_eq!(whole.header("set-cookie"), "", "no session is made for it");
    let whole = whole.value().await;
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["choices"][0]["message"]["content"], count(3));
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    assert_eq!(whole["usage"]["completion_tokens"], 3);

    let extra = json!({"stream": true, "stream_options": {"include_usage": true}, "max_tokens": 2});
    let stream = chunks(complete("small:rosy", "count 3", &extra).send(&app.gateway).await).await;
    assert_eq!(words(&stream), "rosy w1 ");
    assert_eq!(stream[0]["choices"][0]["delta"]["role"], "assistant");
    let [.., last, usage] = stream.as_slice() else { panic!("{stream:?}") };
    assert_eq!(last["choices"][0]["finish_reason"], "length");
    assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(9)));
    assert!(stream.iter().all(|chunk| chunk["id"] == stream[0]["id"]));

    let stop = json!({"stop": ["w3", "2 w"], "stream": true});
    let stream = chunks(complete("small", "count 9", &stop).send(&app.gateway).await).await;
    assert_eq!(words(&stream), "w1 w");
    assert_eq!(stream.last().unwrap()["choices"][0]["finish_reason"], "stop");
}

/// A function of a client's own.
fn weather() -> Value {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    json!({"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": parameters}})
}

#[tokio::test]
async fn a_clients_functions_are_called_whole_or_bit_by_bit() {
    let app = app().await;
    let ask = r#"call weather {"city":"Rome"}"#;
    let whole = complete("small", ask, &json!({"tools": [weather()]})).send(&app.gateway).await.value().await;
    let choice = &whole["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!("tool_calls"), &Value::Null));
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({"name": "weather", "arguments": r#"{"city":"Rome"}"#}));
    assert!(call["type"] == "function" && call["id"].as_str().unwrap().starts_with("call_"));

    // A text at which words end stands within the arguments.
    let extra = json!({"tools": [weather()], "tool_choice": "required", "stream": true, "stop": "R"});
    let stream = chunks(complete("small", ask, &extra).send(&app.gateway).await).await;
    let deltas: Vec<&Value> = stream
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| call.is_object())
        .collect();
    assert_eq!(
        (&deltas[0]["index"], &deltas[0]["function"]),
        (&json!(0), &json!({"name": "weather", "arguments": ""}))
    );
    assert!(deltas[0]["id"].is_string() && deltas[1..].iter().all(|delta| delta["id"].is_null()));
    let arguments: String = deltas.iter().filter_map(|delta| delta["function"]["arguments"].as_str()).collect();
    assert_eq!(arguments, r#"{"city":"Rome"}"#);
    assert_eq!(words(&stream), "");
    assert_eq!(stream.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");

    // Words stay words, and without tools a call is words.
    let stream = chunks(complete("small", "count 2", &extra).send(&app.gateway).await).await;
    assert_eq!((words(&stream), &stream.last().unwrap()["choices"][0]["finish_reason"]), (count(2), &json!("stop")));
    let plain = complete("small", ask, &json!({})).send(&app.gateway).await.value().await;
    assert!(plain["choices"][0]["message"]["content"].as_str().unwrap().starts_with("{\"tool\""));
    let cut = json!({"tools": [weather()], "max_tokens": 30});
    let cut = complete("small", ask, &cut).send(&app.gateway).await.value().await;
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
    assert_eq!(cut["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn openais_own_client_calls_functions() {
    let Some(python) = python("openai") else {
        // Without a package index there is no client to test with; the shapes are tested above.
        return;
    };
    let app = app().await;
    let (address, _) = on_a_socket(app.gateway.clone(), CancellationToken::new()).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/openai_check.py");
    let run = tokio::task::spawn_blocking(move || {
        Command::new(python).arg(script).arg(format!("http://{address}/v1")).args(["small", "--scripted"]).output()
    });
    let output = run.await.unwrap().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let told: Value = serde_json::from_str(out.lines().last().unwrap_or_default()).unwrap();
    assert_eq!((&told["required"], &told["streamed"], &told["results"]), (&json!(1), &json!(1), &json!(1)), "{out}");
}

#[tokio::test]
async fn the_house_answers_within_a_session() {
    let app = app().await;
    let first = complete("gemma-burger", "count 2", &json!({})).send(&app.gateway).await;
    let (cookie, token) = (first.cookie(), first.header("x-session-token").to_owned());
    let first = first.value().await;
    assert_eq!(first["choices"][0]["message"]["content"], count(2));
    assert!(first["id"].as_str().unwrap().starts_with("chatcmpl-"));
    let stream = json!({"stream": true});
    let by_cookie = complete("gemma-burger", "a", &stream).cookie(&cookie).token("sk-anything");
    assert_eq!(words(&chunks(by_cookie.send(&app.gateway).await).await), "a");
    complete("gemma-burger", "b", &json!({})).token(&token).send(&app.gateway).await.value().await;
    let by_header = complete("gemma-burger", "c", &json!({})).header("x-session-token", &token);
    by_header.send(&app.gateway).await.value().await;
    say("d").token(&token).send(&app.gateway).await.all_events().await;
    complete("gemma-burger", "e", &json!({})).token("sk-anything").send(&app.gateway).await.value().await;
    let said = app.concierge.said.lock().unwrap();
    let mut sessions: Vec<_> = said.values().cloned().collect();
    sessions.sort();
    assert_eq!(sessions, [vec!["count 2", "a", "b", "c", "d"], vec!["e"]], "one guest by four ways, and another");
}

#[tokio::test]
async fn refusals_have_openais_shape() {
    let app = app_with(Duration::ZERO, &[("MAX_MESSAGE_CHARS", "10")]).await;
    let mut huge = weather();
    huge["function"]["parameters"]["properties"]["city"] = json!({"enum": (0..30_000).collect::<Vec<u32>>()});
    for (model, text, extra, status, code) in [
        ("large", "hi", json!({}), 404, "model_not_found"),
        ("small", "hi", json!({"temperature": -1}), 400, "invalid_value"),
        ("small", "hi", json!({"wings": 2}), 400, "unknown_parameter"),
        ("small", "long", json!({}), 400, "context_length_exceeded"),
        ("small", "busy", json!({}), 503, "overloaded"),
        ("gemma-burger", "hi", json!({"tools": [weather()]}), 400, "invalid_value"),
        ("small", "hi", json!({"tools": [huge]}), 400, "invalid_value"),
        ("gemma-burger", "  ", json!({}), 400, "empty_message"),
        ("gemma-burger", "eleven chars", json!({}), 400, "message_too_long"),
        ("gemma-burger", "fail", json!({}), 503, "overloaded"),
    ] {
        let answer = complete(model, text, &extra).send(&app.gateway).await;
        assert_eq!(answer.status, status, "{model} {text} {extra}");
        assert_eq!(answer.header("retry-after").is_empty(), status != 503);
        let error = answer.value().await;
        assert_eq!(error["error"]["code"], code, "{error}");
        assert!(error["error"]["message"].is_string() && error["error"]["type"].is_string());
    }
    let late = complete("gemma-burger", "fail", &json!({"stream": true})).send(&app.gateway).await;
    assert_eq!(chunks(late).await.last().unwrap()["error"]["code"], "overloaded");
    for (answer, status) in [
        (get("/v1/nothing").send(&app.gateway).await, 404),
        (get("/v1/chat/completions").send(&app.gateway).await, 405),
        (
            post("/v1/chat/completions").header("content-type", "application/json").body("{").send(&app.gateway).await,
            400,
        ),
        (post("/v1/chat/completions").body("{}").send(&app.gateway).await, 415),
        (complete("small", &"x".repeat(300_000), &json!({})).send(&app.gateway).await, 413),
        (complete("gemma-burger", "a", &json!({})).header("x-session-token", "x").send(&app.gateway).await, 401),
        (ask(axum::http::Method::DELETE, "/v1/models").send(&app.gateway).await, 405),
    ] {
        assert_eq!(answer.status, status);
        assert!(answer.value().await["error"]["message"].is_string(), "{status}");
    }
}

#[tokio::test]
async fn the_chats_limits_hold_and_a_token_closes_the_door() {
    let app = app_with(Duration::ZERO, &[("RATE_PER_ADDRESS_PER_MINUTE", "4")]).await;
    let mut admitted = 0;
    for _ in 0..12 {
        let answer = complete("small", "hi", &json!({})).send(&app.gateway).await;
        admitted += usize::from(answer.status == 200);
        if answer.status == 429 {
            assert_eq!(answer.value().await["error"]["code"], "rate_limit_exceeded");
        }
    }
    assert_eq!(admitted, 4);

    let app = app_with(Duration::ZERO, &[("API_TOKEN", "a-long-enough-secret")]).await;
    for token in ["", "a-long-enough-secre", "another-long-secret"] {
        let refused = get("/v1/models").token(token).send(&app.gateway).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.value().await["error"]["code"]),
            (401, &json!("invalid_api_key"))
        );
    }
    let answer = complete("gemma-burger", "hi", &json!({})).token("a-long-enough-secret").send(&app.gateway).await;
    assert_eq!(answer.status, 200);
    assert_eq!(say("hi").send(&app.gateway).await.status, 200, "guests need none");
}

#[tokio::test]
async fn who_leaves_ends_the_models_work() {
    let app = app_with(Duration::from_millis(10), &[]).await;
    let answer = complete("small", "count 1000", &json!({"stream": true})).send(&app.gateway).await;
    let mut body = answer.body.into_data_stream();
    body.next().await.unwrap().unwrap();
    assert_eq!(app.concierge.writing.load(SeqCst), 1);
    drop(body);
    wait_for_silence(&app).await;
}

async fn wait_for_silence(app: &App) {
    let left = std::time::Instant::now();
    while app.concierge.writing.load(SeqCst) > 0 {
        assert!(left.elapsed() < Duration::from_secs(2), "the model still writes");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn request(text: &str) -> GenerationRequest {
    GenerationRequest {
        preamble: "Be kind.".into(),
        messages: vec![ChatMessage { role: Role::User, text: text.to_owned() }],
        adapter: Some(AgentName::Rosy),
        temperature: 0.0,
        max_tokens: 100,
        seed: 1,
        grammar: None,
        functions: None,
        conversation: Some("c".to_owned()),
    }
}

#[tokio::test]
async fn another_brain_serves_as_the_language_model() {
    let values = [("BRAIN_TOKEN", "a-long-enough-secret")];
    let app = app_with(Duration::from_millis(10), &values).await;
    let (address, _) = on_a_socket(brain::router(app.brain.clone()), CancellationToken::new()).await;
    let mut config = RemoteConfig::new(vec![format!("http://{address}").parse().unwrap()], "small");
    let locked = Remote::start(config.clone(), Handle::current()).unwrap();
    assert_eq!(locked.look().await, 0, "the brain wants its token");
    config.key = Some("a-long-enough-secret".to_owned());
    let engine = Remote::start(config, Handle::current()).unwrap();
    assert_eq!(engine.look().await, 1);

    let events: Vec<_> = engine.start(request("count 3")).unwrap().collect().await;
    let mut text = String::new();
    for event in &events {
        if let GenerationEvent::Text(piece) = event {
            text.push_str(piece);
        }
    }
    assert_eq!(text, format!("rosy {}", count(3)), "with the manner that the other side has");
    let Some(GenerationEvent::Done(end)) = events.last() else { panic!("{events:?}") };
    assert_eq!((end.reason, end.usage.completion_tokens, end.usage.prompt_tokens), (FinishReason::Stop, 4, 7));

    // Its functions travel as tools, and a call comes back in the form in which a model here writes one.
    let parameters = weather()["function"]["parameters"].clone();
    let function = Function { name: "weather".to_owned(), description: "The weather.".to_owned(), parameters };
    let functions = Functions { list: vec![function], choice: Choice::Required };
    let ask = r#"call weather {"city":"Rome"}"#;
    let with_functions = GenerationRequest { functions: Some(functions.into()), adapter: None, ..request(ask) };
    let events: Vec<_> = engine.start(with_functions).unwrap().collect().await;
    let text =
        |event: &GenerationEvent| if let GenerationEvent::Text(text) = event { text.clone() } else { String::new() };
    assert_eq!(events.iter().map(text).collect::<String>(), r#"{"tool":"weather","arguments":{"city":"Rome"}}"#);

    for (text, expected) in [("long", true), ("busy", false)] {
        let events: Vec<_> = engine.start(request(text)).unwrap().collect().await;
        let Some(GenerationEvent::Failed(error)) = events.last() else { panic!("{events:?}") };
        assert_eq!(*error == EngineError::PromptTooLong { tokens: 9, limit: 5 }, expected, "{error}");
        assert_eq!(matches!(error, EngineError::Overloaded { .. }), !expected, "{error}");
    }

    let mut stream = engine.start(request("count 1000")).unwrap();
    stream.next().await.unwrap();
    assert_eq!(app.concierge.writing.load(SeqCst), 1);
    drop(stream);
    wait_for_silence(&app).await;
    assert!(engine.is_well());
}
