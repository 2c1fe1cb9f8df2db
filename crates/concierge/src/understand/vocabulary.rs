//! The menu's words, and how a guest's word finds them: exact, joined, split, shortened or misspelt.

use std::collections::{HashMap, HashSet};

use super::spelling::{SHORT, close, deletions, letters};
use super::synonyms::{SPELT_OUT, otherwise, variants};
use super::tokens::{Token, stem};
use super::{english, numbers};

/// A word's number in the vocabulary.
pub(crate) type Word = u32;

/// The most words that initials stand for.
const INITIALS: usize = 4;

/// One way to read words of the guest as words of the menu.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The menu's words: one, or several where the guest joined them or said their initials.
    pub words: [Word; INITIALS],
    /// How many of `words` count.
    pub len: usize,
    /// How many of the guest's words are read.
    pub tokens: usize,
    /// How sure, 1.0 is exact.
    pub quality: f32,
    /// What was done to find the word.
    pub guess: Guess,
}

/// How far a reading is from what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Guess {
    /// The word itself, or another spelling of it.
    None,
    /// A long word with a slip in it.
    Slip,
    /// A short word with a slip in it, or a piece of a longer word: enough to tell what a thing is, but not to tell
    /// it by its byname alone.
    Piece,
    /// A word of three letters with one left out: it tells nothing but within a longer name, "pad tai".
    Within,
}

/// The words of all names and aliases, by stem.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    index: HashMap<String, Word>,
    words: Vec<String>,
    /// Words as stems, sorted: a prefix is a range.
    sorted: Vec<(String, Word)>,
    /// Stems with letters deleted, to the words they come from (the symmetric-delete index).
    deletes: HashMap<String, Vec<Word>>,
    /// First letters of names: "oj", "blt".
    initials: HashMap<String, Vec<Vec<Word>>>,
    /// Misspelt grammar words, in the same way.
    grammar: HashMap<String, Vec<usize>>,
    /// Words that stand for a heading of the menu and for no other thing.
    headings: HashSet<Word>,
    /// Words that are said of things; the others only stand in headings.
    named: HashSet<Word>,
}

impl Vocabulary {
    /// The word's number, new or known. Call [`Vocabulary::finish`] when all are in.
    pub(crate) fn add(&mut self, stem: &str) -> Word {
        if let Some(&word) = self.index.get(stem) {
            return word;
        }
        let word = Word::try_from(self.words.len()).unwrap_or(Word::MAX);
        self.index.insert(stem.to_owned(), word);
        self.words.push(stem.to_owned());
        word
    }

    /// Lets a name be said by its first letters.
    pub(crate) fn add_initials(&mut self, words: &[Word]) {
        let letters: String = words.iter().filter_map(|word| self.text(*word).chars().next()).collect();
        if (2..=INITIALS).contains(&words.len()) && letters.chars().all(char::is_alphabetic) {
            let names = self.initials.entry(letters).or_default();
            if names.iter().all(|name| name != words) {
                names.push(words.to_vec());
            }
        }
    }

    /// Has a word mean what stands under a heading, unless `named` tells that a thing's own name is the same word in
    /// other clothes: where there is a "Hamburger", "a burger" is that.
    pub(crate) fn add_heading(&mut self, word: Word, named: impl Fn(Word) -> bool) {
        let text = self.text(word).to_owned();
        let mut others = variants(&text).flatten();
        if !others.any(|other| self.get(other).is_some_and(|other| other != word && named(other))) {
            self.headings.insert(word);
        }
    }

    /// Notes that a thing can be called by a word.
    pub(crate) fn name(&mut self, word: Word) {
        self.named.insert(word);
    }

    pub(crate) fn get(&self, stem: &str) -> Option<Word> {
        self.index.get(stem).copied()
    }

    pub(crate) fn text(&self, word: Word) -> &str {
        self.words.get(word as usize).map_or("", String::as_str)
    }

    pub(crate) fn finish(&mut self) {
        self.sorted = self.index.iter().map(|(stem, &word)| (stem.clone(), word)).collect();
        self.sorted.sort();
        for (stem, word) in &self.sorted {
            for form in deletions(stem) {
                self.deletes.entry(form).or_default().push(*word);
            }
        }
        for (at, word) in english::CORRECTED.iter().enumerate() {
            for form in deletions(word) {
                self.grammar.entry(form).or_default().push(at);
            }
        }
    }

    /// Whether the word is known as it stands.
    pub(crate) fn knows(&self, token: &Token) -> bool {
        self.index.contains_key(&token.stem)
    }

