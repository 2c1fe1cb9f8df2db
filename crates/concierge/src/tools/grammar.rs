//! GBNF grammars from the schemas: the model can write only what the check accepts.

use std::fmt::Write;

use serde_json::Value;

/// The longest free text that a model writes into an argument.
const TEXT_MOST: u64 = 48;
/// The most entries of a list that a model writes: lists are rarely longer, and each entry is a state more.
const LIST_MOST: u64 = 2;

/// The grammar of `{"tool":NAME,"arguments":{…}}` for any of the tools, or `{"tool":NONE}`.
pub(super) fn of_call<'a>(tools: impl Iterator<Item = (&'a str, &'a Value)>, none: &str) -> String {
    let mut grammar = Grammar::default();
    let mut calls = Vec::new();
    for (name, schema) in tools {
        let arguments = grammar.value(schema, &name.replace('_', "-"));
        calls.push(format!(r#""{{\"tool\":\"{name}\",\"arguments\":" {arguments} "}}""#));
    }
    calls.push(format!(r#""{{\"tool\":\"{none}\"}}""#));
    let mut text = format!("root ::= {}\n", calls.join(" | "));
    text.push_str(&grammar.rules);
    // No quotes, no backslashes, no control characters: a text that needs no escaping.
    text.push_str("char ::= [a-zA-Z0-9 ,.'?!-]\n");
    text.push_str("amount ::= \"\\\"\" [1-9] [0-9]{0,3} (\".\" [0-9] [0-9])? \"\\\"\"\n");
    text.push_str("boolean ::= \"true\" | \"false\"\n");
    text
}

#[derive(Default)]
struct Grammar {
    rules: String,
}

impl Grammar {
    /// The name of a rule, or an expression, for values of a schema.
    fn value(&mut self, schema: &Value, name: &str) -> String {
        let number = |key: &str| schema.get(key).and_then(Value::as_u64);
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            let quoted: Vec<String> =
                values.iter().filter_map(Value::as_str).map(|value| literal(&quote(value))).collect();
            return self.rule(name, &quoted.join(" | "));
        }
        match kind {
            "object" => self.object(schema, name),
            "array" => {
                let most = number("maxItems").unwrap_or(LIST_MOST).min(LIST_MOST);
                let Some(items) = schema.get("items") else { return literal("[]") };
                let item = self.value(items, &format!("{name}-item"));
                let more = most.saturating_sub(1);
                self.rule(name, &format!(r#""[" ({item} ("," {item}){{0,{more}}})? "]""#))
            }
            "string" if schema.get("pattern").is_some() => "amount".to_owned(),
            "string" => {
                let (least, most) = (number("minLength").unwrap_or(1).max(1), number("maxLength").unwrap_or(TEXT_MOST));
                self.rule(name, &format!(r#""\"" char{{{least},{}}} "\"""#, most.min(TEXT_MOST)))
            }
            "integer" => {
                let (least, most) = (number("minimum").unwrap_or(0), number("maximum").unwrap_or(99));
                // Every number is spelled out: a range of digits would also hold numbers beyond the bounds.
                let most = most.min(least + 199);
                let all: Vec<String> = (least..=most).map(|number| literal(&number.to_string())).collect();
                self.rule(name, &all.join(" | "))
            }
            _ => "boolean".to_owned(),
        }
    }

    fn object(&mut self, schema: &Value, name: &str) -> String {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut fixed = Vec::new();
        let mut free = Vec::new();
        for (key, property) in properties.into_iter().flatten() {
            let value = self.value(property, &format!("{name}-{}", key.replace('_', "-")));
            let pair = format!("{} {value}", literal(&format!("{}:", quote(key))));
            if required.contains(&key.as_str()) { fixed.push(pair) } else { free.push(pair) }
        }
        let mut body = fixed.join(r#" "," "#);
        let tail =
            |pairs: &[String]| pairs.iter().map(|pair| format!(r#"("," {pair})?"#)).collect::<Vec<_>>().join(" ");
        if fixed.is_empty() {
            // The first argument that is given has no comma before it.
            let starts: Vec<String> = (0..free.len())
                .map(|at| format!("{} {}", free[at], tail(&free[at + 1..])).trim_end().to_owned())
                .collect();
            if !starts.is_empty() {
                let _ = write!(body, "({})?", starts.join(" | "));
            }
        } else if !free.is_empty() {
            let _ = write!(body, " {}", tail(&free));
        }
        self.rule(name, &format!(r#""{{" {body} "}}""#))
    }

    fn rule(&mut self, name: &str, body: &str) -> String {
        let _ = writeln!(self.rules, "{name} ::= {body}");
        name.to_owned()
    }
}

/// A JSON string.
fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// A GBNF literal.
fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
