//! What several test files need: the model, the restaurant's data, an index in a directory of its own.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "tests; each file uses a part")]

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use concierge::{
    menu::Menu,
    ports::{Embedder as _, Filter, Hit, Query, Retriever as _},
    store_info::StoreInfo,
};
use knowledge::{Embedder, SqliteIndex};
use tempfile::TempDir;

/// Where the sentence encoder's files lie.
pub fn model_dir() -> PathBuf {
    std::env::var_os("GEMMA_BURGER_MINILM").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/gemma-burger/minilm"),
        PathBuf::from,
    )
}

pub static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| Embedder::load(&model_dir()).expect("the model is there"));

fn resource(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources").join(name);
    std::fs::read_to_string(path).unwrap()
}

pub fn menu_text() -> String {
    resource("menu.json")
}

pub fn menu() -> Menu {
    Menu::from_json(&menu_text()).unwrap()
}

pub fn info() -> StoreInfo {
    StoreInfo::from_json(&resource("store_info.json")).unwrap()
}

/// An empty index; the directory goes with it.
pub fn empty_index() -> (SqliteIndex, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (SqliteIndex::new(dir.path(), EMBEDDER.id(), EMBEDDER.dimensions()), dir)
}

/// An index of the restaurant's own data.
pub fn full_index() -> (SqliteIndex, TempDir) {
    let (index, dir) = empty_index();
    knowledge::ingest(&menu(), &info(), &*EMBEDDER, &index).unwrap();
    (index, dir)
}

pub fn search(index: &SqliteIndex, text: &str, filter: Filter, limit: usize) -> Vec<Hit> {
    let embedding = EMBEDDER.embed(&[text]).unwrap().remove(0);
    index.search(&Query { text, embedding: &embedding, filter, limit }).unwrap()
}
