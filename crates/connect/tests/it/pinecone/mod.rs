//! Pinecone's client and the retriever over it, against a stand-in; every exchange is held against the vendor's
//! description of the API.

mod spec;
pub mod standin;

use std::{
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use concierge::{
    menu::Menu,
    money::Cents,
    ports::{Embedder as _, Filter, Hit, Query, RecordType},
    store_info::StoreInfo,
};
use connect::pinecone::{Pinecone, PineconeError, Settings};
use knowledge::{Elsewhere, Embedder, Entry, Mirrored, SqliteIndex, Standing, Vectors as _};
use tempfile::TempDir;

use self::standin::{Fault, KEY, Standin};

const INDEX: &str = "gemma-burger";
const SPACE: &str = "restaurant";

fn pinecone(standin: &Standin, dimensions: usize) -> Pinecone {
    let settings = Settings {
        endpoint: standin.url.clone(),
        key: KEY.to_owned(),
        index: INDEX.to_owned(),
        namespace: SPACE.to_owned(),
        dimensions,
    };
    Pinecone::new(settings).unwrap()
}

/// Entries in three dimensions.
fn entries(count: usize) -> Vec<Entry> {
    let entry = |at: usize| Entry {
        record_type: if at.is_multiple_of(2) { RecordType::Menu } else { RecordType::Info },
        id: format!("é {at}"),
        category: (at.is_multiple_of(2)).then(|| "side".to_owned()),
        diets: if at.is_multiple_of(4) { vec!["vegan".to_owned(), "halal".to_owned()] } else { Vec::new() },
        price_cents: (at.is_multiple_of(2)).then_some(at as i64),
        available: true,
        hash: format!("hash {at}"),
        embedding: vec![1.0, at as f32, -0.5],
    };
    (0..count).map(entry).collect()
}

fn told(error: &knowledge::VectorsError) -> String {
    error.to_string()
}

#[test]
fn an_index_is_made_awaited_filled_and_kept_as_it_should_be() {
    let standin = Standin::start();
    standin.world().unready = 2;
    let pinecone = pinecone(&standin, 3);
    let all = entries(250);
    assert_eq!(pinecone.mirror(&all).unwrap(), Mirrored { sent: 250, unchanged: 0, removed: 0 });
    assert_eq!(standin.ids(SPACE).len(), 250);
    assert_eq!(standin.asked("/vectors/upsert"), 3, "batches of a hundred");
    let made = standin.world().index.clone().unwrap().1;
    assert_eq!((made["dimension"].as_u64(), made["metric"].as_str()), (Some(3), Some("cosine")));

    assert_eq!(pinecone.mirror(&all).unwrap(), Mirrored { sent: 0, unchanged: 250, removed: 0 });
    assert_eq!(standin.asked("/vectors/upsert"), 3, "nothing is sent twice");

    standin.add_foreign(SPACE, "somebody's", vec![1.0, 0.0, 0.0]);
    let mut fewer = all[..240].to_vec();
    "another".clone_into(&mut fewer[7].hash);
    assert_eq!(pinecone.mirror(&fewer).unwrap(), Mirrored { sent: 1, unchanged: 239, removed: 10 });
    let ids = standin.ids(SPACE);
    assert_eq!((ids.len(), ids.contains(&"somebody's".to_owned())), (241, true), "others' vectors are left alone");
    let near = pinecone.nearest(&[1.0, 0.0, 0.0], &Filter::default(), 1_000).unwrap();
    assert_eq!(near.len(), 240, "and are not found");
    assert!(near.windows(2).all(|pair| pair[0].cosine >= pair[1].cosine));
    assert_eq!((near[0].record_type, near[0].id.as_str()), (RecordType::Menu, "é 0"));
    standin.was_spoken_to_rightly();
}

#[test]
fn filters_mean_the_same() {
    let standin = Standin::start();
    let pinecone = pinecone(&standin, 3);
    let all = entries(100);
    pinecone.mirror(&all).unwrap();
    let found = |filter: Filter| {
        let near = pinecone.nearest(&[1.0, 2.0, 3.0], &filter, 1_000).unwrap();
        let mut ids: Vec<String> = near.into_iter().map(|near| near.id).collect();
        ids.sort_unstable();
        ids
    };
    let expected = |fits: fn(&Entry) -> bool| {
        let mut ids: Vec<String> = all.iter().filter(|entry| fits(entry)).map(|entry| entry.id.clone()).collect();
        ids.sort_unstable();
        ids
    };
    let some = |text: &str| Some(text.to_owned());
    let filter = Filter { record_type: Some(RecordType::Info), ..Filter::default() };
    assert_eq!(found(filter), expected(|entry| entry.record_type == RecordType::Info));
    let filter = Filter { category: some("SIDE "), ..Filter::default() };
    assert_eq!(found(filter), expected(|entry| entry.category.is_some()));
    let filter = Filter { diet: some("Halal"), ..Filter::default() };
    assert_eq!(found(filter), expected(|entry| !entry.diets.is_empty()));
    let filter = Filter { max_price: Some(Cents(10)), ..Filter::default() };
    assert_eq!(found(filter), expected(|entry| entry.price_cents.is_some_and(|price| price <= 10)));
    let filter = Filter {
        record_type: Some(RecordType::Menu),
        category: some("side"),
        diet: some("vegan"),
        max_price: Some(Cents(40)),
    };
    assert_eq!(found(filter).len(), 11);
    standin.was_spoken_to_rightly();
}

/// What is wrong has words of its own that say what to do.
#[test]
fn each_trouble_has_its_own_message() {
    let all = entries(4);
    let wrong_key = |standin: &Standin| {
        let settings = Settings {
            endpoint: standin.url.clone(),
            key: "wrong".to_owned(),
            index: INDEX.to_owned(),
            namespace: SPACE.to_owned(),
            dimensions: 3,
        };
        Pinecone::new(settings).unwrap()
    };
    let standin = Standin::start();
    let error = wrong_key(&standin).mirror(&all).unwrap_err();
    assert!(told(&error).contains("Invalid API Key") && told(&error).contains("PINECONE_API_KEY"), "{error}");
    assert_eq!(standin.asked("/indexes/gemma-burger"), 1, "a wrong key is not tried again");

    let standin = Standin::start().with_index(INDEX, 1536, "cosine");
    let error = pinecone(&standin, 3).mirror(&all).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(PineconeError::Dimension { found: 1536, wanted: 3, .. })), "{error}");
    assert!(told(&error).contains("1536 numbers and EMBEDDER makes 3"), "{error}");
    let standin = Standin::start().with_index(INDEX, 3, "dotproduct");
    let error = pinecone(&standin, 3).mirror(&all).unwrap_err();
    assert!(told(&error).contains("is for dense, dotproduct"), "{error}");

    for (fault, words) in [
        (Fault::Status(429, None), "is not able to answer now (status 429)"),
        (Fault::Status(500, None), "is not able to answer now (status 500)"),
        (Fault::Status(429, Some(3_600)), "is not able to answer now (status 429)"),
        (Fault::Garbage, "gave an answer to POST /vectors/fetch_by_metadata that cannot be read"),
        (Fault::Cut, "cannot be reached"),
    ] {
        let standin = Standin::start().with_index(INDEX, 3, "cosine");
        standin.fail("vectors/fetch_by_metadata", fault.clone(), 9);
        let error = pinecone(&standin, 3).mirror(&all).unwrap_err();
        assert!(told(&error).contains(words), "{fault:?}: {error}");
        standin.was_spoken_to_rightly();
    }
    let mut gone = Standin::start();
    "http://127.0.0.1:9".clone_into(&mut gone.url);
    let error = pinecone(&gone, 3).mirror(&all).unwrap_err();
    assert!(told(&error).contains("cannot be reached at http://127.0.0.1:9"), "{error}");
    let error = pinecone(&gone, 3).nearest(&[0.0; 3], &Filter::default(), 1).unwrap_err();
    assert!(told(&error).contains("was not opened yet"), "{error}");
}

