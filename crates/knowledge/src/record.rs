//! Records: the menu's items and the store's facts as they are embedded, searched and filtered.

use std::fmt::Write as _;

use concierge::{
    menu::{Item, Menu},
    ports::RecordType,
    store_info::{InfoRecord, StoreInfo},
};
use sha2::{Digest, Sha256};

/// One entry of the restaurant's knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) record_type: RecordType,
    /// The name that people read.
    pub(crate) title: String,
    /// Other words for it.
    pub(crate) aliases: String,
    /// What is told of it.
    pub(crate) body: String,
    pub(crate) metadata: Metadata,
}

/// What a search may ask of a record. Words are lower case, so that they compare whoever wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) category: Option<String>,
    pub(crate) diets: Vec<String>,
    /// In cents, of the smallest size: "under five dollars" is met where one size meets it.
    pub(crate) price_cents: Option<i64>,
    pub(crate) available: bool,
}

/// All records of a restaurant: the menu's in its order, then the store's.
pub(crate) fn records(menu: &Menu, info: &StoreInfo) -> Vec<Record> {
    let items = menu.items.iter().map(|item| item_record(menu, item));
    items.chain(info.records.iter().map(info_record)).collect()
}

impl Record {
    /// What is embedded: the names first, since a sentence encoder heeds them most.
    pub(crate) fn text(&self) -> String {
        let mut text = self.title.clone();
        if !self.aliases.is_empty() {
            let _ = write!(text, " ({})", self.aliases);
        }
        let _ = write!(text, ". {}", self.body);
        text
    }

    /// Changes whenever the record or the embedder does: sha256, in hexadecimal.
    pub(crate) fn hash(&self, embedder: &str) -> String {
        let Metadata { category, diets, price_cents, available } = &self.metadata;
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        for text in [embedder, self.record_type.as_str(), &self.id, &self.title, &self.aliases, &self.body] {
            part(text);
        }
        part(&format!("{category:?} {diets:?} {price_cents:?} {available}"));
        hex::encode(hash.finalize())
    }
}

fn item_record(menu: &Menu, item: &Item) -> Record {
    let diets: Vec<String> = item.diets.iter().flatten().map(|diet| diet.to_lowercase()).collect();
    let included: Vec<&str> = item
        .includes
        .iter()
        .filter_map(|(group, choice)| menu.choice(group, choice))
        .map(|choice| choice.name.as_str())
        .collect();
    let mut body = format!("{}. {}", item.category, item.description);
    for (label, words) in [("With", included.join(", ")), ("Diets", diets.join(", "))] {
        if !words.is_empty() {
            let _ = write!(body, " {label}: {words}.");
        }
    }
    Record {
        id: item.id.to_string(),
        record_type: RecordType::Menu,
        title: item.name.clone(),
        aliases: item.aliases.join(", "),
        body,
        metadata: Metadata {
            category: Some(item.category.to_lowercase()),
            diets,
            price_cents: Some(item.price_range().0.0),
            available: item.available,
        },
    }
}

fn info_record(record: &InfoRecord) -> Record {
    let facts = record.facts.iter().map(|fact| format!("{}: {}", fact.key, fact.value));
    let mut body = record.text.clone();
    for fact in facts {
        let _ = write!(body, " {fact}.");
    }
    Record {
        id: record.id.clone(),
        record_type: RecordType::Info,
        title: record.title.clone(),
        aliases: record.topics.join(", "),
        body,
        metadata: Metadata { available: true, ..Metadata::default() },
    }
}
