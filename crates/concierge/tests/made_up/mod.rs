//! Orders made up over all menus of `tests/menus`, said in many ways, and compared with what was meant.
//!
//! A made-up guest joins quantity, size, options before and after, amounts, refusals, several items in a breath, and what
//! people say around an order; some leave out punctuation, some misspell a word. What is made is the same in each run.
use std::fmt::Write as _;
use std::path::Path;

use crate::support::short;
use concierge::menu::{Choice, Item, Menu, OptionGroup};
use concierge::order::{Amount, ChoicePick, OptionPick, OrderLine, Pick, Without};
use concierge::understand::{Lexicon, parse};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Orders made for each menu.
const ORDERS: usize = 200;
/// Of a thousand orders, so many are read as meant.
const LEAST: usize = 990;

/// What chance decides, taken from a list of numbers.
struct Dice {
    left: Vec<u16>,
}

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        usize::from(self.left.pop().unwrap_or(0)) % sides.max(1)
    }

    /// Whether something that happens so many times in a hundred does.
    fn happens(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.roll(all.len())]
    }
}

/// Words of a name as they are compared: lower case, without a plural's ending.
fn folded(name: &str) -> String {
    let plain = name.to_lowercase().replace(['-', '\'', '.', '’'], "");
    plain.split_whitespace().map(|word| word.trim_end_matches('s')).collect::<Vec<_>>().join(" ")
}

/// Names that mean one thing only and can be said in any place of a sentence.
struct Names {
    all: Vec<String>,
}

impl Names {
    fn new(menu: &Menu) -> Self {
        let items = menu.items.iter().flat_map(|item| std::iter::once(&item.name).chain(&item.aliases));
        let choices = menu.option_groups.iter().flat_map(|group| &group.choices);
        let choices = choices.flat_map(|choice| std::iter::once(&choice.name).chain(&choice.aliases));
        let mut sizes: Vec<String> = menu
            .items
            .iter()
            .flat_map(|item| &item.sizes)
            .flat_map(|size| std::iter::once(&size.name).chain(&size.aliases))
            .map(|name| folded(name))
            .collect();
        sizes.sort();
        sizes.dedup();
        let headings = menu.items.iter().map(|item| folded(&item.category)).collect::<std::collections::BTreeSet<_>>();
        Self { all: items.chain(choices).map(|name| folded(name)).chain(sizes).chain(headings).collect() }
    }

    fn is_plain(&self, name: &str) -> bool {
        let name = folded(name);
        let odd = ["no ", "none", "extra ", "light ", "regular", "plain", "double", "single", "without ", "half "];
        let letters = name.chars().all(|c| c.is_alphabetic() || c == ' ');
        letters
            && !odd.iter().any(|odd| name.starts_with(odd))
            && self.all.iter().filter(|other| **other == name).count() == 1
    }
}

