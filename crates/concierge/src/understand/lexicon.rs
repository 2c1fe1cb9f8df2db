//! A menu compiled for reading: every way to say an item, a choice or a size, in one word trie.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::names;
use super::partial::Others;
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

/// What a word after a name says, the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Follow {
    /// It ends the name of a neighbour.
    Head,
    /// It ends names of several neighbours: a kind of thing ("pepper").
    Kind,
    /// It is the entry's own word, or its heading's.
    Own,
}

/// How good a phrase is for what it stands for: 1.0 is a name or an alias in full.
pub(crate) const FULL: f32 = 1.0;
/// How good an item's own reading of an option must be, as a share of the best on the menu.
const PART: f32 = 0.56;
/// A part of a name that is worth less does not tell by itself what a thing is.
pub(crate) const PART_NAME: f32 = 0.75;
/// Groups of more choices are not meant by their heading.
pub(crate) const MANY: usize = 8;
/// An item or a choice by the heading it stands under.
pub(crate) const HEADING: f32 = 0.57;
/// The most that words from within an item's name, neither its first nor its last, are worth.
pub(crate) const WITHIN: f32 = 0.565;
/// Two words of a name with what joins them.
const JOINED: f32 = 0.72;
/// A dish by its bare number: "a 12".
const BARE_NUMBER: f32 = 0.75;
/// A common word within a name, where "of" stands before it.
pub(crate) const SERVED: f32 = 0.54;
/// A name's first word, common in English, that shares its head with what is joined to it.
pub(crate) const SHARED: f32 = 0.55;

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
    heads: HashMap<(bool, u16), HashMap<Word, BTreeSet<Entry>>>,
    categories: Vec<u16>,
    places: HashMap<crate::menu::ItemId, u16>,
    /// Names and aliases as written: "veggies" is another thing than "veggie" where the menu has both.
    surfaces: HashMap<String, Vec<Entry>>,
    /// Words that end a name or an alias of an entry: what the thing is.
    ends: HashSet<(Entry, Word)>,
    /// Items under a heading, by the heading's last word.
    pub(super) under: HashMap<Word, HashSet<u16>>,
    /// Entries whose name is a plural.
    plural: HashSet<Entry>,
    /// Items that are called what their heading says: a "Pizza" among the pizzas.
    pub(super) generic: BTreeSet<u16>,
    /// The last word of each option group's name.
    pub(super) group_words: Vec<Option<Word>>,
    /// Option groups of each item, by place, in the item's order.
    pub(crate) groups: Vec<Vec<u16>>,
    /// What is on each item unless left out.
    pub(crate) includes: Vec<Vec<(u16, u16)>>,
}

/// Words of names that may be left out or put in.
pub(crate) fn is_link(word: &str) -> bool {
    matches!(word, "and" | "of" | "the" | "a" | "an" | "n" | "in" | "on" | "with")
}

