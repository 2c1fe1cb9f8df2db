//! What goes wrong on real machines: the power, the disk, another program, a damaged file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod common;

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::{AT, add, events, file, fill, place, store};
use rusqlite::Connection;
use store::{Settings, Speaker, Store, StoreError};

/// Names the file for the child process of the kill test.
const CHILD: &str = "STORE_TEST_CHILD";
/// How often the child is killed; 200 unless set.
const CYCLES: &str = "STORE_TEST_KILLS";

/// Places orders until it is killed, and prints each one that is acknowledged. Runs only as the kill test's child.
#[test]
fn child_places_orders() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    let mut out = std::io::stdout();
    writeln!(out).unwrap();
    loop {
        let guest = store.create_session(AT).unwrap().id;
        for n in 0..20 {
            let filled = fill(&store, &guest, 1);
            writeln!(out, "TRY {} key-{n}", guest.as_str()).unwrap();
            let answer = place(&store, &guest, &format!("key-{n}"), "body", &filled).unwrap();
            writeln!(out, "ACK {} key-{n} {}", guest.as_str(), answer.order.0).unwrap();
            out.flush().unwrap();
        }
    }
}

#[test]
fn killed_while_placing_loses_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory);
    let cycles: u64 = std::env::var(CYCLES).map_or(200, |text| text.parse().unwrap());
    let mut acknowledged: Vec<(String, String, i64)> = Vec::new();
    let (mut killed_in_flight, mut landed) = (0, 0);
    for cycle in 0..cycles {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child_places_orders", "--exact", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Killed at a time that differs from cycle to cycle: some before the first order, most among orders.
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut lines: Vec<String> = Vec::new();
        while cycle % 6 != 0 && !lines.last().is_some_and(|line| line.starts_with("TRY")) {
            lines.push(output.next().expect("the child ended by itself"));
        }
        std::thread::sleep(Duration::from_micros(cycle.wrapping_mul(7_919_317) % 40_000));
        child.kill().unwrap();
        lines.extend(output);
        child.wait().unwrap();
        let mut open = None;
        for line in &lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["TRY", session, key] => open = Some((session.to_owned(), key.to_owned())),
                ["ACK", session, key, id] => {
                    open = None;
                    acknowledged.push((session.to_owned(), key.to_owned(), id.parse().unwrap()));
                }
                _ => {}
            }
        }
        // The client does not know whether the last order landed. It asks again with the same key.
        if let Some((session, key)) = open {
            killed_in_flight += 1;
            let store = Store::open(&path).unwrap();
            let session = session.parse().unwrap();
            let log = store.cart(&session).unwrap();
            let checkout = log.cart().checkout(&common::menu(), concierge::ledger::Consent::NotAsked);
            let filled = match checkout {
                Ok(checkout) => (log.seq, checkout),
                // It landed: the cart is empty, and any checkout is as good for asking.
                Err(_) => fill(&store, &session, 1),
            };
            let answer = place(&store, &session, &key, "body", &filled).unwrap();
            landed += u32::from(answer.replayed);
            acknowledged.push((session.as_str().to_owned(), key, answer.order.0));
        }
    }
    let store = Store::open(&path).unwrap();
    drop(store);
    let db = Connection::open(&path).unwrap();
    let mut query = db.prepare("SELECT session, key, order_id FROM idempotency").unwrap();
    let stored: HashSet<(String, String, i64)> =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect();
    let lost = acknowledged.iter().filter(|order| !stored.contains(order)).count();
    let orders: i64 = db.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
    let placed: i64 =
        db.query_row("SELECT count(*) FROM cart_events WHERE event LIKE '%placed.v1%'", [], |row| row.get(0)).unwrap();
    println!(
        "{cycles} kills: {} orders acknowledged, {lost} lost; {killed_in_flight} killed in flight, {landed} of them had \
         landed; {orders} orders on disk, {} keys, {placed} events",
        acknowledged.len(),
        stored.len()
    );
    let distinct: HashSet<i64> = acknowledged.iter().map(|order| order.2).collect();
    assert_eq!(lost, 0);
    assert_eq!(distinct.len(), acknowledged.len(), "two acknowledgements name one order");
    assert_eq!((orders as usize, placed), (stored.len(), orders), "an order without its key or its event");
    assert_eq!(orders as usize, acknowledged.len(), "an order that nobody asked for");
    assert!(acknowledged.len() as u64 > cycles, "the child hardly placed anything");
}

