//! Times the embedder, and searches over the restaurant's own records and over 10,000 made-up ones:
//! `cargo run --release -p knowledge --example knowledge_bench -- MODEL_DIR RESOURCES_DIR`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring tool")]

use std::{path::Path, time::Instant};

use concierge::{
    menu::Menu,
    ports::{self, Embedder as _, Filter, Query, RecordType, RetrieveError, Retriever as _},
    store_info::{InfoRecord, StoreInfo},
};
use knowledge::{Embedder, SqliteIndex, ingest};

const QUESTIONS: [&str; 4] = [
    "hi",
    "do you have wifi",
    "two classic burgers without onion and a large fries please",
    "I've had better service at a train station: we waited forty minutes for the fries, and when they came they were \
     cold and the milkshake was missing",
];

/// Median and 95th percentile of 200 runs, in milliseconds.
fn timed(mut run: impl FnMut()) -> String {
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    format!("least {:.2}  p50 {:.2}  p95 {:.2} ms", times[0], times[100], times[190])
}

fn searches(index: &SqliteIndex, embedder: &Embedder) {
    let vectors = embedder.embed(&QUESTIONS).unwrap();
    let menu = Filter { record_type: Some(RecordType::Menu), ..Filter::default() };
    for (text, embedding) in QUESTIONS.iter().zip(&vectors) {
        for (name, filter) in [("all ", &Filter::default()), ("menu", &menu)] {
            let query = Query { text, embedding, filter: filter.clone(), limit: 5 };
            println!("  {name} {}  {text:.40}", timed(|| drop(index.search(&query).unwrap())));
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (model, resources) = (args.next().unwrap(), args.next().unwrap());
    let start = Instant::now();
    let embedder = Embedder::load(Path::new(&model)).unwrap();
    println!("load {:?}", start.elapsed());
    for text in QUESTIONS {
        println!("  embed {}  {text:.40}", timed(|| drop(embedder.embed(&[text]).unwrap())));
    }

    let read = |name| std::fs::read_to_string(Path::new(&resources).join(name)).unwrap();
    let mut info = StoreInfo::from_json(&read("store_info.json")).unwrap();
    let mut menu: serde_json::Value = serde_json::from_str(&read("menu.json")).unwrap();
    measure(&menu, &info, &embedder, &embedder);

    let (items, records) = (menu["items"].as_array().unwrap().clone(), info.records.clone());
    let item = |at: usize| {
        let mut item = items[at % items.len()].clone();
        item["id"] = format!("item-{at}").into();
        item["name"] = format!("{} {at}", item["name"].as_str().unwrap()).into();
        item
    };
    let record = |at: usize| InfoRecord { id: format!("record-{at}"), ..records[at % records.len()].clone() };
    menu["items"] = (0..5_000).map(item).collect();
    info.records = (0..5_000).map(record).collect();
    measure(&menu, &info, &MadeUp(embedder.dimensions()), &embedder);
}

fn measure(menu: &serde_json::Value, info: &StoreInfo, records: &dyn ports::Embedder, questions: &Embedder) {
    let menu = Menu::from_json(&menu.to_string()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let index = SqliteIndex::new(dir.path(), questions.id(), questions.dimensions());
    for _ in 0..2 {
        let start = Instant::now();
        let report = ingest(&menu, info, records, &index).unwrap();
        println!("{report:?} in {:?}", start.elapsed());
    }
    searches(&index, questions);
}

/// Vectors without a model: what a search costs does not depend on their values.
struct MadeUp(usize);

impl ports::Embedder for MadeUp {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        let vector = |at: usize| (0..self.0).map(|place| ((at * self.0 + place) as f32).sin()).collect();
        Ok((0..texts.len()).map(vector).collect())
    }

    fn dimensions(&self) -> usize {
        self.0
    }
}
