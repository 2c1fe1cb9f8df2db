//! Numbers as guests say them: "two", "a couple of", "half a dozen", "2x", "minus one".

use super::english;
use super::tokens::{Break, Token};

/// The most of one thing that a line may hold; beyond it the guest is told.
pub(crate) const MAX_QUANTITY: u32 = 999;

/// A number found in the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// Its value; `None` is a number that cannot be a quantity (zero, below zero, a fraction, beyond all reason).
    pub value: Option<u32>,
    /// How many words it takes.
    pub len: usize,
    /// Said after the thing: "x2", "times two".
    pub after: bool,
}

/// The number word's value, for words that are one number by themselves.
pub(crate) fn small(word: &str) -> Option<u32> {
    const WORDS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    WORDS.iter().position(|w| *w == word).and_then(|at| u32::try_from(at).ok()).or_else(|| tens(word))
}

fn tens(word: &str) -> Option<u32> {
    const WORDS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let at = WORDS.iter().position(|w| *w == word)?;
    u32::try_from(at).ok().map(|at| (at + 2) * 10)
}

/// The longest number that starts at the head of `tokens`.
pub(crate) fn read(tokens: &[Token]) -> Option<Number> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let set = |value: u32, len: usize| Some(Number { value: Some(value), len, after: false });
    match (text(0), text(1), text(2)) {
        ("half", "a", "dozen") => return set(6, 3),
        ("half", "dozen", _) => return set(6, 2),
        ("a" | "one", "half", "dozen") => return set(6, 3),
        ("a" | "another" | "one", "dozen", _) => return set(12, 2),
        ("dozen", _, _) => return set(12, 1),
        ("a" | "another", "couple" | "pair", _) => return set(2, 2),
        ("couple" | "pair", _, _) => return set(2, 1),
        ("a", "trio", _) => return set(3, 2),
        // "A billion burgers"; "a thousand island wrap" is told apart by the menu's longer name.
        ("a", scale, _) if is_scale(scale) => {
            let number = plain(&tokens[1..])?;
            return Some(Number { len: number.len + 1, ..number });
        }
        ("a", "single", _) => return set(1, 2),
        ("single" | "another", _, _) => return set(1, 1),
        // "Too burgers" is how "two" is sometimes heard or written.
        ("too", next, _)
            if tokens[1..].first().is_some_and(|token| token.before == Break::None && token.is_plural())
                && !english::is_common(next) =>
        {
            return set(2, 1);
        }
        ("twice", _, _) => return Some(Number { value: Some(2), len: 1, after: true }),
        ("thrice", _, _) => return Some(Number { value: Some(3), len: 1, after: true }),
        ("x" | "times", _, _) => {
            let number = plain(&tokens[1..])?;
            return Some(Number { len: number.len + 1, after: true, ..number });
        }
        ("minus" | "negative", _, _) => {
            let number = plain(&tokens[1..]).filter(|_| tokens[1].is_number() || text(0) == "negative")?;
            return Some(Number { value: None, len: number.len + 1, after: false });
        }
        _ => {}
    }
    let mut number = plain(tokens)?;
    if text(number.len) == "dozen" {
        number.value = number.value.and_then(|value| check(u64::from(value) * 12));
        number.len += 1;
    }
    if matches!(text(number.len), "x" | "times" | "time") && !tokens.get(number.len + 1).is_some_and(Token::is_number) {
        number.len += 1;
    }
    Some(number)
}

/// Digits that a telephone number has at least.
const TELEPHONE: usize = 7;

/// Which words are pieces of a telephone number: digits in a row, more than anybody orders of a thing.
pub(crate) fn telephone(tokens: &[Token]) -> Vec<bool> {
    let mut found = vec![false; tokens.len()];
    let digits = |token: &Token| token.text.chars().all(|c| c.is_ascii_digit());
    let mut at = 0;
    while at < tokens.len() {
        let run = tokens[at..].iter().take_while(|token| digits(token)).count();
        let count: usize = tokens[at..at + run].iter().map(|token| token.text.len()).sum();
        if run > 1 && count >= TELEPHONE {
            found[at..at + run].fill(true);
        }
        at += run.max(1);
    }
    found
}

