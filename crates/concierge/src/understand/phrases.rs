//! Set phrases about lines of the cart: "take it off", "one of them", "same for the other one", "two more".

use super::target::{DETERMINERS, changes_only, items_at, named, starts};
use super::tokens::{Token, says_of_them};
use super::{Lexicon, cues, numbers};
use crate::order::{LineId, OrderLine};

/// "One less coke".
pub(crate) struct Counted {
    pub amount: u32,
    pub less: bool,
    pub lines: Vec<LineId>,
    /// Whether a thing was named.
    pub named: bool,
}

/// Words behind a thing that is to go: "the water can go".
const GOES: &[&[&str]] = &[
    &["can", "go"],
    &["can", "go", "away"],
    &["can", "be", "removed"],
    &["has", "to", "go"],
    &["is", "not", "needed"],
    &["isnt", "needed"],
    &["not", "needed"],
    &["is", "no", "longer", "needed"],
    &["not", "anymore"],
];

/// "Take the feta off" as "remove the feta", "take the feta off the salad" as "remove the feta off the salad", "the feta
/// can go" as "remove the feta".
pub(crate) fn unsplit(tokens: &[Token]) -> Vec<Token> {
    let end = tokens.len() - tokens.iter().rev().take_while(|token| cues::is_polite(&token.text)).count();
    let goes = GOES.iter().filter(|words| {
        end > words.len() && starts(&tokens[end - words.len()..], words) && !tokens[..end].iter().any(Token::is_count)
    });
    if let Some(words) = goes.max_by_key(|words| words.len()) {
        let mut plain = super::tokens::tokenize("remove");
        let polite = |token: &&Token| cues::is_polite(&token.text) || token.text == "no";
        plain.extend(tokens[..end - words.len()].iter().skip_while(polite).cloned());
        return plain;
    }
    let start = tokens.iter().take_while(|token| cues::is_polite(&token.text) && token.text != "take").count();
    let verb = tokens.get(start).is_some_and(|token| matches!(token.text.as_str(), "take" | "leave"));
    // "Leave the feta in" keeps it.
    let kept = end.checked_sub(1).is_some_and(|last| {
        last > start + 1 && tokens[last].text == "in" && matches!(tokens[start].text.as_str(), "leave" | "keep")
    });
    if kept {
        let mut plain = super::tokens::tokenize("with");
        plain.extend_from_slice(&tokens[start + 1..end - 1]);
        return plain;
    }
    let particle = (start + 2..end).find(|&at| matches!(tokens[at].text.as_str(), "off" | "out" | "away"));
    let Some(particle) = particle.filter(|_| verb) else { return tokens.to_vec() };
    let mut plain = super::tokens::tokenize("remove");
    plain.extend_from_slice(&tokens[start + 1..particle]);
    let rest = &tokens[particle + 1..end];
    let pronoun = |token: &Token| matches!(token.text.as_str(), "of" | "it" | "that" | "them" | "there");
    if !rest.iter().all(pronoun) {
        plain.extend(super::tokens::tokenize("off"));
        plain.extend(rest.iter().skip_while(|token| token.text == "of").cloned());
    }
    plain
}

/// "… on one of them", "one of them without …": how many of a line, and what is said of them.
pub(crate) fn part(tokens: &[Token]) -> Option<(u32, Vec<Token>)> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    for at in 0..tokens.len() {
        let Some(number) = numbers::read(&tokens[at..]).filter(|number| !number.after) else { continue };
        let Some(count) = number.value else { continue };
        let mut to = at + number.len;
        let of_them = says_of_them(tokens, to);
        to += if of_them { 2 } else { 0 };
        let pointed = at > 0 && matches!(text(at - 1), "on" | "in" | "for" | "to");
        let polite_after = tokens[to.min(tokens.len())..].iter().all(|token| cues::is_polite(&token.text));
        let leads = tokens[..at].iter().all(|token| cues::is_polite(&token.text) || token.text == "make");
        if pointed && polite_after && at > 1 {
            return Some((count, tokens[..at - 1].to_vec()));
        }
        // "Two without pickles" of five that were just ordered; "and two without" are two more.
        let alone = at == 0 && matches!(text(to), "with" | "without" | "no");
        if (of_them || alone) && leads && to < tokens.len() {
            return Some((count, tokens[to..].to_vec()));
        }
        return None;
    }
    None
}

/// "Make the second one with bacon": what is said of one of several that stand in one line, by its place there.
pub(crate) fn one_by_place(tokens: &[Token]) -> Option<(usize, Vec<Token>)> {
    let at = tokens.windows(3).position(|window| {
        window[0].text == "the" && cues::ordinal(&window[1].text).is_some() && window[2].text == "one"
    })?;
    let place = cues::ordinal(&tokens[at + 1].text)?;
    let before = tokens[..at].iter().filter(|token| !matches!(token.text.as_str(), "make" | "on" | "for"));
    Some((place, before.chain(&tokens[at + 3..]).cloned().collect()))
}

