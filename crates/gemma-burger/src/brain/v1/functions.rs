//! A request's own tools: read, and told from words in the reply.

use std::collections::HashMap;

use concierge::tools::{Choice, Function, Functions, opening};
use serde_json::Value;

use super::{error::Refusal, request::wrong};

/// Functions of one request, as many as OpenAI takes.
const FUNCTIONS_AT_MOST: usize = 128;
/// Letters of a function's name, as many as OpenAI takes.
const NAME_AT_MOST: usize = 64;

/// Which function each call of the conversation was for, by the call's id.
pub type Calls = HashMap<String, String>;

/// Reads `tools` and `tool_choice`; none where nothing may be called.
pub fn read(tools: Option<Value>, choice: Option<Value>) -> Result<Option<Functions>, Refusal> {
    let list = match tools {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong("tools", "a list is expected")),
    };
    if list.len() > FUNCTIONS_AT_MOST {
        return Err(wrong("tools", format!("at most {FUNCTIONS_AT_MOST} are taken")));
    }
    let list = list.into_iter().map(function).collect::<Result<Vec<Function>, Refusal>>()?;
    if (1..list.len()).any(|at| list[..at].iter().any(|other| other.name == list[at].name)) {
        return Err(wrong("tools", "each function has a name of its own"));
    }
    const NAME: &str = "tool_choice";
    let choice = match choice {
        None => Choice::Auto,
        Some(Value::String(choice)) => match choice.as_str() {
            "auto" => Choice::Auto,
            "none" => return Ok(None),
            "required" if !list.is_empty() => Choice::Required,
            "required" => return Err(wrong(NAME, "no tools are given")),
            _ => return Err(wrong(NAME, "auto, none, required or a function is expected")),
        },
        Some(choice) => {
            let name = choice.pointer("/function/name").and_then(Value::as_str).unwrap_or_default();
            if !list.iter().any(|function| function.name == name) {
                return Err(wrong(NAME, "it names none of the functions in tools"));
            }
            Choice::Only(name.to_owned())
        }
    };
    Ok(Some(Functions { list, choice }).filter(|functions| !functions.list.is_empty()))
}

fn function(tool: Value) -> Result<Function, Refusal> {
    const NAME: &str = "tools";
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        return Err(wrong(NAME, "each is of the type function"));
    }
    let function = tool.get("function").unwrap_or(&Value::Null);
    let text = |key: &str| function.get(key).and_then(Value::as_str).map(str::to_owned);
    let fits = |name: &String| {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !name.is_empty() && name.len() <= NAME_AT_MOST && name.chars().all(letter)
    };
    let name = text("name").filter(fits);
    let name = name.ok_or_else(|| wrong(NAME, format!("a name has 1 to {NAME_AT_MOST} of a-z, A-Z, 0-9, _ and -")))?;
    let parameters = match function.get("parameters") {
        None | Some(Value::Null) => serde_json::json!({"type": "object", "properties": {}}),
        Some(schema @ Value::Object(_)) => schema.clone(),
        Some(_) => return Err(wrong(NAME, "parameters are a JSON schema, an object")),
    };
    Ok(Function { name, description: text("description").unwrap_or_default(), parameters })
}

/// The first call that an assistant's message made, as the model is to remember it, and all of them by id.
pub fn called(message: &Value, calls: &mut Calls) -> Result<Option<String>, Refusal> {
    let made = message.get("tool_calls").and_then(Value::as_array);
    let mut texts = Vec::new();
    for call in made.into_iter().flatten() {
        let text = |path: &str| call.pointer(path).and_then(Value::as_str);
        let (Some(id), Some(name), Some(arguments)) =
            (text("/id"), text("/function/name"), text("/function/arguments"))
        else {
            return Err(wrong("messages", "a tool call has an id and a function with its name and arguments"));
        };
        calls.insert(id.to_owned(), name.to_owned());
        // Written once more without blanks, as the model itself writes it; what is no JSON stays a text.
        let arguments: Value = serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into());
        texts.push(format!("{}{arguments}}}", opening(name)));
    }
    Ok((!texts.is_empty()).then(|| texts.join("\n")))
}

/// What a tool's message tells the model: data that a function returned, and no more than that.
pub fn result(message: &Value, text: &str, calls: &Calls) -> Result<String, Refusal> {
    let id = message.get("tool_call_id").and_then(Value::as_str);
    let name = id.and_then(|id| calls.get(id));
    let name = name.ok_or_else(|| wrong("messages", "a tool's message names the call that it answers"))?;
    Ok(format!("{name} returned: {text}"))
}

