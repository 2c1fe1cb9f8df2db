//! Questions about dishes, answered from the menu: prices, contents, allergens, diets, what there is and what is good.

use std::collections::BTreeSet;

use super::diets::{allergens, free_of, of_choice, of_choices, suits};
use super::dish::{MAY_BE_EATEN, about, compare, mind};
use super::headings::{Wanted, category_named};
use super::ranking::{by_calories, by_mention, by_price, by_size, calories_bound, leaves_out, not_told, sought};
use super::wording::{capital, listing, plain_words, price_from, priced, says, singular};
use super::{asking, aspect::Aspect, diets, extras};
use crate::{
    brief::{Act, Source, Step},
    menu::{Course, Item, ItemId, Menu},
    money::Cents,
    ports::{Hit, RecordType},
};

/// What the understanding step found in a question about dishes.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    /// The guest's words.
    pub text: &'a str,
    /// Items named; several in one entry where the word fits several.
    pub named: Vec<Vec<ItemId>>,
    /// Nearest entries of the menu, best first.
    pub hits: &'a [Hit],
    /// Diets that the guest keeps or asks for.
    pub diets: BTreeSet<String>,
    /// Allergens that the question is about.
    pub allergens: BTreeSet<String>,
    /// Allergens that the guest must avoid: no suggestion may hold them.
    pub avoid: BTreeSet<String>,
    /// A thing asked for that the menu does not name.
    pub unknown: Option<String>,
    /// Only of these is asked, where there are any.
    pub among: Vec<ItemId>,
    /// The dish that "it" stands for.
    pub about: Option<ItemId>,
    /// Dishes may cost no more.
    pub max_price: Option<Cents>,
}

/// How many dishes one answer names.
pub(super) const MOST_NAMED: usize = 3;

/// How many a list of them holds.
const MOST_LISTED: usize = 8;

/// Answers a question about dishes.
pub(super) fn answer(menu: &Menu, asked: &Asked<'_>) -> Vec<Step> {
    let words = plain_words(asked.text);
    let items: Vec<&Item> =
        asked.named.iter().filter(|ids| ids.len() == 1).filter_map(|ids| menu.item(&ids[0])).collect();
    let marks: BTreeSet<String> = asked.diets.union(&asked.allergens).cloned().collect();
    if items.is_empty()
        && !marks.is_empty()
        && let Some(choice) = extras::marked(menu, &words, &marks)
    {
        return vec![of_choice(menu, choice, asked)];
    }
    if items.is_empty()
        && !marks.is_empty()
        && let Some(choices) = extras::marked_kind(menu, &words, &marks)
    {
        return vec![of_choices(&choices, asked)];
    }
    if !asked.allergens.is_empty() || says(&words, "allergen | allergens | allergic | allergy | allergies") {
        return if items.is_empty() { vec![free_of(menu, asked)] } else { allergens(menu, &items, &asked.allergens) };
    }
    if let [one, other, ..] = items.as_slice()
        && says(&words, "difference | compare | compared | versus | vs | better | or")
    {
        return vec![compare(menu, one, other)];
    }
    if let Some(step) = extras::sold_by_itself(menu, asked, &words) {
        return vec![step];
    }
    let of_kind: Vec<&Item> = asked.named.iter().flatten().filter_map(|id| menu.item(id)).collect();
    if let Some(step) = extras::kind_for(menu, &of_kind, &words) {
        return vec![step];
    }
    let aspect = Aspect::of(&words);
    if !items.is_empty() {
        // "Is the ice cream ok?" of a guest who told of an allergy.
        if !asked.avoid.is_empty() && says(&words, MAY_BE_EATEN) {
            return allergens(menu, &items, &asked.avoid);
        }
        let mut steps: Vec<Step> = items.iter().map(|item| about(menu, item, aspect, asked)).collect();
        steps.extend(items.iter().filter_map(|item| mind(item, &asked.avoid)));
        if let Some(unknown) = &asked.unknown {
            steps.push(decline(menu, unknown, asked));
        }
        return steps;
    }
    if let Some(several) = asked.named.iter().find(|ids| ids.len() > 1) {
        let several: Vec<&Item> = several.iter().filter_map(|id| menu.item(id)).collect();
        return vec![several_of(menu, &several, asked)];
    }
    if asked.diets.is_empty()
        && let Some(extra) = extras::named(menu, &words)
    {
        return vec![extras::tell(menu, &extra)];
    }
    if let Some(unknown) = &asked.unknown {
        return vec![decline(menu, unknown, asked)];
    }
    vec![without_a_name(menu, asked, &words, aspect)]
}

