//! What is no dish and goes on dishes: ketchup, oat milk, sauces.

use std::collections::BTreeSet;

use super::{
    dishes::{Asked, MOST_NAMED, by_popularity, list},
    wording::{among, find, listing, plain_words, says, singular, with_stop},
};
use crate::{
    brief::{Act, Step},
    menu::{Choice, Course, Item, Menu, OptionGroup},
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

/// Words around the name of an extra that is asked for.
const AROUND_NAMES: &str = "do you have got any some is are there can could may i we get me us the a an of kind kinds sort type \
    types what which please extra more your also and to for hi hello serve offer need want would like i'd bring give all list \
    show tell about different other available with that choose pick put add adding how much is does it cost costs price";

/// " for $1.50 more", where a choice costs something.
pub(super) fn surcharge(menu: &Menu, choice: &Choice) -> String {
    match choice.price.0 {
        0 => String::new(),
        _ => format!(" for {} more", menu.currency.show(choice.price)),
    }
}

/// Whether words, in the singular, are what a choice is called.
fn is_called(choice: &Choice, asked: &[&str]) -> bool {
    let is_name = |name: &String| plain_words(name).iter().map(|word| singular(word)).eq(asked.iter().copied());
    std::iter::once(&choice.name).chain(&choice.aliases).any(is_name)
}

/// The extra that words ask for and nothing else: "do you have oat milk?", "some ketchup, please".
pub(super) fn named<'a>(menu: &'a Menu, words: &[String]) -> Option<Extra<'a>> {
    let asked: Vec<&str> = words.iter().filter(|word| !among(word, AROUND_NAMES)).map(|word| singular(word)).collect();
    if asked.is_empty() {
        return None;
    }
    let groups = || menu.option_groups.iter();
    let choices = || groups().flat_map(|group| &group.choices).filter(|choice| choice.available);
    if let Some(choice) = choices().find(|choice| is_called(choice, &asked)) {
        return Some(Extra::Choice(choice));
    }
    let [kind] = asked.as_slice() else { return None };
    let found = of_kind(menu, kind);
    (found.len() > 1).then_some(Extra::Kind(found))
}

/// Whether a name is of a kind, in the singular: "Burger Sauces" are sauces, and no burgers.
fn is_of_kind(name: &str, kind: &str) -> bool {
    plain_words(name).last().is_some_and(|word| singular(word) == kind)
}

/// The choices of a kind, those of a group that is called so first.
fn of_kind<'a>(menu: &'a Menu, kind: &str) -> Vec<&'a Choice> {
    let groups = || menu.option_groups.iter();
    let in_groups = groups().filter(|group| is_of_kind(&group.name, kind)).flat_map(|group| &group.choices);
    let others = groups().flat_map(|group| &group.choices).filter(|choice| is_of_kind(&choice.name, kind));
    let mut distinct: Vec<&Choice> = Vec::new();
    for choice in in_groups.chain(others) {
        if choice.available && !distinct.iter().any(|other| other.name == choice.name) {
            distinct.push(choice);
        }
    }
    distinct
}

/// The choices of the one kind of which a diet or an allergen is asked and nothing else: "does the bun have sesame?".
pub(super) fn marked_kind<'a>(menu: &'a Menu, words: &[String], marks: &BTreeSet<String>) -> Option<Vec<&'a Choice>> {
    let marks: Vec<String> = marks.iter().flat_map(|mark| plain_words(mark)).collect();
    let is_mark = |word: &str| marks.iter().any(|mark| singular(mark) == singular(word));
    let mut rest = words.iter().filter(|word| !among(word, AROUND_MARKS) && !is_mark(word));
    let (kind, None) = (rest.next()?, rest.next()) else { return None };
    let found = of_kind(menu, singular(kind));
    (found.len() > 1).then_some(found)
}

