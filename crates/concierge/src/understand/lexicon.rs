//! A menu compiled for reading: every way to say an item, a choice or a size, in one word trie.

use std::collections::{BTreeSet, HashMap};

use super::tokens::{Token, tokenize};
use super::vocabulary::{Vocabulary, Word};
use crate::menu::{Item, Menu};

/// What a phrase can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Entry {
    /// An item, by place in the menu.
    Item(u16),
    /// A choice, by place of its group and within it.
    Choice(u16, u16),
    /// A size, by place of its item and within it.
    Size(u16, u16),
}

/// How good a phrase is for what it stands for: 1.0 is a name or an alias in full.
pub(crate) const FULL: f32 = 1.0;

/// The menu, compiled once; everything that [`super::parse`] needs.
#[derive(Debug)]
pub struct Lexicon {
    pub(crate) menu: Menu,
    pub(crate) vocabulary: Vocabulary,
    edges: HashMap<(u32, Word), u32>,
    entries: Vec<Vec<(Entry, f32)>>,
    /// Words that belong to an entry: its own, its group's or category's.
    own: HashMap<Entry, BTreeSet<Word>>,
    /// Words that end names of an entry's neighbours in its group or category ("sauce", "sandwich").
    heads: HashMap<(bool, u16), BTreeSet<Word>>,
    categories: Vec<u16>,
    /// Option groups of each item, by place, in the item's order.
    pub(crate) groups: Vec<Vec<u16>>,
    /// What is on each item unless left out.
    pub(crate) includes: Vec<Vec<(u16, u16)>>,
}

/// Words of names that may be left out or put in.
pub(crate) fn is_link(word: &str) -> bool {
    matches!(word, "and" | "of" | "the" | "a" | "an" | "n" | "in" | "on" | "with")
}

/// Sizes of plain English and how else they are said.
const SIZES: &[(&str, &[&str])] = &[
    ("small", &["small", "sm", "little", "small sized", "small size", "smaller", "smallest"]),
    ("medium", &["medium", "med", "medium sized", "medium size", "mid size", "middle size", "mid sized"]),
    ("large", &["large", "lg", "lrg", "big", "large sized", "large size", "larger", "largest", "biggest", "big size"]),
    ("extra large", &["extra large", "xl", "x large", "xlarge", "extra big"]),
    ("extra large", &["very large"]),
    ("xl", &["extra large", "xl", "x large"]),
    ("regular", &["regular", "reg", "regular sized", "regular size", "normal", "normal size", "standard"]),
    ("double", &["double", "doubled", "dbl"]),
    ("half", &["half"]),
];

/// More words than any name has; longer ones are read to here.
const LONGEST: usize = 10;
/// Names up to this many words are also found by any of their words in order; longer ones by runs of them.
const SUBSETS: usize = 5;

impl Lexicon {
    /// Compiles a menu.
    #[must_use]
    pub fn new(menu: &Menu) -> Self {
        let mut lexicon = Self {
            vocabulary: Vocabulary::default(),
            edges: HashMap::new(),
            entries: vec![Vec::new()],
            own: HashMap::new(),
            heads: HashMap::new(),
            categories: Vec::new(),
            groups: Vec::new(),
            includes: Vec::new(),
            menu: menu.clone(),
        };
        lexicon.index();
        let phrases = lexicon.phrases();
        let mut frequency: HashMap<Word, u32> = HashMap::new();
        let mut all = Vec::with_capacity(phrases.len());
        for (entry, phrase) in phrases {
            let words = lexicon.words(&phrase);
            for word in words.iter().collect::<BTreeSet<_>>() {
                *frequency.entry(*word).or_default() += 1;
            }
            lexicon.remember(entry, &words);
            all.push((entry, words));
        }
        for (entry, words) in &all {
            lexicon.insert(*entry, words, FULL);
        }
        for (entry, words) in &all {
            lexicon.parts(*entry, words, &frequency);
        }
        lexicon.vocabulary.finish();
        lexicon
    }

    /// The menu that was compiled.
    #[must_use]
    pub const fn menu(&self) -> &Menu {
        &self.menu
    }

    fn index(&mut self) {
        let groups: HashMap<&str, u16> =
            self.menu.option_groups.iter().enumerate().map(|(at, group)| (group.id.as_str(), place(at))).collect();
        let mut categories: HashMap<&str, u16> = HashMap::new();
        for item in &self.menu.items {
            let next = place(categories.len());
            self.categories.push(*categories.entry(item.category.as_str()).or_insert(next));
            self.groups.push(item.option_groups.iter().filter_map(|id| groups.get(id.as_str()).copied()).collect());
            let choice = |(group, choice): &(crate::menu::GroupId, crate::menu::ChoiceId)| {
                let group = *groups.get(group.as_str())?;
                let at = self.menu.option_groups[group as usize].choices.iter().position(|c| c.id == *choice)?;
                Some((group, place(at)))
            };
            self.includes.push(item.includes.iter().filter_map(choice).collect());
        }
    }

    /// Names and aliases as written, with what they stand for.
    fn phrases(&self) -> Vec<(Entry, String)> {
        let mut phrases = Vec::new();
        for (at, item) in self.menu.items.iter().enumerate() {
            let entry = Entry::Item(place(at));
            let names = std::iter::once(&item.name).chain(&item.aliases);
            phrases.extend(names.map(|name| (entry, name.clone())));
            for (size_at, size) in item.sizes.iter().enumerate() {
                let entry = Entry::Size(place(at), place(size_at));
                for name in std::iter::once(&size.name).chain(&size.aliases) {
                    phrases.push((entry, name.clone()));
                }
                self.size_synonyms(item, size_at, |phrase| phrases.push((entry, phrase.to_owned())));
            }
        }
        for (at, group) in self.menu.option_groups.iter().enumerate() {
            for (choice_at, choice) in group.choices.iter().enumerate() {
                let entry = Entry::Choice(place(at), place(choice_at));
                let names = std::iter::once(&choice.name).chain(&choice.aliases);
                phrases.extend(names.map(|name| (entry, name.clone())));
            }
        }
        phrases
    }