/// Dishes that one word names: all of them, or those that the diet asked for allows.
fn several_of(menu: &Menu, several: &[&Item], asked: &Asked<'_>) -> Step {
    let diets: Vec<&str> = asked.diets.iter().map(String::as_str).collect();
    if !asked.avoid.is_empty() {
        return diets::without_allergens(menu, several, asked);
    }
    if diets.is_empty() {
        return list(menu, Act::TellMenu, "We have", several, several.len().min(6));
    }
    let kept = listing(&diets, "and");
    let fits: Vec<&Item> = several.iter().filter(|item| suits(item, asked)).copied().collect();
    if fits.is_empty() {
        let names: Vec<&str> = several.iter().map(|item| item.name.as_str()).collect();
        let plain = format!("None of these is marked {kept}: {}.", listing(&names, "and"));
        return Step::new(Act::TellDiet).fact(plain.clone()).or_plain(plain).verbatim(true);
    }
    let lead = capital(&format!("{kept} of these:"));
    list(menu, Act::TellDiet, &lead, &fits, fits.len().min(6)).fact(format!("All of these are {kept}."))
}

/// Tells which dishes were found.
pub(super) fn tell_items(menu: &Menu, items: &[&Item]) -> Step {
    if items.is_empty() {
        return Step::new(Act::AdmitUnknown).or_plain("I'm sorry, I find nothing like that on our menu.");
    }
    list(menu, Act::TellMenu, "We have", items, MOST_NAMED)
}

pub(super) fn sold_out(menu: &Menu, item: &Item, asked: &Asked<'_>) -> Step {
    let near = by_popularity(menu, |other| other.course == item.course && other.id != item.id && suits(other, asked));
    let step = Step::new(Act::DeclineSoldOut).item_fact(&item.id, format!("{}: sold out today.", item.name));
    suggest(menu, step, &format!("I'm sorry, {} is sold out today.", item.name), &near, vec!["sold out".to_owned()])
        .source(source(item))
}

/// Says no to what is not sold, and names the nearest things that are.
pub(super) fn decline(menu: &Menu, unknown: &str, asked: &Asked<'_>) -> Step {
    let hits = asked.hits.iter().filter(|hit| hit.record_type == RecordType::Menu);
    let mut near: Vec<&Item> =
        hits.filter_map(|hit| menu.item(&hit.id.as_str().into())).filter(|item| suits(item, asked)).collect();
    if near.is_empty() {
        near = by_popularity(menu, |item| suits(item, asked));
    }
    let unknown = unknown.strip_prefix("any ").or_else(|| unknown.strip_prefix("some ")).unwrap_or(unknown);
    let step = Step::new(Act::DeclineUnknown).fact(format!("Not on our menu: {unknown}"));
    suggest(menu, step, &format!("I'm sorry, we don't have {unknown}."), &near, vec![unknown.to_owned()])
}

fn suggest(menu: &Menu, step: Step, sorry: &str, near: &[&Item], needs: Vec<String>) -> Step {
    let near = &near[..near.len().min(2)];
    let names: Vec<String> = near.iter().map(|item| priced(&menu.currency, item)).collect();
    let step = near.iter().fold(step.point(sorry, needs), |step, item| {
        step.item_fact(&item.id, format!("{}: {}", item.name, price_from(&menu.currency, item))).source(source(item))
    });
    match near.first() {
        Some(first) => step.point(format!("How about {}?", listing(&names, "or")), [first.name.clone()]),
        None => step,
    }
}