#[test]
fn busy_moments_are_waited_out_and_half_an_upload_is_finished_later() {
    let standin = Standin::start();
    standin.fail("indexes", Fault::Status(500, None), 1);
    standin.fail("vectors/upsert", Fault::Status(429, Some(1)), 1);
    let all = entries(120);
    let client = pinecone(&standin, 3);
    assert_eq!(client.mirror(&all).unwrap().sent, 120);
    standin.was_spoken_to_rightly();

    let standin = Standin::start();
    standin.fail("vectors/upsert", Fault::Half, 4);
    let client = pinecone(&standin, 3);
    let error = client.mirror(&all).unwrap_err();
    assert!(told(&error).contains("status 503"), "{error}");
    assert_eq!(standin.ids(SPACE).len(), 50);
    assert_eq!(client.mirror(&all).unwrap(), Mirrored { sent: 70, unchanged: 50, removed: 0 });

    standin.fail("vectors/upsert", Fault::OneLess, 1);
    let more = entries(140);
    let error = client.mirror(&more).unwrap_err();
    assert!(told(&error).contains("kept 19 of 20 vectors"), "{error}");
    assert_eq!(client.mirror(&more).unwrap(), Mirrored { sent: 1, unchanged: 139, removed: 0 });
    standin.was_spoken_to_rightly();
}