/// What can be chosen of a kind for some dishes: "what sauces can I get with the fries?". None where that is not asked, or
/// where none of them takes any.
pub(super) fn kind_for(menu: &Menu, items: &[&Item], words: &[String]) -> Option<Step> {
    const ASKING: &str = "what | which | any | come with | comes with | kind of | kinds of | choice of";
    if items.is_empty() || !says(words, ASKING) {
        return None;
    }
    let is_named = |item: &Item, word: &String| {
        std::iter::once(&item.name).chain(&item.aliases).any(|name| plain_words(name).contains(word))
    };
    let asked: Vec<&str> =
        words.iter().filter(|word| !items.iter().any(|item| is_named(item, word))).map(|word| singular(word)).collect();
    let of_kind = |group: &&OptionGroup| {
        let named = |name: &str| asked.iter().any(|kind| is_of_kind(name, kind));
        named(&group.name) || group.choices.iter().filter(|choice| named(&choice.name)).count() > 1
    };
    // What it comes with, and a kind of which its description speaks, are told with the dish.
    let comes = says(words, "come | comes");
    let which = says(words, "what | which");
    let told = |item: &Item, group: &OptionGroup| {
        let included = item.includes.iter().any(|(of, _)| *of == group.id);
        let described = || plain_words(&item.description).iter().any(|word| is_of_kind(&group.name, singular(word)));
        comes && (included || (!which && described()))
    };
    let groups = |item: &&Item| {
        item.option_groups
            .iter()
            .filter_map(|id| menu.group(id))
            .filter(of_kind)
            .filter(|group| !told(item, group))
            .collect()
    };
    let found: Vec<(&Item, Vec<&OptionGroup>)> = items.iter().map(|item| (*item, groups(item))).collect();
    let (_, first) = found.iter().find(|(_, groups)| !groups.is_empty())?;
    let same =
        found.iter().filter(|(_, groups)| groups.iter().map(|group| &group.id).eq(first.iter().map(|group| &group.id)));
    let names: Vec<&str> = same.clone().map(|(item, _)| item.name.as_str()).collect();
    let text = format!("For {} you can choose {}.", listing(&names, "or"), choices_of(menu, first).join("; "));
    let step = same.fold(Step::new(Act::TellItem), |step, (item, _)| step.item_fact(&item.id, text.clone()));
    Some(step.point(text.clone(), [text]).verbatim(true))
}

/// What can be chosen in some groups, each with what it costs more.
pub(super) fn choices_of(menu: &Menu, groups: &[&OptionGroup]) -> Vec<String> {
    let of = |group: &&OptionGroup| {
        let available = group.choices.iter().filter(|choice| choice.available);
        let choices: Vec<String> = available
            .map(|choice| match choice.price.0 {
                0 => choice.name.to_lowercase(),
                _ => format!("{} (+{})", choice.name.to_lowercase(), menu.currency.show(choice.price)),
            })
            .collect();
        format!("{}: {}", group.name.to_lowercase(), listing(&choices, "or"))
    };
    groups.iter().map(of).collect()
}

/// Words around a choice and a mark in a question about both.
const AROUND_MARKS: &str = "is are does do has have contain contains any there the a your in it inside and or also so ok really \
    made with on of free";

/// The choice of whose diet or allergens is asked and nothing else: "is the mayo vegan?". The longest name counts.
pub(super) fn marked<'a>(menu: &'a Menu, words: &[String], marks: &BTreeSet<String>) -> Option<&'a Choice> {
    let names = |choice: &'a Choice| {
        std::iter::once(&choice.name).chain(&choice.aliases).filter_map(|name| find(words, &name.to_lowercase()))
    };
    let choices = menu.option_groups.iter().flat_map(|group| &group.choices).filter(|choice| choice.available);
    let named = choices.flat_map(|choice| names(choice).map(move |at| (choice, at)));
    let marks: Vec<String> = marks.iter().flat_map(|mark| plain_words(mark)).collect();
    // "Is there milk in the mayo?": the milk is what is asked of the mayo, though coffee takes some.
    let is_asked = |at: &std::ops::Range<usize>| words[at.clone()].iter().all(|word| marks.contains(word));
    let (choice, at) = named.max_by_key(|(_, at)| (!is_asked(at), at.len()))?;
    let mut rest = words.iter().enumerate().filter(|(place, _)| !at.contains(place)).map(|(_, word)| word);
    let is_mark = |word: &String| marks.iter().any(|mark| singular(mark) == singular(word));
    rest.all(|word| among(word, AROUND_MARKS) || is_mark(word)).then_some(choice)
}