/// A question that names no dish: a category, a diet, the best, the cheapest, or a taste.
fn without_a_name(menu: &Menu, asked: &Asked<'_>, words: &[String], aspect: Aspect) -> Step {
    let category = category_named(menu, words);
    let beside = asking::goes_beside(words);
    let mut fits = by_popularity(menu, |item| {
        suits(item, asked)
            && category.as_ref().is_none_or(|wanted| wanted.holds(item))
            && (asked.among.len() < 2 || asked.among.contains(&item.id))
            && asked.max_price.is_none_or(|most| item.price_range().0 <= most)
            && (!beside || category.is_some() || matches!(item.course, Course::Side | Course::Drink))
    });
    if fits.is_empty() && asked.max_price.is_some() {
        return Step::new(Act::AdmitUnknown).or_plain("I'm sorry, nothing of that kind costs so little with us.");
    }
    if fits.is_empty() {
        let diets: Vec<&str> = asked.diets.iter().map(String::as_str).collect();
        let diets = listing(&diets, "and");
        let Some(heading) = category.as_ref().and_then(Wanted::heading) else {
            return Step::new(Act::AdmitUnknown)
                .fact(format!("On the menu: nothing marked {diets}"))
                .or_plain(format!("I'm sorry, I see nothing on our menu that is marked {diets}."));
        };
        let near = by_popularity(menu, |item| suits(item, asked));
        let none = format!("Under {heading} there is nothing marked {diets}.");
        return suggest(menu, Step::new(Act::TellDiet).fact(none.clone()), &none, &near, vec!["nothing".to_owned()]);
    }
    // "Any specials?": what the menu itself calls so.
    if says(words, "special | specials") {
        let special = |item: &&&Item| plain_words(&item.description).iter().any(|word| singular(word) == "special");
        let specials: Vec<&Item> = fits.iter().filter(special).copied().take(MOST_NAMED).collect();
        if !specials.is_empty() {
            return near_dishes(menu, &specials).verbatim(true);
        }
    }
    match aspect {
        Aspect::Cheapest | Aspect::Dearest => {
            if let Some(step) = by_price(menu, words, aspect == Aspect::Dearest, &fits) {
                return step;
            }
        }
        Aspect::Biggest | Aspect::Smallest if asked.among.len() > 1 || category.is_some() => {
            if let Some(step) = by_size(aspect == Aspect::Biggest, &fits) {
                return step;
            }
        }
        Aspect::Best => {
            let most = if asked.among.len() < 2 { MOST_NAMED } else { 1 };
            return list(menu, Act::Recommend, "I'd recommend", &fits, most);
        }
        _ => {}
    }
    if !asked.diets.is_empty() {
        let diets: Vec<&str> = asked.diets.iter().map(String::as_str).collect();
        let lead = capital(&format!("{} with us:", listing(&diets, "and")));
        let step = list(menu, Act::TellDiet, &lead, &fits, 4);
        return step.fact(format!("All of these are {}.", listing(&diets, "and")));
    }
    if aspect == Aspect::Calories
        && let Some(most) = calories_bound(words)
    {
        fits.retain(|item| item.calories.is_some_and(|calories| calories <= most));
        if fits.is_empty() {
            return Step::new(Act::AdmitUnknown)
                .or_plain(format!("I'm sorry, nothing of that kind has less than {most} kcal."));
        }
        return list(menu, Act::TellMenu, &format!("With at most {most} kcal we have"), &fits, MOST_NAMED * 2);
    }
    if aspect == Aspect::Calories
        && let Some(step) = by_calories(words, &fits)
    {
        return step;
    }
    if beside {
        return list(menu, Act::Recommend, "I'd recommend", &fits, MOST_NAMED);
    }
    let sought = sought(words).filter(|_| category.is_some() || asked.among.len() > 1);
    if let Some((word, wanted)) = sought {
        let found = by_mention(menu, (word, wanted), &fits);
        return match (found.as_slice(), wanted) {
            ([], true) => not_told(word, &fits),
            (found, true) => list(menu, Act::TellMenu, &format!("With {word} we have"), found, MOST_LISTED),
            (found, false) => list(menu, Act::TellMenu, "As far as our menu tells, you could have", found, MOST_LISTED),
        };
    }
    if (category.is_some() || asked.max_price.is_some()) && !leaves_out(menu, words) {
        return list(menu, Act::TellMenu, "We have", &fits, MOST_LISTED);
    }
    if says(words, "menu | what do you have | what do you sell | what do you serve | what have you got | to eat") {
        return whole_menu(menu, &fits);
    }
    let may_be_eaten = says(words, MAY_BE_EATEN);
    if may_be_eaten && asked.avoid.is_empty() && asked.hits.is_empty() {
        return list(menu, Act::Recommend, "I'd recommend", &fits, MOST_NAMED);
    }
    if (may_be_eaten || leaves_out(menu, words)) && !asked.avoid.is_empty() {
        let kept = asked.avoid.clone();
        return free_of(
            menu,
            &Asked { text: asked.text, allergens: kept, diets: asked.diets.clone(), ..Asked::default() },
        );
    }
    if leaves_out(menu, words) {
        // The nearest dishes would be those that hold it.
        let plain = "I'm sorry, I can't tell for sure which dishes are without that. Please ask our staff; I can tell you what is in any dish.";
        return Step::new(Act::AdmitUnknown).or_plain(plain).verbatim(true);
    }
    if Aspect::of_one_alone(words) {
        return Step::new(Act::AskAgain).or_plain("Of course. Which dish do you mean?");
    }
    // A taste or an ingredient: the retriever's nearest dishes.
    let near: Vec<&Item> = asked
        .hits
        .iter()
        .filter(|hit| hit.record_type == RecordType::Menu)
        .filter_map(|hit| menu.item(&hit.id.as_str().into()))
        .filter(|item| suits(item, asked))
        .take(2)
        .collect();
    if near.is_empty() {
        list(menu, Act::Recommend, "I'd recommend", &fits, MOST_NAMED)
    } else {
        near_dishes(menu, &near)
    }
}

