//! One plan through every door: the command, the chat, and the tool with the arguments that the chat heard; and from the
//! chat into the cart.

use concierge::{money::Cents, tools::ToolName};
use serde_json::{Value, json};

use crate::{cli::program, client::Event, house::house};

const MENU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources/menu.json");

/// What the program says to `plan`, as JSON; an empty object where it refuses.
fn plan(arguments: &[&str]) -> Value {
    let output = program(&["plan", "--menu", MENU, "--json"]).args(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!({}))
}

/// What every door tells of a plan.
fn told(plan: &Value) -> Value {
    let lines = |plan: &Value| -> Vec<Value> {
        let lines = plan["lines"].as_array().unwrap().iter();
        lines.map(|line| json!([line["item"], line["name"], line["quantity"], line["price"]])).collect()
    };
    let others: Vec<Value> = plan["alternatives"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|other| json!([other["total"], lines(other)]))
        .collect();
    // Without a limit nothing is left of one.
    let left = plan["left"].as_str().unwrap_or("0.00");
    json!([lines(plan), plan["total"], left, plan["limit"], plan["why"], plan["next_dollar"], others])
}

fn data<'a>(events: &'a [Event], name: &str) -> Option<&'a Value> {
    events.iter().find(|event| event.name == name).map(|event| &event.data)
}

#[tokio::test]
async fn the_command_the_chat_and_the_tool_give_the_same_plan() {
    let house = house().await;
    for words in [
        "what can you put together for fifty dollars?",
        "dinner for four within 60 dollars, one is vegan, a drink for each",
        "$45 before tax for three of us, at most one shake, no onion rings",
        "your most popular things for two within 40 dollars",
        "feed as many of us as you can for 70 dollars",
        "what is the cheapest meal for five people?",
        "a meal for 30 dollars with a neural shake",
    ] {
        let events = house.say(&house.guest().await, words).await;
        let card = data(&events, "plan").unwrap_or_else(|| panic!("{words}: {events:?}"));
        let place = |name: &str| events.iter().position(|event| event.name == name);
        assert!(place("plan") < place("token"), "{words}: the card comes before the first word");
        let tool = data(&events, "tool").unwrap();
        assert_eq!((&tool["name"], &tool["ok"]), (&json!(ToolName::RecommendMenuByBudget), &json!(true)), "{words}");
        let said = plan(&[words]);
        assert_eq!(told(&said), told(card), "{words}");
        assert_eq!(told(&plan(&["--arguments", &tool["arguments"].to_string()])), told(card), "{words}");
    }
}

#[tokio::test]
async fn add_it_puts_the_plan_into_the_cart_and_the_next_plan_counts_what_is_there() {
    let house = house().await;
    let guest = house.guest().await;
    let amount = |value: &Value| Cents::parse(value.as_str().unwrap()).unwrap();
    let events = house.say(&guest, "what can two of us eat for 25 dollars?").await;
    let first = data(&events, "plan").unwrap().clone();
    let events = house.say(&guest, "yes, add it").await;
    let cart = data(&events, "cart").unwrap();
    let lines = |of: &Value| -> Vec<(Value, Value)> {
        let lines = of["lines"].as_array().unwrap().iter();
        let mut lines: Vec<_> = lines.map(|line| (line["item"].clone(), line["quantity"].clone())).collect();
        lines.sort_by_key(|(item, _)| item.to_string());
        lines
    };
    assert_eq!(lines(cart), lines(&first));
    assert_eq!(amount(&cart["total"]), amount(&first["total"]));
    // What is ordered counts towards the next sum.
    let events = house.say(&guest, "what else can we get within 60 dollars?").await;
    let second = data(&events, "plan").unwrap();
    let sum = amount(&cart["total"]) + amount(&second["total"]) + amount(&second["left"]);
    assert_eq!(sum, Cents(6_000), "{second}");
}
