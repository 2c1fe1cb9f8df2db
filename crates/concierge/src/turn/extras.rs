//! What is no dish and goes on dishes: ketchup, oat milk, sauces.

use super::{
    dishes::by_popularity,
    wording::{among, listing, plain_words, singular, with_stop},
};
use crate::{
    brief::{Act, Step},
    menu::{Choice, Item, Menu, OptionGroup},
};

/// What a question about extras names.
pub(super) enum Extra<'a> {
    /// One choice: "ketchup".
    Choice(&'a Choice),
    /// A kind of them: "sauces".
    Kind(Vec<&'a Choice>),
}

/// Choices told of in one answer, and dishes that take one.
const MOST: usize = 8;
const MOST_DISHES: usize = 3;

/// The extra that words ask for and nothing else: "do you have oat milk?", "some ketchup, please".
pub(super) fn named<'a>(menu: &'a Menu, words: &[String]) -> Option<Extra<'a>> {
    const AROUND: &str = "do you have got any some is are there can could may i we get me us the a an of kind kinds sort type \
        types what which please extra more your also and to for hi hello serve offer need want would like i'd bring give all \
        list show tell about different other available with that choose pick put add adding how much is does it cost costs price";
    let asked: Vec<&str> = words.iter().filter(|word| !among(word, AROUND)).map(|word| singular(word)).collect();
    if asked.is_empty() {
        return None;
    }
    let is_name = |name: &str| plain_words(name).iter().map(|word| singular(word)).eq(asked.iter().copied());
    let groups = || menu.option_groups.iter();
    let choices = || groups().flat_map(|group| &group.choices).filter(|choice| choice.available);
    if let Some(choice) =
        choices().find(|choice| is_name(&choice.name) || choice.aliases.iter().any(|alias| is_name(alias)))
    {
        return Some(Extra::Choice(choice));
    }
    let [kind] = asked.as_slice() else { return None };
    // "Burger Sauces" are sauces, and no burgers.
    let of_kind = |name: &str| plain_words(name).last().is_some_and(|word| singular(word) == *kind);
    let in_group = |group: &&OptionGroup| of_kind(&group.name);
    let mut found: Vec<&Choice> = groups().filter(in_group).flat_map(|group| &group.choices).collect();
    found.extend(choices().filter(|choice| of_kind(&choice.name)));
    let mut distinct: Vec<&Choice> = Vec::new();
    for choice in found {
        if choice.available && !distinct.iter().any(|other| other.name == choice.name) {
            distinct.push(choice);
        }
    }
    (distinct.len() > 1).then_some(Extra::Kind(distinct))
}

/// Whether something that may be on a dish is on it: "is there chicken in it?". None where that is not asked, or where the
/// description of the dish says more about it.
pub(super) fn with(menu: &Menu, item: &Item, text: &str) -> Option<Step> {
    const ASKING: &str = "is are does do has have any with";
    const AROUND: &str = "is are does do has have any with there it in on the a an this that come comes them they you also so and \
        or ok some put get can i";
    let words = plain_words(text);
    let names: Vec<String> =
        std::iter::once(&item.name).chain(&item.aliases).flat_map(|name| plain_words(name)).collect();
    let asked: Vec<&str> =
        words.iter().filter(|word| !among(word, AROUND) && !names.contains(word)).map(|word| singular(word)).collect();
    if asked.is_empty() || !words.iter().take(2).any(|word| among(word, ASKING)) {
        return None;
    }
    let is_name = |name: &str| plain_words(name).iter().map(|word| singular(word)).eq(asked.iter().copied());
    let (group, choice) = item.option_groups.iter().filter_map(|id| menu.group(id)).find_map(|group| {
        let found = |choice: &&Choice| is_name(&choice.name) || choice.aliases.iter().any(|alias| is_name(alias));
        group.choices.iter().find(found).map(|choice| (group, choice))
    })?;
    let told = plain_words(&item.description);
    let name = choice.name.to_lowercase();
    let plain = if item.includes.contains(&(group.id.clone(), choice.id.clone())) {
        format!("Yes, {} comes with {name}.", item.name)
    } else if plain_words(&name)
        .iter()
        .map(String::as_str)
        .chain(asked)
        .any(|word| told.iter().any(|other| other == word))
    {
        return None;
    } else {
        // Nothing is said of what is in it besides: tea that sugar goes with may be sweet already.
        let more =
            if choice.price.0 > 0 { format!(" for {} more", menu.currency.show(choice.price)) } else { String::new() };
        format!("{}: {} You can have {name} with it{more}.", item.name, with_stop(&item.description))
    };
    Some(Step::new(Act::TellItem).item_fact(&item.id, plain.clone()).or_plain(plain).verbatim(true))
}

/// Tells what there is, and asks on which dish it is to be.
pub(super) fn tell(menu: &Menu, extra: &Extra<'_>) -> Step {
    let choice = match extra {
        Extra::Choice(choice) => choice,
        Extra::Kind(choices) => {
            let names: Vec<String> = choices.iter().take(MOST).map(|choice| choice.name.to_lowercase()).collect();
            let plain = format!("We have {}. They go with a dish: which one would you like?", listing(&names, "and"));
            return Step::new(Act::TellMenu).fact(plain.clone()).point(plain.clone(), [plain]).verbatim(true);
        }
    };
    let takes = |group: &OptionGroup| group.choices.iter().any(|other| other.available && other.name == choice.name);
    let dishes = by_popularity(menu, |item| item.option_groups.iter().filter_map(|id| menu.group(id)).any(takes));
    let names: Vec<String> = dishes.iter().take(MOST_DISHES).map(|item| item.name.clone()).collect();
    let on = listing(&names, "or");
    let more = match choice.price.0 {
        0 => String::new(),
        _ => format!(" for {} more", menu.currency.show(choice.price)),
    };
    let name = choice.name.to_lowercase();
    let plain = format!("We have {name} to go with {on}{more}. Which dish would you like it with?");
    let step = dishes.iter().take(MOST_DISHES).fold(Step::new(Act::TellMenu), |step, item| {
        step.item_fact(&item.id, format!("{} goes with {}", choice.name, item.name))
    });
    step.point(plain.clone(), [plain]).verbatim(true)
}
