//! How many people a request is for, and what each of them keeps to.

use super::{
    sums::Number,
    words::{Word, at, before, find, says},
};
use crate::{
    planner::{Diner, MAX_PARTY},
    understand::{self, Lexicon},
};

/// Words for people of whom the number before them is a part or the whole.
const PEOPLE: [&str; 24] = [
    "people",
    "persons",
    "person",
    "guests",
    "guest",
    "pax",
    "folks",
    "mouths",
    "diners",
    "heads",
    "adults",
    "adult",
    "kids",
    "kid",
    "children",
    "child",
    "friends",
    "friend",
    "grownups",
    "teenagers",
    "teens",
    "colleagues",
    "coworkers",
    "students",
];
/// Words for all of the party.
const WHOLE: [&str; 9] = ["people", "persons", "guests", "pax", "folks", "mouths", "diners", "heads", "person"];
/// Kinds of eaters: "two vegans, one meat eater".
const EATERS: [&str; 14] = [
    "vegan",
    "vegans",
    "vegetarian",
    "vegetarians",
    "veggie",
    "veggies",
    "pescatarian",
    "pescatarians",
    "eater",
    "eaters",
    "omnivore",
    "omnivores",
    "carnivore",
    "carnivores",
];
/// People that a guest speaks of as theirs, one each unless a number stands before them.
const COMPANIONS: [&str; 48] = [
    "hubby",
    "wifey",
    "spouse",
    "missus",
    "wife",
    "husband",
    "girlfriend",
    "boyfriend",
    "partner",
    "son",
    "daughter",
    "mom",
    "mum",
    "mother",
    "dad",
    "father",
    "brother",
    "sister",
    "friend",
    "friends",
    "mate",
    "mates",
    "kid",
    "kids",
    "child",
    "children",
    "sons",
    "daughters",
    "brothers",
    "sisters",
    "boss",
    "colleague",
    "colleagues",
    "coworker",
    "coworkers",
    "roommate",
    "roommates",
    "neighbor",
    "neighbour",
    "buddy",
    "buddies",
    "date",
    "fiance",
    "fiancee",
    "grandma",
    "grandpa",
    "cousin",
    "cousins",
];

/// Whether words at a place name people, so that the number before them counts these.
pub(super) fn follow(words: &[Word], place: usize) -> bool {
    let place = if matches!(at(words, place), "hungry" | "other" | "more" | "grown" | "of" | "meat" | "young") {
        if at(words, place) == "of" {
            return matches!(at(words, place + 1), "us" | "them" | "you");
        }
        place + 1
    } else {
        place
    };
    PEOPLE.contains(&at(words, place)) || EATERS.contains(&at(words, place)) || at(words, place) == "others"
}

/// How many people, where that is said.
pub(super) fn party(lexicon: &Lexicon, words: &[Word], numbers: &[Number], text: &str) -> Option<u32> {
    let counts = || counts(words, numbers);
    // What names the whole party decides; parts of it ("one vegan") are in it already.
    if let Some((_, count)) = counts().find(|(number, _)| names_all(words, number)) {
        return Some(count);
    }
    if says(words, &["two of us", "both of us", "us two", "couple of us", "we're a couple", "we are a couple"]) {
        return Some(2);
    }
    let parts: u32 = counts().filter(|(number, _)| names_part(words, number)).map(|(_, count)| count.min(1_000)).sum();
    let mine = companions(words, numbers);
    let speaker = says(
        words,
        &["and me", "me and", "and i", "and myself", "myself and", "i and", "me my", "me plus", "plus me", "and us"],
    );
    if mine > 0 {
        // "My wife has a nut allergy" alone brings nobody to the table but the two of them.
        return Some(
            mine + u32::from(speaker || says(words, &["we", "we're", "us", "our", "i've", "i", "i'm", "i'd", "me"])),
        );
    }
    if parts > 0 {
        return Some(parts + u32::from(speaker));
    }
    if says(words, &["a couple", "date night"]) {
        return Some(2);
    }
    if says(words, &["for me", "for myself", "just me", "by myself", "alone", "only me"]) {
        return Some(1);
    }
    // "A meal for 30 dollars" feeds no thirty.
    let is_sum =
        |party: u32| numbers.iter().any(|number| number.count().is_none() && number.value.0 == i64::from(party) * 100);
    understand::slots(lexicon, text).party.filter(|party| *party <= 1_000 && !is_sum(*party))
}

