//! Whatever is said, nothing panics; and an order said plainly, in any of several ways, is read as it was meant.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod made_up;
mod support;

use concierge::menu::{Item, Menu, OptionGroup};
use concierge::order::{Amount, ChoicePick, OptionPick, OrderLine, Pick, Without};
use concierge::understand::{DialogContext, Lexicon, converse, parse, slots};
use proptest::prelude::*;
use support::short;

const MENUS: [&str; 5] = [
    include_str!("menus/pizza.json"),
    include_str!("menus/coffee.json"),
    include_str!("menus/burger.json"),
    include_str!("menus/sushi.json"),
    include_str!("menus/breakfast.json"),
];

/// The seeds of one line; each is taken modulo what the menu offers.
#[derive(Clone, Debug)]
struct Seed {
    item: usize,
    quantity: u32,
    size: usize,
    options: Vec<(usize, usize)>,
    without: Option<(usize, usize)>,
    size_after: bool,
}

fn seed() -> impl Strategy<Value = Seed> {
    let pick = || (any::<usize>(), 0_usize..6);
    (
        any::<usize>(),
        1_u32..=6,
        any::<usize>(),
        prop::collection::vec(pick(), 0..4),
        prop::option::of(pick()),
        any::<bool>(),
    )
        .prop_map(|(item, quantity, size, options, without, size_after)| Seed {
            item,
            quantity,
            size,
            options,
            without,
            size_after,
        })
}

const NUMBERS: [&str; 7] = ["no", "one", "two", "three", "four", "five", "six"];

/// Whether a name is said by itself only, so that a plain reading is the only one.
fn is_plain(menu: &Menu, name: &str) -> bool {
    let lower = name.to_lowercase();
    let names = menu.items.iter().flat_map(|item| std::iter::once(&item.name).chain(&item.aliases));
    let choices = menu.option_groups.iter().flat_map(|group| &group.choices);
    let names = names.chain(choices.flat_map(|choice| std::iter::once(&choice.name).chain(&choice.aliases)));
    let sizes = menu
        .items
        .iter()
        .flat_map(|item| &item.sizes)
        .flat_map(|size| std::iter::once(&size.name).chain(&size.aliases));
    names.chain(sizes).filter(|other| other.to_lowercase() == lower).count() == 1
}

fn group<'a>(menu: &'a Menu, item: &Item, at: usize) -> Option<&'a OptionGroup> {
    let groups: Vec<_> = item.option_groups.iter().filter_map(|id| menu.group(id)).collect();
    (!groups.is_empty()).then(|| groups[at % groups.len()])
}

/// The line that a seed means and the words that say it.
fn line(menu: &Menu, seed: &Seed) -> (OrderLine, String) {
    let item = &menu.items[seed.item % menu.items.len()];
    let size = (!item.sizes.is_empty()).then(|| &item.sizes[seed.size % item.sizes.len()]);
    let (mut options, mut words): (Vec<OptionPick>, Vec<String>) = (Vec::new(), Vec::new());
    let mut without = Vec::new();
    for (index, (at, how)) in seed.options.iter().enumerate() {
        let Some(group) = group(menu, item, index) else { continue };
        let choice = &group.choices[at % group.choices.len()];
        if !is_plain(menu, &choice.name) || options.iter().any(|o| o.choice == ChoicePick::One(choice.id.clone())) {
            continue;
        }
        let (amount, count, said) = match how {
            0 if !choice.counted => (Some(Amount::Extra), None, format!("extra {}", choice.name)),
            1 => (Some(Amount::Light), None, format!("light {}", choice.name)),
            2 if choice.counted => (None, Some(3), format!("three {}s", choice.name)),
            _ => (None, None, choice.name.clone()),
        };
        options.push(OptionPick { group: group.id.clone(), choice: ChoicePick::One(choice.id.clone()), amount, count });
        words.push(said);
    }
    let mut refused = String::new();
    if let Some((at, _)) = seed.without
        && let Some(group) = group(menu, item, 0)
    {
        let choice = &group.choices[at % group.choices.len()];
        if is_plain(menu, &choice.name) && options.iter().all(|o| o.choice != ChoicePick::One(choice.id.clone())) {
            refused = format!(" and no {}", choice.name);
            without.push(Without { group: group.id.clone(), choice: ChoicePick::One(choice.id.clone()) });
        }
    }
    let mut text = NUMBERS[seed.quantity as usize].to_owned();
    let sized = size.map(|size| size.name.to_lowercase());
    match &sized {
        Some(size) if seed.size_after => text.push_str(&format!(" {} {size}", item.name)),
        Some(size) => text.push_str(&format!(" {size} {}", item.name)),
        None => text.push_str(&format!(" {}", item.name)),
    }
    if let Some((last, first)) = words.split_last() {
        let list = if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(" ")) };
        text.push_str(&format!(" with {list}"));
    }
    text.push_str(&refused);
    let line = OrderLine {
        item: Pick::One(item.id.clone()),
        quantity: seed.quantity,
        size: size.map(|size| size.id.clone()),
        options,
        without,
    };
    (line, text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,300}", menu in 0_usize..5) {
        let lexicon = Lexicon::new(&Menu::from_json(MENUS[menu]).unwrap());
        let parsed = parse(&lexicon, &text);
        prop_assert!(parsed.lines.iter().all(|line| (1..=999).contains(&line.quantity)));
        let _ = slots(&lexicon, &text);
        let _ = converse(&lexicon, &text, &DialogContext::default());
    }

    #[test]
    fn any_words_of_an_order_are_read_without_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "no", "with", "and", "two", "large", "pizza", "ham", "extra", "make", "it", "the", "other", "one", "both", "same", "remove",
            "swap", "for", "on", "instead", "of", "latte", "burger", "without", "a", "x2", "-1", "double", "light", "but", "everything",
            "last", "second", "less", "more", "another", "coke", "cheese", ",", ".", "actually", "wait", "cancel", "to", "fries", "shots",
        ]), 0..40),
        menu in 0_usize..5,
    ) {
        let lexicon = Lexicon::new(&Menu::from_json(MENUS[menu]).unwrap());
        let text = words.join(" ");
        let parsed = parse(&lexicon, &text);
        let cart = parsed.lines.into_iter().enumerate().map(|(at, line)| (concierge::order::LineId(at as u32), line)).collect();
        let _ = converse(&lexicon, &text, &DialogContext { cart, ..DialogContext::default() });
    }

    #[test]
    fn a_plain_order_is_read_as_meant(seeds in prop::collection::vec(seed(), 1..4), menu in 0_usize..5, opening in 0_usize..5) {
        let menu = Menu::from_json(MENUS[menu]).unwrap();
        let lexicon = Lexicon::new(&menu);
        let mut seen = std::collections::HashSet::new();
        let seeds: Vec<Seed> = seeds.into_iter().filter(|seed| seen.insert(seed.item % menu.items.len())).collect();
        let lines: Vec<(OrderLine, String)> = seeds.iter().map(|seed| line(&menu, seed)).collect();
        let said: Vec<&str> = lines.iter().map(|(_, said)| said.as_str()).collect();
        let opening = ["", "i would like ", "can i get ", "hi could i please have ", "gimme "][opening];
        let text = format!("{opening}{} please", said.join(", and "));
        let mut expected: Vec<String> = lines.iter().map(|(line, _)| short(line)).collect();
        let mut found: Vec<String> = parse(&lexicon, &text).lines.iter().map(short).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected, "{}", text);
    }
}
