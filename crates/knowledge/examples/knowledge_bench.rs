//! Times the embedder, and searches over the restaurant's own records and over 10,000 made-up ones:
//! `cargo run --release -p knowledge --example knowledge_bench -- MODEL_DIR RESOURCES_DIR`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring tool")]

use std::{path::Path, time::Instant};

use concierge::{
    menu::Menu,
    ports::{Embedder as _, Filter, Query, RecordType, Retriever as _},
    store_info::StoreInfo,
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
    let info = StoreInfo::from_json(&read("store_info.json")).unwrap();
    let menu = read("menu.json");
    let items: serde_json::Value = serde_json::from_str(&menu).unwrap();
    let many: Vec<serde_json::Value> = (0..10_000 - info.records.len())
        .map(|at| {
            let mut item = items["items"][at % items["items"].as_array().unwrap().len()].clone();
            item["id"] = format!("item-{at}").into();
            item["name"] = format!("{} {at}", item["name"].as_str().unwrap()).into();
            item["description"] = format!("Number {at}.").into();
            item["includes"] = serde_json::json!([]);
            item
        })
        .collect();
    let mut large = items;
    large["items"] = many.into();
    for text in [menu, large.to_string()] {
        let menu = Menu::from_json(&text).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let index = SqliteIndex::new(dir.path(), embedder.id(), embedder.dimensions());
        let start = Instant::now();
        let report = ingest(&menu, &info, &embedder, &index).unwrap();
        println!("{report:?} in {:?}", start.elapsed());
        let start = Instant::now();
        ingest(&menu, &info, &embedder, &index).unwrap();
        println!("again in {:?}", start.elapsed());
        searches(&index, &embedder);
    }
}
