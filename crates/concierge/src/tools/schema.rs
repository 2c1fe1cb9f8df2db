//! JSON schemas from the argument types, filled with what the menu knows, and the check of values against them.

use std::{borrow::Cow, collections::BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use crate::{
    menu::{ChoiceId, GroupId, ItemId, Menu, SizeId},
    money::Cents,
};

/// Amounts of money on the wire: digits with at most two decimals.
pub(super) const AMOUNT: &str = r"^[0-9]{1,7}(\.[0-9]{1,2})?$";

macro_rules! menu_ids {
    ($($type:ty, $name:literal, $of:literal;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "maxLength": 80, "x-menu": $of})
            }
        }
    )*};
}

menu_ids! {
    ItemId, "Item", "items";
    SizeId, "Size", "sizes";
    GroupId, "Group", "groups";
    ChoiceId, "Choice", "choices";
}

impl JsonSchema for Cents {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": AMOUNT, "description": "An amount of money, such as \"9.50\"."})
    }
}

/// A list of the menu's allergens.
pub(crate) fn allergens(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "string", "x-menu": "allergens"}, "maxItems": 14})
}

/// A list of the menu's diets.
pub(crate) fn diets(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "string", "x-menu": "diets"}, "maxItems": 8})
}

/// The schema of a type, without references.
pub(super) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
        fields.remove("title");
    }
    tidy(&mut schema);
    schema
}

/// Takes out what neither a model nor a check needs: formats of Rust's numbers, and null beside a type.
fn tidy(schema: &mut Value) {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("format");
        if fields.get("default").is_some_and(super::is_silent) {
            fields.remove("default");
        }
        // `null` for an absent argument says nothing that leaving it out does not.
        if let Some(kinds) = fields.get_mut("type").and_then(Value::as_array_mut) {
            kinds.retain(|kind| kind != "null");
            if let [kind] = kinds.as_slice() {
                let kind = kind.clone();
                fields.insert("type".to_owned(), kind);
            }
        }
        if let Some(values) = fields.get_mut("enum").and_then(Value::as_array_mut) {
            values.retain(|value| !value.is_null());
        }
        let any_of = fields.get("anyOf").and_then(Value::as_array).map(|all| {
            all.iter().filter(|schema| schema.get("type") != Some(&json!("null"))).cloned().collect::<Vec<_>>()
        });
        if let Some([only]) = any_of.as_deref() {
            let only = only.as_object().cloned().unwrap_or_default();
            fields.remove("anyOf");
            for (key, value) in only {
                fields.entry(key).or_insert(value);
            }
        }
        // Values of a closed choice with a description each are a plain list of values.
        let constants = fields.get("oneOf").and_then(Value::as_array).map(|all| {
            let flat = all.iter().flat_map(|schema| match (schema.get("const"), schema.get("enum")) {
                (Some(value), _) => vec![value.clone()],
                (None, Some(values)) => values.as_array().cloned().unwrap_or_default(),
                (None, None) => Vec::new(),
            });
            flat.collect::<Vec<_>>()
        });
        if let Some(values) = constants.filter(|values| !values.is_empty()) {
            fields.remove("oneOf");
            fields.insert("type".to_owned(), json!("string"));
            fields.insert("enum".to_owned(), Value::Array(values));
        }
        for value in fields.values_mut() {
            tidy(value);
        }
    } else if let Some(entries) = schema.as_array_mut() {
        entries.iter_mut().for_each(tidy);
    }
}

/// Fills in what the menu knows: where a schema says `x-menu`, the values that there are.
pub(super) fn with_menu(mut schema: Value, menu: &Menu) -> Value {
    fill(&mut schema, menu);
    schema
}

fn fill(schema: &mut Value, menu: &Menu) {
    match schema {
        Value::Object(fields) => {
            if let Some(of) = fields.remove("x-menu") {
                let values = known(menu, of.as_str().unwrap_or_default());
                // A menu without sizes, say, leaves nothing to choose from: then any short text is read, and refused
                // with reason later.
                if !values.is_empty() {
                    fields.remove("maxLength");
                    fields.insert("enum".to_owned(), json!(values));
                }
            }
            fields.values_mut().for_each(|value| fill(value, menu));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| fill(entry, menu)),
        _ => {}
    }
}

