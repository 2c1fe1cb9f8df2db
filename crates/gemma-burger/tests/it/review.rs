//! The log of turns and what is learnt from it, before a restaurant whose models speak by rule.

use std::{fs, path::Path, sync::Arc};

use concierge::{
    intent::AgentName,
    ledger::ComplaintKind,
    ports::{
        Engine, EngineError, EngineInfo, FinishReason, Generation, GenerationEnd, GenerationEvent, GenerationRequest,
        Timings, Usage,
    },
};
use engine::AdapterError;
use futures::{StreamExt, stream};
use gemma_burger::brain::concierge::{Speech, manner::Tunable};
use serde_json::{Value, json};
use store::NewTicket;

use crate::{
    cli::program,
    client::{post, words},
    house::{AT, Guest, House, house, house_of},
};

const RESOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources");

/// Says the same to everything.
struct Stuck;

impl Engine for Stuck {
    fn start(&self, _: GenerationRequest) -> Result<Generation, EngineError> {
        let usage = Usage { prompt_tokens: 50, cached_tokens: 0, completion_tokens: 9 };
        let end = GenerationEnd { reason: FinishReason::Stop, usage, timings: Timings::default() };
        let words = GenerationEvent::Text("Everything is free today! Call 555-010-7788.".into());
        Ok(stream::iter([words, GenerationEvent::Done(end)]).boxed())
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { model: "stuck".into(), context_tokens: 2_048 }
    }
}

impl Speech for Stuck {}

impl Tunable for Stuck {
    fn load_adapter(&self, _: AgentName, _: &Path) -> Result<(), AdapterError> {
        Ok(())
    }

    fn unload_adapter(&self, _: AgentName) -> Result<(), AdapterError> {
        Ok(())
    }
}

async fn keeping() -> House {
    house_of(Arc::new(Stuck), &[("TURN_LOG", "on")]).await
}