/// The choice of a dish that words ask for and nothing else: "with cream, please", which is whipped cream on a pie.
pub(super) fn choice_of<'a>(menu: &'a Menu, item: &Item, words: &[String]) -> Option<(&'a OptionGroup, &'a Choice)> {
    let asked: Vec<&str> = words.iter().filter(|word| !among(word, AROUND_NAMES)).map(|word| singular(word)).collect();
    let groups = || item.option_groups.iter().filter_map(|id| menu.group(id));
    let choices = || groups().flat_map(|group| group.choices.iter().map(move |choice| (group, choice)));
    let available = || choices().filter(|(_, choice)| choice.available && !asked.is_empty());
    available().find(|(_, choice)| is_called(choice, &asked)).or_else(|| {
        let [kind] = asked.as_slice() else { return None };
        let mut found = available().filter(|(_, choice)| is_of_kind(&choice.name, kind));
        found.next().filter(|_| found.next().is_none())
    })
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
    let mut groups = item.option_groups.iter().filter_map(|id| menu.group(id));
    let (group, choice) = groups.find_map(|group| {
        group.choices.iter().find(|choice| is_called(choice, &asked)).map(|choice| (group, choice))
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
        let more = surcharge(menu, choice);
        format!("{}: {} You can have {name} with it{more}.", item.name, with_stop(&item.description))
    };
    Some(Step::new(Act::TellItem).item_fact(&item.id, plain.clone()).or_plain(plain).verbatim(true))
}

/// "Does it come with fries?" of a dish that tells of none: what is sold by itself comes with nothing.
pub(super) fn sold_by_itself(menu: &Menu, asked: &Asked<'_>, words: &[String]) -> Option<Step> {
    const WITH: &str = "is it with | are they with | come with | comes with | served with | include | includes";
    let behind = find(words, WITH)?.end;
    let last: Vec<&Item> = asked.named.last()?.iter().filter_map(|id| menu.item(id)).collect();
    let dishes: Vec<&Item> = match asked.named.as_slice() {
        [_] => asked.about.iter().filter_map(|id| menu.item(id)).collect(),
        [first, ..] => first.iter().filter_map(|id| menu.item(id)).collect(),
        [] => Vec::new(),
    };
    let told = |item: &&Item| {
        let told: Vec<String> = plain_words(&item.description);
        words[behind..].iter().any(|word| told.iter().any(|other| singular(other) == singular(word)))
    };
    let beside = last.iter().all(|item| item.course != Course::Main && !dishes.iter().any(|dish| dish.id == item.id));
    if dishes.is_empty() || !beside || dishes.iter().any(told) {
        return None;
    }
    Some(list(menu, Act::TellMenu, "No, that is ordered by itself. We have", &last, MOST_NAMED).verbatim(true))
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
    let more = surcharge(menu, choice);
    let name = choice.name.to_lowercase();
    let plain = format!("We have {name} to go with {on}{more}. Which dish would you like it with?");
    let step = dishes.iter().take(MOST_DISHES).fold(Step::new(Act::TellMenu), |step, item| {
        step.item_fact(&item.id, format!("{} goes with {}", choice.name, item.name))
    });
    step.point(plain.clone(), [plain]).verbatim(true)
}
