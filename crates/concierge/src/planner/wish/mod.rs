//! From a guest's words to a [`Request`]: the sum, the party, what each keeps to, what must and must not be in it,
//! and what is best. It is grammar and the menu's own names; no dish stands in it.

mod people;
mod sums;
mod things;
mod words;

use super::{MAX_PARTY, Objective, Request};
use crate::{menu::Menu, money::Cents, understand::Lexicon};
use sums::{Kind, Number};
use words::{Word, says, words};

/// A wish as read, with what is peculiar about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What to plan.
    pub request: Request,
    /// A currency named that is not the menu's.
    pub other_currency: Option<String>,
}

/// A number without any word about money is taken for the sum only from here on, in hundredths.
const LEAST_BARE_SUM: i64 = 500;

/// Reads a wish. The amounts and numbers are taken as they stand; [`super::plan`] says what is out of bounds.
#[must_use]
pub fn read(lexicon: &Lexicon, menu: &Menu, text: &str) -> Wish {
    let words = words(text);
    let numbers = sums::numbers(&words);
    let objective = objective(&words);
    let party = people::party(lexicon, &words, &numbers, text);
    let sum = limit(&words, &numbers, party);
    let mut request = Request {
        before_tax: says(
            &words,
            &[
                "before tax",
                "before taxes",
                "without tax",
                "plus tax",
                "plus taxes",
                "excluding tax",
                "excl tax",
                "tax not included",
                "not counting tax",
                "pre tax",
                "tax on top",
                "tax excluded",
                "net of tax",
            ],
        ),
        // For a named party each gets a main, and the rest of the sum goes to what stands beside it.
        extra_mains: party.is_none(),
        party: party.unwrap_or(if objective == Some(Objective::Feed) { MAX_PARTY } else { 1 }),
        ..Request::default()
    };
    let mut other_currency = None;
    if let Some(number) = sum {
        let each = party.is_some() && sums::is_each(&words, &number);
        let times = if each { i64::from(request.party.clamp(1, MAX_PARTY)) } else { 1 };
        request.limit = Some(Cents(number.value.0.saturating_mul(times)));
        let currency = if let Kind::Sum(currency) = number.kind { currency } else { None };
        other_currency = currency.filter(|code| *code != menu.currency.code()).map(str::to_owned);
    }
    request.objective = objective.unwrap_or(if request.limit.is_none() && is_modest(&words) {
        Objective::Cheapest
    } else {
        Objective::Fill
    });
    things::read(menu, &words, &numbers, &mut request);
    request.diners = people::diners(lexicon, &words, &numbers, text, request.party);
    Wish { request, other_currency }
}

/// The sum: of two ("between 20 and 30") the higher one is the limit.
fn limit(words: &[Word], numbers: &[Number], party: Option<u32>) -> Option<Number> {
    let sums = numbers.iter().filter_map(|number| match number.kind {
        Kind::Sum(currency) => Some((number, currency.is_some())),
        Kind::Bare => None,
    });
    let named = sums.max_by_key(|(number, in_currency)| (*in_currency, number.value));
    named.map(|(number, _)| *number).or_else(|| {
        let free = |number: &&Number| {
            number.value.0 >= LEAST_BARE_SUM
                && number.count() != party
                && !people::follow(words, number.end())
                && words::counts_nothing(words, number.end())
        };
        numbers.iter().filter(free).max_by_key(|number| number.value).copied()
    })
}

fn objective(words: &[Word]) -> Option<Objective> {
    const GOALS: [(Objective, &[&str]); 3] = [
        (
            Objective::Cheapest,
            &[
                "cheapest",
                "as cheap as possible",
                "as cheaply as possible",
                "least money",
                "as little as possible",
                "as low as possible",
                "cheap as",
                "minimum price",
                "lowest price",
                "lowest cost",
                "lowest total",
                "least expensive",
                "save money",
                "saving money",
                "spend the least",
                "smallest bill",
            ],
        ),
        (
            Objective::Feed,
            &[
                "as many people",
                "as many of us",
                "as many guests",
                "feed as many",
                "feed the most",
                "how many people",
                "how many of us",
                "how many guests",
                "as many mouths",
                "as many friends",
                "as far as it goes",
                "as far as possible",
                "as far as it will go",
                "go as far as",
                "stretch",
            ],
        ),
        (
            Objective::Best,
            &[
                "best",
                "popular",
                "favorite",
                "favourite",
                "favorites",
                "favourites",
                "tastiest",
                "most liked",
                "best liked",
                "top rated",
                "highest rated",
                "best rated",
                "bestsellers",
                "best sellers",
                "most loved",
            ],
        ),
    ];
    GOALS.into_iter().find(|(_, phrases)| says(words, phrases)).map(|(goal, _)| goal)
}

/// Whether little money is spoken of without a sum.
fn is_modest(words: &[Word]) -> bool {
    says(
        words,
        &[
            "cheap",
            "on a budget",
            "budget meal",
            "budget option",
            "budget friendly",
            "tight budget",
            "small budget",
            "inexpensive",
            "affordable",
            "broke",
            "not much money",
            "little money",
            "low cost",
            "tight on money",
            "short on cash",
            "low on cash",
        ],
    )
}
