//! What several things would cost: the ledger sums it up, and nothing is ordered.

use super::{
    Turn, orders,
    wording::{listing, money, says},
};
use crate::{
    brief::{Act, Step},
    ledger::{Cart, Consent, describe_line, list_words},
    order::{Edit, Pick},
    understand,
};

/// "How much are two classics and a cola?" None where it asks of one dish's price, or leaves open which dish.
pub(super) fn quote(turn: &Turn<'_>, text: &str, words: &[String]) -> Option<Step> {
    let menu = &turn.world.menu;
    let parsed = understand::parse(&turn.world.lexicon, text);
    // "How much are the classic and the cola?" asks for two prices.
    let several = parsed.lines.iter().any(|line| line.quantity > 1);
    let summed = !parsed.lines.is_empty() && says(words, "total | with tax | altogether | together | in all");
    if !parsed.problems.is_empty() || !(several || summed) || says(words, "or | which | cheaper | costs more") {
        return None;
    }
    let open = parsed.lines.iter().find_map(|line| match &line.item {
        Pick::AnyOf(any_of) => Some(any_of),
        Pick::One(_) => None,
    });
    if let Some(any_of) = open {
        return Some(orders::ask_which(menu, "Which do you mean", any_of));
    }
    let mut cart = Cart::default();
    for line in parsed.lines {
        line.item.one()?;
        // What the guest must not eat is told of when it is ordered.
        for event in cart.decide(menu, &Edit::Add { line }, Consent::Given).ok()? {
            cart.apply(&event);
        }
    }
    let totals = cart.totals(menu.tax_rate);
    let total = money(menu, totals.total);
    let lines: Vec<String> = cart.lines().iter().map(describe_line).collect();
    let tax = if totals.tax.0 > 0 { " with tax" } else { "" };
    let step = cart.lines().iter().zip(&lines).fold(Step::new(Act::TellPrice), |step, (line, words)| {
        step.item_fact(&line.item, format!("{words}: {}", money(menu, line.total())))
    });
    let plain = format!("{} would be {total}{tax}.", list_words(&lines));
    Some(step.fact(format!("Together: {total}{tax}")).point(plain.clone(), [plain]).verbatim(true))
}

/// "How many calories is all that?" of the order: what the menu gives for its dishes. None where one dish is asked about.
pub(super) fn calories(turn: &Turn<'_>, words: &[String]) -> Option<Step> {
    const ALL: &str = "all that | all of that | all of it | all this | in all | in total | total | altogether | all together | \
        everything | my order | the whole";
    let lines = turn.cart.lines();
    if lines.is_empty() || !says(words, ALL) {
        return None;
    }
    let mut sum = 0_u32;
    let mut untold: Vec<&str> = Vec::new();
    for line in lines {
        match turn.world.menu.item(&line.item).and_then(|item| item.calories) {
            Some(calories) => sum = sum.saturating_add(calories.saturating_mul(line.quantity)),
            None => untold.push(&line.name),
        }
    }
    let but = if untold.is_empty() {
        String::new()
    } else {
        format!(" I don't have the calories of {}.", listing(&untold, "and"))
    };
    let plain = format!("Your order has {sum} kcal as the menu gives them, extras not counted.{but}");
    Some(Step::new(Act::TellItem).fact(plain.clone()).or_plain(plain).verbatim(true))
}
