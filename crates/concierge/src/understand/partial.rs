//! Things found by a part of their names.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::english;
use super::kinds;
use super::lexicon::{Entry, FULL, Lexicon, SERVED, SHARED, WITHIN, family};
use super::names;
use super::tokens::stem;
use super::vocabulary::Word;

/// Names up to this many words are also found by any of their words in order; longer ones by runs of them.
const SUBSETS: usize = 5;

/// Words that set a thing apart from the usual one of its name.
const SPECIAL: &[&str] = &[
    "diet",
    "vegan",
    "vegetarian",
    "veggie",
    "free",
    "decaf",
    "decaffeinated",
    "zero",
    "slimline",
    "light",
    "lite",
    "low",
    "kid",
    "child",
    "mini",
    "alcoholic",
    "ice",
    "plant",
];
/// What a special thing loses where only its usual name is said and there is a usual one.
const SPECIAL_LOSS: f32 = 0.22;

/// Whether a stem sets a thing apart from the usual one of its name.
pub(super) fn is_special(word: &str) -> bool {
    static STEMS: OnceLock<HashSet<String>> = OnceLock::new();
    STEMS.get_or_init(|| SPECIAL.iter().map(|special| stem(special)).collect()).contains(word)
}

/// What the other names of the menu are like.
#[derive(Clone, Copy)]
pub(super) struct Others<'a> {
    /// How many names have a word.
    pub frequency: &'a HashMap<Word, u32>,
    /// Words of usual names, by family.
    pub usual: &'a HashSet<(Option<u16>, Word)>,
}

impl Lexicon {
    /// Finds an entry by a part of its name: "mayonnaise" for "regular mayonnaise", "doritos" for all of the bag's name.
    /// `plain`: its last word says what it is, though it may look like a common one.
    pub(super) fn parts(&mut self, entry: Entry, words: &[Word], plain: bool, others: &Others<'_>) {
        if words.len() < 2 || matches!(entry, Entry::Size(..)) {
            return;
        }
        let weight = |word: &Word| {
            1.0 / (1.0 + f32::from(u16::try_from(others.frequency.get(word).copied().unwrap_or(0)).unwrap_or(u16::MAX)))
                .sqrt()
        };
        let whole: f32 = words.iter().map(weight).sum();
        let none = names::is_none(self.vocabulary.text(words[0])) && matches!(entry, Entry::Choice(..));
        let add = |lexicon: &mut Self, chosen: &[usize]| {
            // "Two burgers" are no "two patty burger": a number counts the word behind it, or is none of the name.
            let counts = |at: &usize| is_count(lexicon.vocabulary.text(words[*at]));
            if chosen.iter().any(|at| at + 1 < words.len() && !chosen.contains(&(at + 1)) && counts(at)) {
                return;
            }
            // Nor are "two creams" an ice cream.
            let halves = |at: usize| {
                at + 1 < words.len()
                    && chosen.contains(&at) != chosen.contains(&(at + 1))
                    && kinds::is_whole(lexicon.vocabulary.text(words[at]), lexicon.vocabulary.text(words[at + 1]))
            };
            if matches!(entry, Entry::Item(_)) && (0..words.len()).any(halves) {
                return;
            }
            // Nor is "without sugar" a "cola without sugar", or "sugar" a "sugar free cola".
            let text = |at: usize| words.get(at).map_or("", |word| lexicon.vocabulary.text(*word));
            let lacked = |at: &usize| {
                let without = *at > 0 && text(at - 1) == "without" && !chosen.contains(&(at - 1));
                let instead = (0..*at).any(|before| text(before) == "instead" && !chosen.contains(&before));
                without || instead || (text(at + 1) == "free" && !chosen.contains(&(at + 1)))
            };
            if (chosen[0] > 0 && text(chosen[0]) == "without") || chosen.iter().any(lacked) {
                return;
            }
            if none && chosen[0] > 0 {
                // "Ice" is what "No Ice" has not.
                return;
            }
            let part: Vec<Word> = chosen.iter().map(|&at| words[at]).collect();
            let ends = chosen.contains(&(words.len() - 1));
            let says_little = |word: &Word| {
                let text = lexicon.vocabulary.text(*word);
                let unit = ends && (plain || english::is_unit(text)) && Some(word) == words.last();
                (english::is_common(text) && !unit) || text.parse::<u32>().is_ok()
            };
            // Two words that say little by themselves may say enough together: "gluten free".
            if part.iter().all(says_little)
                && (part.len() < 2 || part.iter().any(|word| is_count(lexicon.vocabulary.text(*word))))
            {
                // "Black and pinto beans": such a word says something only beside its like.
                // "A glass of red": or where it is served.
                let glass = part.len() == 1 && chosen != [0] && matches!(entry, Entry::Item(_));
                if (chosen == [0] || glass) && lexicon.vocabulary.text(part[0]).parse::<u32>().is_err() {
                    lexicon.insert(entry, &part, if glass { SERVED } else { SHARED });
                }
                return;
            }
            let covered: f32 = part.iter().map(weight).sum::<f32>() / whole;
            let quality = match (ends, chosen[0] == 0) {
                (true, _) => 0.6 + 0.28 * covered,
                (false, true) => 0.5 + 0.25 * covered,
                (false, false) => 0.45 + 0.2 * covered,
            };
            let special = |at: &usize| !chosen.contains(at) && is_special(lexicon.vocabulary.text(words[*at]));
            let unusual = (0..words.len()).any(|at| special(&at))
                && part.iter().all(|word| others.usual.contains(&(family(entry), *word)));
            let quality = quality - if unusual { SPECIAL_LOSS } else { 0.0 };
            let quality = quality.max(SHARED + 0.01);
            let within = matches!(entry, Entry::Item(_)) && !ends && chosen[0] > 0;
            lexicon.insert(entry, &part, if within { quality.min(WITHIN) } else { quality });
        };
        if words.len() <= SUBSETS {
            for mask in 1..(1_usize << words.len()) - 1 {
                let chosen: Vec<usize> = (0..words.len()).filter(|at| mask >> at & 1 == 1).collect();
                add(self, &chosen);
            }
        } else {
            for from in 0..words.len() {
                for to in from + 1..=words.len().min(from + SUBSETS) {
                    add(self, &(from..to).collect::<Vec<_>>());
                }
            }
        }
        if let [rest @ .., last] = words
            && matches!(entry, Entry::Choice(..))
            && english::is_unit(self.vocabulary.text(*last))
        {
            // "A drizzle of dark chocolate" for the "Dark Chocolate Drizzle".
            let turned: Vec<Word> = std::iter::once(*last).chain(rest.iter().copied()).collect();
            self.insert(entry, &turned, FULL - 0.02);
        }
        if let [first, second] = *words {
            self.insert(entry, &[second, first], 0.7);
        }
    }
}

/// Whether a stem is a number.
fn is_count(stem: &str) -> bool {
    stem.parse::<u32>().is_ok()
}