/// Whole numbers that are no sums, "one" and "a" among them where people follow.
fn counts<'a>(words: &'a [Word], numbers: &'a [Number]) -> impl Iterator<Item = (Number, u32)> + 'a {
    let _ = words;
    numbers.iter().filter_map(|number| Some((*number, number.count()?)))
}

fn names_all(words: &[Word], number: &Number) -> bool {
    let (one, two) = (before(words, number.at, 1), before(words, number.at, 2));
    let next = at(words, number.end());
    let hungry = usize::from(next == "hungry");
    let part = matches!(at(words, number.end() + hungry + 1), "with" | "who" | "without" | "is" | "that");
    if (next == "of" && at(words, number.end() + 1) == "us")
        && !matches!(
            at(words, number.end() + 2),
            "is" | "are"
                | "has"
                | "have"
                | "can't"
                | "cannot"
                | "don't"
                | "doesn't"
                | "eats"
                | "eat"
                | "keeps"
                | "wants"
        )
    {
        return true;
    }
    let whole = WHOLE.contains(&at(words, number.end() + hungry)) && !part;
    // The end of a clause, or words that go on about the meal.
    let alone = matches!(
        next,
        "" | "please"
            | "with"
            | "under"
            | "on"
            | "at"
            | "and"
            | "around"
            | "within"
            | "to"
            | "in"
            | "hungry"
            | "below"
            | "today"
            | "tonight"
            | "using"
            | "costing"
            | "that"
            | "max"
            | "without"
            | "before"
            | "who"
            | "or"
            | "no"
    ) || words.get(number.end()).is_some_and(|next| next.clause != words[number.end() - 1].clause);
    whole
        || matches!(one, "us" | "we")
            && (alone || matches!(next, "are" | "have" | "want" | "would" | "could" | "can" | "need"))
        || alone && matches!(one, "for" | "feed" | "feeds" | "feeding" | "serves" | "serve" | "are" | "we're" | "were")
        || one == "of" && matches!(two, "party" | "group" | "family" | "team" | "table" | "crowd" | "bunch" | "gang")
}

fn names_part(words: &[Word], number: &Number) -> bool {
    let next = at(words, number.end());
    follow(words, number.end()) && next != "of"
        || matches!(next, "without" | "who" | "with") && !matches!(before(words, number.at, 1), "of")
}

/// Companions that the guest names: "my wife and my two kids" are three.
fn companions(words: &[Word], numbers: &[Number]) -> u32 {
    let mut sum = 0;
    for (place, word) in words.iter().enumerate() {
        if !COMPANIONS.contains(&word.text.as_str()) {
            continue;
        }
        let number = numbers.iter().find(|number| number.end() == place);
        let owner = number.map_or(before(words, place, 1), |number| before(words, number.at, 1));
        if matches!(owner, "my" | "our") {
            // "My kids" are two at least.
            let several = if word.text.ends_with('s') && word.text != "boss" { 2 } else { 1 };
            sum += number.and_then(Number::count).unwrap_or(several).min(1_000);
        } else if before(words, place, 1) == "and" && sum > 0 || is_named_alone(words, place) {
            // "my wife and kids"; "wife and I", "hubby, me and the kids"
            sum += 1;
        }
    }
    sum
}

/// Whether somebody close is named without "my": at the start of a clause, and coordinated with others.
fn is_named_alone(words: &[Word], place: usize) -> bool {
    let clause = |place: usize| words.get(place).map(|word| word.clause);
    let starts = place == 0 || clause(place - 1) != clause(place);
    let coordinated =
        at(words, place + 1) == "and" || clause(place + 1).is_some_and(|next| Some(next) != clause(place));
    starts && coordinated && !words[place].text.ends_with('s')
}

/// What each person keeps to: "two vegans", "one of us can't have milk", or a diet for all.
pub(super) fn diners(lexicon: &Lexicon, words: &[Word], numbers: &[Number], text: &str, party: u32) -> Vec<Diner> {
    let party = party.clamp(1, MAX_PARTY) as usize;
    let slots = understand::slots(lexicon, text);
    let mut rules: Vec<(Diner, Option<usize>)> = Vec::new();
    for diet in &slots.diets {
        let rule = Diner { diets: [diet.clone()].into(), ..Diner::default() };
        rules.push((rule, of_whom(words, numbers, &[diet.as_str()], party)));
    }
    let mut allergens = slots.allergies;
    allergens.extend(denied(lexicon, words));
    for allergen in allergens {
        // "Gluten-free" is a diet of the menu already where it has one.
        let rule = Diner { allergens: [allergen.clone()].into(), ..Diner::default() };
        rules.push((rule, of_whom(words, numbers, &[allergen.as_str()], party)));
    }
    seat(rules, party)
}

