//! Orders in plain English over five menus, each in a file of its own: `words => lines`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::fmt::Write as _;

use concierge::menu::Menu;
use concierge::order::{Amount, ChoicePick, OrderLine, Pick};
use concierge::understand::{Lexicon, parse};

/// A line as the files write it: `2 latte large | oat_milk, espresso_shot*2 | foam`. Order of picks does not matter.
fn short(line: &OrderLine) -> String {
    let item = match &line.item {
        Pick::One(id) => id.to_string(),
        Pick::AnyOf(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("/"),
    };
    let pick = |choice: &ChoicePick| match choice {
        ChoicePick::One(id) => id.to_string(),
        ChoicePick::AnyOf(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("/"),
    };
    let mut text = format!("{} {item}", line.quantity);
    if let Some(size) = &line.size {
        write!(text, " {size}").unwrap();
    }
    let mut options: Vec<String> = Vec::new();
    for option in &line.options {
        let mut one = pick(&option.choice);
        match option.amount {
            Some(Amount::Light) => one.push_str("+light"),
            Some(Amount::Extra) => one.push_str("+extra"),
            None => {}
        }
        if let Some(count) = option.count {
            write!(one, "*{count}").unwrap();
        }
        options.push(one);
    }
    let without: Vec<String> = line.without.iter().map(|without| pick(&without.choice)).collect();
    normal(&format!("{text} | {} | {}", options.join(","), without.join(",")))
}

/// The same line with its picks sorted.
fn normal(line: &str) -> String {
    let mut parts = line.split('|').map(str::trim);
    let head = parts.next().unwrap().to_owned();
    let mut list = || {
        let mut picks: Vec<&str> = parts.next().unwrap_or("").split(',').map(str::trim).filter(|p| !p.is_empty()).collect();
        picks.sort_unstable();
        picks.join(", ")
    };
    format!("{head} | {} | {}", list(), list())
}

fn check(menu: &str, cases: &str) {
    let lexicon = Lexicon::new(&Menu::from_json(menu).unwrap());
    let (mut wrong, mut count) = (String::new(), 0);
    for case in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (words, expected) = case.split_once("=>").unwrap_or_else(|| panic!("no arrow: {case}"));
        let mut expected: Vec<String> =
            expected.split(';').map(str::trim).filter(|line| !line.is_empty()).map(normal).collect();
        let mut found: Vec<String> = parse(&lexicon, words).lines.iter().map(short).collect();
        expected.sort();
        found.sort();
        count += 1;
        if found != expected {
            writeln!(wrong, "{words}\n  expected {expected:?}\n  found    {found:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} of {count} wrong:\n{wrong}", wrong.lines().count() / 3);
}

macro_rules! menus {
    ($($name:ident),*) => {$(
        #[test]
        fn $name() {
            check(
                include_str!(concat!("menus/", stringify!($name), ".json")),
                include_str!(concat!("orders/", stringify!($name), ".txt")),
            );
        }
    )*};
}

menus!(pizza, coffee, burger, sushi, breakfast);