    /// Other words for a size, where no other size of the item is called so.
    fn size_synonyms(&self, item: &Item, at: usize, mut each: impl FnMut(&str)) {
        let named = |size: &crate::menu::Size, word: &str| {
            size.name.eq_ignore_ascii_case(word) || size.id.as_str() == word || size.aliases.iter().any(|alias| alias == word)
        };
        for (word, synonyms) in SIZES.iter().filter(|(word, _)| named(&item.sizes[at], word)) {
            for synonym in *synonyms {
                let taken = item.sizes.iter().any(|size| named(size, synonym)) && !named(&item.sizes[at], synonym);
                if !taken && synonym != word {
                    each(synonym);
                }
            }
        }
    }

    /// The words of a phrase that count, as numbers.
    fn words(&mut self, phrase: &str) -> Vec<Word> {
        let tokens = tokenize(phrase);
        let content: Vec<&Token> = tokens.iter().filter(|token| !is_link(&token.text)).collect();
        let content = if content.is_empty() { tokens.iter().collect() } else { content };
        content.into_iter().take(LONGEST).map(|token| self.vocabulary.add(&token.stem)).collect()
    }

    fn remember(&mut self, entry: Entry, words: &[Word]) {
        let (family, name) = match entry {
            Entry::Item(at) => {
                let at = at as usize;
                ((true, self.categories[at]), self.menu.items[at].category.clone())
            }
            Entry::Choice(group, _) => ((false, group), self.menu.option_groups[group as usize].name.clone()),
            Entry::Size(..) => return,
        };
        let heading: Vec<Word> = self.words(&name);
        self.own.entry(entry).or_default().extend(words.iter().chain(&heading));
        self.heads.entry(family).or_default().extend(words.last().filter(|_| words.len() > 1));
    }

    /// Finds an entry by a part of its name: "mayonnaise" for "regular mayonnaise", "doritos" for all of the bag's name.
    fn parts(&mut self, entry: Entry, words: &[Word], frequency: &HashMap<Word, u32>) {
        if words.len() < 2 || matches!(entry, Entry::Size(..)) {
            return;
        }
        let weight = |word: &Word| 1.0 / (1.0 + f32::from(u16::try_from(frequency.get(word).copied().unwrap_or(0)).unwrap_or(u16::MAX))).sqrt();
        let whole: f32 = words.iter().map(weight).sum();
        let mut add = |lexicon: &mut Self, chosen: &[usize]| {
            let part: Vec<Word> = chosen.iter().map(|&at| words[at]).collect();
            if part.iter().all(|word| super::english::is_common(lexicon.vocabulary.text(*word)) || lexicon.vocabulary.text(*word).parse::<u32>().is_ok()) {
                return;
            }
            let covered: f32 = part.iter().map(weight).sum::<f32>() / whole;
            let anchor = if chosen.contains(&(words.len() - 1)) || chosen[0] == 0 { 0.1 } else { 0.0 };
            lexicon.insert(entry, &part, 0.5 + 0.3 * covered + anchor);
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
        if let [first, second] = *words {
            self.insert(entry, &[second, first], 0.7);
        }
    }

    fn insert(&mut self, entry: Entry, words: &[Word], quality: f32) {
        let mut node = 0;
        for &word in words {
            let next = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            let to = *self.edges.entry((node, word)).or_insert(next);
            if to == next {
                self.entries.push(Vec::new());
            }
            node = to;
        }
        let entries = &mut self.entries[node as usize];
        match entries.iter_mut().find(|(known, _)| *known == entry) {
            Some((_, best)) => *best = best.max(quality),
            None => entries.push((entry, quality)),
        }
    }

    pub(crate) fn next(&self, node: u32, word: Word) -> Option<u32> {
        self.edges.get(&(node, word)).copied()
    }

    pub(crate) fn at(&self, node: u32) -> &[(Entry, f32)] {
        self.entries.get(node as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether a word may follow the entry's name without saying more: 1.0 where it is the entry's own word,
    /// less where neighbours end so.
    pub(crate) fn follows(&self, entry: Entry, word: Word) -> Option<f32> {
        if self.own.get(&entry)?.contains(&word) {
            return Some(1.0);
        }
        let family = match entry {
            Entry::Item(at) => (true, self.categories[at as usize]),
            Entry::Choice(group, _) => (false, group),
            Entry::Size(..) => return None,
        };
        self.heads.get(&family)?.contains(&word).then_some(0.35)
    }

    pub(crate) fn item(&self, at: u16) -> &Item {
        &self.menu.items[at as usize]
    }

    pub(crate) fn choice(&self, group: u16, choice: u16) -> &crate::menu::Choice {
        &self.menu.option_groups[group as usize].choices[choice as usize]
    }

    /// Whether an item takes choices of a group.
    pub(crate) fn takes(&self, item: u16, group: u16) -> bool {
        self.groups[item as usize].contains(&group)
    }
}

/// A place in a list of the menu; menus are bounded far below the type's range.
pub(crate) fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}