/// Gives the rules to people: those of counted people to different ones where there is room, the others to all.
fn seat(rules: Vec<(Diner, Option<usize>)>, party: usize) -> Vec<Diner> {
    let mut diners: Vec<Diner> = Vec::new();
    let add = |diner: &mut Diner, rule: &Diner| {
        diner.diets.extend(rule.diets.iter().cloned());
        diner.allergens.extend(rule.allergens.iter().cloned());
    };
    for (rule, count) in rules.iter().filter_map(|(rule, count)| Some((rule, (*count)?))) {
        if diners.len() + count <= party {
            diners.extend(std::iter::repeat_n(rule.clone(), count));
        } else {
            diners.resize(diners.len().max(count).min(party), Diner::default());
            diners.iter_mut().take(count).for_each(|diner| add(diner, rule));
        }
    }
    for (rule, _) in rules.iter().filter(|(_, count)| count.is_none()) {
        diners.resize(party, Diner::default());
        diners.iter_mut().for_each(|diner| add(diner, rule));
    }
    diners
}

/// How many people a rule is said of; none means everybody.
fn of_whom(words: &[Word], numbers: &[Number], names: &[&str], party: usize) -> Option<usize> {
    let stem = |word: &str| word.trim_end_matches('s').to_owned();
    let first = names.first()?.split(['-', ' ']).next().map(stem)?;
    let place = words.iter().position(|word| stem(&word.text) == first).or_else(|| {
        find(words, &["meat", "dairy", "lactose", "celiac", "coeliac", "nut", "nuts", "wheat"]).map(|at| at.0)
    })?;
    let from = words.iter().position(|word| word.clause == words[place].clause).unwrap_or(0);
    // The nearest word before it that says who: "one of us", "four are", "my wife", "a vegan".
    let mut back = place;
    while back > from {
        back -= 1;
        if let Some(number) = numbers.iter().find(|number| number.at <= back && back < number.end()) {
            let Some(count) = number.count() else {
                back = number.at;
                continue;
            };
            return (party > 1).then(|| (count as usize).min(party));
        }
        let word = at(words, back);
        if word == "half" && party > 1 {
            return Some((party / 2).max(1));
        }
        if matches!(
            word,
            "everyone" | "everybody" | "everything" | "all" | "nobody" | "we" | "we're" | "we've" | "none"
        ) {
            return None;
        }
        let single = COMPANIONS.contains(&word) && !word.ends_with('s')
            || matches!(
                word,
                "he" | "she" | "he's" | "she's" | "someone" | "somebody" | "another" | "i" | "i'm" | "he'll"
            );
        let article = matches!(word, "a" | "an") && EATERS.contains(&at(words, place)) && back + 1 == place;
        if (single || article) && party > 1 {
            return Some(1);
        }
    }
    None
}

/// Allergens that are said to be left out where nothing of that name is sold: "no eggs", "nobody eats fish".
fn denied(lexicon: &Lexicon, words: &[Word]) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in super::things::denials(words) {
        let dishes = super::things::named(lexicon.menu(), &words[from..to]);
        let rest = words[from..to].iter().enumerate().filter(|(at, _)| !dishes.iter().any(|dish| dish.contains(at)));
        let rest: Vec<&str> = rest.map(|(_, word)| word.text.as_str()).collect();
        found.extend(understand::allergens_named(lexicon, &rest.join(" ")));
    }
    // "No dairy" is a diet where the menu has one for it.
    let diets =
        understand::slots(lexicon, &words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")).diets;
    let covered = |allergen: &String| {
        diets.iter().any(|diet| {
            lexicon.menu().items.iter().all(|item| {
                item.diets.as_ref().is_none_or(|diets| !diets.contains(diet))
                    || item.allergens.as_ref().is_some_and(|allergens| !allergens.contains(allergen))
            })
        })
    };
    found.retain(|allergen| !covered(allergen));
    found
}