async fn run(house: &House, arguments: &[&str]) -> (i32, String, String) {
    let data = house.data().to_str().unwrap();
    let mut command = program(&[arguments, &["--data-dir", data, "--log", "warn"]].concat());
    command.env("RESOURCES_DIR", RESOURCES);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn rate(house: &House, guest: &Guest, events: &[crate::client::Event], thumb: &str) {
    let turn = events[0].data["turn_id"].as_str().unwrap();
    let answer = post(&format!("/chat/{turn}/feedback")).cookie(&guest.cookie).json(&json!({"thumb": thumb}));
    assert!(answer.send(&house.gateway).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_unless_it_is_switched_on() {
    let house = house().await;
    let guest = house.guest().await;
    house.say(&guest, "one gemma classic please").await;
    assert!(house.store.turn_log(0, 0, 10).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_masked_exported_and_deleted() {
    let house = keeping().await;
    let (ann, bob) = (house.guest().await, house.guest().await);
    let read = words(&house.say(&ann, "one gemma classic please, my mail is ann@example.org").await);
    house.say(&ann, "you can call me on +44 20 7946 0958").await;
    house.say(&bob, "what did i order?").await;

    let (code, out, told) = run(&house, &["logs", "export"]).await;
    assert_eq!(code, 0, "{told}");
    let turns = lines(&out);
    // Each guest has said hello before.
    assert_eq!(turns.len(), 5, "{out}");
    let ordered = turns.iter().find(|turn| turn["guest"].as_str().unwrap().contains("classic")).unwrap();
    assert_eq!(ordered["guest"], "one gemma classic please, my mail is [e-mail]");
    assert_eq!(
        (&ordered["reply"], &ordered["agent"], &ordered["model"]),
        (&json!(read), &json!("rosy"), &json!("away"))
    );
    assert_eq!(ordered["order"], json!(["1 × The Gemma Classic"]));
    assert_eq!((&ordered["changed"], &ordered["tokens"]), (&json!(true), &json!([0, 1])));
    assert_eq!(ordered["raw"], "Everything is free today! Call [number].");
    assert!(ordered["fault"][1].as_str().unwrap().contains("free today"), "{ordered}");
    assert!(ordered["facts"][0]["text"].is_string() && ordered["timings"]["understand_ms"].as_f64().unwrap() > 0.0);
    assert!(ordered["tools"].is_array() && ordered["at"].as_str().unwrap().ends_with('Z'));
    for secret in ["7946", "555-010", "ann@", ann.session.as_str(), bob.session.as_str()] {
        assert!(!out.contains(secret), "{secret} is in {out}");
    }

    for wrong in [&["logs", "delete"][..], &["logs", "delete", "--all", "--before", "2026-01-01"]] {
        assert_eq!(run(&house, wrong).await.0, 2, "{wrong:?}");
    }
    let (code, _, told) = run(&house, &["logs", "delete", "--session", "000000000000"]).await;
    assert!(code == 1 && told.contains("no turns of such a session"), "{told}");
    let label = ordered["session"].as_str().unwrap();
    assert_eq!(label, ann.session.label());
    assert_eq!(run(&house, &["logs", "delete", "--session", label]).await.1, "3 kept turns are deleted.\n");
    assert_eq!(run(&house, &["logs", "delete", "--before", "2020-01-01"]).await.1, "0 kept turns are deleted.\n");
    assert_eq!(lines(&run(&house, &["logs", "export"]).await.1).len(), 2);
    assert_eq!(run(&house, &["logs", "delete", "--all"]).await.1, "2 kept turns are deleted.\n");
    assert_eq!(run(&house, &["logs", "export"]).await.1, "");
    assert_eq!(house.history(&ann).await["messages"].as_array().unwrap().len(), 6, "the conversation itself stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_guests_and_staff_teach_waits_for_the_owner() {
    let house = keeping().await;
    let (guest, ana) = (house.guest().await, house.ana().await);
    house.say(&guest, "two session cookies please").await;
    house.say(&guest, "make it four cookies").await;
    let liked = house.say(&guest, "what did i order?").await;
    rate(&house, &guest, &liked, "up").await;
    let disliked = house.say(&guest, "one gemma classic please").await;
    rate(&house, &guest, &disliked, "down").await;
    let new = NewTicket { order: None, kind: ComplaintKind::Rudeness, title: "rudeness" };
    let ticket = house.store.open_ticket(&guest.session, new, AT).unwrap().id.0;
    let complaint = house.say(&guest, "I want to complain, your waiter was rude to me").await;
    assert_eq!(complaint.iter().find(|event| event.name == "agent").unwrap().data["name"], "gordon");
    let reply = json!({"text": "I am sorry. Call me on 555-010-7788, your next three meals are free."});
    let answer = post(&format!("/desk/tickets/{ticket}/reply")).cookie(&ana).json(&reply).send(&house.gateway).await;
    assert_eq!(answer.status, 200);

    let (code, out, told) = run(&house, &["data", "review", "--json"]).await;
    assert_eq!(code, 0, "{told}");
    let waiting = lines(&out);
    let of = |source: &str| waiting.iter().find(|candidate| candidate["source"] == source).unwrap();
    assert_eq!(waiting.len(), 4, "{out}");
    assert!(!out.contains("555-010") && !out.contains(guest.session.as_str()), "{out}");

    let correction = of("correction");
    assert_eq!(correction["case"]["guest"], "two session cookies please");
    assert_eq!(correction["case"]["order"], json!(["4 × Session Cookie"]));
    assert_eq!(correction["case"]["setup"], json!(["hello"]));
    assert!(correction.get("example").is_none());
    let up = of("thumb_up");
    assert_eq!((&up["example"]["reply"], up.get("flaw")), (&json!(words(&liked)), None), "{up}");
    let down = of("thumb_down");
    assert!(down["flaw"].as_str().unwrap().contains("disliked"));
    let staff = of("staff_answer");
    assert!(staff["then"].as_str().unwrap().contains("Call me on [number]"), "{staff}");
    assert!(staff["flaw"].as_str().unwrap().contains("the check refuses"), "{staff}");

    // A reply that the facts do not support is not kept, whoever wrote it.
    let id = |candidate: &Value| candidate["id"].as_str().unwrap().to_owned();
    let accept = ["data", "review", "--accept", &id(down), "--reply", "The Gemma Classic is free today!"];
    let (code, _, told) = run(&house, &accept).await;
    assert!(code == 1 && told.contains("the check refuses") && told.contains("nothing was kept"), "{told}");
    let review = house.data().join("review");
    assert!(!review.join("examples.jsonl").exists());

    let good = words(&disliked);
    let (code, out, told) = run(&house, &["data", "review", "--accept", &id(down), "--reply", &good]).await;
    assert!(code == 0 && out.contains("its case and its example are kept"), "{out}{told}");
    let (code, out, told) =
        run(&house, &["data", "review", "--accept", &id(up), "--accept", &id(correction), "--accept", &id(staff)])
            .await;
    assert!(code == 0 && out.contains("no example, as the check refuses"), "{out}{told}");
    let read = |name: &str| lines(&fs::read_to_string(review.join(name)).unwrap());
    assert_eq!((read("cases.jsonl").len(), read("examples.jsonl").len()), (4, 2));
    assert_eq!(run(&house, &["data", "review", "--json"]).await.1, "", "what is decided is not shown again");
    assert_eq!(run(&house, &["data", "review", "--reject", &id(up)]).await.0, 2);
    // What was accepted is fit for its use.
    let menu = format!("{RESOURCES}/menu.json");
    let examples = review.join("examples.jsonl");
    let mut check = program(&["data", "check", examples.to_str().unwrap(), "--menu", &menu]);
    let checked = tokio::task::spawn_blocking(move || check.output().unwrap()).await.unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    // Deleting a log ends what waits because of it.
    let other = house.guest().await;
    let more = house.say(&other, "one gemma classic please").await;
    rate(&house, &other, &more, "down").await;
    run(&house, &["data", "review"]).await;
    assert!(!fs::read_to_string(review.join("candidates.jsonl")).unwrap().is_empty());
    run(&house, &["logs", "delete", "--all"]).await;
    assert_eq!(fs::read_to_string(review.join("candidates.jsonl")).unwrap(), "");
}
