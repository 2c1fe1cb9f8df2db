//! What is on the order and what it comes to, read out; and how far placed orders are.

use super::{Turn, orders::open_question, wording::money};
use crate::{
    brief::{Act, Step},
    ledger::{Totals, describe_line, list_words},
};

/// Reads the cart.
pub(super) fn tell_cart(turn: &Turn<'_>) -> Step {
    undecided(turn).unwrap_or_else(|| if turn.cart.is_empty() { empty_cart() } else { read_cart(turn, Act::TellCart) })
}

/// What the order comes to without tax, the tax, and both together. None where nothing is on it.
pub(super) fn tell_tax(turn: &Turn<'_>) -> Option<Step> {
    let menu = &turn.world.menu;
    let Totals { subtotal, tax, total } = turn.cart.totals(menu.tax_rate);
    let [subtotal, tax, total] = [subtotal, tax, total].map(|amount| money(menu, amount));
    let plain = format!("Your order is {subtotal} without tax. The tax is {tax}, so the total is {total}.");
    let step = Step::new(Act::TellCart).fact(plain.clone()).point(plain, [subtotal, tax, total]);
    (!turn.cart.lines().is_empty()).then(|| step.verbatim(true))
}

/// What was ordered and how far it is.
pub(super) fn history(turn: &Turn<'_>) -> Vec<Step> {
    let mut steps = Vec::from_iter(undecided(turn));
    if steps.is_empty() && !turn.cart.is_empty() {
        steps.push(read_cart(turn, Act::TellCart).point("It is not placed yet.", ["not"]));
    }
    for order in turn.cart.orders().iter().rev().take(2) {
        let state = turn.register.state(order.id).unwrap_or("received");
        let lines: Vec<String> = order.lines.iter().map(describe_line).collect();
        let total = money(&turn.world.menu, order.totals.total);
        let number = order.number;
        let step = Step::new(Act::TellOrderState)
            .fact(format!("Order {number}: {}; total {total}; state: {state}", list_words(&lines)));
        steps.push(step.point(
            format!("Order number {number} is {}: {}, {total} in all.", state_words(state), list_words(&lines)),
            [number.to_string(), total],
        ));
    }
    if steps.is_empty() {
        steps
            .push(Step::new(Act::TellNoOrder).point("You have not ordered anything yet. What can I get you?", ["not"]));
    }
    steps
}

/// The question to which dish is meant, where there is nothing else on the order yet.
fn undecided(turn: &Turn<'_>) -> Option<Step> {
    open_question(turn).filter(|_| turn.cart.lines().is_empty())
}

/// How far an order is, in words.
pub(super) fn state_words(state: &str) -> &str {
    match state {
        "received" => "received by the kitchen",
        "preparing" => "being prepared",
        "ready" => "ready",
        "served" => "served",
        other => other,
    }
}

pub(super) fn empty_cart() -> Step {
    Step::new(Act::TellEmptyCart).point("There is nothing on your order yet. What can I get you?", ["nothing"])
}

pub(super) fn read_cart(turn: &Turn<'_>, act: Act) -> Step {
    let lines = turn.cart.lines();
    let words: Vec<String> = lines.iter().map(describe_line).collect();
    let step = lines.iter().zip(&words).fold(Step::new(act), |step, (line, words)| {
        step.item_fact(&line.item, format!("{words}: {}", money(&turn.world.menu, line.total())))
    });
    let step = step.point(format!("Your order: {}.", list_words(&words)), lines.iter().map(|line| line.name.clone()));
    total(turn, step)
}

pub(super) fn total(turn: &Turn<'_>, step: Step) -> Step {
    let totals = turn.cart.totals(turn.world.menu.tax_rate);
    let words = total_words(turn, totals);
    let amount = money(&turn.world.menu, totals.total);
    step.fact(words.clone()).point(format!("{words}."), [amount])
}

fn total_words(turn: &Turn<'_>, totals: Totals) -> String {
    let amount = money(&turn.world.menu, totals.total);
    if totals.tax.0 == 0 { format!("Your total is {amount}") } else { format!("Your total is {amount} with tax") }
}
