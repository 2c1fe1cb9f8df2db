//! GBNF grammars from JSON schemas: the model can write only what the check accepts.
//!
//! The tools' own schemas are followed to the letter. Those of other programs ([`super::Functions`]) may hold all that
//! JSON schemas can say; what is not understood of them allows any JSON, so that the result is always JSON.

use std::fmt::Write;

use serde_json::Value;

use super::schema::AMOUNT;

/// The longest free text that a model writes into an argument of the tools' own.
const TEXT_MOST: u64 = 48;
/// The most entries of a list of the tools' own: lists are rarely longer, and each entry is a state more.
const LIST_MOST: u64 = 2;
/// The most entries or characters that another program's schema may count; above it the number is left open.
const COUNT_MOST: u64 = 256;
/// How deep another program's schema is followed.
const DEPTH_MOST: u32 = 12;

/// The grammar of `{"tool":NAME,"arguments":{…}}` for any of the tools, or `{"tool":NONE}`.
pub(super) fn of_call<'a>(tools: impl Iterator<Item = (&'a str, &'a Value)>, none: &str) -> String {
    let mut grammar = Grammar::default();
    let mut calls: Vec<String> = tools.map(|(name, schema)| grammar.call(name, schema)).collect();
    calls.push(literal(&format!(r#"{{"tool":"{none}"}}"#)));
    grammar.whole(&calls.join(" | "))
}

/// The grammar of a call of one of another program's functions, or, with `words`, of any text that is no call.
pub(super) fn of_function<'a>(functions: impl Iterator<Item = (&'a str, &'a Value)>, words: bool) -> String {
    let mut calls = Vec::new();
    let mut all = Grammar::default();
    for (name, schema) in functions {
        all.foreign = Some(schema.clone());
        calls.push(all.call(name, schema));
    }
    if words {
        calls.push("[^{ \\n\\t\\r] [^\\x00]*".to_owned());
    }
    all.whole(&calls.join(" | "))
}

/// How a call begins, up to its arguments; one brace closes it after them.
pub fn opening(name: &str) -> String {
    format!(r#"{{"tool":{},"arguments":"#, quote(name))
}

#[derive(Default)]
struct Grammar {
    rules: String,
    count: u32,
    depth: u32,
    /// The schema of another program that is followed, for its references.
    foreign: Option<Value>,
}

impl Grammar {
    fn call(&mut self, name: &str, schema: &Value) -> String {
        let arguments = self.value(schema);
        format!(r#"{} {arguments} "}}""#, literal(&opening(name)))
    }

    fn whole(self, root: &str) -> String {
        let mut text = format!("root ::= {root}\n{}", self.rules);
        // No quotes, no backslashes, no control characters: a text that needs no escaping.
        text.push_str("char ::= [a-zA-Z0-9 ,.'?!-]\n");
        text.push_str("amount ::= \"\\\"\" [1-9] [0-9]{0,3} (\".\" [0-9] [0-9])? \"\\\"\"\n");
        text.push_str("boolean ::= \"true\" | \"false\"\n");
        if self.foreign.is_some() {
            text.push_str(JSON);
        }
        text
    }

    /// The name of a rule for values of a schema.
    fn value(&mut self, schema: &Value) -> String {
        if self.depth == DEPTH_MOST {
            return "json".to_owned();
        }
        self.depth += 1;
        let name = self.kind(schema);
        self.depth -= 1;
        name
    }

    fn kind(&mut self, schema: &Value) -> String {
        let number = |key: &str| schema.get(key).and_then(Value::as_u64);
        if let Some(values) = schema.get("enum").and_then(Value::as_array).filter(|values| !values.is_empty()) {
            let values: Vec<String> = values.iter().map(|value| literal(&value.to_string())).collect();
            return self.rule(&values.join(" | "));
        }
        if self.foreign.is_some()
            && let Some(rule) = self.choice(schema)
        {
            return rule;
        }
        let foreign = self.foreign.is_some();
        match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
            "object" if schema.get("properties").is_some() => self.object(schema),
            "object" if foreign => "object".to_owned(),
            "object" => self.object(schema),
            "array" if foreign => self.list(schema),
            "array" => {
                let most = number("maxItems").unwrap_or(LIST_MOST).min(LIST_MOST);
                let Some(items) = schema.get("items") else { return literal("[]") };
                let item = self.value(items);
                let more = most.saturating_sub(1);
                self.rule(&format!(r#""[" ({item} ("," {item}){{0,{more}}})? "]""#))
            }
            "string" if foreign => match (number("minLength"), number("maxLength")) {
                (None | Some(0), None) => "string".to_owned(),
                (least, most) => {
                    let count = repeat(least.unwrap_or(0), most);
                    self.rule(&format!(r#""\"" letter{count} "\"""#))
                }
            },
            "string" if schema.get("pattern").and_then(Value::as_str) == Some(AMOUNT) => "amount".to_owned(),
            "string" => {
                let (least, most) = (number("minLength").unwrap_or(1).max(1), number("maxLength").unwrap_or(TEXT_MOST));
                self.rule(&format!(r#""\"" char{{{least},{}}} "\"""#, most.min(TEXT_MOST)))
            }
            "integer" if foreign && (number("minimum").is_none() || number("maximum").is_none()) => {
                let sign = if number("minimum").is_some() { "" } else { "\"-\"? " };
                self.rule(&format!("{sign}whole"))
            }
            "integer" => {
                let (least, most) = (number("minimum").unwrap_or(0), number("maximum").unwrap_or(99));
                let numbers = between(least, most.max(least));
                self.rule(&numbers)
            }
            "number" => "number".to_owned(),
            "null" => self.rule("\"null\""),
            "boolean" => "boolean".to_owned(),
            _ if foreign => "json".to_owned(),
            _ => "boolean".to_owned(),
        }
    }

    /// What only other programs' schemas have: references, constants, one schema of several, several types.
    fn choice(&mut self, schema: &Value) -> Option<String> {
        if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
            let found = path.strip_prefix('#').and_then(|path| self.foreign.as_ref()?.pointer(path)).cloned();
            return Some(found.map_or_else(|| "json".to_owned(), |schema| self.value(&schema)));
        }
        if let Some(value) = schema.get("const") {
            return Some(self.rule(&literal(&value.to_string())));
        }
        let all = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| Some((*key, schema.get(*key)?.as_array()?)));
        match all {
            Some(("allOf", all)) if all.len() != 1 => return Some("json".to_owned()),
            Some((_, all)) if !all.is_empty() => {
                let ways: Vec<String> = all.iter().map(|schema| self.value(schema)).collect();
                return Some(self.rule(&ways.join(" | ")));
            }
            _ => {}
        }
        let types = schema.get("type").and_then(Value::as_array)?;
        let of = |kind: &Value| {
            let mut one = schema.clone();
            one["type"] = kind.clone();
            one
        };
        let ways: Vec<String> = types.iter().map(|kind| self.value(&of(kind))).collect();
        Some(if ways.is_empty() { "json".to_owned() } else { self.rule(&ways.join(" | ")) })
    }

    fn list(&mut self, schema: &Value) -> String {
        let count = |key: &str| schema.get(key).and_then(Value::as_u64);
        let item = schema.get("items").map_or_else(|| "json".to_owned(), |items| self.value(items));
        let (least, most) = (count("minItems").unwrap_or(0), count("maxItems"));
        if most == Some(0) {
            return self.rule("\"[]\"");
        }
        let more = repeat(least.saturating_sub(1), most.map(|most| most - 1));
        let some = format!(r#"{item} ("," {item}){more}"#);
        self.rule(&if least == 0 { format!(r#""[" ({some})? "]""#) } else { format!(r#""[" {some} "]""#) })
    }

    fn object(&mut self, schema: &Value) -> String {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut fixed = Vec::new();
        let mut free = Vec::new();
        for (key, property) in properties.into_iter().flatten() {
            let value = self.value(property);
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
        self.rule(&format!(r#""{{" {body} "}}""#))
    }

    fn rule(&mut self, body: &str) -> String {
        let name = format!("r{}", self.count);
        self.count += 1;
        let _ = writeln!(self.rules, "{name} ::= {body}");
        name
    }
}

/// Any JSON, without blanks.
const JSON: &str = r#"json ::= object | list | string | number | boolean | "null"
object ::= "{" (string ":" json ("," string ":" json)*)? "}"
list ::= "[" (json ("," json)*)? "]"
string ::= "\"" letter* "\""
letter ::= [^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
whole ::= "0" | [1-9] [0-9]{0,14}
number ::= "-"? whole ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?
"#;

/// How often something is repeated.
fn repeat(least: u64, most: Option<u64>) -> String {
    let least = least.min(COUNT_MOST);
    match most.filter(|most| *most <= COUNT_MOST) {
        Some(most) => format!("{{{least},{}}}", most.max(least)),
        None => format!("{{{least},}}"),
    }
}

/// The whole numbers from one to another, digit by digit.
fn between(least: u64, most: u64) -> String {
    let digits = |number: u64| number.to_string().into_bytes();
    let mut ways = Vec::new();
    let mut from = least;
    // All numbers of as many digits at a time.
    while from <= most {
        let length = digits(from).len() as u32;
        let to = 10_u64.checked_pow(length).map_or(most, |next| (next - 1).min(most));
        ways.push(same_length(&digits(from), &digits(to)));
        let Some(next) = to.checked_add(1) else { break };
        from = next;
    }
    ways.join(" | ")
}

/// The numbers between two with the same number of digits.
fn same_length(least: &[u8], most: &[u8]) -> String {
    let (Some((low, low_rest)), Some((high, high_rest))) = (least.split_first(), most.split_first()) else {
        return String::new();
    };
    let any = |digits: &[u8], digit: u8| digits.iter().all(|of| *of == digit);
    let class = |from: u8, to: u8| format!("[{}-{}]", char::from(from), char::from(to));
    if low_rest.is_empty() {
        return class(*low, *high);
    }
    if low == high {
        return format!("{} ({})", class(*low, *low), same_length(low_rest, high_rest));
    }
    let free = format!("[0-9]{{{}}}", low_rest.len());
    let mut ways = Vec::new();
    let first = if any(low_rest, b'0') { *low } else { low + 1 };
    let last = if any(high_rest, b'9') { *high } else { high - 1 };
    if first > *low {
        let nines = vec![b'9'; low_rest.len()];
        ways.push(format!("{} ({})", class(*low, *low), same_length(low_rest, &nines)));
    }
    if first <= last {
        ways.push(format!("{} {free}", class(first, last)));
    }
    if last < *high {
        let zeros = vec![b'0'; high_rest.len()];
        ways.push(format!("{} ({})", class(*high, *high), same_length(&zeros, high_rest)));
    }
    ways.join(" | ")
}

/// A JSON string.
fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// A GBNF literal.
fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Whether an expression of digits, classes, repetitions and groups as made by [`between`] matches a number.
    fn matches(expression: &str, text: &str) -> bool {
        fn ends(expression: &[u8], text: &[u8]) -> Vec<usize> {
            let mut depth = 0;
            let bar = expression.iter().position(|byte| {
                depth += i32::from(*byte == b'(') - i32::from(*byte == b')');
                *byte == b'|' && depth == 0
            });
            if let Some(bar) = bar {
                return [ends(&expression[..bar], text), ends(&expression[bar + 1..], text)].concat();
            }
            let expression = expression.trim_ascii();
            let Some(first) = expression.first() else { return vec![0] };
            if *first == b'(' {
                let mut depth = 0;
                let close = expression.iter().position(|byte| {
                    depth += i32::from(*byte == b'(') - i32::from(*byte == b')');
                    depth == 0
                });
                let close = close.unwrap();
                let inner = ends(&expression[1..close], text);
                let after =
                    |at: usize| ends(&expression[close + 1..], &text[at..]).into_iter().map(move |end| at + end);
                return inner.into_iter().flat_map(after).collect();
            }
            let (low, high) = (expression[1], expression[3]);
            let mut rest = &expression[5..];
            let mut times = 1;
            if rest.first() == Some(&b'{') {
                let close = rest.iter().position(|byte| *byte == b'}').unwrap();
                times = std::str::from_utf8(&rest[1..close]).unwrap().parse().unwrap();
                rest = &rest[close + 1..];
            }
            let fits = text.len() >= times && text[..times].iter().all(|digit| (low..=high).contains(digit));
            if fits { ends(rest, &text[times..]).into_iter().map(|end| times + end).collect() } else { Vec::new() }
        }
        ends(expression.as_bytes(), text.as_bytes()).contains(&text.len())
    }

    #[test]
    fn ranges_hold_their_numbers_and_no_others() {
        for (least, most) in
            [(0, 3), (1, 20), (1, 60), (0, 1440), (1, 99_999), (7, 7), (95, 105), (199, 2011), (10, 99)]
        {
            let expression = between(least, most);
            for number in (0..=3_000).chain([9_999, 10_000, 99_998, 99_999, 100_000, 123_456]) {
                let held = (least..=most).contains(&number);
                assert_eq!(
                    matches(&expression, &number.to_string()),
                    held,
                    "{number} in {least}..{most}: {expression}"
                );
            }
            assert!(!matches(&expression, "00") && !matches(&expression, ""));
        }
    }

    #[test]
    fn what_is_not_understood_of_a_schema_allows_any_json() {
        let rule = |schema: &Value| {
            let grammar = of_function([("f", schema)].into_iter(), false);
            grammar.lines().find(|line| line.starts_with("root")).unwrap().to_owned() + "\n" + &grammar
        };
        for (schema, holds) in [
            (serde_json::json!({}), "json \"}\""),
            (serde_json::json!({"type": "object"}), "object \"}\""),
            (serde_json::json!({"allOf": [{}, {}]}), "json \"}\""),
            (serde_json::json!({"$ref": "#/nowhere"}), "json \"}\""),
            (serde_json::json!({"type": ["integer", "null"]}), "r0 ::= \"-\"? whole"),
            (serde_json::json!({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3}), "{1,2}"),
            (serde_json::json!({"const": {"a": 1}}), r#""{\"a\":1}""#),
            (serde_json::json!({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}), "json"),
            (serde_json::json!({"type": "string", "maxLength": 5}), "letter{0,5}"),
        ] {
            let text = rule(&schema);
            assert!(text.contains(holds), "{schema}: {text}");
        }
    }
}