fn check(value: u64) -> Option<u32> {
    u32::try_from(value).ok().filter(|value| (1..=MAX_QUANTITY).contains(value))
}

/// Digits, or number words that belong together ("two hundred and five").
fn plain(tokens: &[Token]) -> Option<Number> {
    let first = tokens.first()?;
    if first.is_number() {
        // What cannot be read as a whole number is out of range as well.
        let value = first.text.parse::<u64>().ok();
        let scale = tokens.get(1).and_then(|next| if next.text == "hundred" { Some(100) } else { scale(&next.text) });
        let value = value.and_then(|value| check(value.saturating_mul(scale.unwrap_or(1))));
        return Some(Number { value, len: 1 + usize::from(scale.is_some()), after: false });
    }
    let (mut total, mut part, mut len): (u64, u64, usize) = (0, 0, 0);
    for (at, token) in tokens.iter().take(12).enumerate() {
        let word = token.text.as_str();
        if let Some(value) = small(word) {
            let fits = part == 0 || part % 100 == 0 || (part % 10 == 0 && part % 100 >= 20 && value < 10);
            if at > 0 && (!fits || value == 0) {
                break;
            }
            part += u64::from(value);
        } else if matches!(word, "hundred" | "hundreds") {
            part = part.max(1).saturating_mul(100);
        } else if let Some(scale) = scale(word).filter(|_| part > 0 || at == 0) {
            total = total.saturating_add(part.max(1).saturating_mul(scale));
            part = 0;
        } else {
            break;
        }
        len = at + 1;
    }
    (len > 0).then(|| Number { value: check(total.saturating_add(part)), len, after: false })
}

fn is_scale(word: &str) -> bool {
    word == "hundred" || scale(word).is_some()
}

fn scale(word: &str) -> Option<u64> {
    Some(match word {
        "thousand" | "thousands" => 1_000,
        "million" | "millions" => 1_000_000,
        "billion" | "billions" => 1_000_000_000,
        // Nobody counts with these; they only have to be beyond all reason.
        "trillion" | "trillions" | "zillion" | "zillions" | "gazillion" | "bazillion" | "bajillion" => u64::MAX,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::tokens::tokenize;

    #[test]
    fn numbers_are_read() {
        for (text, value, len) in [
            ("two", Some(2), 1),
            ("a couple of", Some(2), 2),
            ("half a dozen eggs", Some(6), 3),
            ("two dozen", Some(24), 2),
            ("twenty one", Some(21), 2),
            ("two hundred five", Some(205), 3),
            ("2x burger", Some(2), 2),
            ("x2", Some(2), 2),
            ("times three", Some(3), 2),
            ("-1", None, 1),
            ("0", None, 1),
            ("1000000000", None, 1),
            ("two million", None, 2),
            ("1.5", None, 1),
            ("99999999999999999999999999", None, 1),
            ("one two", Some(1), 1),
            ("1,000", None, 1),
            ("a hundred burgers", Some(100), 2),
            ("a billion burgers", None, 2),
            ("billions of burgers", None, 1),
            ("ten gazillion", None, 2),
        ] {
            let number = read(&tokenize(text)).map(|number| (number.value, number.len));
            assert_eq!(number, Some((value, len)), "{text}");
        }
        assert_eq!(read(&tokenize("burger")), None);
        assert_eq!(read(&tokenize("x")), None);
        let called = |text: &str| telephone(&tokenize(text)).into_iter().filter(|piece| *piece).count();
        assert_eq!((called("call +44 20 7946 0018"), called("2 teas 3 buns"), called("two 12 oz colas")), (4, 0, 0));
    }
}
