//! Where the understanding step is at a loss, the model may choose a tool.
//!
//! It writes a call under a grammar made from the tools' schemas, the call is checked and carried out, its result
//! becomes facts, and it may choose again: at most `CALLS_MOST` times a turn, each within `CALL_LIMIT`. What would
//! change something is asked of the guest first.

use std::{sync::Arc, time::Duration};

use concierge::{
    brief::Brief,
    intent::AgentName,
    ledger::Cart,
    menu::{Course, Menu},
    ports::{ChatMessage, Engine, FinishReason, GenerationEvent, GenerationRequest, Role},
    tools::{Call, NONE, Tools},
    turn::{Behind, Called, Decision, Input, Memory, call},
};
use futures::StreamExt;
use tokio::time::timeout;

use super::{
    clock::Moment,
    tools::{NoTill, with_ports},
    turn::Parts,
};

/// Calls of one turn.
const CALLS_MOST: usize = 4;
/// How long the model may take over one call, and a tool over one answer.
const CALL_LIMIT: Duration = Duration::from_secs(8);
/// Tokens of one call: a cut one is no call.
const CALL_TOKENS: u32 = 320;

/// What a turn begins with, as far as a tool needs it.
#[derive(Clone)]
pub(super) struct Before {
    pub cart: Cart,
    pub memory: Memory,
    pub now: Moment,
}

impl Before {
    /// The same with a guest's words.
    pub fn input(self, text: &str) -> Input<'_> {
        Input { text, cart: self.cart, memory: self.memory, now: self.now.local, unix_now: self.now.unix }
    }
}

/// Lets the model choose tools for the guest's words. None where it chooses none, or none that answers.
pub(super) async fn choose(parts: &Arc<Parts>, agent: AgentName, text: &str, before: Before) -> Option<Decision> {
    let mut facts: Vec<String> = Vec::new();
    let mut calls: Vec<Call> = Vec::new();
    let mut best: Option<Decision> = None;
    while calls.len() < CALLS_MOST {
        let request = request(&parts.resources.tools, &parts.resources.world.menu, agent, text, &facts);
        let written = write(parts.engine.as_ref(), request).await?;
        let Ok(Some(chosen)) = parts.resources.tools.read(&written) else { break };
        if calls.contains(&chosen) {
            break;
        }
        let (worker, state, words, asked) = (parts.clone(), before.clone(), text.to_owned(), chosen.clone());
        let work = tokio::task::spawn_blocking(move || carry_out(&worker, state, &words, &asked));
        calls.push(chosen);
        let Ok(Ok(Called { answer, decision })) = timeout(CALL_LIMIT, work).await else { break };
        let mut decision = decision;
        if let Some(earlier) = best.take() {
            let steps = earlier.brief.steps.into_iter().chain(decision.brief.steps);
            decision.brief = Brief::new(decision.brief.agent, steps.collect());
            decision.used.splice(0..0, earlier.used);
        }
        facts = decision.brief.facts().map(|fact| fact.text.clone()).collect();
        let asks = decision.memory.pending.is_some();
        let failed = answer.is_err();
        best = Some(decision);
        if asks || failed {
            break;
        }
    }
    best
}

fn carry_out(parts: &Parts, before: Before, text: &str, chosen: &Call) -> Called {
    with_ports(parts, &NoTill, None, |ports| {
        call(&parts.resources.world, ports, before.input(text), chosen, Behind::Model)
    })
}

/// What the model writes; none where it cannot, or takes too long.
async fn write(engine: &dyn Engine, request: GenerationRequest) -> Option<String> {
    let mut stream = engine.start(request).ok()?;
    let whole = async {
        let mut text = String::new();
        while let Some(event) = stream.next().await {
            match event {
                GenerationEvent::Read(_) => {}
                GenerationEvent::Text(piece) => text.push_str(&piece),
                GenerationEvent::Done(end) => return (end.reason == FinishReason::Stop).then_some(text),
                GenerationEvent::Failed(_) => return None,
            }
        }
        None
    };
    timeout(CALL_LIMIT, whole).await.ok().flatten()
}

/// The prompt of a call: the tools, examples made from the menu, what is known already, the guest's words.
#[must_use]
pub fn request(tools: &Tools, menu: &Menu, agent: AgentName, text: &str, facts: &[String]) -> GenerationRequest {
    let mut preamble = String::from("Choose the tool for each guest's words. The tools:\n");
    for tool in tools.all().iter().filter(|tool| tool.name.is_for(agent)) {
        preamble.push_str(&format!("{}: {}\n", tool.name.as_str(), tool.description));
    }
    preamble.push_str(&format!("{NONE}: small talk, or nothing that a tool can answer.\n"));
    let mut messages = Vec::new();
    for (words, call) in examples(menu, agent) {
        messages.push(ChatMessage { role: Role::User, text: words });
        messages.push(ChatMessage { role: Role::Model, text: call });
    }
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect();
    let known = if facts.is_empty() { String::new() } else { format!(" (known already: {})", facts.join("; ")) };
    messages.push(ChatMessage { role: Role::User, text: format!("{words}{known}") });
    GenerationRequest {
        preamble: Arc::from(preamble.trim()),
        messages,
        // The staff's manner is for speaking.
        adapter: None,
        temperature: 0.0,
        max_tokens: CALL_TOKENS,
        seed: 0,
        grammar: Some(Arc::from(tools.grammar(agent))),
        functions: Some(Arc::new(tools.functions(agent))),
        conversation: Some(format!("tools of {agent}")),
    }
}

/// Examples over the restaurant's own menu, one a tool.
fn examples(menu: &Menu, agent: AgentName) -> Vec<(String, String)> {
    let of = |course| menu.items.iter().find(|item| item.available && item.course == course);
    let mut all = Vec::new();
    if let Some(item) = of(Course::Main) {
        all.push((
            format!("tell me about the {}", item.name),
            format!(r#"{{"tool":"item_details","arguments":{{"item":"{}"}}}}"#, item.id),
        ));
        all.push((
            "is there anything with mushrooms?".to_owned(),
            r#"{"tool":"search_menu","arguments":{"query":"mushrooms"}}"#.to_owned(),
        ));
    }
    if let Some(item) = of(Course::Dessert) {
        all.push((
            format!("what allergens are in {}", item.name),
            format!(r#"{{"tool":"check_allergens","arguments":{{"item":"{}"}}}}"#, item.id),
        ));
    }
    all.push((
        "when do you open?".to_owned(),
        r#"{"tool":"store_info","arguments":{"topic":"opening hours"}}"#.to_owned(),
    ));
    match agent {
        AgentName::Rosy => {
            all.push((
                "what can two of us eat for 30?".to_owned(),
                r#"{"tool":"recommend_menu_by_budget","arguments":{"limit":"30","party":2}}"#.to_owned(),
            ));
            if let Some(item) = of(Course::Side) {
                all.push((
                    format!("two {} please", item.name),
                    format!(r#"{{"tool":"add_to_cart","arguments":{{"item":"{}","quantity":2}}}}"#, item.id),
                ));
            }
            all.push(("what have I got so far?".to_owned(), r#"{"tool":"view_cart","arguments":{}}"#.to_owned()));
            all.push(("is my food ready?".to_owned(), r#"{"tool":"order_status","arguments":{}}"#.to_owned()));
        }
        AgentName::Gordon => all.push((
            "my food was cold".to_owned(),
            r#"{"tool":"offer_remedy","arguments":{"kind":"cold_food"}}"#.to_owned(),
        )),
    }
    all.push(("nice weather today".to_owned(), format!(r#"{{"tool":"{NONE}"}}"#)));
    all
}
