//! Other words for the same thing, as English has them by itself.

use std::sync::OnceLock;

use super::tokens::stem;

/// Clippings and spellings that English has by itself, each line one word.
const VARIANTS: &[&[&str]] = &[
    &["veggie", "vegetable", "veg", "vegie", "vegetarian"],
    &["bbq", "barbecue", "barbeque", "barbq"],
    &["yogurt", "yoghurt"],
    &["donut", "doughnut"],
    &["ketchup", "catsup"],
    &["chili", "chilli", "chile"],
    &["omelette", "omelet"],
    &["lite", "light"],
    &["grey", "gray"],
    &["flavour", "flavor"],
    &["decaf", "decaffeinated"],
    &["skinny", "skim", "skimmed", "nonfat"],
    &["pop", "soda"],
    &["fillet", "filet"],
    &["hamburger", "burger"],
    &["margherita", "margarita"],
    &["fry", "fried"],
    &["mayo", "mayonnaise"],
    &["soy", "soya"],
    &["choc", "chocolate"],
    &["doctor", "dr"],
    &["coffee", "caffe", "cafe"],
];

/// Things that English has two words for: the other is looked for only where the menu does not know the first.
const OTHERWISE: &[&[&str]] = &[
    &["shrimp", "prawn"],
    &["aubergine", "eggplant"],
    &["courgette", "zucchini"],
    &["coriander", "cilantro"],
    &["rocket", "arugula"],
    &["gherkin", "pickle"],
    &["chip", "fry"],
    &["crisp", "chip"],
    &["cookie", "biscuit"],
    &["chickpea", "garbanzo"],
    &["capsicum", "pepper"],
    &["coke", "cola"],
    &["sub", "sandwich"],
];

/// One word and the several that are the same name, whatever else the menu has.
pub(super) const SPELT_OUT: &[(&str, &[&str])] = &[("coke", &["coca", "cola"])];

/// Lines of words as stems.
type Lines = Vec<Vec<String>>;

fn stems(lines: &[&[&str]]) -> Lines {
    lines.iter().map(|line| line.iter().map(|word| stem(word)).collect()).collect()
}

fn naming<'a>(lines: &'a Lines, of: &str) -> impl Iterator<Item = &'a Vec<String>> {
    lines.iter().filter(move |line| line.iter().any(|word| word == of))
}

/// The stems of the words that a stem may stand for, a line for each that names it.
pub(super) fn variants(of: &str) -> impl Iterator<Item = &'static Vec<String>> {
    static LINES: OnceLock<Lines> = OnceLock::new();
    naming(LINES.get_or_init(|| stems(VARIANTS)), of)
}

/// The same for words that the menu does not know.
pub(super) fn otherwise(of: &str) -> impl Iterator<Item = &'static Vec<String>> {
    static LINES: OnceLock<Lines> = OnceLock::new();
    naming(LINES.get_or_init(|| stems(OTHERWISE)), of)
}