fn plural(name: &str) -> String {
    match name {
        name if name.ends_with('s') => name.to_owned(),
        name if name.ends_with("ch") || name.ends_with("sh") || name.ends_with('x') => format!("{name}es"),
        name if name.ends_with('y') && !name.ends_with("ey") && !name.ends_with("ay") => {
            format!("{}ies", &name[..name.len() - 1])
        }
        name => format!("{name}s"),
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

struct Guest<'a> {
    menu: &'a Menu,
    names: &'a Names,
    dice: Dice,
    /// Names that may be misspelt.
    said: Vec<String>,
}

impl<'a> Guest<'a> {
    fn name(&mut self, item: &'a Item) -> Option<String> {
        let names: Vec<&String> =
            std::iter::once(&item.name).chain(&item.aliases).filter(|name| self.names.is_plain(name)).collect();
        (!names.is_empty()).then(|| names[self.dice.roll(names.len())].to_lowercase())
    }

    fn choices(&mut self, item: &Item) -> Vec<(&'a OptionGroup, &'a Choice)> {
        let groups: Vec<&OptionGroup> = item.option_groups.iter().filter_map(|id| self.menu.group(id)).collect();
        let mut chosen: Vec<(&OptionGroup, &Choice)> = Vec::new();
        if groups.is_empty() {
            return chosen;
        }
        let most = [0, 1, 1, 2, 2, 3][self.dice.roll(6)];
        for _ in 0..most {
            let group = groups[self.dice.roll(groups.len())];
            let choice = &group.choices[self.dice.roll(group.choices.len())];
            let taken = chosen.iter().filter(|(of, _)| of.id == group.id).count();
            let known = chosen.iter().any(|(_, other)| other.id == choice.id);
            if self.names.is_plain(&choice.name) && !known && group.max.is_none_or(|max| taken < max as usize) {
                chosen.push((group, choice));
            }
        }
        chosen
    }

    fn refused(&mut self, item: &Item, chosen: &[(&OptionGroup, &Choice)]) -> Vec<(&'a OptionGroup, &'a Choice)> {
        if !self.dice.happens(25) {
            return Vec::new();
        }
        let groups: Vec<&OptionGroup> = item
            .option_groups
            .iter()
            .filter_map(|id| self.menu.group(id))
            .filter(|group| group.max != Some(1) && group.min == 0)
            .collect();
        let on = |group: &OptionGroup, choice: &Choice| item.includes.contains(&(group.id.clone(), choice.id.clone()));
        let all: Vec<(&OptionGroup, &Choice)> = groups
            .iter()
            .flat_map(|group| group.choices.iter().map(|choice| (*group, choice)))
            .filter(|(group, choice)| item.includes.is_empty() || on(group, choice))
            .filter(|(_, choice)| self.names.is_plain(&choice.name) && !chosen.iter().any(|(_, of)| of.id == choice.id))
            .collect();
        if all.is_empty() {
            return Vec::new();
        }
        let first = self.dice.roll(all.len());
        let second = self.dice.roll(all.len());
        if second != first && self.dice.happens(30) { vec![all[first], all[second]] } else { vec![all[first]] }
    }

    /// An option as it is said after the item, and how it is meant.
    fn option(&mut self, group: &OptionGroup, choice: &Choice) -> (OptionPick, String) {
        let name = choice.name.to_lowercase();
        let (mut amount, mut count) = (None, None);
        let said = match self.dice.roll(10) {
            0 if !choice.counted && group.max != Some(1) => {
                amount = Some(Amount::Extra);
                format!("{} {name}", self.dice.of(&["extra", "lots of", "more"]))
            }
            1 if !choice.counted && group.max != Some(1) => {
                amount = Some(Amount::Light);
                format!("{} {name}", self.dice.of(&["light", "a little", "easy on the"]))
            }
            2 | 3 if choice.counted => {
                count = Some(2);
                format!("two {}", plural(&name))
            }
            _ => name,
        };
        self.said.push(choice.name.to_lowercase());
        (OptionPick { group: group.id.clone(), choice: ChoicePick::One(choice.id.clone()), amount, count }, said)
    }

    fn line(&mut self) -> Option<(OrderLine, String)> {
        let item = &self.menu.items[self.dice.roll(self.menu.items.len())];
        let name = self.name(item)?;
        let chosen = self.choices(item);
        let refused = self.refused(item, &chosen);
        let sizes: Vec<_> = item.sizes.iter().filter(|size| self.names_size(&size.name)).collect();
        let size = (!sizes.is_empty() && self.dice.happens(60)).then(|| sizes[self.dice.roll(sizes.len())]);
        let portions = item.sizes.len() != sizes.len() || item.description.chars().any(|c| c.is_ascii_digit());
        let (quantity, number) = match self.dice.roll(12) {
            0..=1 if !portions => (2, "two"),
            2 if !portions => (3, "three"),
            3 if !portions => (2, "2"),
            4 if !portions => (2, "a couple of"),
            5 if !portions => (4, "4"),
            6 => (1, "one"),
            7 => (1, ""),
            _ => (1, "a"),
        };
        let mut head: Vec<String> = Vec::new();
        let (mut options, mut after, mut early) = (Vec::new(), Vec::new(), Vec::new());
        for (group, choice) in chosen {
            // Before the item stands what is said as one thing: "an oat milk latte", "a ham and olives pizza".
            if early.len() < 2 && self.dice.happens(25) && !choice.counted {
                self.said.push(choice.name.to_lowercase());
                early.push(choice.name.to_lowercase());
                let choice = ChoicePick::One(choice.id.clone());
                options.push(OptionPick { group: group.id.clone(), choice, amount: None, count: None });
            } else {
                let (option, said) = self.option(group, choice);
                options.push(option);
                after.push(said);
            }
        }
        let sized = size.map(|size| size.name.to_lowercase());
        let behind = sized.is_some() && self.dice.happens(20);
        head.extend(sized.clone().filter(|_| !behind));
        head.push(early.join(" and "));
        head.push(if quantity > 1 && self.dice.happens(80) { plural(&name) } else { name.clone() });
        head.retain(|word| !word.is_empty());
        let mut text = match number {
            "a" => format!("{} {}", article(&head[0]), head.join(" ")),
            "" => head.join(" "),
            number => format!("{number} {}", head.join(" ")),
        };
        self.said.push(name);
        if let Some(size) = sized.filter(|_| behind) {
            let between = self.dice.of(&[" ", ", ", " in "]);
            write!(text, "{between}{size}").unwrap();
        }
        if let Some((last, first)) = after.split_last() {
            let between = self.dice.of(&[", ", ", ", " ", " and "]);
            let list = if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(between)) };
            let joint = self.dice.of(&[" with ", " with ", " with ", ", ", " and add ", " ", " w/ ", " plus "]);
            let joint = if joint == ", " && list.starts_with("two ") { " with " } else { joint };
            write!(text, "{joint}{list}{}", self.dice.of(&["", "", "", " on it"])).unwrap();
        }
        if let Some((_, choice)) = refused.first() {
            let no = self.dice.of(&[
                " no ",
                ", no ",
                " without ",
                " hold the ",
                " minus ",
                " skip the ",
                " but no ",
                " and no ",
            ]);
            write!(text, "{no}{}", choice.name.to_lowercase()).unwrap();
        }
        if let Some((_, choice)) = refused.get(1) {
            write!(text, "{}{}", self.dice.of(&[" or ", " and no ", " no "]), choice.name.to_lowercase()).unwrap();
        }
        let without = |(group, choice): (&OptionGroup, &Choice)| Without {
            group: group.id.clone(),
            choice: ChoicePick::One(choice.id.clone()),
        };
        let line = OrderLine {
            item: Pick::One(item.id.clone()),
            quantity,
            size: size.map(|size| size.id.clone()),
            options,
            without: refused.into_iter().map(without).collect(),
        };
        Some((line, text))
    }

    /// Whether a size is called by one word without a number.
    fn names_size(&self, name: &str) -> bool {
        name.chars().all(|c| c.is_alphabetic() || c == ' ') && self.names.is_plain(name)
    }

    /// A word of a name with two letters exchanged, one lost or one doubled.
    fn misspelt(&mut self, text: &str) -> String {
        let words: Vec<&str> =
            self.said.iter().flat_map(|name| name.split(' ')).filter(|word| word.len() > 5).collect();
        let ascii: Vec<&str> = words.into_iter().filter(|word| word.is_ascii()).collect();
        if ascii.is_empty() {
            return text.to_owned();
        }
        let word = ascii[self.dice.left.pop().map_or(0, usize::from) % ascii.len()].to_owned();
        let at = 2 + self.dice.roll(word.len() - 4);
        let wrong = match self.dice.roll(3) {
            0 => format!("{}{}{}{}", &word[..at], &word[at + 1..at + 2], &word[at..=at], &word[at + 2..]),
            1 => format!("{}{}", &word[..at], &word[at + 1..]),
            _ => format!("{}{}{}", &word[..at], &word[at..=at], &word[at..]),
        };
        text.replacen(&word, &wrong, 1)
    }

    fn order(&mut self) -> Option<(Vec<OrderLine>, String)> {
        let count = [1, 1, 1, 2, 2, 3][self.dice.roll(6)];
        let mut lines: Vec<(OrderLine, String)> = Vec::new();
        for _ in 0..count {
            let line = self.line()?;
            if lines.iter().all(|(other, _)| other.item != line.0.item) {
                lines.push(line);
            }
        }
        let opening = self.dice.of(&[
            "",
            "",
            "could i get ",
            "i'd like to order ",
            "let me get ",
            "i want ",
            "hi, can i have ",
            "i'll have ",
            "hello, i would like ",
            "for me ",
            "um, i'll take ",
        ]);
        let ending = self.dice.of(&["", "", "", " please", " thanks", ", that's all", " for me", ", thank you"]);
        let mut text = opening.to_owned();
        for (at, (_, said)) in lines.iter().enumerate() {
            let joint = match at {
                0 => "",
                at if at + 1 == lines.len() => self.dice.of(&[
                    " and ",
                    ", and ",
                    " and also ",
                    " plus ",
                    ". and ",
                    " and then ",
                    " and can i also get ",
                    ", ",
                    " and for my wife ",
                    ". Oh and ",
                    " and i'll have ",
                ]),
                _ => self.dice.of(&[", ", " and ", ", then ", ". "]),
            };
            write!(text, "{joint}{said}").unwrap();
        }
        text.push_str(ending);
        let text = match self.dice.roll(4) {
            0 => text.replace([',', '.', '\''], ""),
            1 => self.misspelt(&text),
            _ => text,
        };
        Some((lines.into_iter().map(|(line, _)| line).collect(), text))
    }
}

