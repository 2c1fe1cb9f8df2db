//! Requests with a budget in many words: each must lead to the right arguments of the planner.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use concierge::{
    menu::{ItemId, Menu},
    money::Cents,
    planner::{MAX_PARTY, Objective, wish},
    understand::Lexicon,
};

const MENU: &str = include_str!("../../../resources/menu.json");

/// What differs between what was heard and what is expected; empty where all is right.
fn differences(menu: &Menu, wish: &wish::Wish, expected: &str) -> Vec<String> {
    let request = &wish.request;
    let fields: Vec<&str> = expected.split_whitespace().collect();
    let value = |key: &str| fields.iter().find_map(|field| field.strip_prefix(key)?.strip_prefix('='));
    let has = |key: &str| fields.contains(&key);
    let mut wrong = Vec::new();
    let mut check = |what: &str, right: bool| {
        if !right {
            wrong.push(what.to_owned());
        }
    };
    if let Some(code) = value("currency") {
        check("currency", wish.other_currency.as_deref() == Some(code));
        return wrong;
    }
    check("currency", wish.other_currency.is_none());
    check("limit", request.limit == value("limit").map(|limit| Cents::parse(limit).unwrap()));
    check("before-tax", request.before_tax == has("before-tax"));
    let party = value("party").map_or(1, |party| if party == "most" { MAX_PARTY } else { party.parse().unwrap() });
    check("party", request.party == party);
    let people = kept(&fields, party);
    let mut heard: Vec<_> = request.diners.iter().map(|diner| (diner.diets.clone(), diner.allergens.clone())).collect();
    heard.retain(|(diets, allergens)| !diets.is_empty() || !allergens.is_empty());
    heard.sort();
    check("diners", heard == people);
    let counted = |key: &str| -> Vec<(u32, BTreeSet<ItemId>)> {
        fields
            .windows(2)
            .filter_map(|pair| {
                let count = pair[0].strip_prefix(key)?.strip_prefix('=')?.parse().unwrap();
                Some((count, pair[1].split(',').map(ItemId::from).collect()))
            })
            .collect()
    };
    let must: Vec<_> = request.must.iter().map(|must| (must.count, BTreeSet::from([must.item.clone()]))).collect();
    check("must", must == counted("must"));
    let most: Vec<_> = request.at_most.iter().map(|most| (most.most, most.items.clone())).collect();
    check("most", most == counted("most"));
    let not = value("not").unwrap_or_default();
    let category: BTreeSet<ItemId> =
        menu.items.iter().filter(|item| item.category == not).map(|item| item.id.clone()).collect();
    check(
        "not",
        if category.is_empty() {
            request.must_not == not.split(',').filter(|id| !id.is_empty()).map(ItemId::from).collect()
        } else {
            request.must_not.is_superset(&category)
        },
    );
    for (course, count) in [("sides", request.sides), ("drinks", request.drinks), ("desserts", request.desserts)] {
        check(course, (count == 1) == has(course) && count <= 1);
    }
    check("courses", request.courses_not.is_empty());
    let goal = match value("goal") {
        Some("feed") => Objective::Feed,
        Some("cheapest") => Objective::Cheapest,
        Some("best") => Objective::Best,
        _ => Objective::Fill,
    };
    check("goal", request.objective == goal);
    wrong
}

/// What each person keeps to, as expected. Different diets are different people where there is room for them.
fn kept(fields: &[&str], party: u32) -> Vec<(BTreeSet<String>, BTreeSet<String>)> {
    let mut people: BTreeMap<u32, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let mut next = 0;
    for field in fields {
        let Some((kind, value)) = field.split_once('=').filter(|(kind, _)| matches!(*kind, "diet" | "free")) else {
            continue;
        };
        let (name, count) = value.split_once(':').unwrap_or((value, ""));
        let numbers: Vec<u32> = match count.parse::<u32>() {
            Ok(count) => (next..next + count).collect(),
            Err(_) => (0..party).collect(),
        };
        next += if count.is_empty() { 0 } else { numbers.len() as u32 };
        for number in numbers {
            let person = people.entry(number % party).or_default();
            if kind == "diet" {
                person.0.insert(name.to_owned())
            } else {
                person.1.insert(name.to_owned())
            };
        }
    }
    let mut people: Vec<_> = people.into_values().collect();
    people.sort();
    people
}

/// How many requests of a file lead to the right arguments, and which do not.
fn score(file: &str) -> (usize, usize, String) {
    let menu = Menu::from_json(MENU).unwrap();
    let lexicon = Lexicon::new(&menu);
    let (mut right, mut all, mut wrong) = (0, 0, String::new());
    for line in file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (words, expected) = line.split_once(" | ").expect(line);
        let wish = wish::read(&lexicon, &menu, words);
        let differences = differences(&menu, &wish, expected);
        all += 1;
        if differences.is_empty() {
            right += 1;
        } else {
            wrong += &format!("{words}: {} in {:?}\n", differences.join(", "), wish.request);
        }
    }
    (right, all, wrong)
}

#[test]
fn budget_requests_lead_to_the_right_arguments() {
    let (right, all, wrong) = score(include_str!("budget/requests.txt"));
    assert!(right * 50 >= all * 48, "{right} of {all} are right. Wrong:\n{wrong}");
}

#[test]
fn later_budget_requests_lead_to_the_right_arguments() {
    let (right, all, wrong) = score(include_str!("budget/fresh.txt"));
    assert!(right == all, "{right} of {all} are right. Wrong:\n{wrong}");
}

#[test]
fn budget_requests_of_a_third_hand_lead_to_the_right_arguments() {
    let (right, all, wrong) = score(include_str!("budget/third.txt"));
    assert!(right == all, "{right} of {all} are right. Wrong:\n{wrong}");
}