fn known(menu: &Menu, of: &str) -> Vec<String> {
    let text = |id: &dyn std::fmt::Display| id.to_string();
    let items = menu.items.iter();
    let all: Vec<String> = match of {
        "items" => items.map(|item| text(&item.id)).collect(),
        "categories" => items.map(|item| item.category.clone()).collect(),
        "sizes" => items.flat_map(|item| &item.sizes).map(|size| text(&size.id)).collect(),
        "groups" => menu.option_groups.iter().map(|group| text(&group.id)).collect(),
        "choices" => {
            menu.option_groups.iter().flat_map(|group| &group.choices).map(|choice| text(&choice.id)).collect()
        }
        "diets" => items.filter_map(|item| item.diets.as_ref()).flatten().cloned().collect(),
        "allergens" => items.filter_map(|item| item.allergens.as_ref()).flatten().cloned().collect(),
        _ => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    all.into_iter().filter(|value| seen.insert(value.clone())).collect()
}

/// Checks a value against a schema of the kind made here; the error names the place and what may stand there.
pub(super) fn check(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    let wrong = |what: String| Err(format!("{place}: {what}"));
    if value.is_null() && place != "arguments" {
        return Ok(());
    }
    match kind {
        "object" => {
            let Some(fields) = value.as_object() else { return wrong("an object is expected".to_owned()) };
            let known = schema.get("properties").and_then(Value::as_object);
            for (key, value) in fields {
                let Some(schema) = known.and_then(|known| known.get(key)) else {
                    let names: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
                    let key: String = key.chars().take(40).collect();
                    return wrong(format!("\"{key}\" is not known; {} may be given", names.join(", ")));
                };
                check(schema, value, key)?;
            }
            let required = schema.get("required").and_then(Value::as_array);
            for key in required.into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(key) {
                    return wrong(format!("\"{key}\" is missing"));
                }
            }
        }
        "array" => {
            let Some(entries) = value.as_array() else { return wrong("a list is expected".to_owned()) };
            if number("maxItems").is_some_and(|most| entries.len() as u64 > most) {
                return wrong(format!("at most {} entries are read", number("maxItems").unwrap_or(0)));
            }
            if let Some(schema) = schema.get("items") {
                for entry in entries {
                    check(schema, entry, place)?;
                }
            }
        }
        "string" => {
            let Some(text) = value.as_str() else { return wrong("a text is expected".to_owned()) };
            if let Some(values) = schema.get("enum").and_then(Value::as_array) {
                if !values.contains(value) {
                    let some: Vec<&str> = values.iter().take(12).filter_map(Value::as_str).collect();
                    let more = if values.len() > some.len() { " …" } else { "" };
                    let text: String = text.chars().take(40).collect();
                    return wrong(format!("\"{text}\" is not one of {}{more}", some.join(", ")));
                }
            } else if schema.get("pattern").is_some() {
                let fits = Cents::parse(text).is_ok_and(|amount| !amount.is_negative());
                if !fits || text.len() > 10 {
                    return wrong("an amount such as \"9.50\" is expected".to_owned());
                }
            }
            let length = text.chars().count() as u64;
            if number("maxLength").is_some_and(|most| length > most)
                || number("minLength").is_some_and(|least| length < least)
            {
                let (least, most) = (number("minLength").unwrap_or(0), number("maxLength").unwrap_or(u64::MAX));
                return wrong(format!("{least} to {most} characters are read, not {length}"));
            }
        }
        "integer" => {
            let (least, most) = (number("minimum").unwrap_or(0), number("maximum").unwrap_or(u64::from(u32::MAX)));
            if value.as_u64().is_none_or(|value| !(least..=most).contains(&value)) {
                return wrong(format!("a whole number from {least} to {most} is expected"));
            }
        }
        "boolean" if !value.is_boolean() => return wrong("true or false is expected".to_owned()),
        _ => {}
    }
    Ok(())
}
