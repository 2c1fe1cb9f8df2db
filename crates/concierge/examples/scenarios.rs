//! Turns the hand-written scenarios into training examples: each scenario goes through the very decision that a guest's
//! message goes through, so that acts, facts and history are the product's own. Needs no model file: the router reads
//! words only, and the knowledge is searched by shared words.
//!
//! ```text
//! cargo run --release -p concierge --example scenarios > resources/fine_tuning/handwritten.jsonl
//! cargo run --release -p concierge --example scenarios -- --show    # what is decided where no reply is written yet
//! ```
//!
//! Replies that the check refuses go to standard error with the facts they were held against, and are left out.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for whoever writes training data: it stops at the first file that is wrong"
)]

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
    fs,
};

use concierge::{
    check::MentionIndex,
    ledger::{Cart, Checkout, Event, OrderId, PlacedOrder, Policy, Upsell},
    menu::Menu,
    ports::{ChatMessage, Embedder, Hit, Query, RecordType, RetrieveError, Retriever, Role},
    prompt::Personas,
    route::{Head, Router},
    store_info::{StoreInfo, Weekday},
    tuning::Example,
    turn::{Input, LocalNow, Memory, Ports, Register, World, decide},
    understand::Lexicon,
};
use serde::Deserialize;

/// A guest's words after earlier ones, and what the staff should say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    id: String,
    kind: String,
    setup: Vec<String>,
    guest: String,
    #[serde(default)]
    reply: Option<String>,
}

impl Scenario {
    fn turns(&self) -> Vec<&str> {
        self.setup.iter().chain([&self.guest]).map(String::as_str).collect()
    }
}

/// The router decides by words where there are no vectors.
struct NoVectors;

impl Embedder for NoVectors {
    fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        Err(RetrieveError::Failed("no model is loaded".to_owned()))
    }

    fn dimensions(&self) -> usize {
        0
    }
}

/// An entry of the knowledge: what it is about, what its text says, and its diets.
struct Entry {
    hit: Hit,
    names: BTreeSet<String>,
    text: BTreeSet<String>,
    diets: BTreeSet<String>,
}

/// Finds entries by the words they share with a question; a word of the name counts for three of the text.
struct SharedWords(Vec<Entry>);

impl SharedWords {
    fn of(world: &World) -> Self {
        let hit = |id: &str, record_type, title: &str| Hit {
            id: id.to_owned(),
            record_type,
            title: title.to_owned(),
            score: 0.0,
        };
        let items = world.menu.items.iter().map(|item| Entry {
            hit: hit(item.id.as_str(), RecordType::Menu, &item.name),
            names: words(&format!("{} {}", item.name, item.aliases.join(" "))),
            text: words(&item.description),
            diets: item.diets.clone().unwrap_or_default(),
        });
        let records = world.info.records.iter().map(|record| Entry {
            hit: hit(&record.id, RecordType::Info, &record.title),
            names: words(&format!("{} {}", record.title, record.topics.join(" "))),
            text: words(&record.text),
            diets: BTreeSet::new(),
        });
        Self(items.chain(records).collect())
    }
}

impl Retriever for SharedWords {
    fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, RetrieveError> {
        let asked = words(query.text);
        let fits = |entry: &&Entry| {
            query.filter.record_type.is_none_or(|wanted| wanted == entry.hit.record_type)
                && query.filter.diet.as_ref().is_none_or(|diet| entry.diets.contains(diet))
        };
        let score = |entry: &Entry| {
            let of_word = |word: &String| match (entry.names.contains(word), entry.text.contains(word)) {
                (true, _) => 3.0,
                (_, true) => 1.0,
                _ => 0.0,
            };
            asked.iter().map(of_word).sum::<f32>() / 20.0
        };
        let mut hits: Vec<Hit> = self
            .0
            .iter()
            .filter(fits)
            .map(|entry| Hit { score: score(entry), ..entry.hit.clone() })
            .filter(|hit| hit.score > 0.0)
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(query.limit);
        Ok(hits)
    }
}

fn words(text: &str) -> BTreeSet<String> {
    const COMMON: [&str; 24] = [
        "the", "you", "your", "can", "and", "for", "have", "with", "what", "how", "much", "are", "that", "any", "they",
        "there", "this", "from", "not", "one", "does", "get", "got", "please",
    ];
    text.to_lowercase()
        .replace("wi-fi", "wifi")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2 && !COMMON.contains(word))
        .map(|word| word.strip_suffix('s').unwrap_or(word).to_owned())
        .collect()
}