    /// The grammar word that a misspelt word stands for.
    pub(crate) fn grammar(&self, token: &Token) -> Option<&'static str> {
        if self.knows(token) || english::is_common(&token.text) || token.text.len() < 4 {
            return None;
        }
        let mut best: Option<(usize, &'static str)> = None;
        for form in deletions(&token.text) {
            for &at in self.grammar.get(&form).into_iter().flatten() {
                let word = english::CORRECTED[at];
                if let Some(distance) = close(&token.text, word).filter(|d| best.is_none_or(|(b, _)| *d < b)) {
                    best = Some((distance, word));
                }
            }
        }
        best.map(|(_, word)| word)
    }

    /// All readings of the words at the head of `tokens`.
    pub(crate) fn readings(&self, tokens: &[Token], out: &mut Vec<Reading>) {
        out.clear();
        let Some(first) = tokens.first() else { return };
        if let Some(word) = self.get(&first.stem) {
            out.push(Reading { words: [word; INITIALS], len: 1, tokens: 1, quality: 1.0, guess: Guess::None });
        }
        if let Some(second) = tokens.get(1) {
            let joined = format!("{}{}", first.text, second.text);
            if let Some(word) = self.get(&stem(&joined)) {
                out.push(Reading { words: [word; INITIALS], len: 1, tokens: 2, quality: 0.98, guess: Guess::None });
            }
        }
        self.spelt_out(tokens, out);
        // "Five hundred ml" where the menu writes 500.
        if first.is_count()
            && let Some(number) = numbers::read(tokens).filter(|number| number.len > 1 && !number.after)
            && let Some(word) = number.value.and_then(|value| self.get(&value.to_string()))
        {
            out.push(Reading { words: [word; INITIALS], len: 1, tokens: number.len, quality: 1.0, guess: Guess::None });
        }
        if self.get(&first.stem).is_some_and(|word| self.headings.contains(&word)) {
            return;
        }
        for line in variants(&first.stem) {
            // "Fries" are a thing and never "fried" something, and "fried" where the menu has that word is no fries.
            let known_deed = first.text.ends_with("ed") && !out.is_empty();
            let kept = line.iter().filter(|other| {
                if first.is_plural() { !other.ends_with("ed") } else { !known_deed || other.ends_with("ed") }
            });
            for other in kept.filter_map(|other| self.get(other)) {
                if out.iter().all(|reading| reading.words[0] != other) {
                    out.push(Reading { words: [other; INITIALS], len: 1, tokens: 1, quality: 0.9, guess: Guess::None });
                }
            }
        }
        // A word of a heading alone, "Shake Extras", may stand for another: the shake of a milkshake.
        if out.iter().any(|reading| reading.tokens == 1 && self.named.contains(&reading.words[0])) {
            return;
        }
        out.retain(|reading| reading.tokens != 1 || self.named.contains(&reading.words[0]));
        // "Mash" for mashed potatoes.
        let last = first.text.chars().last().unwrap_or_default();
        for end in ["ed".to_owned(), "d".to_owned(), format!("{last}ed")] {
            if let Some(word) = self.get(&format!("{}{end}", first.text)).filter(|_| first.text.len() > 3) {
                out.push(Reading { words: [word; INITIALS], len: 1, tokens: 1, quality: 0.9, guess: Guess::None });
            }
        }
        for other in otherwise(&first.stem).flatten().filter_map(|other| self.get(other)) {
            if out.iter().all(|reading| reading.words[0] != other) {
                out.push(Reading { words: [other; INITIALS], len: 1, tokens: 1, quality: 0.85, guess: Guess::None });
            }
        }
        if !out.is_empty() {
            return;
        }
        let split = out.len();
        self.split(&first.text, out);
        if out.len() == split && !english::is_common(&first.text) && !first.is_number() {
            for name in self.initials.get(&first.stem).into_iter().flatten() {
                let mut words = [name[0]; INITIALS];
                words[..name.len()].copy_from_slice(name);
                out.push(Reading { words, len: name.len(), tokens: 1, quality: 0.85, guess: Guess::None });
            }
            self.shortened(&first.text, out);
            self.tail(&first.stem, out);
            let real = english::is_word(&first.text);
            self.misspelt(&first.stem, real, out);
            if first.text != first.stem {
                self.misspelt(&first.text, real, out);
            }
            // "Calznoes", "chpaatis": a slip may hide what the plural is of.
            if let Some(one) = first.text.strip_suffix('s').filter(|one| *one != first.stem && first.is_plural()) {
                self.misspelt(one, real, out);
            }
        }
    }

