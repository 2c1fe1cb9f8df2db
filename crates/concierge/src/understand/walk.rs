//! The walk through the trie of the menu's names: what a stretch of words may be called.

use super::english;
use super::kinds;
use super::lexicon::{Entry, FULL, Follow, Lexicon, SERVED, SHARED};
use super::tokens::{Break, Token};
use super::vocabulary::{Guess, Reading, Word};

/// What a walk through the trie has found.
pub(super) struct Found {
    pub entry: Entry,
    pub to: usize,
    pub quality: f32,
    /// Words read, weak ones counting less.
    pub words: f32,
    /// It is a name or an alias in full, slips of the hand aside.
    pub full: bool,
    /// Its last word is a neighbour's: "bao" behind "pork" of the pork dumplings.
    pub borrowed: bool,
}

/// Everything of the menu that the words from one on may be.
pub(super) fn find(lexicon: &Lexicon, tokens: &[Token], readings: &[Vec<Reading>], from: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let start =
        Step { node: 0, from, at: from, quality: 1.0, words: 0.0, depth: 0, loose: false, guess: Guess::None, last: 0 };
    walk(lexicon, tokens, readings, start, &mut found);
    found
}

#[derive(Clone, Copy)]
struct Step {
    node: u32,
    /// The first word.
    from: usize,
    at: usize,
    quality: f32,
    words: f32,
    depth: usize,
    /// An "and" was passed over that the name does not have.
    loose: bool,
    /// The worst guess on the way.
    guess: Guess,
    /// The menu's word read last.
    last: Word,
}

/// Follows the trie from a word on, with every reading of each word.
fn walk(lexicon: &Lexicon, tokens: &[Token], readings: &[Vec<Reading>], step: Step, found: &mut Vec<Found>) {
    if step.depth > 0 {
        for &(entry, quality) in lexicon.at(step.node) {
            // "Chicken bacon and ranch": only a long name said in full may have its "and" elsewhere.
            if step.loose && (quality < FULL || step.depth < 3) {
                continue;
            }
            // "A glass of red", "black and pinto beans".
            let served = step.from.checked_sub(1).is_some_and(|at| tokens[at].text == "of");
            let joined = quality > SERVED && joined(tokens, step.at);
            if quality <= SHARED && !joined && !(served && matches!(entry, Entry::Item(_))) {
                continue;
            }
            // "Green or black olives" are no green peppers.
            if quality > SERVED && quality <= SHARED && joined && !shares_end(lexicon, tokens, entry) {
                continue;
            }
            // "Fried" says how, and is no stir fry.
            let guessed = step.depth == 1 && step.quality < 0.95 && english::is_common(&tokens[step.at - 1].text);
            if quality < FULL - 0.1 && guessed && matches!(entry, Entry::Item(_)) {
                continue;
            }
            // A guessed word must say what the thing is: "lamb" is no "Lambda Lemonade".
            if step.guess == Guess::Piece && quality < FULL && !lexicon.ends(entry, step.last) {
                continue;
            }
            let full = quality > FULL - 0.01;
            let quality = quality * step.quality;
            let one = Found { entry, to: step.at, quality, words: step.words, full, borrowed: false };
            extend(lexicon, tokens, readings, step.from, &one, found);
            found.push(one);
        }
    }
    if step.depth >= 10 || found.len() > 400 {
        return;
    }
    let mut starts = [Some(step.at), None];
    if step.depth > 0
        && tokens.get(step.at).is_some_and(|token| {
            let half = token.text == "a" && tokens[step.at - 1].stem == "half";
            (half || matches!(token.text.as_str(), "of" | "the" | "and" | "n")) && token.before == Break::None
        })
    {
        starts[1] = Some(step.at + 1);
    }
    for at in starts.into_iter().flatten() {
        if step.depth > 0 && tokens.get(at).is_none_or(|token| token.before != Break::None) {
            continue;
        }
        let loose = step.loose || (at > step.at && matches!(tokens[step.at].text.as_str(), "and" | "n"));
        for reading in readings.get(at).into_iter().flatten() {
            if reading.guess == Guess::Within && step.depth == 0 {
                continue;
            }
            let mut node = Some(step.node);
            for word in &reading.words[..reading.len] {
                node = node.and_then(|node| lexicon.next(node, *word));
            }
            if let Some(node) = node {
                let words = (at + reading.tokens - step.at) as f32;
                let next = Step {
                    node,
                    from: step.from,
                    at: at + reading.tokens,
                    quality: step.quality * reading.quality,
                    words: step.words + words,
                    depth: step.depth + reading.len,
                    loose,
                    guess: step.guess.max(reading.guess),
                    last: reading.words[reading.len - 1],
                };
                walk(lexicon, tokens, readings, next, found);
            }
        }
    }
}

