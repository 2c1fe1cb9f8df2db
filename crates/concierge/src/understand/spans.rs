//! Readings of particular words of English that the menu gives a meaning: headings that are counted, "all the toppings",
//! "the biggest", numbers that count no things.

use super::english::{self, Mark};
use super::lattice::{Edge, Kind, REMARK, SPAN, WORD};
use super::lexicon::{FULL, HEADING, Lexicon, is_link, place};
use super::numbers;
use super::tokens::{Break, Token, tokenize};
use crate::menu::OptionGroup;
use crate::money::Cents;

/// Whether a word asks rather than names: "and can I also get …" orders no can.
pub(super) fn asks(tokens: &[Token], at: usize) -> bool {
    let who = tokens.get(at + 1).map_or("", |next| next.text.as_str());
    tokens[at].text == "can" && matches!(who, "i" | "we" | "you" | "he" | "she" | "they")
}

/// Whether a word is the number of no things: "0 colas" are none, though the menu may have a zero cola.
pub(super) fn counts_none(tokens: &[Token], at: usize) -> bool {
    tokens[at].text == "0" && tokens.get(at + 1).is_some_and(|next| next.before == Break::None && next.is_plural())
}

/// "All the toppings": every choice of groups that are called so, where none costs anything.
pub(super) fn all_of(lexicon: &Lexicon, tokens: &[Token], at: usize, edges: &mut Vec<Edge>) {
    if !says_all(&tokens[at]) {
        return;
    }
    let links = tokens[at + 1..].iter().take_while(|token| is_link(&token.text)).count();
    let Some(heading) = tokens.get(at + 1 + links).filter(|heading| heading.is_plural()) else { return };
    let free = |of: &OptionGroup| {
        of.choices.iter().all(|choice| choice.price == Cents::ZERO)
            && of.max.is_none_or(|max| max as usize >= of.choices.len())
    };
    let named = |of: &OptionGroup| tokenize(&of.name).iter().filter(|word| word.stem == heading.stem).count();
    let whole = |of: &OptionGroup| named(of) > 0 && tokenize(&of.name).len() == 1;
    let groups = &lexicon.menu().option_groups;
    // "Toppings" are not the salsa toppings where a group is called just so.
    let exact = groups.iter().any(whole);
    let meant = groups.iter().enumerate().filter(|(_, of)| free(of) && if exact { whole(of) } else { named(of) > 0 });
    let all =
        meant.flat_map(|(group, of)| (0..of.choices.len()).map(move |choice| (place(group), place(choice), FULL)));
    let all: Vec<(u16, u16, f32)> = all.collect();
    if !all.is_empty() {
        let to = at + links + 2;
        edges.push(Edge { from: at, to, kind: Kind::Choices(all), score: WORD * 2.0 - SPAN, also: Vec::new() });
    }
}

/// Whether a word begins what means every one of several: "all the toppings".
pub(super) fn says_all(token: &Token) -> bool {
    matches!(token.text.as_str(), "all" | "every")
}

/// "In the biggest size": of each thing, the dearest of its sizes, or the cheapest.
pub(super) fn superlative(lexicon: &Lexicon, tokens: &[Token], at: usize, edges: &mut Vec<Edge>) {
    let most = match tokens[at].text.as_str() {
        "biggest" | "largest" => true,
        "smallest" => false,
        _ => return,
    };
    let items = lexicon.menu().items.iter().enumerate().filter(|(_, item)| item.sizes.len() > 1);
    let sizes = items.filter_map(|(item, of)| {
        let prices = of.sizes.iter().enumerate().map(|(at, size)| (size.price, at));
        let (_, size) = if most { prices.max() } else { prices.min() }?;
        Some((place(item), place(size)))
    });
    let kind = Kind::Sizes(sizes.collect());
    edges.push(Edge { from: at, to: at + 1, kind, score: WORD - SPAN + 0.2, also: Vec::new() });
}

