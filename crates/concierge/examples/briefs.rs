#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::expect_used, missing_docs, reason = "a tool")]
//! Runs scenarios through the turn's decision: what is to be said, from which facts.
use std::{cell::RefCell, collections::{BTreeSet, HashMap}, fs};
use concierge::{check::MentionIndex, ledger::*, menu::Menu, ports::*, prompt::Personas, route::{Head, Router}, store_info::{StoreInfo, Weekday}, turn::*, tuning::Example, understand::Lexicon};

struct NoVectors;
impl Embedder for NoVectors {
    fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> { Err(RetrieveError::Failed("none".into())) }
    fn dimensions(&self) -> usize { 384 }
}
struct Words(Vec<(Hit, BTreeSet<String>, BTreeSet<String>, BTreeSet<String>)>);
fn set(t: &str) -> BTreeSet<String> {
    t.to_lowercase().replace("wi-fi","wifi").split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 2).map(|w| w.strip_suffix('s').unwrap_or(w).to_owned()).collect()
}
impl Retriever for Words {
    fn search(&self, q: &Query<'_>) -> Result<Vec<Hit>, RetrieveError> {
        let words = set(q.text);
        let stop = set("the you your can and for have with what how much that are any they there this from not one does get got please");
        let mut hits: Vec<Hit> = self.0.iter().filter(|(h, _, _, diets)| q.filter.record_type.is_none_or(|t| t == h.record_type) && q.filter.diet.as_ref().is_none_or(|d| diets.contains(d)))
            .filter_map(|(h, strong, weak, _)| {
                let n = words.iter().filter(|w| !stop.contains(*w)).map(|w| if strong.contains(w) { 3.0 } else if weak.contains(w) { 1.0 } else { 0.0 }).sum::<f32>();
                (n > 0.0).then(|| Hit { score: n / 20.0, ..h.clone() })
            }).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(q.limit);
        Ok(hits)
    }
}
#[derive(Default)]
struct Till(RefCell<Vec<&'static str>>);
impl Register for Till {
    fn place(&self, _: &[Event], checkout: &Checkout) -> Result<PlacedOrder, String> {
        self.0.borrow_mut().push("received");
        Ok(PlacedOrder { id: OrderId(1), number: 40 + u32::try_from(checkout.totals.total.0 % 61).unwrap(), at: 1_000_000, lines: checkout.lines.clone(), totals: checkout.totals })
    }
    fn state(&self, _: OrderId) -> Option<&'static str> { Some(["received", "preparing", "ready"][self.0.borrow().len() % 3]) }
}
fn main() {
    let dir = "resources/";
    let read = |p: &str| fs::read_to_string(format!("{dir}{p}")).unwrap();
    let menu = Menu::from_json(&read("menu.json")).unwrap();
    let info = StoreInfo::from_json(&read("store_info.json")).unwrap();
    let persona = |p: &str| read(p).split("\nmarks:").next().unwrap().to_owned();
    let world = World {
        personas: Personas::from_yaml(&persona("personas/rosy.yaml"), &persona("personas/gordon.yaml")).unwrap(),
        lexicon: Lexicon::new(&menu), router: Router::new(Head::from_bytes(&fs::read("resources/routing/head.bin").unwrap()).unwrap()),
        policy: Policy::from_yaml(&read("policies.yaml")).unwrap(), upsell: Upsell::from_yaml(&read("upsell.yaml"), &menu).unwrap(),
        mentions: MentionIndex::new(&menu), info, menu,
    };
    let mut records = Vec::new();
    for item in &world.menu.items {
        records.push((Hit { id: item.id.to_string(), record_type: RecordType::Menu, title: item.name.clone(), score: 0.0 }, set(&format!("{} {}", item.name, item.aliases.join(" "))), set(&item.description), item.diets.clone().unwrap_or_default()));
    }
    for r in &world.info.records {
        records.push((Hit { id: r.id.clone(), record_type: RecordType::Info, title: r.title.clone(), score: 0.0 }, set(&format!("{} {}", r.title, r.topics.join(" "))), set(&r.text), BTreeSet::new()));
    }
    let retriever = Words(records);
    let mut replies: HashMap<String, String> = HashMap::new();
    for file in std::env::args().skip(1) {
        for line in fs::read_to_string(file).unwrap().lines() {
            if let Some((id, reply)) = line.split_once('|') { replies.insert(id.trim().to_owned(), reply.trim().to_owned()); }
        }
    }
    let scenarios: Vec<serde_json::Value> = read("fine_tuning/scenarios.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
    let turns = |s: &serde_json::Value| -> Vec<String> { s["setup"].as_array().unwrap().iter().map(text).chain([text(&s["guest"])]).collect() };
    let by_turns: HashMap<Vec<String>, String> = scenarios.iter().map(|s| (turns(s), text(&s["id"]))).collect();
    let (mut good, mut bad) = (0, 0);
    for s in &scenarios {
        let (id, kind) = (text(&s["id"]), text(&s["kind"]));
        let turns = turns(s);
        let till = Till::default();
        let (mut cart, mut memory) = (Cart::default(), Memory::default());
        let mut history = Vec::new();
        for (at, words) in turns.iter().enumerate() {
            let decision = decide(&world, &Ports { embedder: &NoVectors, retriever: &retriever, register: &till }, Input { text: words, cart, memory, now: LocalNow { weekday: Weekday::Wed, minutes: 15 * 60 }, unix_now: 1_000_000 + 3600 });
            let reply = by_turns.get(&turns[..=at]).and_then(|id| replies.get(id)).cloned();
            if at + 1 == turns.len() {
                let example = Example::of(&decision.brief, &kind, id.clone(), history.clone(), words, reply.as_deref().unwrap_or(""));
                if reply.is_some() {
                    match example.check(&world.mentions) {
                        Ok(()) => { good += 1; println!("{}", serde_json::to_string(&example).unwrap()); }
                        Err(flaw) => { bad += 1; eprintln!("FLAW {id} | {}\n   {flaw}\n   guest: {words}\n   facts: {:?}\n   needs: {:?}", example.reply, example.facts.iter().map(|f| &f.text).collect::<Vec<_>>(), example.points.iter().map(|p| &p.needs).collect::<Vec<_>>()); }
                    }
                } else if replies.is_empty() || std::env::var("SHOW").is_ok() {
                    let acts: Vec<String> = example.acts.iter().map(|a| serde_json::to_string(a).unwrap().replace('"', "")).collect();
                    eprintln!("{id} {}[{}] G: {}", if example.agent == concierge::intent::AgentName::Gordon { "GORDON " } else { "" }, acts.join(","), turns.join(" > "));
                    for f in &example.facts { eprintln!("   - {}", f.text); }
                    for p in &example.points { eprintln!("   need {:?}{}", p.needs, if p.needs.is_empty() { format!(" ({})", p.plain) } else { String::new() }); }
                }
            }
            let said = reply.unwrap_or_else(|| decision.brief.plain());
            history.push(ChatMessage { role: Role::User, text: words.clone() });
            history.push(ChatMessage { role: Role::Model, text: said });
            cart = decision.cart;
            memory = decision.memory;
        }
    }
    eprintln!("{good} good, {bad} flawed");
}