/// What is not read as meant over one menu, and how many orders were made.
fn misses(menu: &Menu, runner: &mut TestRunner) -> (usize, Vec<String>) {
    let (lexicon, names) = (Lexicon::new(menu), Names::new(menu));
    let chances = prop::collection::vec(any::<u16>(), 120);
    let (mut made, mut wrong) = (0, Vec::new());
    for _ in 0..ORDERS {
        let left = chances.new_tree(runner).unwrap().current();
        let mut guest = Guest { menu, names: &names, dice: Dice { left }, said: Vec::new() };
        let Some((lines, text)) = guest.order() else { continue };
        let mut expected: Vec<String> = lines.iter().map(short).collect();
        let mut found: Vec<String> = parse(&lexicon, &text).lines.iter().map(short).collect();
        expected.sort();
        found.sort();
        made += 1;
        if found != expected {
            wrong.push(format!("{text}\n  meant {expected:?}\n  found {found:?}"));
        }
    }
    (made, wrong)
}

#[test]
fn made_up_orders_are_read_as_meant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/menus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut runner = TestRunner::deterministic();
    let (mut made, mut all, mut report) = (0, 0, String::new());
    for file in files {
        let menu = Menu::from_json(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let (count, wrong) = misses(&menu, &mut runner);
        made += count;
        all += wrong.len();
        writeln!(report, "# {}: {} of {count} wrong\n{}", menu.name, wrong.len(), wrong.join("\n")).unwrap();
    }
    let right = (made - all) * 1000 / made;
    assert!(right >= LEAST, "{right} of 1000 right:\n{report}");
}