/// A guest waits two seconds at most, whatever the service does.
#[test]
fn a_guest_is_not_kept_waiting() {
    let standin = Standin::start();
    let client = pinecone(&standin, 3);
    client.mirror(&entries(4)).unwrap();
    for fault in [Fault::Late(Duration::from_secs(60)), Fault::Status(429, Some(20)), Fault::Status(500, None)] {
        standin.fail("query", fault, 2);
        let started = Instant::now();
        client.nearest(&[1.0, 2.0, 3.0], &Filter::default(), 5).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        standin.world().faults.clear();
    }
}

static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| {
    let root = std::env::var_os("GEMMA_BURGER_CACHE").map(Into::into).or_else(models::default_cache_dir);
    let cache = models::Cache::new(root.expect("there is a cache folder"));
    let model = "all-minilm-l6-v2".parse().unwrap();
    let files = models::fetch(&model, &cache, &models::Fetch::default(), &mut models::Silent).unwrap();
    Embedder::load(files.file("model.safetensors").unwrap().parent().unwrap()).unwrap()
});

fn resource(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../resources/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Two indexes of the restaurant's own data: one to search alone, one to be put behind a service.
fn indexes() -> (SqliteIndex, SqliteIndex, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let menu = Menu::from_json(&resource("menu.json")).unwrap();
    let info = StoreInfo::from_json(&resource("store_info.json")).unwrap();
    let open = || SqliteIndex::new(dir.path(), EMBEDDER.id(), EMBEDDER.dimensions());
    knowledge::ingest(&menu, &info, &*EMBEDDER, &open()).unwrap();
    (open(), open(), dir)
}

fn wait_for(elsewhere: &Elsewhere, wanted: &str, fits: impl Fn(&Standing) -> bool) {
    let started = Instant::now();
    while !fits(&elsewhere.standing()) {
        assert!(started.elapsed() < Duration::from_secs(30), "{wanted}: {:?}", elsewhere.standing());
        thread::sleep(Duration::from_millis(20));
    }
}

/// A hundred questions, by turns without a filter and with one.
fn questions() -> Vec<(String, Filter)> {
    let lines = resource("bench/guests.jsonl") + &resource("routing/test.jsonl");
    let texts = lines.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line.get("say").or_else(|| line.get("text"))?.as_str().map(str::to_owned)
    });
    let filters = [
        Filter::default(),
        Filter { record_type: Some(RecordType::Menu), ..Filter::default() },
        Filter { record_type: Some(RecordType::Info), ..Filter::default() },
        Filter { diet: Some("Vegan".to_owned()), ..Filter::default() },
        Filter { category: Some("Burger".to_owned()), max_price: Some(Cents(1_200)), ..Filter::default() },
    ];
    let asked: Vec<_> = texts.zip(filters.into_iter().cycle()).take(100).collect();
    assert_eq!(asked.len(), 100);
    asked
}

fn search(retriever: &dyn concierge::ports::Retriever, text: &str, embedding: &[f32], filter: &Filter) -> Vec<Hit> {
    retriever.search(&Query { text, embedding, filter: filter.clone(), limit: 5 }).unwrap()
}

#[test]
fn a_hundred_questions_find_the_same_entries_and_an_outage_changes_none() {
    let standin = Standin::start();
    let (alone, behind, _dir) = indexes();
    let elsewhere = Elsewhere::start(behind, Box::new(pinecone(&standin, EMBEDDER.dimensions()))).unwrap();
    wait_for(&elsewhere, "filled", |standing| *standing == Standing::Answering);
    let asked: Vec<_> = questions()
        .into_iter()
        .map(|(text, filter)| {
            let embedding = EMBEDDER.embed(&[&text]).unwrap().remove(0);
            let expected: Vec<String> =
                search(&alone, &text, &embedding, &filter).into_iter().map(|hit| hit.id).collect();
            (text, embedding, filter, expected)
        })
        .collect();
    let compare = || {
        for (text, embedding, filter, expected) in &asked {
            let found = search(&elsewhere, text, embedding, filter);
            let found: Vec<String> = found.into_iter().map(|hit| hit.id).collect();
            assert_eq!(&found, expected, "{text} {filter:?}");
        }
    };
    compare();
    assert_eq!((elsewhere.counts().there, elsewhere.counts().here), (100, 0));

    standin.fail("query", Fault::Status(500, None), usize::MAX);
    standin.fail("indexes/gemma-burger", Fault::Status(500, None), usize::MAX);
    compare();
    assert_eq!((elsewhere.counts().there, elsewhere.counts().here), (100, 100));
    assert!(matches!(elsewhere.standing(), Standing::Away(why) if why.contains("status 500")));
    standin.world().faults.clear();
    wait_for(&elsewhere, "back", |standing| *standing == Standing::Answering);
    compare();
    assert_eq!(elsewhere.counts().there, 200);
    standin.was_spoken_to_rightly();
}
