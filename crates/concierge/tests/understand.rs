//! Orders in plain English over forty menus, each in a file of its own: `words => lines`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod support;

use std::fmt::Write as _;

use concierge::menu::Menu;
use concierge::understand::{Lexicon, parse};
use support::{normal, short};

/// How much of a file must be right.
#[derive(Clone, Copy)]
enum Right {
    All,
    /// Menus and words written before the parser had seen them: so many.
    Most(usize),
}

fn check(menu: &str, cases: &str, right: Right) {
    let lexicon = Lexicon::new(&Menu::from_json(menu).unwrap());
    let (mut wrong, mut count) = (String::new(), 0);
    for case in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (words, expected) = case.split_once("=>").unwrap_or_else(|| panic!("no arrow: {case}"));
        let mut expected: Vec<String> =
            expected.split(';').map(str::trim).filter(|line| !line.is_empty()).map(normal).collect();
        let mut found: Vec<String> = parse(&lexicon, words).lines.iter().map(short).collect();
        expected.sort();
        found.sort();
        count += 1;
        if found != expected {
            writeln!(wrong, "{words}\n  expected {expected:?}\n  found    {found:?}").unwrap();
        }
    }
    let misses = wrong.lines().count() / 3;
    let fine = match right {
        Right::All => misses == 0,
        Right::Most(least) => count - misses >= least,
    };
    assert!(fine, "{misses} of {count} wrong:\n{wrong}");
}

macro_rules! menus {
    ($($name:ident: $right:expr),*) => {$(
        #[test]
        fn $name() {
            check(
                include_str!(concat!("menus/", stringify!($name), ".json")),
                include_str!(concat!("orders/", stringify!($name), ".txt")),
                $right,
            );
        }
    )*};
}

menus!(
    pizza: Right::All,
    coffee: Right::All,
    burger: Right::All,
    sushi: Right::All,
    breakfast: Right::All,
    noodles: Right::Most(58),
    chippy: Right::Most(59),
    brunch: Right::Most(19),
    curryhouse: Right::All,
    deli: Right::All,
    drivein: Right::All,
    gelateria: Right::Most(18),
    pizzeria: Right::All,
    roastery: Right::All,
    takeaway: Right::All,
    taqueria: Right::All,
    bakery: Right::Most(17),
    kebab: Right::Most(18),
    poke: Right::All,
    smokehouse: Right::Most(17),
    napoli: Right::Most(37),
    corner_cafe: Right::Most(38),
    krua: Right::Most(39),
    fox: Right::Most(37),
    cluckhouse: Right::Most(39),
    greenhouse: Right::Most(38),
    slicehouse: Right::Most(40),
    bobahouse: Right::Most(37),
    drivebrew: Right::Most(38),
    pattyshack: Right::Most(38),
    tavola_rossa: Right::Most(52),
    copper_kettle: Right::Most(49),
    anvil: Right::Most(47),
    two_brothers: Right::Most(140),
    brick_oven: Right::Most(146),
    crooked_kettle: Right::Most(80),
    coffee_lane: Right::Most(144),
    tumbleweed: Right::Most(83),
    burger_yard: Right::Most(142),
    last_slice: Right::Most(95)
);

#[test]
fn what_fits_nothing_is_said_back_with_what_comes_nearest() {
    let lexicon = Lexicon::new(&Menu::from_json(include_str!("menus/coffee.json")).unwrap());
    let found = parse(&lexicon, "i'd like a sourdough loaf and a latte");
    assert_eq!(found.lines.len(), 1);
    assert_eq!(
        found.unknown.iter().map(|thing| (thing.words.as_str(), thing.asked)).collect::<Vec<_>>(),
        [("sourdough loaf", true)]
    );
    let found = parse(&lexicon, "a crossaint and a lattte with oregano");
    assert_eq!(found.unknown[0].words, "oregano");
}

#[test]
fn numbers_that_cannot_be_are_told_and_order_nothing() {
    let lexicon = Lexicon::new(&Menu::from_json(include_str!("menus/coffee.json")).unwrap());
    for text in [
        "-1 lattes",
        "0 lattes",
        "1000000000 lattes",
        "two million lattes",
        "1.5 lattes",
        "99999999999999999999 lattes",
        "a billion lattes",
    ] {
        let found = parse(&lexicon, text);
        assert!(found.lines.is_empty() && found.problems.len() == 1, "{text}: {found:?}");
    }
    assert_eq!(parse(&lexicon, "999 lattes").lines[0].quantity, 999);
}