/// More words than any name has; longer ones are read to here.
pub(super) const LONGEST: usize = 10;
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
            places: HashMap::new(),
            surfaces: HashMap::new(),
            ends: HashSet::new(),
            under: HashMap::new(),
            plural: HashSet::new(),
            generic: BTreeSet::new(),
            group_words: Vec::new(),
            groups: Vec::new(),
            includes: Vec::new(),
            menu: menu.clone(),
        };
        lexicon.index();
        let phrases = names::phrases(menu);
        let mut frequency: HashMap<Word, u32> = HashMap::new();
        let (mut all, mut joined) = (Vec::with_capacity(phrases.len()), Vec::new());
        let mut plain = Vec::with_capacity(phrases.len());
        for (entry, phrase) in phrases {
            let words = lexicon.words(&phrase);
            lexicon.surface(entry, &phrase, all.last().is_none_or(|(last, _)| *last != entry));
            for word in words.iter().collect::<BTreeSet<_>>() {
                *frequency.entry(*word).or_default() += 1;
            }
            lexicon.remember(entry, &words);
            if matches!(entry, Entry::Item(_)) {
                // "OJ" is an orange juice, freshly squeezed or not.
                for from in 0..words.len() {
                    lexicon.vocabulary.add_initials(&words[from..]);
                }
            }
            // "Greens" are a thing where "green" is a colour.
            let last = tokenize(&phrase).pop();
            plain.push(last.is_some_and(|last| last.is_plural() && !super::english::is_common(&last.text)));
            all.push((entry, words));
            joined.extend(lexicon.joined_words(&phrase).map(|words| (entry, words)));
        }
        for (entry, words) in all.iter().chain(&joined) {
            lexicon.insert(*entry, words, FULL);
        }
        let usual = lexicon.usual(&all);
        for ((entry, words), plain) in all.iter().zip(&plain) {
            lexicon.parts(*entry, words, *plain, &Others { frequency: &frequency, usual: &usual });
            lexicon.by_kind(*entry, words);
            lexicon.usual_one(*entry, words);
        }
        // "Sweet and sour" of the sweet and sour prawns.
        for (entry, words) in &joined {
            lexicon.swap(*entry, words);
            for at in 1..words.len().saturating_sub(1) {
                if !lexicon.is_joint(words[at]) {
                    continue;
                }
                for run in [&words[..at + 2], &words[at - 1..]] {
                    lexicon.insert(*entry, run, if run.len() < words.len() { JOINED } else { FULL });
                }
            }
        }
        for (item, number) in names::numbered(menu) {
            let number = lexicon.vocabulary.add(&number);
            lexicon.insert(Entry::Item(item), &[number], BARE_NUMBER);
            for word in ["number", "no", "nr", "num"] {
                let word = lexicon.vocabulary.add(word);
                lexicon.insert(Entry::Item(item), &[word, number], FULL);
            }
        }
        lexicon.headings();
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
        for (at, item) in self.menu.items.iter().enumerate() {
            self.places.insert(item.id.clone(), place(at));
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

    /// Whether a word ends one of an item's names.
    pub(crate) fn is_called(&self, item: u16, stem: &str) -> bool {
        self.vocabulary.get(stem).is_some_and(|word| self.ends(Entry::Item(item), word))
    }

    /// Whether a word that is no part of a choice's name ends the name of an item that takes the choice.
    pub(crate) fn heads_taker(&self, entry: Entry, word: Word) -> bool {
        let Entry::Choice(group, _) = entry else { return false };
        let takes = |item: &u16| self.takes(*item, group) && self.ends(Entry::Item(*item), word);
        !self.ends(entry, word) && (0..place(self.menu.items.len())).any(|item| takes(&item))
    }

    /// Whether an item is called what its heading says, so that it is meant where only what is on it was said.
    pub(crate) fn is_generic(&self, item: u16) -> bool {
        self.generic.contains(&item)
    }

    /// Whether a word is the last of an option group's name.
    pub(crate) fn heads_group(&self, group: u16, stem: &str) -> bool {
        let word = self.group_words.get(group as usize).copied().flatten();
        word.is_some_and(|word| self.vocabulary.text(word) == stem)
    }

    /// Whether a word is the last of any option group's name.
    pub(crate) fn is_group(&self, stem: &str) -> bool {
        (0..self.group_words.len()).any(|group| self.heads_group(place(group), stem))
    }

    fn is_joint(&self, word: Word) -> bool {
        is_joint(self.vocabulary.text(word))
    }

    fn surface(&mut self, entry: Entry, phrase: &str, is_name: bool) {
        let tokens = tokenize(phrase);
        if is_name && tokens.last().is_some_and(Token::is_plural) {
            self.plural.insert(entry);
        }
        self.surfaces.entry(written(&tokens)).or_default().push(entry);
    }

    /// Entries that are called exactly so.
    pub(crate) fn called(&self, tokens: &[Token]) -> &[Entry] {
        self.surfaces.get(&written(tokens)).map_or(&[], Vec::as_slice)
    }

    /// Whether a word by itself is somebody's name or alias.
    pub(crate) fn stands_alone(&self, word: Word) -> bool {
        self.next(0, word).is_some_and(|node| self.at(node).iter().any(|(_, quality)| *quality >= FULL))
    }

    /// The items under the heading that a word names.
    pub(crate) fn under(&self, word: Word) -> Option<&HashSet<u16>> {
        self.under.get(&word)
    }

    /// Whether a word ends one of the entry's names.
    pub(crate) fn ends(&self, entry: Entry, word: Word) -> bool {
        self.ends.contains(&(entry, word))
    }

    /// Whether the entry's name is a plural ("jalapenos"), so that its singular before a noun is no thing by itself.
    pub(crate) fn is_plural(&self, entry: Entry) -> bool {
        self.plural.contains(&entry)
    }

    /// The words of a phrase with what joins them, where something does: "steak and cheese" is no "steak cheese" alone.
    fn joined_words(&mut self, phrase: &str) -> Option<Vec<Word>> {
        let tokens = tokenize(phrase);
        let joins = |token: &Token| is_joint(&token.text);
        if !tokens.iter().any(joins) {
            return None;
        }
        let kept = tokens.iter().filter(|token| joins(token) || !is_link(&token.text));
        Some(kept.take(LONGEST).map(|token| self.vocabulary.add(&token.stem)).collect())
    }

    /// The words of a phrase that count, as numbers.
    pub(super) fn words(&mut self, phrase: &str) -> Vec<Word> {
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
        let mut heading: Vec<Word> = self.words(&name);
        heading.retain(|word| !super::english::is_common(self.vocabulary.text(*word)));
        self.own.entry(entry).or_default().extend(words.iter().chain(&heading));
        self.ends.extend(words.last().map(|last| (entry, *last)));
        if let Some(last) = words.last().filter(|_| words.len() > 1) {
            self.heads.entry(family).or_default().entry(*last).or_default().insert(entry);
        }
    }

    pub(super) fn insert(&mut self, entry: Entry, words: &[Word], quality: f32) {
        let mut node = 0;
        for &word in words {
            self.vocabulary.name(word);
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

    /// What a word says after the entry's name.
    pub(crate) fn follows(&self, entry: Entry, word: Word) -> Option<Follow> {
        if self.own.get(&entry)?.contains(&word) {
            return Some(Follow::Own);
        }
        let family = match entry {
            Entry::Item(at) => (true, self.categories[at as usize]),
            Entry::Choice(group, _) => (false, group),
            Entry::Size(..) => return None,
        };
        let named = self.heads.get(&family)?.get(&word)?.len();
        Some(if named > 1 { Follow::Kind } else { Follow::Head })
    }

    /// An item's place in the menu.
    pub(crate) fn place_of(&self, id: &crate::menu::ItemId) -> Option<u16> {
        self.places.get(id).copied()
    }

    pub(crate) fn item(&self, at: u16) -> &Item {
        &self.menu.items[at as usize]
    }

    pub(crate) fn choice(&self, group: u16, choice: u16) -> &crate::menu::Choice {
        &self.menu.option_groups[group as usize].choices[choice as usize]
    }

    /// How an item takes one of the choices that a word may mean, best first: quality and group. What is said in full
    /// elsewhere on the menu is no part of a name here: "sugar" is no sugar free syrup.
    pub(crate) fn reading(&self, item: u16, choices: &[(u16, u16, f32)]) -> Option<(f32, u16)> {
        let least = choices.first()?.2 * PART;
        let of = choices.iter().find(|(group, _, quality)| *quality >= least && self.takes(item, *group));
        of.map(|(group, _, quality)| (*quality, *group))
    }

    /// Whether an item takes choices of a group.
    pub(crate) fn takes(&self, item: u16, group: u16) -> bool {
        self.groups[item as usize].contains(&group)
    }
}

/// What entries are told apart among: items, or the choices of a group.
pub(super) const fn family(entry: Entry) -> Option<u16> {
    match entry {
        Entry::Choice(group, _) => Some(group),
        Entry::Item(_) | Entry::Size(..) => None,
    }
}

/// Whether a word joins two parts of a name.
fn is_joint(word: &str) -> bool {
    matches!(word, "and" | "n" | "in" | "on" | "with")
}

fn written(tokens: &[Token]) -> String {
    // "On ice" is not just ice.
    let said = |text: &&str| !is_link(text) || matches!(*text, "in" | "on" | "with");
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).filter(said).collect();
    words.join(" ")
}

/// A place in a list of the menu; menus are bounded far below the type's range.
pub(crate) fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}
