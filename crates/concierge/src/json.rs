//! Reading a JSON file so that an error names the entry and the key, as an owner would look for it.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Error, Segment};

/// Reads a whole text. The error reads like `item "soup", key "price": "abc" is not an amount … at line 7 column 3`.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| placed(text, &error))?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn placed(text: &str, error: &Error<serde_json::Error>) -> String {
    // Entries are known by their ids, where the text is JSON at all.
    let mut here = serde_json::from_str::<Value>(text).unwrap_or_default();
    let (mut place, mut last) = (Vec::new(), None);
    for segment in error.path() {
        match segment {
            Segment::Map { key } => {
                here = here.get_mut(key).map(Value::take).unwrap_or_default();
                last = Some(key.as_str());
            }
            Segment::Seq { index } => {
                here = here.get_mut(index).map(Value::take).unwrap_or_default();
                let named = ["id", "name"].iter().find_map(|key| here.get(key)?.as_str());
                let named = named.map_or_else(|| (index + 1).to_string(), |name| format!("\"{name}\""));
                // A list is called by the plural of what it holds.
                let list = last.take().unwrap_or("entry");
                place.push(format!("{} {named}", list.strip_suffix('s').unwrap_or(list)));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    place.extend(last.map(|key| format!("key \"{key}\"")));
    if place.is_empty() { error.inner().to_string() } else { format!("{}: {}", place.join(", "), error.inner()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use crate::{menu::Menu, store_info::StoreInfo};

    #[test]
    fn an_error_names_the_entry_and_the_key() {
        let menu = |text: &str| Menu::from_json(text).unwrap_err().to_string();
        for (text, told) in [
            (
                r#"{"items":[{"name":"Tea","price":2},{"id":"soup","name":"Soup","price":"abc"}]}"#,
                r#"item "soup", key "price": "abc" is not"#,
            ),
            (r#"{"items":[{"id":"soup","name":"Soup","prise":2}]}"#, r#"item "soup", key "prise": unknown field"#),
            (
                r#"{"items":[{"name":"Soup","price":2,"sizes":[{"id":"big","price":[]}]}]}"#,
                r#"item "Soup", size "big", key "price": "#,
            ),
            (r#"{"items":[{"price":2}]}"#, r#"item 1: missing field `name`"#),
            (r#"[{"name":"Soup","price":2,"available":1}]"#, r#"entry "Soup", key "available": "#),
            (r#"{"items":[{"name":"Soup","price""#, "item 1: EOF while parsing"),
            (r#"{"items":[]} x"#, "trailing characters"),
        ] {
            assert!(menu(text).contains(told), "{}", menu(text));
        }
        let info = StoreInfo::from_json(
            r#"{"name":"T","timezone":"UTC","hours":{},"last_order":"21:30","records":[{"id":"wifi","title":1}]}"#,
        );
        assert!(info.unwrap_err().to_string().contains(r#"record "wifi", key "title": "#));
    }
}
