//! Ingest and index: nothing twice, nothing half, nothing that a filter excludes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::{EMBEDDER, Remembering, empty_index, full_index, info, menu, menu_text, search};
use concierge::{
    menu::Menu,
    money::Cents,
    ports::{Embedder as _, Filter, Query, RecordType, RetrieveError, Retriever as _},
};
use knowledge::{IngestError, IngestReport, SqliteIndex, ingest};
use rusqlite::Connection;

fn edited_menu(edit: impl Fn(&mut Vec<serde_json::Value>)) -> Menu {
    let mut text: serde_json::Value = serde_json::from_str(&menu_text()).unwrap();
    edit(text["items"].as_array_mut().unwrap());
    Menu::from_json(&text.to_string()).unwrap()
}

#[test]
fn only_what_changed_is_embedded_and_what_is_gone_is_removed() {
    let (index, _dir) = empty_index();
    let (menu, info) = (menu(), info());
    let all = menu.items.len() + info.records.len();
    let run = |menu: &Menu| ingest(menu, &info, &Remembering, &index).unwrap();

    assert_eq!(run(&menu), IngestReport { embedded: all, unchanged: 0, removed: 0 });
    assert_eq!(run(&menu), IngestReport { embedded: 0, unchanged: all, removed: 0 });

    let renamed = edited_menu(|items| items[0]["description"] = "A walrus steak on toast.".into());
    assert_eq!(run(&renamed), IngestReport { embedded: 1, unchanged: all - 1, removed: 0 });
    assert_eq!(search(&index, "walrus steak", Filter::default(), 1)[0].id, menu.items[0].id.as_str());

    let shorter = edited_menu(|items| drop(items.remove(0)));
    assert_eq!(run(&shorter), IngestReport { embedded: 0, unchanged: all - 1, removed: 1 });
    let counts = index.counts().unwrap();
    assert_eq!((counts.menu as usize, counts.info as usize), (menu.items.len() - 1, info.records.len()));
    assert!(
        search(&index, "walrus steak", Filter::default(), 100).iter().all(|hit| hit.id != menu.items[0].id.as_str())
    );
}

#[test]
fn filters_hold_for_every_hit() {
    let (index, _dir) = full_index();
    let menu = menu();
    let items = |filter: Filter| -> BTreeSet<String> {
        let hits = search(&index, "what can I eat with my friends", filter, 100);
        assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
        hits.into_iter().map(|hit| hit.id).collect()
    };
    let expected = |fits: &dyn Fn(&concierge::menu::Item) -> bool| -> BTreeSet<String> {
        menu.items.iter().filter(|item| fits(item)).map(|item| item.id.to_string()).collect()
    };
    let vegan = |item: &concierge::menu::Item| item.diets.iter().flatten().any(|diet| diet == "vegan");
    let some = |text: &str| Some(text.to_owned());

    let filter = Filter { record_type: Some(RecordType::Menu), ..Filter::default() };
    assert_eq!(items(filter), expected(&|_| true));
    let filter = Filter { category: some("dRINK"), ..Filter::default() };
    assert_eq!(items(filter), expected(&|item| item.category == "Drink"));
    let filter = Filter { diet: some("Vegan"), ..Filter::default() };
    assert_eq!(items(filter), expected(&vegan));
    let filter = Filter { max_price: Some(Cents(399)), ..Filter::default() };
    assert_eq!(items(filter), expected(&|item| item.price_range().0 <= Cents(399)));
    let filter = Filter {
        record_type: Some(RecordType::Menu),
        category: some("side"),
        diet: some("vegan"),
        max_price: Some(Cents(350)),
    };
    let all_four = expected(&|item| item.category == "Side" && vegan(item) && item.price_range().0 <= Cents(350));
    assert!(!all_four.is_empty());
    assert_eq!(items(filter), all_four);
    let filter = Filter { record_type: Some(RecordType::Info), category: some("side"), ..Filter::default() };
    assert!(items(filter).is_empty());
}

#[test]
fn hostile_and_empty_texts_are_only_words() {
    let (index, _dir) = full_index();
    let long = "parking \" ".repeat(20_000);
    let hostile = [
        "",
        "   \n\t",
        "?!… 🍔",
        "\0\0",
        "\"",
        "parking\" OR title : \"",
        "NEAR(a b, 5) AND NOT *",
        "title:burger ^x - + {a b} : c",
        "'; DROP TABLE record; --",
        "a\" UNION SELECT * FROM record --",
        "日本語 \u{202e} \u{301}",
        long.as_str(),
    ];
    for text in hostile {
        assert_eq!(search(&index, text, Filter::default(), 3).len(), 3, "{text:.40}");
    }
    assert_eq!(search(&index, &long, Filter::default(), 1)[0].id, "parking");
    assert!(search(&index, "parking", Filter::default(), 0).is_empty());
    let filter = Filter { category: Some("x' OR '1'='1".to_owned()), ..Filter::default() };
    assert!(search(&index, "parking", filter, 3).is_empty());
}

