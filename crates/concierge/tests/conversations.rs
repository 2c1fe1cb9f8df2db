//! Sixty conversations, each from the first word to the last: the cart is right to the cent after every turn.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod house;
mod support;

use std::{collections::HashMap, fmt::Write as _};

use concierge::{ledger::Cart, money::Cents, order::OrderLine};
use house::House;
use serde::Deserialize;
use support::{normal, short};

/// Conversations that must hold, of all.
const LEAST: usize = 58;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    name: String,
    menu: String,
    turns: Vec<Said>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    say: String,
    cart: Vec<String>,
    total: String,
}

fn lines(cart: &Cart) -> Vec<String> {
    let settled = cart.lines().iter().map(|line| short(&line.as_order()));
    let pending = cart.pending_lines().iter().map(|line| short(&OrderLine { ..line.wanted.clone() }));
    let mut lines: Vec<String> = settled.chain(pending).collect();
    lines.sort();
    lines
}

#[test]
fn the_cart_is_right_after_every_turn() {
    let houses: HashMap<&str, House> = HashMap::from([
        ("shipped", House::shipped()),
        ("noodles", House::with(include_str!("menus/noodles.json"))),
        ("chippy", House::with(include_str!("menus/chippy.json"))),
    ]);
    let all: Vec<Conversation> = serde_yaml_ng::from_str(include_str!("conversations/conversations.yaml")).unwrap();
    let (mut right, mut misses) = (0, String::new());
    for conversation in &all {
        assert!((4..=10).contains(&conversation.turns.len()), "{} is too short or too long", conversation.name);
        let mut guest = houses[conversation.menu.as_str()].guest();
        let miss = conversation.turns.iter().find_map(|turn| {
            let decision = guest.say(&turn.say);
            let mut expected: Vec<String> = turn.cart.iter().map(|line| normal(line)).collect();
            expected.sort();
            let total = guest.cart.lines().iter().map(|line| line.total()).sum::<Cents>();
            (lines(&guest.cart) != expected || total != Cents::parse(&turn.total).unwrap()).then(|| {
                format!(
                    "> {}\n    expected {expected:?} {}\n    found    {:?} {total}\n    said: {}",
                    turn.say,
                    turn.total,
                    lines(&guest.cart),
                    decision.brief.plain(),
                )
            })
        });
        match miss {
            None => right += 1,
            Some(miss) => writeln!(misses, "{} ({}): {miss}", conversation.name, conversation.menu).unwrap(),
        }
    }
    assert_eq!(all.len(), 60);
    assert!(right >= LEAST, "{right} of {} right; the others:\n{misses}", all.len());
}
