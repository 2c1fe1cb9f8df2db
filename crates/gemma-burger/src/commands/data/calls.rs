//! Examples of choosing a tool: the guest's words and the call that serves them, rendered by the code that asks the
//! model for one.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use concierge::{
    intent::AgentName,
    menu::Menu,
    prompt::Personas,
    tools::{NONE, Tools},
    tuning::{Example, Rendered, gemma_prompt},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{read_lines, read_personas};
use crate::{brain::concierge::agent, cli::Failure, commands::parse::read_menu};

/// A guest's words, and the tool that is to be called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallExample {
    pub id: String,
    agent: AgentName,
    /// Facts that earlier calls of the turn brought.
    #[serde(default)]
    known: Vec<String>,
    pub guest: String,
    /// `{"tool": …, "arguments": …}`.
    call: Value,
}

/// What examples are rendered with.
pub struct House {
    personas: Personas,
    menu: Menu,
    tools: Tools,
}

impl House {
    /// Reads the staff's files and the menu.
    pub(crate) fn read(personas: &Path, menu: &Path) -> Result<Self, Failure> {
        let menu = read_menu(menu)?;
        Ok(Self { personas: read_personas(personas)?, tools: Tools::new(&menu), menu })
    }

    /// A line as the trainer reads it: an example, the choice of a tool, or a prompt and a reply as they are.
    pub(super) fn render(&self, line: &str) -> Result<Rendered, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if value.get("prompt").is_some() {
            return serde_json::from_value(value).map_err(|error| error.to_string());
        }
        if value.get("call").is_some() {
            return Ok(CallExample::parse(line, &self.tools)?.render(&self.tools, &self.menu));
        }
        Ok(Example::parse(line)?.render(&self.personas))
    }
}

impl CallExample {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it: the tools' own check decides whether the call is one.
    pub fn parse(line: &str, tools: &Tools) -> Result<Self, String> {
        let example: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let call = tools.read(&example.call.to_string()).map_err(|error| error.to_string())?;
        match call {
            Some(call) if !call.name().is_for(example.agent) => {
                Err(format!("{} is no tool of {}", call.name().as_str(), example.agent))
            }
            _ if example.guest.trim().is_empty() => Err("the guest's message is empty".to_owned()),
            _ => Ok(example),
        }
    }

    fn tool(&self) -> &str {
        self.call.get("tool").and_then(Value::as_str).unwrap_or(NONE)
    }

    fn render(&self, tools: &Tools, menu: &Menu) -> Rendered {
        let request = agent::request(tools, menu, self.agent, &self.guest, &self.known);
        let reply = match self.call.get("arguments") {
            Some(arguments) => format!(r#"{{"tool":"{}","arguments":{arguments}}}"#, self.tool()),
            None => json!({"tool": self.tool()}).to_string(),
        };
        Rendered { prompt: gemma_prompt(&request), reply: format!("{reply}<end_of_turn>") }
    }
}

/// Whether a file holds choices of tools.
pub(super) fn holds_calls(path: &Path) -> Result<bool, Failure> {
    let first: Vec<bool> = read_lines(path, |line| {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        Ok(value.get("call").is_some())
    })?;
    Ok(first.first().copied().unwrap_or_default())
}

/// Counts a file's choices by tool; the first line that is none is named.
pub(super) fn check(path: &Path, tools: &Tools) -> Result<String, Failure> {
    let examples: Vec<CallExample> = read_lines(path, |line| CallExample::parse(line, tools))?;
    let mut by_tool: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen = HashSet::new();
    for example in &examples {
        *by_tool.entry(example.tool()).or_default() += 1;
        if !seen.insert((example.agent, example.guest.to_lowercase(), &example.known)) {
            return Err(Failure::new(format!("{}: {} asks what another line asks", path.display(), example.id)));
        }
    }
    let mut text = format!("{} choices of a tool\n\nby tool\n", examples.len());
    for (tool, count) in by_tool {
        text.push_str(&format!("{count:>6}  {tool}\n"));
    }
    Ok(text)
}
