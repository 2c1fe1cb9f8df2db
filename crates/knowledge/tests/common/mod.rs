//! What several test files need: the model, the restaurant's data, an index in a directory of its own.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "tests; each file uses a part")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
};

use concierge::{
    menu::Menu,
    ports::{self, Embedder as _, Filter, Hit, Query, RetrieveError, Retriever as _},
    store_info::StoreInfo,
};
use knowledge::{Embedder, SqliteIndex};
use tempfile::TempDir;

/// Where the sentence encoder's files lie; they are fetched if they are not there.
pub fn model_dir() -> PathBuf {
    let root = std::env::var_os("GEMMA_BURGER_CACHE").map(Into::into).or_else(models::default_cache_dir);
    let cache = models::Cache::new(root.expect("there is a cache folder"));
    let model = "all-minilm-l6-v2".parse().unwrap();
    let files = models::fetch(&model, &cache, &models::Fetch::default(), &mut models::Silent).unwrap();
    files.file("model.safetensors").unwrap().parent().unwrap().to_owned()
}

pub static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| Embedder::load(&model_dir()).expect("the model is there"));

/// The embedder for tests that fill many indexes with the same records: each text is computed once.
pub struct Remembering;

impl ports::Embedder for Remembering {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        static SEEN: LazyLock<Mutex<HashMap<String, Vec<f32>>>> = LazyLock::new(Mutex::default);
        let mut seen = SEEN.lock().unwrap();
        let new: Vec<&str> = texts.iter().copied().filter(|text| !seen.contains_key(*text)).collect();
        let vectors = EMBEDDER.embed(&new)?;
        seen.extend(new.into_iter().map(str::to_owned).zip(vectors));
        Ok(texts.iter().map(|text| seen[*text].clone()).collect())
    }

    fn dimensions(&self) -> usize {
        EMBEDDER.dimensions()
    }
}

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
    knowledge::ingest(&menu(), &info(), &Remembering, &index).unwrap();
    (index, dir)
}

pub fn search(index: &SqliteIndex, text: &str, filter: Filter, limit: usize) -> Vec<Hit> {
    let embedding = Remembering.embed(&[text]).unwrap().remove(0);
    index.search(&Query { text, embedding: &embedding, filter, limit }).unwrap()
}