/// "Three drinks: a cola, …": behind a number or a size and before a pause, a heading's plural counts what follows,
/// though it is too common a word to be a thing.
pub(super) fn counted_heading(lexicon: &Lexicon, tokens: &[Token], at: usize, edges: &mut Vec<Edge>) {
    if !tokens[at].is_plural() || !english::is_common(&tokens[at].text) {
        return;
    }
    let told = at.checked_sub(1).is_some_and(|before| {
        let mut size = false;
        english::marks(&tokens[before..at], |mark, _| size |= mark == Mark::Size);
        size || tokens[before].is_count()
    });
    let begins = |next: &Token| matches!(next.text.as_str(), "a" | "an") || next.is_count();
    let paused = tokens.get(at + 1).is_some_and(|next| next.before == Break::Comma || begins(next));
    let paused = paused || at + 1 == tokens.len();
    let under = lexicon.vocabulary.get(&tokens[at].stem).and_then(|word| lexicon.under(word));
    if let Some(under) = under.filter(|_| told && paused) {
        let mut items: Vec<(u16, f32)> = under.iter().map(|item| (*item, HEADING)).collect();
        items.sort_by_key(|(item, _)| *item);
        edges.push(Edge { from: at, to: at + 1, kind: Kind::Items(items), score: 0.5, also: Vec::new() });
    }
}

/// What the shot of "two shots of vanilla" costs as a thing of its own.
const UNIT: f32 = 1.5;

/// A word that measures out what follows it is no thing by itself: "two shots of vanilla".
pub(super) fn measures_out(tokens: &[Token], at: usize, edges: &mut [Edge]) {
    if tokens.get(at + 1).is_none_or(|next| next.text != "of") {
        return;
    }
    let mut part = false;
    english::marks(&tokens[at..=at + 1], |mark, len| part |= len == 2 && matches!(mark, Mark::Part | Mark::Amount(_)));
    for edge in edges.iter_mut().filter(|edge| part && edge.to == at + 1 && matches!(edge.kind, Kind::Choices(_))) {
        edge.score -= UNIT;
    }
}

/// Adds what a number at a word may be: how many, how big, how many eat, the mark of a list.
pub(super) fn numbers(lexicon: &Lexicon, tokens: &[Token], marked: &[Token], at: usize, edges: &mut Vec<Edge>) {
    let Some(number) = numbers::read(&marked[at..]) else { return };
    // "A pie for six people" counts who eats it.
    let eaters = at.checked_sub(1).is_some_and(|before| tokens[before].text == "for")
        && tokens.get(at + number.len).is_some_and(|next| is_person(&next.text));
    if eaters {
        let to = at + number.len + 1;
        let kind = Kind::Mark(Mark::Remark);
        edges.push(Edge { from: at, to, kind, score: REMARK, also: Vec::new() });
    }
    // "(1) with ham, (2) with olives".
    let alone = tokens[at].before != Break::None
        && tokens.get(at + 1).is_some_and(|next| next.before == Break::Comma)
        && tokens[at].is_number();
    if alone {
        let kind = Kind::Mark(Mark::Other);
        edges.push(Edge { from: at, to: at + 1, kind, score: 0.6, also: Vec::new() });
    }
    // "A 500 ml cola": how big, not how many.
    if tokens.get(at + number.len).is_some_and(|next| english::is_measure(&next.text)) {
        edges.push(Edge {
            from: at,
            to: at + number.len + 1,
            kind: Kind::Mark(Mark::Size),
            score: 0.9,
            also: Vec::new(),
        });
    }
    // "Two dips, garlic and chilli": options begin.
    let heading = tokens
        .get(at + number.len)
        .filter(|next| !number.after && next.before == Break::None && next.is_plural() && lexicon.is_group(&next.stem));
    if heading.is_some() && tokens.get(at + number.len + 1).is_some_and(|next| next.text != "of") {
        let to = at + number.len + 1;
        edges.push(Edge { from: at, to, kind: Kind::Mark(Mark::With), score: 1.6, also: Vec::new() });
    }
    let kind = Kind::Number { value: number.value, after: number.after };
    let extra = f32::from(u8::try_from(number.len).unwrap_or(u8::MAX));
    edges.push(Edge { from: at, to: at + number.len, kind, score: 0.45 * extra - 0.05, also: Vec::new() });
}

/// Whether a word is for those who eat.
fn is_person(word: &str) -> bool {
    const PEOPLE: &str = "people person persons adults kids children guests friends of";
    PEOPLE.split(' ').any(|person| person == word)
}