/// "Make one coke a water", "change two of the fries to large": how many of which lines, and what they are to be.
pub(crate) fn part_of_named<'a>(
    lexicon: &Lexicon,
    tokens: &'a [Token],
    cart: &[(LineId, OrderLine)],
) -> Option<(u32, Vec<LineId>, &'a [Token])> {
    let verb = tokens.iter().position(|token| !cues::is_polite(&token.text))?;
    let changes = |word: &str| matches!(word, "make" | "change" | "switch" | "swap" | "turn" | "replace");
    let number = numbers::read(tokens.get(verb + 1..)?).filter(|number| !number.after)?;
    if !changes(&tokens[verb].text) {
        return None;
    }
    let mut at = verb + 1 + number.len;
    while tokens.get(at).is_some_and(|token| matches!(token.text.as_str(), "of" | "the" | "my" | "our" | "those")) {
        at += 1;
    }
    let (lines, len) = items_at(lexicon, tokens.get(at..)?, cart)?;
    let new = tokens.get(at + len..)?;
    let joint = new.first().is_some_and(|token| matches!(token.text.as_str(), "to" | "into" | "for" | "with" | "by"));
    let new = &new[usize::from(joint)..];
    (!new.is_empty()).then_some((number.value?, lines, new))
}

/// "Same for the second one", "and on the tea as well": the lines that take what was said of another.
pub(crate) fn likewise(
    lexicon: &Lexicon,
    tokens: &[Token],
    cart: &[(LineId, OrderLine)],
    touched: Option<LineId>,
) -> Option<Vec<LineId>> {
    let filler = |token: &Token| cues::is_polite(&token.text) || matches!(token.text.as_str(), "the" | "also" | "do");
    let mut rest = &tokens[tokens.iter().take_while(|token| filler(token) && token.text != "for").count()..];
    let same = rest.first().is_some_and(|token| token.text == "same");
    if same {
        rest = &rest[1 + usize::from(rest.get(1).is_some_and(|token| token.text == "thing"))..];
    }
    let joint = rest.first()?.text.as_str();
    if !(matches!(joint, "on" | "in") || (same && matches!(joint, "for" | "with" | "to"))) {
        return None;
    }
    let rest = &rest[1..];
    if !DETERMINERS.contains(&rest.first()?.text.as_str()) {
        return None;
    }
    let (lines, to) = named(lexicon, rest, 0, cart, touched)?;
    let ends = |token: &Token| cues::is_polite(&token.text) || matches!(token.text.as_str(), "as" | "well" | "one");
    (!lines.is_empty() && rest[to..].iter().all(ends)).then_some(lines)
}

/// Whether words end with "instead": what they order takes the place of something.
pub(crate) fn is_instead(tokens: &[Token]) -> bool {
    tokens.iter().rev().find(|token| !cues::is_polite(&token.text)).is_some_and(|token| token.text == "instead")
}

/// Whether words say how it is to be in the end, not what comes to it: "two teas actually", "three in total".
pub(crate) fn settles(tokens: &[Token]) -> bool {
    const SETTLE: &[&[&str]] = &[
        &["actually"],
        &["i", "mean"],
        &["i", "meant"],
        &["in", "total"],
        &["in", "all"],
        &["altogether"],
        &["total"],
    ];
    SETTLE.iter().any(|words| (0..tokens.len()).any(|at| starts(&tokens[at..], words)))
}

/// "One less coke", "two more of those", "another burger": a number, a direction, and at most an item after it.
pub(crate) fn counted(lexicon: &Lexicon, tokens: &[Token], cart: &[(LineId, OrderLine)]) -> Option<Counted> {
    let start = tokens.iter().take_while(|token| {
        cues::is_polite(&token.text)
            || matches!(
                token.text.as_str(),
                "make" | "it" | "that" | "add" | "give" | "get" | "have" | "id" | "ill" | "take" | "remove" | "need"
            )
    });
    let start = start.count().min(tokens.len());
    let tokens = &tokens[start..];
    let number = numbers::read(tokens)?;
    let amount = number.value?;
    let mut at = number.len;
    let another = tokens[0].text == "another";
    let direction = tokens.get(at).map_or("", |token| token.text.as_str());
    let less = matches!(direction, "less" | "fewer");
    if less || direction == "more" {
        at += 1;
    } else if !another {
        return None;
    }
    while tokens
        .get(at)
        .is_some_and(|token| matches!(token.text.as_str(), "of" | "the" | "those" | "them" | "that" | "one" | "these"))
    {
        at += 1;
    }
    let rest = &tokens[at..];
    let polite = |tokens: &[Token]| tokens.iter().all(|token| cues::is_polite(&token.text));
    if polite(rest) {
        return Some(Counted { amount, less, lines: Vec::new(), named: false });
    }
    // "Another patty" is more on a burger, and no other burger.
    if changes_only(lexicon, rest) {
        return None;
    }
    match items_at(lexicon, rest, cart) {
        Some((lines, len)) if polite(&rest[len..]) => Some(Counted { amount, less, lines, named: true }),
        None if less => Some(Counted { amount, less, lines: Vec::new(), named: true }),
        _ => None,
    }
}

/// "Swap A for B", "change A to B": the words of A and of B.
pub(crate) fn swapped(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    let verb = tokens.iter().position(|token| {
        matches!(token.text.as_str(), "swap" | "replace" | "exchange" | "substitute" | "switch" | "change" | "trade")
    })?;
    if !tokens[..verb].iter().all(|token| {
        cues::is_polite(&token.text) || matches!(token.text.as_str(), "we" | "lets" | "you" | "no" | "wait")
    }) {
        return None;
    }
    let body = &tokens[verb + 1..];
    let body = if body.first().is_some_and(|token| token.text == "out") { &body[1..] } else { body };
    let joint = body.iter().rposition(|token| matches!(token.text.as_str(), "for" | "with" | "to" | "into" | "by"))?;
    (joint > 0 && joint + 1 < body.len()).then(|| (&body[..joint], &body[joint + 1..]))
}
