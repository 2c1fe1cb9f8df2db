//! What several things would cost: the ledger sums it up, and nothing is ordered.

use super::{
    Turn,
    asking::Part,
    orders,
    wording::{listing, money, says},
};
use crate::{
    brief::{Act, Step},
    ledger::{Cart, Consent, Totals, describe_line, list_words},
    menu::Menu,
    order::{ChoicePick, Edit, OrderLine, Pick},
    understand,
};

/// Phrases for all that is on the order.
pub(super) const ORDERED: &str = "my order | our order | my cart | the order | everything i ordered";

/// "How much are two classics and a cola?", "how much is a classic with bacon?", "how much is it with bacon?". None where it
/// asks of one dish's price as the menu has it, or leaves open which dish.
pub(super) fn quote(turn: &Turn<'_>, part: &Part<'_>, words: &[String]) -> Option<Step> {
    let menu = &turn.world.menu;
    let mut parsed = understand::parse(&turn.world.lexicon, part.text);
    if parsed.lines.is_empty() {
        return of_last_line(turn, part, words);
    }
    for line in &mut parsed.lines {
        settle_alike(menu, line);
    }
    // "How much are the classic and the cola?" asks for two prices.
    let with = says(words, "with | extra | add | plus");
    let made_up = |line: &OrderLine| line.quantity > 1 || (with && !line.options.is_empty());
    let summed = says(words, "total | with tax | altogether | together | in all");
    if !parsed.problems.is_empty()
        || !(summed || parsed.lines.iter().any(made_up))
        || says(words, "or | which | cheaper | costs more")
    {
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

/// Takes the first of several choices that cost the same, so that a price can be told: any cheese for a dollar.
fn settle_alike(menu: &Menu, line: &mut OrderLine) {
    for option in &mut line.options {
        let ChoicePick::AnyOf(any_of) = &option.choice else { continue };
        let mut prices = any_of.iter().filter_map(|id| menu.choice(&option.group, id)).map(|choice| choice.price);
        let first = prices.next();
        if first.is_some() && prices.all(|price| Some(price) == first) {
            option.choice = ChoicePick::One(any_of[0].clone());
        }
    }
}

/// "How much is it with bacon?" of the line touched last, with what the words change of it. None where the talk has come
/// to another dish.
fn of_last_line(turn: &Turn<'_>, part: &Part<'_>, words: &[String]) -> Option<Step> {
    const BARE: usize = 2;
    let menu = &turn.world.menu;
    let line = turn.cart.line(turn.memory.last_line?)?;
    let asked = part.refers_back || (part.names_nothing() && words.len() <= BARE);
    if !asked || turn.memory.talked_of.first().is_some_and(|item| *item != line.item) {
        return None;
    }
    let mut cart = turn.cart.clone();
    for edit in turn.edits_in(part.text) {
        let of_line = matches!(&edit, Edit::SetOption { line: id, .. } | Edit::Leave { line: id, .. } | Edit::SetSize { line: id, .. } if *id == line.id);
        for event in of_line.then(|| cart.decide(menu, &edit, Consent::Given).ok()).flatten()? {
            cart.apply(&event);
        }
    }
    let line = cart.line(line.id)?;
    // What the menu says of the dish tells more of it as it comes.
    let usual = menu.item(&line.item).and_then(|item| item.default_size.as_ref());
    let as_it_comes = line.options.is_empty() && line.without.is_empty();
    if as_it_comes && line.size.as_ref().map(|size| &size.id) == usual {
        return None;
    }
    let (alone, taxed) = (line.total(), Totals::of(std::slice::from_ref(line), menu.tax_rate));
    let with_tax = if taxed.tax.0 > 0 { format!(", or {} with tax", money(menu, taxed.total)) } else { String::new() };
    let plain = format!("{} is {}{with_tax}.", describe_line(line), money(menu, alone));
    Some(Step::new(Act::TellPrice).item_fact(&line.item, plain.clone()).point(plain.clone(), [plain]).verbatim(true))
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
