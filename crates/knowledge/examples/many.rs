//! What an ingest of many entries takes, and a search among them: `cargo run --release -p knowledge --example many 10000`.
//!
//! Entries are the restaurant's own facts, each told of one of its dishes; they are embedded by the real encoder.
//! Questions are those of `bench/guests.jsonl` and of the router's test, a hundred.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{collections::HashSet, error::Error, fs, path::Path, time::Instant};

use concierge::{
    menu::Menu,
    ports::{Embedder as _, Filter, Query, Retriever as _},
    store_info::{InfoRecord, StoreInfo},
};
use knowledge::{Embedder, SqliteIndex, ingest};

const QUESTIONS: usize = 100;
const ENTRIES: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(10_000), |count| count.parse())?;
    let resources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources");
    let read = |name: &str| fs::read_to_string(resources.join(name));
    let menu = Menu::from_json(&read("menu.json")?)?;
    let mut info = StoreInfo::from_json(&read("store_info.json")?)?;
    info.records = (0..count).filter_map(|at| entry(at, &menu, &info)).collect();

    let cache = models::Cache::new(models::default_cache_dir().ok_or("there is no home folder")?);
    let files = models::fetch(&"all-minilm-l6-v2".parse()?, &cache, &models::Fetch::default(), &mut models::Silent)?;
    let weights = files.file("model.safetensors")?;
    let embedder = Embedder::load(weights.parent().unwrap_or(Path::new(".")))?;

    let dir = tempfile::tempdir()?;
    let index = SqliteIndex::new(dir.path(), embedder.id(), embedder.dimensions());
    let started = Instant::now();
    let report = ingest(&menu, &info, &embedder, &index)?;
    println!("{} entries embedded and ingested in {:.1} s", report.embedded, started.elapsed().as_secs_f64());
    let started = Instant::now();
    let report = ingest(&menu, &info, &embedder, &index)?;
    println!("{} entries found unchanged in {:.2} s", report.unchanged, started.elapsed().as_secs_f64());

    let lines = read("bench/guests.jsonl")? + &read("routing/test.jsonl")?;
    let said = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line.get("say").or_else(|| line.get("text"))?.as_str().map(str::to_owned)
    };
    let questions: Vec<String> = lines.lines().filter_map(said).take(QUESTIONS).collect();
    let vectors: Vec<(String, Vec<f32>)> =
        index.entries()?.into_iter().map(|entry| (entry.id, entry.embedding)).collect();
    let (mut whole, mut searches, mut kept) = (Vec::new(), Vec::new(), 0);
    for text in &questions {
        let started = Instant::now();
        let embedding = embedder.embed(&[text])?.remove(0);
        let embedded = started.elapsed();
        let query = |text| Query { text, embedding: &embedding, filter: Filter::default(), limit: ENTRIES };
        index.search(&query(text))?;
        whole.push(started.elapsed().as_secs_f64() * 1e3);
        searches.push((started.elapsed() - embedded).as_secs_f64() * 1e3);
        // Without words, the ranking by vectors is left, which is held against an exact one.
        let found: HashSet<String> = index.search(&query(""))?.into_iter().map(|hit| hit.id).collect();
        kept += exact(&vectors, &embedding).iter().filter(|id| found.contains(**id)).count();
    }
    for (name, times) in [("embedding and search", &mut whole), ("search", &mut searches)] {
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        println!("{} questions, {name}: p50 {:.1} ms, p95 {:.1} ms", times.len(), at(50), at(95));
    }
    println!("of the exactly nearest {ENTRIES}, found: {kept} of {}", questions.len() * ENTRIES);
    Ok(())
}

fn entry(at: usize, menu: &Menu, info: &StoreInfo) -> Option<InfoRecord> {
    let record = info.records.get(at % info.records.len())?;
    let item = menu.items.get(at / info.records.len() % menu.items.len())?;
    Some(InfoRecord {
        id: format!("{}-{at}", record.id),
        title: format!("{} and the {}, {at}", record.title, item.name),
        text: format!("{} {}", item.description, record.text).chars().take(2_000).collect(),
        ..record.clone()
    })
}

/// The nearest by a comparison with every vector.
fn exact<'a>(vectors: &'a [(String, Vec<f32>)], embedding: &[f32]) -> Vec<&'a str> {
    let cosine = |vector: &[f32]| vector.iter().zip(embedding).map(|(a, b)| a * b).sum::<f32>();
    let mut all: Vec<(f32, &str)> = vectors.iter().map(|(id, vector)| (cosine(vector), id.as_str())).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().take(ENTRIES).map(|(_, id)| id).collect()
}
