#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

const MENU: &str = r#"{"name":"T","items":[
    {"id":"stew","name":"Bean Stew","category":"Mains","price":9,"sizes":[{"id":"big","price":11}],"allergens":["celery"],"diets":["vegan"]},
    {"id":"pie","name":"Pie","category":"Sweets","course":"dessert","price":4,"option_groups":["top"],"allergens":["milk"],"diets":[]}],
    "option_groups":[{"id":"top","name":"Top","choices":[{"id":"cream","name":"Cream","price":1}]}]}"#;

fn tools() -> Tools {
    Tools::new(&Menu::from_json(MENU).unwrap())
}

#[test]
fn each_tool_is_declared_once_with_a_closed_schema() {
    let tools = tools();
    for (tool, name) in tools.all().iter().zip(ToolName::ALL) {
        assert_eq!(tool.name, name);
        assert_eq!(ToolName::parse(name.as_str()), Some(name));
        assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        assert_eq!(tool.schema["type"], "object", "{name:?}");
        assert_eq!(tool.schema["additionalProperties"], false, "{name:?}");
        let text = tool.schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("x-menu") && !text.contains("null"), "{text}");
        for (key, property) in tool.schema["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name:?}.{key} has no description: {property}");
        }
    }
    let items = &tools.all()[ToolName::ItemDetails as usize].schema["properties"]["item"];
    assert_eq!(items["enum"], json!(["stew", "pie"]));
}

#[test]
fn calls_are_read_and_wrong_ones_are_refused_by_name() {
    let tools = tools();
    for (name, arguments, expected) in [
        ("view_cart", json!({}), Ok(())),
        ("item_details", json!({"item": "stew"}), Ok(())),
        ("add_to_cart", json!({"item": "stew", "quantity": 2, "size": "big"}), Ok(())),
        (
            "add_to_cart",
            json!({"item": "pie", "options": [{"group": "top", "choice": "cream", "amount": "extra"}]}),
            Ok(()),
        ),
        ("recommend_menu_by_budget", json!({"limit": "50", "party": 2, "diners": [{"diets": ["vegan"]}]}), Ok(())),
        ("recommend_menu_by_budget", json!({"objective": "cheapest", "must": [{"item": "pie"}]}), Ok(())),
        ("recommend_menu_by_budget", json!({"limit": "50", "extra_mains": false}), Ok(())),
        ("check_allergens", json!({"allergens": ["milk"]}), Ok(())),
        ("open_ticket", json!({"kind": "cold_food"}), Ok(())),
        ("give_refund", json!({}), Err("no tool \"give_refund\"")),
        ("item_details", json!({}), Err("\"item\" is missing")),
        ("item_details", json!({"item": "caviar"}), Err("\"caviar\" is not one of stew, pie")),
        ("item_details", json!({"item": "stew", "price": "0"}), Err("\"price\" is not known; item")),
        ("item_details", json!([]), Err("an object is expected")),
        ("item_details", Value::Null, Err("an object is expected")),
        ("add_to_cart", json!({"item": "stew", "quantity": 0}), Err("quantity: a whole number from 1 to 50")),
        ("add_to_cart", json!({"item": "stew", "quantity": -1}), Err("quantity: a whole number")),
        ("add_to_cart", json!({"item": "stew", "quantity": 1e9}), Err("quantity: a whole number")),
        ("add_to_cart", json!({"item": "stew", "quantity": "two"}), Err("quantity: a whole number")),
        ("recommend_menu_by_budget", json!({"limit": "-5"}), Err("limit: an amount such as")),
        ("recommend_menu_by_budget", json!({"limit": "lots"}), Err("limit: an amount such as")),
        ("recommend_menu_by_budget", json!({"limit": "99999999999"}), Err("limit: an amount such as")),
        ("recommend_menu_by_budget", json!({"limit": "50", "in_cart": "0"}), Err("\"in_cart\" is not known")),
        ("recommend_menu_by_budget", json!({"limit": "50", "party": 21}), Err("party: a whole number from 1 to 20")),
        ("search_menu", json!({"query": "x".repeat(81)}), Err("query: 0 to 80 characters")),
        ("open_ticket", json!({"kind": "boredom"}), Err("\"boredom\" is not one of")),
    ] {
        let read = tools.parse(name, &arguments);
        match (read, expected) {
            (Ok(call), Ok(())) => {
                assert_eq!(call.name().as_str(), name);
                // What a call tells of itself is read as the same call again.
                assert_eq!(tools.parse(name, &call.arguments()), Ok(call), "{name} {arguments}");
            }
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{name} {arguments}: {error}"),
            (read, _) => panic!("{name} {arguments}: {read:?}"),
        }
    }
}

#[test]
fn the_model_may_call_nothing_or_its_own_tools() {
    let tools = tools();
    assert_eq!(tools.read(r#"{"tool":"none"}"#), Ok(None));
    assert!(tools.read(r#"{"tool":"view_cart","arguments":{}}"#).unwrap().is_some());
    assert!(tools.read(r#"{"tool":"view_cart","arguments":{},"also":1}"#).is_err());
    assert!(tools.read(r#"{"tool":"view_cart","argum"#).is_err());
    assert!(tools.read(&" ".repeat(MAX_ARGUMENTS + 1)).is_err());
    let (rosy, gordon) = (tools.grammar(AgentName::Rosy), tools.grammar(AgentName::Gordon));
    assert!(rosy.contains("add_to_cart") && !rosy.contains("open_ticket"));
    assert!(gordon.contains("open_ticket") && !gordon.contains("place_order"));
}