    /// "Coke" where the menu writes Coca-Cola, and the other way round.
    fn spelt_out(&self, tokens: &[Token], out: &mut Vec<Reading>) {
        for (short, long) in SPELT_OUT {
            let long_words: Vec<Word> = long.iter().filter_map(|word| self.get(word)).collect();
            if tokens[0].stem == *short && long_words.len() == long.len() {
                let mut words = [long_words[0]; INITIALS];
                words[..long.len()].copy_from_slice(&long_words);
                out.push(Reading { words, len: long.len(), tokens: 1, quality: 0.98, guess: Guess::None });
            }
            let said = tokens.len() >= long.len() && long.iter().zip(tokens).all(|(word, token)| token.stem == *word);
            if let Some(word) = self.get(short).filter(|_| said) {
                let words = [word; INITIALS];
                out.push(Reading { words, len: 1, tokens: long.len(), quality: 0.98, guess: Guess::None });
            }
        }
    }

    /// "blackforest" for "black forest".
    fn split(&self, text: &str, out: &mut Vec<Reading>) {
        if text.len() < 6 || !text.is_ascii() {
            return;
        }
        for at in 3..=text.len() - 3 {
            if let (Some(head), Some(tail)) = (self.get(&stem(&text[..at])), self.get(&stem(&text[at..]))) {
                out.push(Reading {
                    words: [head, tail, tail, tail],
                    len: 2,
                    tokens: 1,
                    quality: 0.95,
                    guess: Guess::None,
                });
            }
        }
    }

    /// "mayo" for "mayonnaise": the head of a word, at least three letters of it.
    fn shortened(&self, text: &str, out: &mut Vec<Reading>) {
        let text = text.strip_suffix('s').filter(|text| text.len() >= 3).unwrap_or(text);
        if text.len() < 3 {
            return;
        }
        let from = self.sorted.partition_point(|(stem, _)| stem.as_str() < text);
        for (stem, word) in self.sorted[from..].iter().take_while(|(stem, _)| stem.starts_with(text)).take(6) {
            // The head of a compound is another word: "ham" is no hamburger.
            let rest = &stem[text.len()..];
            if rest.len() >= 2 && (rest.len() < 4 || (self.get(rest).is_none() && !english::is_word(rest))) {
                out.push(Reading { words: [*word; INITIALS], len: 1, tokens: 1, quality: 0.85, guess: Guess::Piece });
            }
        }
    }

    /// "Shake" for "milkshake": the tail of a compound is what it is.
    fn tail(&self, text: &str, out: &mut Vec<Reading>) {
        if text.len() < 4 {
            return;
        }
        let compounds = self.sorted.iter().filter(|(stem, _)| stem.len() >= text.len() + 3 && stem.ends_with(text));
        for (_, word) in compounds.take(8) {
            out.push(Reading { words: [*word; INITIALS], len: 1, tokens: 1, quality: 0.8, guess: Guess::Piece });
        }
    }

    /// "Tai" for "thai": a letter within is left out.
    fn lacking(&self, text: &str, out: &mut Vec<Reading>) {
        let letters: Vec<char> = text.chars().collect();
        let [first, .., last] = letters[..] else { return };
        for &word in self.deletes.get(text).into_iter().flatten().filter(|_| letters.len() == 3) {
            let whole = self.text(word);
            if whole.chars().count() == 4 && whole.starts_with(first) && whole.ends_with(last) {
                let reading =
                    Reading { words: [word; INITIALS], len: 1, tokens: 1, quality: 0.85, guess: Guess::Within };
                out.push(reading);
            }
        }
    }

    /// `real`: English has the word, so that it is misspelt only where its letters changed places.
    fn misspelt(&self, text: &str, real: bool, out: &mut Vec<Reading>) {
        if text.chars().count() < 4 {
            if !real {
                self.lacking(text, out);
            }
            return;
        }
        let mut found: Vec<(usize, Word)> = Vec::new();
        for form in deletions(text) {
            for &word in self.deletes.get(&form).into_iter().flatten() {
                let other = self.text(word);
                let known = |_: &usize| found.iter().all(|f| f.1 != word);
                if let Some(distance) = close(text, other).filter(known)
                    && (!real || letters(text) == letters(other))
                {
                    found.push((distance, word));
                }
            }
        }
        found.sort_unstable();
        let nearest = found.first().map_or(0, |found| found.0);
        for (distance, word) in found.into_iter().take_while(|(distance, _)| *distance == nearest).take(4) {
            if out.iter().all(|reading| reading.words[0] != word) {
                let quality = if distance == 1 { 0.85 } else { 0.7 };
                let guess = if text.len() > SHORT { Guess::Slip } else { Guess::Piece };
                out.push(Reading { words: [word; INITIALS], len: 1, tokens: 1, quality, guess });
            }
        }
    }
}
