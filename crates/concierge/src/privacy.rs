//! Taking out of words what tells who somebody is: e-mail addresses, telephone numbers, and other long numbers.
//!
//! Names and what is spelt out in words are beyond it; whoever keeps words reads them before passing them on.

use std::{collections::HashSet, ops::Range};

/// What stands in the place of an address.
const EMAIL: &str = "[e-mail]";
/// What stands in the place of a number.
const NUMBER: &str = "[number]";
/// Fewer digits are a quantity, a price, a time or a table.
const LEAST_DIGITS: usize = 7;

/// Masks words, but for what is the restaurant's own.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    own: HashSet<String>,
}

impl Mask {
    /// A mask that lets the addresses and numbers stand that are in these texts.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a str>) -> Self {
        let own = own.into_iter().flat_map(|text| {
            finds(text).into_iter().map(|(range, kind)| plain(&text[range], kind)).collect::<Vec<_>>()
        });
        Self { own: own.collect() }
    }

    /// The words with everything private replaced.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for (range, kind) in finds(text) {
            if self.own.contains(&plain(&text[range.clone()], kind)) {
                continue;
            }
            out.push_str(&text[from..range.start]);
            out.push_str(kind);
            from = range.end;
        }
        out.push_str(&text[from..]);
        out
    }
}

/// Addresses and numbers, each once, in order.
fn finds(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found: Vec<(Range<usize>, &'static str)> = emails(text).map(|range| (range, EMAIL)).collect();
    for range in numbers(text) {
        if found.iter().all(|(other, _)| range.end <= other.start || other.end <= range.start) {
            found.push((range, NUMBER));
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// One spelling for all ways to write the same.
fn plain(text: &str, kind: &str) -> String {
    if kind == EMAIL { text.to_lowercase() } else { text.chars().filter(char::is_ascii_digit).collect() }
}

fn emails(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let local = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
    let domain = |c: char| c.is_alphanumeric() || ".-".contains(c);
    let mut taken = 0;
    text.match_indices('@').filter_map(move |(at, _)| {
        let before = text.get(taken..at)?;
        let start = at - before.chars().rev().take_while(|c| local(*c)).map(char::len_utf8).sum::<usize>();
        let length = text[at + 1..].chars().take_while(|c| domain(*c)).map(char::len_utf8).sum::<usize>();
        let host = text[at + 1..at + 1 + length].trim_end_matches(['.', '-']);
        if start == at || !host.contains('.') {
            return None;
        }
        taken = at + 1 + host.len();
        Some(start..taken)
    })
}

/// Runs of digits with the signs between them that telephone numbers and cards are written with.
fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit() || c == '+' || c == '(').map(|n| at + n) {
        let run = text[start..].chars().take_while(|c| c.is_ascii_digit() || "+-./() \u{a0}".contains(*c));
        let end = start + run.map(char::len_utf8).sum::<usize>();
        let run = text[start..end].trim_end_matches(|c: char| !c.is_ascii_digit());
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        if digits >= LEAST_DIGITS && !run.split_whitespace().all(is_price) {
            found.push(start..start + run.len());
        }
        at = end.max(start + 1);
    }
    found
}

/// `12.99`: several of them in a row are no telephone number.
fn is_price(text: &str) -> bool {
    let all = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(whole, cents)| (1..=4).contains(&whole.len()) && cents.len() == 2 && all(whole) && all(cents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_goes_and_the_rest_stays() {
        let mask = Mask::new(["Call us on +1-800-436-6224 or write to contact@gemmaburger.ai."]);
        for (text, masked) in [
            ("my number is +44 20 7946 0958, call me", "my number is [number], call me"),
            ("(555) 010-7788", "[number]"),
            ("06.12.34.56.78", "[number]"),
            ("card 4111 1111 1111 1111 please", "card [number] please"),
            ("Write to Ana.Maria+x@Mail.example.org.", "Write to [e-mail]."),
            ("a@b.co and c@d.co, 5550107788", "[e-mail] and [e-mail], [number]"),
            ("josé@correo.es", "[e-mail]"),
            ("bob2025551234@mail.org", "[e-mail]"),
            (
                "You reach us at (1) 800 436 6224 or CONTACT@gemmaburger.ai!",
                "You reach us at (1) 800 436 6224 or CONTACT@gemmaburger.ai!",
            ),
            (
                "two double stacks at table 12 for $31.47, 10:30 to 22:00",
                "two double stacks at table 12 for $31.47, 10:30 to 22:00",
            ),
            ("12.99 10.49 8.99", "12.99 10.49 8.99"),
            ("order 41, 94000 Silicon Valley", "order 41, 94000 Silicon Valley"),
            ("@home, me @ 5, a@b", "@home, me @ 5, a@b"),
            ("naïve ☎ +", "naïve ☎ +"),
            ("", ""),
        ] {
            assert_eq!(mask.apply(text), masked, "{text}");
            assert_eq!(mask.apply(masked), masked, "a second time changes nothing");
        }
    }
}