/// Whether something of the same kind is joined on here: "black and pinto beans".
fn joined(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.before == Break::Comma || matches!(token.text.as_str(), "and" | "or"))
}

/// Whether the last word of an entry is said, so that another word may be of that kind.
fn shares_end(lexicon: &Lexicon, tokens: &[Token], entry: Entry) -> bool {
    tokens.iter().filter_map(|token| lexicon.vocabulary.get(&token.stem)).any(|word| lexicon.ends(entry, word))
}

/// Takes in words after a name that say no more than it does: "provolone cheese", "tuna sandwich".
fn extend(
    lexicon: &Lexicon,
    tokens: &[Token],
    readings: &[Vec<Reading>],
    from: usize,
    one: &Found,
    found: &mut Vec<Found>,
) {
    let (mut to, mut words) = (one.to, one.words);
    for _ in 0..2 {
        let Some(token) = tokens.get(to).filter(|token| token.before == Break::None) else { return };
        // "Well done no onions" where "no pink" is another word for well done.
        if matches!(token.text.as_str(), "no" | "not" | "without" | "with" | "but") {
            return;
        }
        // "Jalapeno peppers" where the menu says "jalapenos": the singular before a noun tells its kind.
        let singular = to == one.to && lexicon.is_plural(one.entry) && !tokens[to - 1].is_plural();
        let reading =
            readings[to].iter().filter(|reading| reading.len == 1 && reading.tokens == 1 && reading.quality > 0.8);
        let kind = kinds::is_of(&tokens[to - 1].stem, &token.stem);
        // "Bacon cheese" is bacon and cheese, "avocado sprouts" avocado and sprouts.
        let apart = matches!(one.entry, Entry::Choice(..)) && kind == Some(false);
        let single = matches!(one.entry, Entry::Choice(..)) && kind.is_none();
        let own = reading.filter_map(|reading| {
            let follow = lexicon.follows(one.entry, reading.words[0])?;
            // "Pie mash": what a thing is was said; another's last word is no more of it.
            let said = lexicon.vocabulary.get(&tokens[to - 1].stem);
            let whole = matches!(one.entry, Entry::Item(_)) && said.is_some_and(|said| lexicon.ends(one.entry, said));
            let alone = match follow {
                Follow::Own => false,
                Follow::Kind => apart || !(singular && token.is_plural()) && lexicon.stands_alone(reading.words[0]),
                Follow::Head => whole || apart || single || lexicon.stands_alone(reading.words[0]),
            };
            (!alone).then_some(follow)
        });
        let own = own.max().or((kind == Some(true)).then_some(Follow::Own));
        // "Mild wings" of the wings' sauces: the heading's word is what takes them.
        let taker = own == Some(Follow::Own)
            && kind != Some(true)
            && lexicon.vocabulary.get(&token.stem).is_some_and(|word| lexicon.heads_taker(one.entry, word));
        let own = if taker { Some(Follow::Head) } else { own };
        let Some(follow) = own else { return };
        // "Grilled onions onion": what is said twice is two things.
        if token.is_count() || tokens[from..to].iter().any(|said| said.stem == token.stem) {
            return;
        }
        to += 1;
        let (more, quality) = match follow {
            Follow::Own => (0.9, 0.99),
            Follow::Kind if singular => (0.8, 0.97),
            Follow::Kind | Follow::Head => (0.5, 0.97),
        };
        words += more;
        let borrowed = follow != Follow::Own;
        found.push(Found { entry: one.entry, to, quality: one.quality * quality, words, full: one.full, borrowed });
    }
}