#[test]
fn a_full_disk_is_a_clean_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory);
    let settings = Settings { max_bytes: Some(256 * 1024), ..Settings::default() };
    let store = Store::open_with(&path, settings).unwrap();
    let guest = store.create_session(AT).unwrap().id;
    let before = place(&store, &guest, "first", "", &fill(&store, &guest, 1)).unwrap();
    let filled = fill(&store, &guest, 2);
    let text = "x".repeat(8_000);
    let mut said = 0;
    let full = loop {
        match store.add_messages(&guest, "t", &[(Speaker::Guest, &text)], AT) {
            Ok(_) => said += 1,
            Err(error) => break error,
        }
        assert!(said < 1_000, "the disk never gets full");
    };
    assert_eq!(full, StoreError::Full);
    // Small things may still find room in half-filled pages; what is refused leaves nothing behind.
    let mut placed = 1;
    for n in 0..100 {
        match place(&store, &guest, &format!("{n}"), "", &fill_again(&store, &guest, &filled)) {
            Ok(_) => placed += 1,
            Err(error) => {
                assert_eq!(error, StoreError::Full);
                break;
            }
        }
        assert!(n < 99, "orders always find room");
    }
    assert_eq!(store.messages(&guest, 2_000).unwrap().len(), said);
    assert_eq!(store.orders(&guest, 200).unwrap().len(), placed);
    assert_eq!(store.cart(&guest).unwrap().cart().orders().len(), placed);
    drop(store);
    // With room again it goes on where it was.
    let store = Store::open(&path).unwrap();
    assert_eq!(store.order(&guest, before.order).unwrap().number, 1);
    let after = place(&store, &guest, "last", "", &fill(&store, &guest, 1)).unwrap();
    assert_eq!(after.number as usize, placed + 1);
}

/// What can be placed now; where not even the cart's change finds room, what could be placed before.
fn fill_again(
    store: &Store,
    guest: &store::SessionId,
    before: &(u64, concierge::ledger::Checkout),
) -> (u64, concierge::ledger::Checkout) {
    let log = store.cart(guest).unwrap();
    match store.append(guest, log.seq, &events(&log.cart(), &add("tea", 1)), AT) {
        Ok(_) => fill(store, guest, 1),
        Err(error) => {
            assert_eq!(error, StoreError::Full);
            (log.seq, before.1.clone())
        }
    }
}

#[test]
fn a_locked_file_is_an_error_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory);
    let settings = Settings { busy_timeout: Duration::from_millis(200), ..Settings::default() };
    let store = Store::open_with(&path, settings).unwrap();
    let guest = store.create_session(AT).unwrap().id;
    let filled = fill(&store, &guest, 1);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    assert_eq!(place(&store, &guest, "k", "", &filled), Err(StoreError::Locked));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Five at once do not wait for each other's waiting.
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| assert_eq!(place(&store, &guest, "k", "", &filled), Err(StoreError::Locked)));
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Reading goes on.
    assert_eq!(store.orders(&guest, 1).unwrap(), []);
    store.check().unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(place(&store, &guest, "k", "", &filled).unwrap().number, 1);
}

#[test]
fn a_file_of_a_later_release_is_refused() {
    let (directory, store) = store();
    drop(store);
    Connection::open(file(&directory)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&file(&directory)).map(|_| ()).unwrap_err();
    assert_eq!(error, StoreError::NewerSchema { found: 99, known: 2 });
    assert!(error.to_string().contains("use the newer program"));
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    std::fs::write(&path, "this is a letter, not a database, and it is long enough to be read as one").unwrap();
    let error = Store::open(&path).map(|_| ()).unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { path: named, .. } if *named == path), "{error:?}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is a letter"));
    let theirs = directory.path().join("theirs.db");
    Connection::open(&theirs).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = Store::open(&theirs).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn a_damaged_file_is_refused() {
    let (directory, store) = store();
    let guest = store.create_session(AT).unwrap().id;
    for n in 0..50 {
        store.add_messages(&guest, &format!("t{n}"), &[(Speaker::Guest, &"word ".repeat(400))], AT).unwrap();
    }
    drop(store);
    let path = file(&directory);
    Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 8_192].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(&path).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let blocker = directory.path().join("file");
    std::fs::write(&blocker, "").unwrap();
    let error = Store::open(&blocker.join("gemma-burger.db")).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}
