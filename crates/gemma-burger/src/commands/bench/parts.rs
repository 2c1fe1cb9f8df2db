//! What is measured without a model that writes: finding, routing, understanding and planning, in this process.

use std::{collections::BTreeSet, hint::black_box, path::Path, time::Instant};

use concierge::{
    menu::Menu,
    money::Cents,
    planner::{self, Diner, Objective, Request},
    ports::{self, Embedder as _, Filter, Query, RetrieveError, Retriever as _},
    store_info::InfoRecord,
    understand::{Lexicon, parse},
};
use knowledge::{Embedder, SqliteIndex, ingest};

use super::{
    made_up,
    report::{Figure, Limit, Times, ms_since},
};
use crate::{
    brain::concierge::{Resources, restaurant},
    cli::{Failure, tell},
    commands::route,
    config::Config,
};

/// Entries that a turn looks up.
const ENTRIES: usize = 5;
/// The planner's hardest request: sums around $500 for eight.
const PLAN_LIMIT: i64 = 50_000;
const PLAN_SUMS: i64 = 25;
const PARTY: u32 = 8;

/// Measures all of them; `said` are the guests' messages.
pub fn measure(
    config: &Config,
    said: &[String],
    rounds: usize,
    records: usize,
    folder: &Path,
) -> Result<Vec<Figure>, Failure> {
    let resources = Resources::read(config)?;
    let embedder = restaurant::embedder(config)?;
    let mut figures = Vec::new();
    tell("retrieval …");
    figures.extend(retrieval(&resources, &embedder, said, rounds, records, folder)?);
    tell("router …");
    figures.extend(router(config, &embedder)?);
    tell("order understanding …");
    let own = parsing(&resources.world.menu, said, rounds);
    let large = made_up::menu()?;
    let other = parsing(&large, &made_up::orders(), rounds);
    figures.extend([
        Figure::new("parse, own menu, p50", own.at(50), "ms").limit(Limit::AtMost(1.0)),
        Figure::new("parse, own menu, p99", own.at(99), "ms").limit(Limit::AtMost(5.0)),
        Figure::new("parse, 300 items made up, p50", other.at(50), "ms").limit(Limit::AtMost(1.0)),
        Figure::new("parse, 300 items made up, p99", other.at(99), "ms").limit(Limit::AtMost(5.0)),
    ]);
    tell("planner …");
    let plans = planning(&large, rounds)?;
    figures.push(Figure::new("plan, 300 items, $500, 8 people, p50", plans.at(50), "ms"));
    figures.push(Figure::new("plan, 300 items, $500, 8 people, p99", plans.at(99), "ms").limit(Limit::AtMost(50.0)));
    Ok(figures)
}

fn retrieval(
    resources: &Resources,
    embedder: &Embedder,
    said: &[String],
    rounds: usize,
    records: usize,
    folder: &Path,
) -> Result<Vec<Figure>, Failure> {
    let index = SqliteIndex::new(folder, embedder.id(), embedder.dimensions());
    ingest(&resources.world.menu, &resources.world.info, embedder, &index).map_err(Failure::new)?;
    let own = searches(&index, embedder, said, rounds)?;
    let mut figures =
        vec![Figure::new("retrieval, embedding included, p50", own.at(50), "ms").limit(Limit::AtMost(15.0))];
    figures.push(Figure::new("retrieval, embedding included, p95", own.at(95), "ms"));
    if records > 0 {
        tell(&format!("retrieval among {records} records …"));
        let info = &resources.world.info;
        let copies = |at: usize| {
            let record = info.records.get(at % info.records.len().max(1))?;
            Some(InfoRecord { id: format!("record-{at}"), title: format!("{} {at}", record.title), ..record.clone() })
        };
        let mut many = info.clone();
        many.records = (0..records).filter_map(copies).collect();
        ingest(&resources.world.menu, &many, &MadeUp(embedder.dimensions()), &index).map_err(Failure::new)?;
        let times = searches(&index, embedder, said, rounds)?;
        figures.push(Figure::new("retrieval among many records, p50", times.at(50), "ms").limit(Limit::AtMost(15.0)));
    }
    Ok(figures)
}

/// What a turn does before it knows anything: one deep vector, then the entries nearest to its last part.
fn searches(index: &SqliteIndex, embedder: &Embedder, said: &[String], rounds: usize) -> Result<Times, Failure> {
    let mut times = Times::default();
    for text in (0..rounds).flat_map(|_| said) {
        let started = Instant::now();
        let vectors = embedder.embed_deep(&[text]).map_err(Failure::new)?;
        let vector = vectors.into_iter().next().unwrap_or_default();
        let embedding = vector.get(vector.len().saturating_sub(embedder.dimensions())..).unwrap_or_default();
        let query = Query { text, embedding, filter: Filter::default(), limit: ENTRIES };
        black_box(index.search(&query).map_err(Failure::new)?);
        times.push(ms_since(started));
    }
    Ok(times)
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

fn router(config: &Config, embedder: &Embedder) -> Result<[Figure; 2], Failure> {
    let started = Instant::now();
    let (right, of) = route::test(config, embedder, &config.files.resources_dir.join("routing/test.jsonl"))?;
    let each = ms_since(started) / of.max(1) as f64;
    let share = 100.0 * right as f64 / of.max(1) as f64;
    Ok([
        Figure::new("router, right on its test utterances", share, "%").limit(Limit::AtLeast(95.0)),
        Figure::new("router, embedding included, mean", each, "ms"),
    ])
}

fn parsing(menu: &Menu, said: &[String], rounds: usize) -> Times {
    let lexicon = Lexicon::new(menu);
    // The first pass warms the processor's caches.
    said.iter().for_each(|text| drop(black_box(parse(&lexicon, text))));
    let time = |text: &String| {
        let started = Instant::now();
        black_box(parse(&lexicon, text));
        ms_since(started)
    };
    (0..rounds * 10).flat_map(|_| said).map(time).collect()
}

/// Two of the party are vegan, two vegetarian; every goal is planned for, with mains alone and with all courses.
fn planning(menu: &Menu, rounds: usize) -> Result<Times, Failure> {
    let keeps = |diet: &str| Diner { diets: BTreeSet::from([diet.to_owned()]), ..Diner::default() };
    let diners = vec![keeps("vegan"), keeps("vegan"), keeps("vegetarian"), keeps("vegetarian")];
    let mut times = Times::default();
    for less in (0..rounds).flat_map(|_| 0..PLAN_SUMS) {
        for objective in [Objective::Fill, Objective::Cheapest, Objective::Best, Objective::Feed] {
            for courses in [0, 1] {
                let request = Request {
                    limit: Some(Cents(PLAN_LIMIT - less)),
                    party: PARTY,
                    diners: diners.clone(),
                    sides: courses,
                    drinks: courses,
                    desserts: courses,
                    objective,
                    ..Request::default()
                };
                let started = Instant::now();
                black_box(planner::plan(menu, &request).map_err(Failure::new)?);
                times.push(ms_since(started));
            }
        }
    }
    Ok(times)
}
