//! Changing what the staff speak with while the restaurant is open. The language model is one whose adapters are text
//! files: it says what is in them.

use std::{collections::HashMap, fs, path::Path, sync::Arc, sync::Mutex};

use concierge::{
    intent::AgentName,
    ports::{
        Engine, EngineError, EngineInfo, FinishReason, Generation, GenerationEnd, GenerationEvent, GenerationRequest,
        Timings, Usage,
    },
};
use engine::AdapterError;
use futures::{StreamExt, stream};
use gemma_burger::brain::concierge::{Speech, manner::Tunable};
use serde_json::{Value, json};

use crate::{
    client::{get, post, words},
    house::{House, house_with},
};

/// Speaks what the agent's adapter file holds: `endless` without an end, `misfit` is refused.
#[derive(Default)]
struct Parrot(Mutex<HashMap<AgentName, String>>);

impl Speech for Parrot {}

impl Engine for Parrot {
    fn start(&self, request: GenerationRequest) -> Result<Generation, EngineError> {
        let said = request.adapter.and_then(|agent| self.0.lock().unwrap().get(&agent).cloned());
        let text = said.unwrap_or_else(|| "Hi! What would you like?".into());
        let reason = if text == "endless" { FinishReason::Length } else { FinishReason::Stop };
        let end = GenerationEnd { reason, usage: Usage::default(), timings: Timings::default() };
        Ok(stream::iter([GenerationEvent::Text(text), GenerationEvent::Done(end)]).boxed())
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { model: "parrot".into(), context_tokens: 2_048 }
    }
}

impl Tunable for Parrot {
    fn load_adapter(&self, agent: AgentName, path: &Path) -> Result<(), AdapterError> {
        let text = fs::read_to_string(path).unwrap();
        if text == "misfit" {
            let reason = "it was made for \"owl\" and the model is \"parrot\"".to_owned();
            return Err(AdapterError::Mismatch { path: path.to_owned(), reason });
        }
        self.0.lock().unwrap().insert(agent, text);
        Ok(())
    }

    fn unload_adapter(&self, agent: AgentName) -> Result<(), AdapterError> {
        self.0.lock().unwrap().remove(&agent);
        Ok(())
    }
}

async fn house() -> (House, String) {
    let house = house_with(Arc::new(Parrot::default())).await;
    for (name, says) in [
        ("warm", "Hello and welcome! What can I get you?"),
        ("brief", "Hello! What would you like?"),
        ("endless", "endless"),
        ("mute", " "),
        ("leaky", "Facts:\n- Restaurant: here"),
        ("misfit", "misfit"),
    ] {
        let folder = house.data().join("adapters").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("adapter.gguf"), says).unwrap();
    }
    let ana = house.ana().await;
    (house, ana)
}

async fn change(house: &House, cookie: &str, body: Value) -> (u16, Value) {
    let answer = post("/admin/adapters").cookie(cookie).json(&body).send(&house.gateway).await;
    (answer.status.as_u16(), answer.value().await)
}

/// Each agent's adapter, Rosy's first.
fn in_use(view: &Value) -> [Option<&str>; 2] {
    [view["agents"][0]["adapter"].as_str(), view["agents"][1]["adapter"].as_str()]
}

#[tokio::test]
async fn an_agent_gets_another_adapter_and_goes_back() {
    let (house, ana) = house().await;
    let view = get("/admin/adapters").cookie(&ana).send(&house.gateway).await.value().await;
    assert_eq!((view["model"].as_str(), in_use(&view)), (Some("parrot"), [None, None]));
    let names: Vec<&str> = view["available"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(["brief", "endless", "leaky", "misfit", "mute", "warm"].iter().all(|name| names.contains(name)), "{view}");

    let (status, view) = change(&house, &ana, json!({"adapter": "warm"})).await;
    assert_eq!((status, in_use(&view)), (200, [Some("warm"), Some("warm")]));
    let (_, view) = change(&house, &ana, json!({"agent": "rosy", "adapter": "brief"})).await;
    assert_eq!(in_use(&view), [Some("brief"), Some("warm")]);
    let guest = house.guest().await;
    assert_eq!(words(&house.say(&guest, "hello").await), "Hello! What would you like?");

    let back = || post("/admin/adapters/rollback").cookie(&ana).json(&json!({"agent": "rosy"})).send(&house.gateway);
    assert_eq!(in_use(&back().await.value().await), [Some("warm"), Some("warm")]);
    // What was left is not worth coming back to.
    assert_eq!(back().await.refusal().await, (409, "conflict".into()));
    let (_, view) = change(&house, &ana, json!({"agent": "gordon", "adapter": null})).await;
    assert_eq!(in_use(&view), [Some("warm"), None]);
    assert_eq!(view["agents"][1]["before"], "warm");
}

#[tokio::test]
async fn an_adapter_that_is_no_good_changes_nothing() {
    let (house, ana) = house().await;
    change(&house, &ana, json!({"adapter": "warm"})).await;
    for (name, status, told) in [
        ("misfit", 422, "it was made for \"owl\" and the model is \"parrot\""),
        ("endless", 422, "did not come to an end"),
        ("mute", 422, "said nothing"),
        ("leaky", 422, "its orders"),
        ("nobody", 404, "no adapter called"),
        ("../../etc", 404, "no adapter called"),
        ("warm/../brief", 404, "no adapter called"),
    ] {
        let (got, refusal) = change(&house, &ana, json!({"adapter": name})).await;
        assert_eq!(got, status, "{name}: {refusal}");
        assert!(refusal["message"].as_str().unwrap().contains(told), "{refusal}");
        let view = get("/admin/adapters").cookie(&ana).send(&house.gateway).await.value().await;
        assert_eq!(in_use(&view), [Some("warm"), Some("warm")], "{name}");
        let guest = house.guest().await;
        let reply = words(&house.say(&guest, "hello").await);
        assert_eq!(reply, "Hello and welcome! What can I get you?", "{name}");
    }
}

#[tokio::test]
async fn only_the_staff_may_and_only_with_a_whole_request() {
    let (house, ana) = house().await;
    assert_eq!(get("/admin/adapters").send(&house.gateway).await.refusal().await, (401, "sign_in".into()));
    for path in ["/admin/adapters", "/admin/adapters/rollback"] {
        let answer = post(path).json(&json!({"adapter": "warm"})).send(&house.gateway).await;
        assert_eq!(answer.refusal().await, (401, "sign_in".into()), "{path}");
    }
    for body in [
        json!({}),
        json!({"adapter": 3}),
        json!({"adapter": "warm", "agent": "ana"}),
        json!({"adapter": "warm", "x": 1}),
    ] {
        assert_eq!(change(&house, &ana, body.clone()).await.0, 400, "{body}");
    }
}
