//! Functions that a reply may call instead of speaking: a request's own, as OpenAI's protocol has them.
//!
//! Whatever engine serves a request, a call comes as text of one form, `{"tool":NAME,"arguments":{…}}`: the local model
//! writes it under [`Functions::grammar`], and what another server sends as a call of its own is written so.

use serde_json::Value;

use super::grammar;

pub use super::grammar::opening;

/// Functions, and whether one must be called.
#[derive(Clone, Debug, PartialEq)]
pub struct Functions {
    /// Those that may be called; at least one.
    pub list: Vec<Function>,
    /// Whether one is called.
    pub choice: Choice,
}

/// A function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON schema of its arguments, an object.
    pub parameters: Value,
}

/// Whether a function is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The model decides.
    Auto,
    /// One of them.
    Required,
    /// This one.
    Only(String),
}

/// The longest grammar that is made, in bytes.
const GRAMMAR_MOST: usize = 128 << 10;
/// The longest description that is shown to a model, in characters.
const DESCRIPTION_MOST: usize = 600;
/// The most values of a closed choice that are shown.
const VALUES_MOST: usize = 12;

impl Functions {
    /// Those that may be called under the choice.
    fn callable(&self) -> impl Iterator<Item = &Function> {
        self.list.iter().filter(|function| match &self.choice {
            Choice::Only(name) => function.name == *name,
            Choice::Auto | Choice::Required => true,
        })
    }

    /// The GBNF grammar of a reply; none where the schemas are larger than a model can be held to.
    #[must_use]
    pub fn grammar(&self) -> Option<String> {
        let functions = self.callable().map(|function| (function.name.as_str(), &function.parameters));
        Some(grammar::of_function(functions, self.choice == Choice::Auto)).filter(|text| text.len() <= GRAMMAR_MOST)
    }

    /// What a model that knows nothing of functions is told of them.
    #[must_use]
    pub fn preamble(&self) -> String {
        let mut text = String::from("You can call these functions:\n");
        for function in self.callable() {
            let description: String = function.description.chars().take(DESCRIPTION_MOST).collect();
            let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            text.push_str(&format!("{}: {description} Arguments: {}\n", function.name, shape(&function.parameters, 3)));
        }
        text.push_str(r#"To call one, answer with {"tool":"NAME","arguments":{…}} and nothing else."#);
        if self.choice == Choice::Auto {
            text.push_str(" Where none of them helps, answer in words.");
        }
        text
    }
}

/// A schema in short: `{"city":string,"unit"?:"c"|"f"}`.
fn shape(schema: &Value, depth: u32) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let some: Vec<String> = values.iter().take(VALUES_MOST).map(Value::to_string).collect();
        return some.join("|");
    }
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or("any");
    match kind {
        "object" if depth > 0 => {
            let required = schema.get("required").and_then(Value::as_array);
            let needs = |key: &String| required.is_some_and(|all| all.iter().any(|name| name == key));
            let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            let fields: Vec<String> = fields
                .map(|(key, value)| {
                    format!("\"{key}\"{}:{}", if needs(key) { "" } else { "?" }, shape(value, depth - 1))
                })
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        "array" if depth > 0 => {
            format!("[{}]", schema.get("items").map_or_else(|| "any".to_owned(), |items| shape(items, depth - 1)))
        }
        kind => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn functions_are_told_and_held_to_in_short() {
        let function = |name: &str| Function {
            name: name.to_owned(),
            description: "What it is\nlike.".to_owned(),
            parameters: json!({"type": "object", "required": ["city"], "properties": {
                "city": {"type": "string"}, "unit": {"enum": ["c", "f"]}, "days": {"type": "array", "items": {"type": "integer"}}}}),
        };
        let mut functions =
            Functions { list: vec![function("weather"), function("tides")], choice: Choice::Only("tides".to_owned()) };
        let told = functions.preamble();
        assert!(
            told.contains(r#"tides: What it is like. Arguments: {"city":string,"unit"?:"c"|"f","days"?:[integer]}"#)
                || told.contains("\"days\"?:[integer]"),
            "{told}"
        );
        assert!(!told.contains("weather:") && !told.contains("in words"), "{told}");
        let grammar = functions.grammar().unwrap();
        assert!(
            grammar.contains("tides") && !grammar.contains("weather") && !grammar.contains("[^\\x00]*"),
            "{grammar}"
        );
        functions.choice = Choice::Auto;
        assert!(functions.grammar().unwrap().contains("[^\\x00]*") && functions.preamble().contains("in words"));
        functions.list[0].parameters = json!({"enum": (0..40_000).collect::<Vec<u32>>()});
        assert_eq!(functions.grammar(), None);
    }
}