/// A register that lives as long as one conversation.
#[derive(Default)]
struct Till(Cell<usize>);

impl Register for Till {
    fn place(&self, _: &[Event], checkout: &Checkout) -> Result<PlacedOrder, String> {
        self.0.set(self.0.get() + 1);
        let number = 40 + u32::try_from(checkout.totals.total.0 % 61).unwrap();
        let (lines, totals) = (checkout.lines.clone(), checkout.totals);
        Ok(PlacedOrder { id: OrderId(1), number, at: PLACED_AT, lines, totals })
    }

    fn state(&self, _: OrderId) -> Option<&'static str> {
        Some(["received", "preparing", "ready"][self.0.get() % 3])
    }
}

/// An hour before the conversation goes on, so that a complaint about a long wait has a ground.
const PLACED_AT: i64 = 1_000_000;

fn world() -> World {
    let read = |name: &str| fs::read_to_string(format!("resources/{name}")).unwrap();
    let menu = Menu::from_json(&read("menu.json")).unwrap();
    World {
        info: StoreInfo::from_json(&read("store_info.json")).unwrap(),
        personas: Personas::from_yaml(&read("personas/rosy.yaml"), &read("personas/gordon.yaml")).unwrap(),
        lexicon: Lexicon::new(&menu),
        router: Router::new(Head::from_bytes(&fs::read("resources/routing/head.bin").unwrap()).unwrap()),
        policy: Policy::from_yaml(&read("policies.yaml")).unwrap(),
        upsell: Upsell::from_yaml(&read("upsell.yaml"), &menu).unwrap(),
        mentions: MentionIndex::new(&menu),
        menu,
    }
}

fn main() {
    let show = std::env::args().any(|argument| argument == "--show");
    let world = world();
    let retriever = SharedWords::of(&world);
    let file = fs::read_to_string("resources/fine_tuning/scenarios.jsonl").unwrap();
    let scenarios: Vec<Scenario> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let replies: HashMap<Vec<&str>, &str> =
        scenarios.iter().filter_map(|scenario| Some((scenario.turns(), scenario.reply.as_deref()?))).collect();
    let (mut kept, mut refused) = (0, 0);
    for scenario in &scenarios {
        let turns = scenario.turns();
        let till = Till::default();
        let (mut cart, mut memory, mut history) = (Cart::default(), Memory::default(), Vec::new());
        for (at, text) in turns.iter().copied().enumerate() {
            let ports = Ports { embedder: &NoVectors, retriever: &retriever, register: &till, stopwatch: &std::time::Duration::default };
            let now = LocalNow { weekday: Weekday::Wed, minutes: 15 * 60 };
            let decision = decide(&world, &ports, Input { text, cart, memory, now, unix_now: PLACED_AT + 3_600 });
            let reply = replies.get(&turns[..=at]).copied();
            if at + 1 == turns.len() {
                let said = reply.unwrap_or_default();
                let example =
                    Example::of(&decision.brief, &scenario.kind, scenario.id.clone(), history.clone(), text, said);
                match reply.map(|_| example.check(&world.mentions)) {
                    Some(Ok(())) => {
                        kept += 1;
                        println!("{}", serde_json::to_string(&example).unwrap());
                    }
                    Some(Err(flaw)) => {
                        refused += 1;
                        explain(&example, &turns, &flaw.to_string());
                    }
                    None if show => explain(&example, &turns, "no reply yet"),
                    None => {}
                }
            }
            let said = reply.map_or_else(|| decision.brief.plain(), str::to_owned);
            history.push(ChatMessage { role: Role::User, text: text.to_owned() });
            history.push(ChatMessage { role: Role::Model, text: said });
            (cart, memory) = (decision.cart, decision.memory);
        }
    }
    eprintln!("{kept} examples, {refused} refused, {} without a reply", scenarios.len() - kept - refused);
}

fn explain(example: &Example, turns: &[&str], why: &str) {
    eprintln!("{} {} {:?}: {}\n   {why}", example.id, example.agent, example.acts, turns.join(" > "));
    for fact in &example.facts {
        eprintln!("   - {}", fact.text);
    }
    for point in &example.points {
        eprintln!("   {:?} {}", point.needs, point.plain);
    }
}
