//! Picking some dishes out of many by what the menu tells of them: the cheapest, the lightest, those that speak of bacon.

use super::{
    dishes::source,
    wording::{among, find, listing, plain_words, price_from, says, singular},
};
use crate::{
    brief::{Act, Step},
    menu::{Item, Menu},
};

/// "The second cheapest": the dish at that place by its price, the best liked first among equals.
pub(super) fn by_price(menu: &Menu, words: &[String], dearest: bool, fits: &[&Item]) -> Option<Step> {
    const PLACES: [(&str, &str); 3] =
        [("second | 2nd", "second "), ("third | 3rd", "third "), ("fourth | 4th", "fourth ")];
    let (at, place) = PLACES
        .iter()
        .zip(1..)
        .find(|((place, _), _)| says(words, place))
        .map_or((0, ""), |((_, place), at)| (at, *place));
    let mut sorted = fits.to_vec();
    sorted.sort_by_key(|item| item.price_range().0);
    if dearest {
        sorted.reverse();
    }
    let item = sorted.get(at)?;
    let which = if dearest { "most expensive" } else { "cheapest" };
    let price = price_from(&menu.currency, item);
    Some(
        Step::new(Act::TellPrice)
            .item_fact(&item.id, format!("The {place}{which}: {}, {price}", item.name))
            .point(format!("The {place}{which} is {}, {price}.", item.name), [item.name.clone(), price])
            .source(source(item)),
    )
}

/// What dishes are to have in "which drinks have caffeine?", or are not to be in "which are not spicy?": the word, and
/// whether it is wanted.
pub(super) fn sought(words: &[String]) -> Option<(&str, bool)> {
    const HAVE: &str = "have | has | contain | contains | come with | comes with | are with | is with | with";
    const AROUND: &str = "any some a an the in it inside them too very so really that on much lot of";
    const NOUNS: &str = "you we i they no not what which does do is are less something anything dish dishes options option sugar calories meal food";
    let behind = |at: std::ops::Range<usize>| words[at.end..].iter().find(|word| !among(word, AROUND));
    let bare = |word: &&String| !among(word, NOUNS);
    if let Some(word) = find(words, "not | isn't | aren't").and_then(behind).filter(bare) {
        return Some((word, false));
    }
    let which = words.iter().any(|word| among(word, "what which"));
    let word = find(words, HAVE).filter(|_| which).and_then(behind).filter(bare)?;
    Some((word, true))
}

/// Whether the menu speaks of something in a dish: by its name, in its description or by what is on it. What a dish is
/// said to be without is not in it.
pub(super) fn speaks_of(menu: &Menu, item: &Item, word: &str) -> bool {
    let on_it = item.includes.iter().filter_map(|(group, choice)| menu.choice(group, choice));
    let on_it = on_it.flat_map(|choice| std::iter::once(&choice.name).chain(&choice.aliases));
    let names = std::iter::once(&item.name).chain(&item.aliases).chain([&item.description]).chain(on_it);
    names.map(|name| plain_words(name)).any(|said| {
        said.iter().enumerate().any(|(at, other)| {
            let without = at.checked_sub(1).is_some_and(|before| among(&said[before], "no without non"));
            let free = said.get(at + 1).is_some_and(|next| next == "free");
            singular(other) == singular(word) && !without && !free
        })
    })
}

/// Those of some dishes that have something in them or are without it, as far as the menu tells.
pub(super) fn by_mention<'a>(menu: &Menu, (word, wanted): (&str, bool), fits: &[&'a Item]) -> Vec<&'a Item> {
    fits.iter().filter(|item| speaks_of(menu, item, word) == wanted).copied().collect()
}

/// Whether a dish's description has a word, in whatever number.
fn describes(item: &Item, word: &str) -> bool {
    plain_words(&item.description).iter().any(|other| singular(other) == singular(word))
}

/// Where the menu does not tell which dishes have something: those of which it says that they are without.
pub(super) fn not_told(word: &str, fits: &[&Item]) -> Step {
    let without: Vec<&str> = fits.iter().filter(|item| describes(item, word)).map(|item| item.name.as_str()).collect();
    let but = match without.as_slice() {
        [] => String::new(),
        names => format!(" It says so only of what is without: {}.", listing(names, "and")),
    };
    let plain = format!("Our menu doesn't tell which of these have {word}.{but} Please ask our staff to be sure.");
    Step::new(Act::AdmitUnknown).fact(plain.clone()).or_plain(plain).verbatim(true)
}

/// The biggest or the smallest of some dishes, as far as a menu tells: by their calories.
pub(super) fn by_size(biggest: bool, fits: &[&Item]) -> Option<Step> {
    let which = if biggest { "biggest" } else { "smallest" };
    of_calories(fits, biggest, |name, calories| format!("Going by calories, {name} is the {which}: {calories} kcal."))
}

/// Tells the dish with the most calories, or with the fewest, in these words.
fn of_calories(fits: &[&Item], most: bool, words: impl Fn(&str, u32) -> String) -> Option<Step> {
    let told = fits.iter().filter(|item| item.calories.is_some());
    let best = if most { told.max_by_key(|item| item.calories) } else { told.min_by_key(|item| item.calories) }?;
    let calories = best.calories?;
    let plain = words(&best.name, calories);
    let step = Step::new(Act::TellItem).item_fact(&best.id, plain.clone()).source(source(best));
    Some(step.point(plain, [best.name.clone(), calories.to_string()]))
}

/// "Less than 500 calories": the most that is asked for.
pub(super) fn calories_bound(words: &[String]) -> Option<u32> {
    let at = find(words, "less than | under | below | at most | max | maximum | up to | not more than")?;
    words.get(at.end)?.parse().ok()
}

/// The dish with the fewest calories, or with the most, where that is asked.
pub(super) fn by_calories(words: &[String], fits: &[&Item]) -> Option<Step> {
    let least = says(words, "least | lowest | fewest | lightest | low | healthiest | less");
    if !least && !says(words, "most | highest") {
        return None;
    }
    let which = if least { "fewest" } else { "most" };
    of_calories(fits, !least, |name, calories| format!("{name} has the {which} calories: {calories} kcal."))
}

/// What is not eaten is told, and nothing asked of a dish that is called so.
pub(super) const NOT_EATEN: &str = "don't eat | dont eat | do not eat | can't eat | cannot eat | hindu";

/// Whether dishes without something are asked for that is no allergen: "I don't eat pork", "no beef".
pub(super) fn leaves_out(menu: &Menu, words: &[String]) -> bool {
    let behind = find(words, "no | without").and_then(|at| words.get(at.end));
    let on_menu = |word: &String| menu.items.iter().any(|item| describes(item, word));
    // "No bun" is a matter of what a dish comes in, which can be chosen.
    let chosen = |word: &String| menu.option_groups.iter().any(|group| plain_words(&group.name).contains(word));
    says(words, NOT_EATEN) || behind.is_some_and(|word| on_menu(word) && !chosen(word))
}
