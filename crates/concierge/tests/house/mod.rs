//! A restaurant without models: the router reads words only, and the knowledge is searched by shared words.
#![allow(dead_code, clippy::unwrap_used, reason = "tests, and each uses a part of it")]

use std::{cell::Cell, collections::BTreeSet, fs, path::PathBuf};

use concierge::{
    check::MentionIndex,
    ledger::{Cart, Checkout, Event, OrderId, PlacedOrder, Policy, Upsell},
    menu::Menu,
    ports::{Embedder, Hit, Query, RecordType, RetrieveError, Retriever},
    prompt::Personas,
    route::{Head, Router},
    store_info::{StoreInfo, Weekday},
    turn::{Decision, Input, LocalNow, Memory, Ports, Register, World, decide},
    understand::Lexicon,
};

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

/// Finds entries by the words that they share with a question.
struct SharedWords(Vec<(Hit, BTreeSet<String>, BTreeSet<String>)>);

impl Retriever for SharedWords {
    fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, RetrieveError> {
        let asked = words(query.text);
        let mut hits: Vec<Hit> = self
            .0
            .iter()
            .filter(|(hit, ..)| query.filter.record_type.is_none_or(|wanted| wanted == hit.record_type))
            .filter(|(.., diets)| query.filter.diet.as_ref().is_none_or(|diet| diets.contains(diet)))
            .map(|(hit, words, _)| Hit { score: asked.intersection(words).count() as f32 / 10.0, ..hit.clone() })
            .filter(|hit| hit.score > 0.0)
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(query.limit);
        Ok(hits)
    }
}

fn words(text: &str) -> BTreeSet<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2)
        .map(|word| word.trim_end_matches('s').to_owned())
        .collect()
}

/// The moment of every turn.
const NOW: i64 = 1_000_000;

/// A till that stores nothing.
#[derive(Default)]
struct Till(Cell<u32>);

impl Register for Till {
    fn place(&self, _: &[Event], checkout: &Checkout) -> Result<PlacedOrder, String> {
        self.0.set(self.0.get() + 1);
        let number = self.0.get();
        let (lines, totals) = (checkout.lines.clone(), checkout.totals);
        // Ten minutes before the guests of this house say anything.
        Ok(PlacedOrder { id: OrderId(i64::from(number)), number, at: NOW - 600, lines, totals })
    }

    fn state(&self, _: OrderId) -> Option<&'static str> {
        Some("received")
    }
}

/// An open house.
pub struct House {
    pub world: World,
    retriever: SharedWords,
    till: Till,
}

/// A guest who talks to a house.
pub struct Guest<'a> {
    house: &'a House,
    pub cart: Cart,
    pub memory: Memory,
}

fn resource(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../resources").join(name)
}

impl House {
    /// The house as it ships.
    pub fn shipped() -> Self {
        let menu = fs::read_to_string(resource("menu.json")).unwrap();
        Self::of(&menu, &fs::read_to_string(resource("upsell.yaml")).unwrap())
    }

    /// Another house, which suggests nothing.
    pub fn with(menu: &str) -> Self {
        Self::of(menu, "limits: {per_conversation: 0, when: before_confirm}\nrules: []")
    }

    fn of(menu: &str, upsell: &str) -> Self {
        let read = |name: &str| fs::read_to_string(resource(name)).unwrap();
        let menu = Menu::from_json(menu).unwrap();
        let info = StoreInfo::from_json(&read("store_info.json")).unwrap();
        let hit = |id: &str, record_type, title: &str| Hit {
            id: id.to_owned(),
            record_type,
            title: title.to_owned(),
            score: 0.0,
        };
        let dishes = menu.items.iter().map(|item| {
            let text = words(&format!("{} {} {}", item.name, item.aliases.join(" "), item.description));
            (hit(item.id.as_str(), RecordType::Menu, &item.name), text, item.diets.clone().unwrap_or_default())
        });
        let records = info.records.iter().map(|record| {
            let text = words(&format!("{} {} {}", record.title, record.topics.join(" "), record.text));
            (hit(&record.id, RecordType::Info, &record.title), text, BTreeSet::new())
        });
        let retriever = SharedWords(dishes.chain(records).collect());
        let world = World {
            personas: Personas::from_yaml(&read("personas/rosy.yaml"), &read("personas/gordon.yaml")).unwrap(),
            lexicon: Lexicon::new(&menu),
            router: Router::new(Head::from_bytes(&fs::read(resource("routing/head.bin")).unwrap()).unwrap()),
            policy: Policy::from_yaml(&read("policies.yaml")).unwrap(),
            upsell: Upsell::from_yaml(upsell, &menu).unwrap(),
            mentions: MentionIndex::new(&menu),
            info,
            menu,
        };
        Self { world, retriever, till: Till::default() }
    }

    pub fn guest(&self) -> Guest<'_> {
        Guest { house: self, cart: Cart::default(), memory: Memory::default() }
    }
}

impl Guest<'_> {
    pub fn say(&mut self, text: &str) -> Decision {
        let house = self.house;
        let ports = Ports {
            embedder: &NoVectors,
            retriever: &house.retriever,
            register: &house.till,
            stopwatch: &std::time::Duration::default,
        };
        let now = LocalNow { weekday: Weekday::Wed, minutes: 15 * 60 };
        let input = Input { text, cart: self.cart.clone(), memory: self.memory.clone(), now, unix_now: NOW };
        let decision = decide(&house.world, &ports, input);
        self.cart = decision.cart.clone();
        self.memory = decision.memory.clone();
        decision
    }
}
