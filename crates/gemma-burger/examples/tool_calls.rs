//! Measures who chooses tools better: the understanding step, or the model under the tools' grammar. And counts how
//! many constrained generations are calls that the check accepts.
//!
//! ```text
//! cargo run --release -p gemma-burger --example tool_calls -- 500     # so many constrained generations
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a measurement for people")]

use std::time::{Duration, Instant};

use concierge::{
    intent::AgentName,
    ledger::{Cart, Checkout, Consent, Event, OrderId, PlacedOrder},
    menu::ItemId,
    order::{Edit, OrderLine, Pick},
    ports::{Engine, FinishReason, GenerationEvent, GenerationRequest},
    store_info::Weekday,
    turn::{self, Input, LocalNow, Memory, Ports, Register},
};
use futures::StreamExt;
use gemma_burger::{
    brain::{
        bus::SessionBus,
        concierge::{Resources, agent, restaurant},
    },
    config::{Config, Flags, Sources},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// One request and the call that serves it.
#[derive(Deserialize)]
struct Case {
    text: String,
    tool: String,
    arguments: Value,
    #[serde(default)]
    with_cart: bool,
    #[serde(default)]
    agent: Option<AgentName>,
}

struct NoTill;

impl Register for NoTill {
    fn place(&self, _: &[Event], _: &Checkout) -> Result<PlacedOrder, String> {
        Err("not here".to_owned())
    }
    fn state(&self, _: OrderId) -> Option<&'static str> {
        None
    }
}

#[tokio::main]
async fn main() {
    let count: u32 = std::env::args().nth(1).map_or(40, |count| count.parse().unwrap());
    let data = tempfile::tempdir().unwrap();
    let flags = Flags::<{ gemma_burger::config::ALL }>::default();
    let mut config = Config::resolve(&Sources::of_process(flags).unwrap()).unwrap();
    config.files.data_dir = data.path().to_owned();
    let resources = Resources::read(&config).unwrap();
    let parts = restaurant::load(&config, resources, SessionBus::new()).unwrap().parts();
    let cases: Vec<Case> = include_str!("../tests/it/tool_requests.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let world = &parts.resources.world;
    let (mut understood, mut modelled) = (Score::default(), Score::default());
    for case in &cases {
        let started = Instant::now();
        let stopwatch = || started.elapsed();
        let ports = Ports {
            embedder: parts.embedder.as_ref(),
            retriever: parts.retriever.as_ref(),
            register: &NoTill,
            stopwatch: &stopwatch,
        };
        let input = Input {
            text: &case.text,
            cart: if case.with_cart { cart(world) } else { Cart::default() },
            memory: Memory::default(),
            now: LocalNow { weekday: Weekday::Mon, minutes: 720 },
            unix_now: 1_800_000_000,
        };
        let decision = turn::decide(world, &ports, input);
        let used: Vec<(String, Value)> =
            decision.used.iter().map(|used| (used.name.as_str().to_owned(), used.arguments.clone())).collect();
        understood.note("understanding", case, &used, started.elapsed());

        let agent = case.agent.unwrap_or(AgentName::Rosy);
        let started = Instant::now();
        let request = agent::request(&parts.resources.tools, &world.menu, agent, &case.text, &[]);
        let written = write(parts.engine.as_ref(), request).await;
        let call = parts.resources.tools.read(&written).ok().flatten();
        let used: Vec<(String, Value)> =
            call.iter().map(|call| (call.name().as_str().to_owned(), call.arguments())).collect();
        modelled.note("model", case, &used, started.elapsed());
    }
    understood.tell("understanding first");
    modelled.tell("model decides");

    let (mut parsed, mut cut) = (0, 0);
    let started = Instant::now();
    for number in 0..count {
        let case = &cases[number as usize % cases.len()];
        let agent = case.agent.unwrap_or(AgentName::Rosy);
        let mut request = agent::request(&parts.resources.tools, &world.menu, agent, &case.text, &[]);
        // Warm enough that unlikely calls are written as well.
        request.temperature = 1.2;
        request.seed = number;
        let (text, reason) = generate(parts.engine.as_ref(), request).await;
        match parts.resources.tools.read(&text) {
            Ok(_) => parsed += 1,
            Err(_) if reason != FinishReason::Stop => cut += 1,
            Err(error) => println!("not a call: {text}: {error}"),
        }
    }
    println!(
        "{parsed} of {count} constrained generations are calls, {cut} were cut off; {:.2} s each",
        started.elapsed().as_secs_f64() / f64::from(count.max(1))
    );
}

#[derive(Default)]
struct Score {
    tools: u32,
    whole: u32,
    all: u32,
    time: Duration,
}

impl Score {
    fn note(&mut self, way: &str, case: &Case, used: &[(String, Value)], time: Duration) {
        let tool = |name: &str| used.iter().find(|(used, _)| used == name);
        // A complaint is begun with a question where the policy wants one first.
        let right = if case.tool == "none" { used.is_empty() } else { tool(&case.tool).is_some() };
        let whole = right
            && tool(&case.tool).is_none_or(|(_, arguments)| {
                case.arguments.as_object().unwrap().iter().all(|(key, wanted)| same(&arguments[key], wanted))
            });
        self.all += 1;
        self.tools += u32::from(right);
        self.whole += u32::from(whole);
        self.time += time;
        if !whole {
            println!("{way}: {}: {} wanted, {}", case.text, case.tool, json!(used));
        }
    }

    fn tell(&self, way: &str) {
        println!(
            "{way}: {} of {} right tools, {} right tools with right arguments, {:.0} ms each",
            self.tools,
            self.all,
            self.whole,
            self.time.as_secs_f64() * 1_000.0 / f64::from(self.all.max(1))
        );
    }
}

/// Whether a value says what is wanted: `1` is what an absent quantity means, and sums are compared as sums.
fn same(value: &Value, wanted: &Value) -> bool {
    let amount = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok());
    value == wanted
        || (value.is_null() && *wanted == json!(1))
        || amount(value).zip(amount(wanted)).is_some_and(|(a, b)| (a - b).abs() < 0.001)
}

fn cart(world: &turn::World) -> Cart {
    let mut cart = Cart::default();
    for id in ["java-coffee", "token-rings"] {
        let line = OrderLine {
            item: Pick::One(ItemId::from(id)),
            quantity: 1,
            size: None,
            options: Vec::new(),
            without: Vec::new(),
        };
        for event in cart.decide(&world.menu, &Edit::Add { line }, Consent::NotAsked).unwrap() {
            cart.apply(&event);
        }
    }
    cart
}

async fn write(engine: &dyn Engine, request: GenerationRequest) -> String {
    generate(engine, request).await.0
}

async fn generate(engine: &dyn Engine, request: GenerationRequest) -> (String, FinishReason) {
    let mut words = engine.start(request).unwrap();
    let mut text = String::new();
    while let Some(event) = words.next().await {
        match event {
            GenerationEvent::Read(_) => {}
            GenerationEvent::Text(piece) => text.push_str(&piece),
            GenerationEvent::Done(end) => return (text, end.reason),
            GenerationEvent::Failed(error) => panic!("{error}"),
        }
    }
    (text, FinishReason::Cancelled)
}
