//! Facts about the place: `store_info.json`, typed and checked.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::json;

/// Everything a guest may ask about the place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreInfo {
    /// The restaurant's name.
    pub name: String,
    /// IANA name of the place's time zone.
    pub timezone: String,
    /// Opening and closing by weekday (`mon` … `sun`), as `["10:00", "22:00"]`; a missing day is closed.
    pub hours: BTreeMap<Weekday, (String, String)>,
    /// The latest time an order is taken, `21:30`.
    pub last_order: String,
    /// One record a subject.
    pub records: Vec<InfoRecord>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// A subject with its facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfoRecord {
    /// Unique in the file.
    pub id: String,
    /// A title for people.
    pub title: String,
    /// Words that guests use for it.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Facts by key; values are to be given whole.
    #[serde(default)]
    pub facts: Vec<InfoFact>,
    /// What a clerk would read aloud.
    pub text: String,
}

/// One fact of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfoFact {
    /// What it is about.
    pub key: String,
    /// The fact.
    pub value: String,
}

/// What is wrong with a store information file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreInfoError {
    /// Not JSON, an unknown key, or a value of the wrong kind.
    #[error("the store information cannot be read: {0}")]
    Json(String),
    /// A value that cannot be.
    #[error("record \"{record}\", key \"{key}\": {problem}")]
    Record {
        /// Which record.
        record: String,
        /// Which of its keys.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl StoreInfo {
    /// Reads and checks the file's text.
    ///
    /// # Errors
    /// Names the record and the key that is wrong.
    pub fn from_json(text: &str) -> Result<Self, StoreInfoError> {
        let info: Self = json::read(text).map_err(StoreInfoError::Json)?;
        let wrong = |record: &str, key, problem: &str| StoreInfoError::Record {
            record: record.to_owned(),
            key,
            problem: problem.to_owned(),
        };
        for (from, to) in info.hours.values() {
            if !is_time(from) || !is_time(to) {
                return Err(wrong("hours", "hours", "times are written like 10:00 and 22:00"));
            }
        }
        if !is_time(&info.last_order) {
            return Err(wrong("last_order", "last_order", "times are written like 21:30"));
        }
        let mut ids = HashSet::new();
        for record in &info.records {
            if record.text.trim().is_empty() {
                return Err(wrong(&record.id, "text", "is empty"));
            }
            if record.text.chars().count() > 2_000 {
                return Err(wrong(&record.id, "text", "is longer than 2000 characters"));
            }
            if !ids.insert(record.id.as_str()) {
                return Err(wrong(&record.id, "id", "stands twice; ids must differ"));
            }
        }
        Ok(info)
    }

    /// A record by id.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<&InfoRecord> {
        self.records.iter().find(|record| record.id == id)
    }
}

fn is_time(text: &str) -> bool {
    let Some((hour, minute)) = text.split_once(':') else { return false };
    let number = |s: &str, most: u8| s.len() == 2 && s.parse::<u8>().is_ok_and(|n| n <= most);
    number(hour, 24) && number(minute, 59)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const GOOD: &str = r#"{"name":"T","timezone":"UTC","hours":{"mon":["10:00","22:00"]},"last_order":"21:30",
        "records":[{"id":"wifi","title":"Wi-Fi","topics":["internet"],"facts":[{"key":"network","value":"N"}],"text":"It is N."}]}"#;

    #[test]
    fn records_are_found_and_errors_named() {
        assert_eq!(StoreInfo::from_json(GOOD).unwrap().record("wifi").unwrap().facts[0].value, "N");
        for (from, to, message) in
            [("22:00", "22", "10:00"), ("\"It is N.\"", "\"\"", "\"wifi\", key \"text\""), ("topics", "topic", "topic")]
        {
            let error = StoreInfo::from_json(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