/// A part of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Words(String),
    /// A call of this function begins.
    Call(String),
    /// The next of its arguments.
    Arguments(String),
}

/// Tells a call from words, whatever the pieces in which it comes.
#[derive(Debug, Default)]
pub struct Parts {
    held: String,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Begin,
    Words,
    Arguments,
}

impl Parts {
    /// Adds a piece: what it completes.
    pub fn push(&mut self, piece: &str) -> Vec<Part> {
        self.held.push_str(piece);
        let mut parts = Vec::new();
        if self.state == State::Begin {
            match opened(&self.held) {
                Opened::NotYet => return parts,
                Opened::Never => self.state = State::Words,
                Opened::Call(name, rest) => {
                    parts.push(Part::Call(name));
                    self.held = rest;
                    self.state = State::Arguments;
                }
            }
        }
        if self.state == State::Arguments {
            // The last brace may be the one that closes the call.
            let kept = usize::from(self.held.ends_with('}'));
            let rest = self.held.split_off(self.held.len() - kept);
            let text = std::mem::replace(&mut self.held, rest);
            parts.extend((!text.is_empty()).then_some(Part::Arguments(text)));
        } else {
            let text = std::mem::take(&mut self.held);
            parts.extend((!text.is_empty()).then_some(Part::Words(text)));
        }
        parts
    }

    /// Nothing follows: what was held back. A reply that was cut off keeps its last brace.
    pub fn finish(&mut self, whole: bool) -> Option<Part> {
        let text = std::mem::take(&mut self.held);
        match self.state {
            State::Arguments if whole => None,
            State::Arguments => Some(Part::Arguments(text)),
            State::Begin | State::Words => Some(Part::Words(text)),
        }
        .filter(|part| !matches!(part, Part::Words(text) | Part::Arguments(text) if text.is_empty()))
    }
}

enum Opened {
    NotYet,
    Never,
    Call(String, String),
}

/// Whether a text begins a call: [`opening`] with any name.
fn opened(text: &str) -> Opened {
    const BEFORE: &str = "{\"tool\":\"";
    const AFTER: &str = "\",\"arguments\":";
    let text = text.trim_start();
    let begins = |whole: &str, start: &str| whole.starts_with(start);
    let Some(rest) = text.strip_prefix(BEFORE) else {
        return if begins(BEFORE, text) { Opened::NotYet } else { Opened::Never };
    };
    let Some(end) = rest.find('"') else {
        return if rest.len() > NAME_AT_MOST { Opened::Never } else { Opened::NotYet };
    };
    let (name, rest) = rest.split_at(end);
    match rest.strip_prefix(AFTER) {
        Some(rest) => Opened::Call(name.to_owned(), rest.to_owned()),
        None if begins(AFTER, rest) => Opened::NotYet,
        None => Opened::Never,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    fn parts(text: &str, size: usize, whole: bool) -> (String, Vec<Part>) {
        let mut parts = Parts::default();
        let mut all = Vec::new();
        let letters: Vec<char> = text.chars().collect();
        for piece in letters.chunks(size) {
            all.extend(parts.push(&piece.iter().collect::<String>()));
        }
        all.extend(parts.finish(whole));
        let words = |part: &Part| {
            if let Part::Words(text) | Part::Arguments(text) = part { text.clone() } else { String::new() }
        };
        (all.iter().map(words).collect(), all)
    }

    #[test]
    fn calls_are_told_from_words_however_the_text_is_cut() {
        for (text, whole, name, rest) in [
            (r#"{"tool":"f","arguments":{"a":{"b":1}}}"#, true, Some("f"), r#"{"a":{"b":1}}"#),
            (r#"{"tool":"f","arguments":{}}"#, true, Some("f"), "{}"),
            (r#"{"tool":"f","arguments":{"a":{}"#, false, Some("f"), r#"{"a":{}"#),
            ("Hello {\"tool\":\"f\"", true, None, "Hello {\"tool\":\"f\""),
            ("{\"tool\":\"f\",\"other\":1}", true, None, "{\"tool\":\"f\",\"other\":1}"),
            ("{\"tool\":\"", false, None, "{\"tool\":\""),
            ("", true, None, ""),
        ] {
            for size in 1..=text.len().max(1) {
                let (words, all) = parts(text, size, whole);
                assert_eq!(words, rest, "{text} by {size}");
                let called =
                    all.iter().find_map(|part| if let Part::Call(name) = part { Some(name.as_str()) } else { None });
                assert_eq!(called, name, "{text} by {size}");
            }
        }
    }
}
