//! Orders in plain English over five menus, each in a file of its own: `words => lines`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod support;

use std::fmt::Write as _;

use concierge::menu::Menu;
use concierge::understand::{Lexicon, parse};
use support::{normal, short};

fn check(menu: &str, cases: &str) {
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
    assert!(wrong.is_empty(), "{} of {count} wrong:\n{wrong}", wrong.lines().count() / 3);
}

macro_rules! menus {
    ($($name:ident),*) => {$(
        #[test]
        fn $name() {
            check(
                include_str!(concat!("menus/", stringify!($name), ".json")),
                include_str!(concat!("orders/", stringify!($name), ".txt")),
            );
        }
    )*};
}

menus!(pizza, coffee, burger, sushi, breakfast);
