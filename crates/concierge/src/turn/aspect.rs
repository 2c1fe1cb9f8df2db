//! What is asked of dishes, by the words of English that ask it.

use super::{
    asking, phrases,
    wording::{among, says},
};

/// What is asked of a dish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    Price,
    Contents,
    Calories,
    Sizes,
    Options,
    Best,
    Cheapest,
    Dearest,
    Biggest,
    Smallest,
    Any,
}

impl Aspect {
    /// Whether it picks one of several dishes.
    pub(super) const fn ranks(self) -> bool {
        matches!(self, Self::Best | Self::Cheapest | Self::Dearest | Self::Biggest | Self::Smallest)
    }

    /// What words ask.
    pub(super) fn of(words: &[String]) -> Self {
        const RECOMMENDED: &str = "your choice | recommend | recommendation | suggest | suggestion | suggestions | \
            popular | best | good here | what's good | whats good | favorite | favourite | famous | signature | \
            special | specials | should i | most people | what to get | what to order | what to eat | which to take | \
            would you take | would you have | would you eat | would you pick | number one | your favourite | your favorite | good for a | is good | what's nice";
        let says = |phrases: &str| says(words, phrases);
        if says(
            "cheapest | cheaper | least expensive | less expensive | lowest price | costs the least | cost the least | costs least",
        ) {
            Self::Cheapest
        } else if says("most expensive | priciest | dearest | costliest | costs the most | cost the most | costs most")
        {
            Self::Dearest
        } else if says("how much") && says("is in | are in | in the | in it") {
            Self::Contents
        } else if says("how much | price | prices | cost | costs | priced | charge | expensive") {
            Self::Price
        } else if says("calories | calorie | kcal | fattening | nutrition | healthy | healthiest") {
            Self::Calories
        } else if says("bigger | biggest | larger | largest | more filling | most filling") {
            Self::Biggest
        } else if says("smaller | smallest | lighter | lightest") {
            Self::Smallest
        } else if says(
            "size | sizes | how big | how large | how many pieces | how many come | how many in | how many do i get | how many are in",
        ) || (says("how many") && words.len() <= 2)
        {
            Self::Sizes
        } else if says("toppings | extras | options | sauces | customize | customise | add to | put on") {
            Self::Options
        } else if says(phrases::HUNGRY) || says(phrases::LEFT_TO_US) || says(RECOMMENDED) {
            Self::Best
        } else if says(
            "what's in | whats in | what is in | what's on | what is on | come with | comes with | \
            ingredients | ingredient | made of | made with | made from | contain | contains",
        ) {
            Self::Contents
        } else {
            Self::Any
        }
    }

    /// Whether nothing is said but what is asked of a dish named before: "how much?", "and the calories?".
    pub(super) fn of_one_alone(words: &[String]) -> bool {
        const MOST: usize = 4;
        let of_one =
            matches!(Self::of(words), Self::Price | Self::Contents | Self::Calories | Self::Sizes | Self::Options);
        of_one && words.len() <= MOST
    }
}

/// Whether something is asked that dishes are no answer to: "is the meat fresh?", "where does it come from?".
pub(super) fn asks_a_fact(words: &[String]) -> bool {
    const LEAD: &str = "and so ok but hi hello please also then";
    let first = words.iter().find(|word| !among(word, LEAD)).map_or("", String::as_str);
    let asks = among(first, "is are was were does did how where why when who whose")
        || says(words, "do you use | do you cook")
        || asking::asked_of_making(words).is_some();
    asks && Aspect::of(words) == Aspect::Any
        && !says(words, "anything | something | any | some | there | options | dishes | have | without | nothing")
}