#[test]
fn a_wrong_vector_is_refused() {
    let (index, _dir) = full_index();
    for embedding in [vec![], vec![0.1; 3], vec![f32::NAN; EMBEDDER.dimensions()]] {
        let query = Query { text: "hi", embedding: &embedding, filter: Filter::default(), limit: 3 };
        assert!(matches!(index.search(&query), Err(RetrieveError::Failed(_))));
    }
}

#[test]
fn an_index_that_does_not_fit_says_so() {
    let (index, dir) = empty_index();
    let not_ready = |index: &SqliteIndex| match index.counts() {
        Err(RetrieveError::NotReady(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(not_ready(&index).contains("missing"));
    assert!(!index.path().exists());

    let (menu, info) = (menu(), info());
    ingest(&menu, &info, &Remembering, &index).unwrap();
    let other = SqliteIndex::new(dir.path(), "another model", EMBEDDER.dimensions());
    assert!(not_ready(&other).contains("another embedding model"));
    let shorter = SqliteIndex::new(dir.path(), EMBEDDER.id(), 8);
    assert!(not_ready(&shorter).contains("vectors of another length"));
    // An ingest for the other model writes everything anew, and the first one notices.
    assert_eq!(ingest(&menu, &info, &Remembering, &other).unwrap().unchanged, 0);
    assert!(not_ready(&index).contains("another embedding model"));
}

#[test]
fn a_locked_store_is_told_and_left_as_it_was() {
    let (index, _dir) = full_index();
    let before = index.counts().unwrap();
    let other = Connection::open(index.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let shorter = edited_menu(|items| drop(items.remove(0)));
    let error = ingest(&shorter, &info(), &Remembering, &index).unwrap_err();
    assert!(matches!(error, IngestError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("in use by another program"));
    // Searches go on beside the other writer, on what was there.
    assert_eq!(index.counts().unwrap(), before);
    drop(other);
    assert_eq!(ingest(&shorter, &info(), &Remembering, &index).unwrap().removed, 1);
}

#[test]
fn a_file_of_another_kind_is_not_touched() {
    let (index, _dir) = empty_index();
    let text = "no database, but somebody's notes ".repeat(100);
    std::fs::write(index.path(), &text).unwrap();
    assert!(matches!(index.counts(), Err(RetrieveError::NotReady(_))));
    let error = ingest(&menu(), &info(), &Remembering, &index).unwrap_err();
    assert!(matches!(error, IngestError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(index.path()).unwrap(), text);
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let index = SqliteIndex::new("/nowhere/at all".as_ref(), EMBEDDER.id(), EMBEDDER.dimensions());
    let error = ingest(&menu(), &info(), &Remembering, &index).unwrap_err();
    assert!(matches!(error, IngestError::Store { .. }), "{error}");
}

#[test]
fn searches_run_beside_an_ingest() {
    let (index, _dir) = full_index();
    let (menu, info) = (menu(), info());
    let whole = index.counts().unwrap();
    let shorter = edited_menu(|items| drop(items.remove(0)));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(search(&index, "parking", Filter::default(), 3)[0].id, "parking");
                    assert!(whole.menu - index.counts().unwrap().menu <= 1);
                }
            });
        }
        for round in 0..6 {
            ingest(if round % 2 == 0 { &shorter } else { &menu }, &info, &Remembering, &index).unwrap();
        }
    });
}

#[test]
fn a_search_after_an_ingest_by_another_index_sees_what_is_new() {
    let (index, dir) = full_index();
    let (menu, info) = (menu(), info());
    assert!(search(&index, "zebra crossing", Filter::default(), 1)[0].id != menu.items[0].id.as_str());
    let other = SqliteIndex::new(dir.path(), EMBEDDER.id(), EMBEDDER.dimensions());
    let renamed = edited_menu(|items| items[0]["description"] = "A zebra crossing of liquorice and cream.".into());
    ingest(&renamed, &info, &Remembering, &other).unwrap();
    // Without words only the vectors find it: those of before are not used any more.
    let embedding = EMBEDDER.embed(&["a zebra crossing of liquorice and cream"]).unwrap().remove(0);
    let query = Query { text: "", embedding: &embedding, filter: Filter::default(), limit: 1 };
    assert_eq!(index.search(&query).unwrap()[0].id, menu.items[0].id.as_str());
}

#[test]
fn a_file_of_an_earlier_form_is_filled_anew() {
    let (index, _dir) = full_index();
    let whole = index.counts().unwrap();
    Connection::open(index.path()).unwrap().execute("UPDATE about SET form = '1/384'", []).unwrap();
    assert!(matches!(index.counts(), Err(RetrieveError::NotReady(_))));
    ingest(&menu(), &info(), &Remembering, &index).unwrap();
    assert_eq!(index.counts().unwrap(), whole);
}
