//! `data synth --provider`, before a provider that is ours.

use std::{
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::cli::program;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Answers with other guest's words and the example's own reply; by turns it is busy, talks nonsense, and invents.
async fn write(State(asked): State<Arc<AtomicUsize>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some("Bearer 0123456789abcdef") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    assert_eq!((&body["model"], body["messages"].as_array().unwrap().len()), (&json!("stand-in"), 2));
    let told = body["messages"][1]["content"].as_str().unwrap();
    let own = |label: &str| told.lines().find_map(|line| line.strip_prefix(label)).unwrap().to_owned();
    let (guest, reply) = (own("Example guest: "), own("Example reply: "));
    let content = match asked.fetch_add(1, SeqCst) % 5 {
        0 => return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
        1 => "I would rather talk about the weather.".to_owned(),
        2 => json!({"guest": "so?", "reply": "It costs $999.99 and is delivered by helicopter."}).to_string(),
        _ => json!({"guest": format!("{guest}, if I may ask"), "reply": reply}).to_string(),
    };
    Json(json!({"choices": [{"message": {"role": "assistant", "content": content}}]})).into_response()
}

async fn stand_in() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/v1/chat/completions", post(write)).with_state(Arc::default());
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/v1")
}

async fn synth(settings: &[(&str, &str)]) -> Output {
    let mut command: Command = program(&["data", "synth", "--provider", "--count", "20"]);
    command.current_dir(ROOT).envs(settings.iter().copied());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_writes_passes_the_check_or_is_not_kept() {
    let url = stand_in().await;
    let right = [("PROVIDER_URL", url.as_str()), ("PROVIDER_MODEL", "stand-in"), ("PROVIDER_KEY", "0123456789abcdef")];
    let output = synth(&right).await;
    let (kept, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{told}");
    let kept: Vec<Value> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Of five answers one is put off and asked for again, one is nonsense, one invents: two to three are good.
    assert!((8..=14).contains(&kept.len()), "{} kept\n{told}", kept.len());
    assert!(kept.iter().all(|example| example["guest"].as_str().unwrap().ends_with(", if I may ask")));
    assert!(told.contains("without an answer") && told.contains("is not {\"guest\", \"reply\"}"), "{told}");

    let wrong = synth(&[right[0], right[1], ("PROVIDER_KEY", "fedcba9876543210")]).await;
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(told.contains("PROVIDER_KEY is missing or wrong") && !told.contains("fedcba"), "{told}");
}

#[tokio::test]
async fn without_settings_nothing_is_asked() {
    let output = synth(&[]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("nothing was asked") && told.contains("PROVIDER_URL"), "{told}");
}
