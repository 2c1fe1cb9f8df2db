//! Orders in a short form, for tests.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::fmt::Write as _;

use concierge::order::{Amount, ChoicePick, OrderLine, Pick};

/// A line as the files write it: `2 latte large | oat_milk, espresso_shot*2 | foam`. Order of picks does not matter.
pub fn short(line: &OrderLine) -> String {
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
pub fn normal(line: &str) -> String {
    let mut parts = line.split('|').map(str::trim);
    let head = parts.next().unwrap().to_owned();
    let mut list = || {
        let mut picks: Vec<&str> =
            parts.next().unwrap_or("").split(',').map(str::trim).filter(|p| !p.is_empty()).collect();
        picks.sort_unstable();
        picks.join(", ")
    };
    format!("{head} | {} | {}", list(), list())
}