fn near_dishes(menu: &Menu, near: &[&Item]) -> Step {
    let names: Vec<String> = near
        .iter()
        .map(|item| format!("{} ({}): {}", item.name, price_from(&menu.currency, item), item.description))
        .collect();
    let step = near.iter().fold(Step::new(Act::Recommend), |step, item| {
        step.item_fact(&item.id, format!("{}: {}. {}", item.name, price_from(&menu.currency, item), item.description))
            .source(source(item))
    });
    step.point(format!("You might like this. {}", names.join(" ")), [near[0].name.clone()])
}

pub(super) fn list(menu: &Menu, act: Act, lead: &str, items: &[&Item], most: usize) -> Step {
    let shown: Vec<&&Item> = items.iter().filter(|item| item.available).take(most).collect();
    let names: Vec<String> = shown.iter().map(|item| priced(&menu.currency, item)).collect();
    let step = shown.iter().fold(Step::new(act), |step, item| {
        step.item_fact(&item.id, format!("{}: {}", item.name, price_from(&menu.currency, item))).source(source(item))
    });
    let needs: Vec<String> = shown.iter().take(2).map(|item| item.name.clone()).collect();
    // What is left out is not denied.
    let more = items.iter().filter(|item| item.available).count() > shown.len() && act == Act::TellMenu;
    let others = if more { ", among others" } else { "" };
    step.point(format!("{lead} {}{others}.", listing(&names, "and")), needs)
}

fn whole_menu(menu: &Menu, fits: &[&Item]) -> Step {
    let mut categories: Vec<(&str, Vec<&str>)> = Vec::new();
    for item in &menu.items {
        if !fits.iter().any(|fit| fit.id == item.id) {
            continue;
        }
        match categories.iter_mut().find(|(name, _)| *name == item.category) {
            Some((_, items)) => items.push(&item.name),
            None => categories.push((&item.category, vec![&item.name])),
        }
    }
    let lines: Vec<String> = categories
        .iter()
        .map(|(name, items)| format!("{name}: {}", listing(&items[..items.len().min(3)], "and")))
        .collect();
    let step = lines.iter().fold(Step::new(Act::TellMenu), |step, line| step.fact(line.clone()));
    let plain = format!("From our menu. {}. Ask me about any of them.", lines.join(". "));
    step.point(plain.clone(), [plain]).verbatim(true)
}

pub(super) fn by_popularity(menu: &Menu, fits: impl Fn(&Item) -> bool) -> Vec<&Item> {
    let mut items: Vec<&Item> = menu.items.iter().filter(|item| item.available && fits(item)).collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.popularity.unwrap_or(0)));
    items
}

pub(super) fn source(item: &Item) -> Source {
    Source { id: item.id.to_string(), record_type: RecordType::Menu, title: item.name.clone() }
}
