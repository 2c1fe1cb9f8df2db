//! What a sentence claims that can be held against facts: amounts, times, numbers, and codes such as addresses.

use crate::{money::Cents, understand::numbers::small};

use super::words::{Word, words};

/// Checkable claims of a text, each with the index of its word.
#[derive(Debug, Default, Clone)]
pub(super) struct Claims {
    pub amounts: Vec<(usize, Cents)>,
    /// Minutes after midnight.
    pub times: Vec<(usize, u16)>,
    pub numbers: Vec<(usize, u64)>,
    /// Words with digits, `@`, `_` or inner full stops: e-mail and web addresses, passwords, phone numbers.
    pub codes: Vec<(usize, String)>,
    pub words: Vec<Word>,
}

const MONEY_WORDS: [&str; 12] =
    ["dollar", "dollars", "buck", "bucks", "usd", "euro", "euros", "eur", "pound", "pounds", "gbp", "quid"];

pub(super) fn claims(text: &str) -> Claims {
    let words = words(text);
    let mut claims = Claims::default();
    let mut at = 0;
    while at < words.len() {
        let word = words[at].text.as_str();
        let next = words.get(at + 1).map_or("", |word| word.text.as_str());
        let mut used = 1;
        if let Some(minutes) = time(word, next) {
            claims.times.push((at, minutes.0));
            used = minutes.1;
        } else if let Some(cents) = amount(word, next) {
            claims.amounts.push((at, cents));
        } else if let Some(number) = number(word) {
            claims.numbers.push((at, number));
        } else if is_code(word) {
            claims.codes.push((at, word.to_owned()));
        }
        at += used;
    }
    claims.words = words;
    claims
}

fn amount(word: &str, next: &str) -> Option<Cents> {
    let bare = word.strip_prefix(['$', '€', '£']);
    let digits = bare.unwrap_or(word).replace(',', "");
    if bare.is_some() || MONEY_WORDS.contains(&next) || is_decimal_price(&digits) {
        return match Cents::parse(&digits) {
            Ok(cents) => Some(cents),
            // "five dollars"
            Err(_) => number(&digits).and_then(|whole| i64::try_from(whole).ok()?.checked_mul(100).map(Cents)),
        };
    }
    if matches!(next, "cent" | "cents") {
        return number(&digits).and_then(|cents| i64::try_from(cents).ok()).map(Cents);
    }
    None
}

fn is_decimal_price(word: &str) -> bool {
    word.split_once('.').is_some_and(|(whole, part)| {
        part.len() == 2 && !whole.is_empty() && (whole.to_owned() + part).bytes().all(|b| b.is_ascii_digit())
    })
}

/// A time of day and how many words it takes.
fn time(word: &str, next: &str) -> Option<(u16, usize)> {
    match word {
        "noon" => return Some((720, 1)),
        "midnight" => return Some((0, 1)),
        _ => {}
    }
    let half = |text: &str| match text {
        "am" | "a.m" => Some(0),
        "pm" | "p.m" => Some(720),
        _ => None,
    };
    let (clock, after_noon, used) = if let Some(shift) = half(next) {
        (word, Some(shift), 2)
    } else if let Some(clock) = word.strip_suffix("am").or_else(|| word.strip_suffix("a.m")) {
        (clock, Some(0), 1)
    } else if let Some(clock) = word.strip_suffix("pm").or_else(|| word.strip_suffix("p.m")) {
        (clock, Some(720), 1)
    } else if word.contains(':') {
        (word, None, 1)
    } else if matches!(next, "o'clock") {
        (word, None, 2)
    } else {
        return None;
    };
    let (hour, minute) = clock.split_once([':', '.']).unwrap_or((clock, "0"));
    let hour = number(hour).filter(|hour| *hour <= 24)?;
    let minute = minute.parse::<u16>().ok().filter(|minute| *minute < 60)?;
    let hour = u16::try_from(hour).ok()?;
    Some((after_noon.map_or(hour * 60, |shift| hour % 12 * 60 + shift) + minute, used))
}

/// A whole number in digits or as a word. "one" is left out: it stands for a thing more often than for a count.
pub(crate) fn number(word: &str) -> Option<u64> {
    let digits = word.trim_end_matches(['x', '%']).replace(',', "");
    if !digits.is_empty() && digits.len() <= 12 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.parse().ok();
    }
    if let Some(value) = small(word) {
        return (value >= 2).then_some(value.into());
    }
    let (tens, unit) = word.split_once('-')?;
    let tens = small(tens).filter(|tens| *tens >= 20)?;
    let unit = if unit.is_empty() { 0 } else { small(unit).filter(|unit| (1..=9).contains(unit))? };
    Some((tens + unit).into())
}

fn is_code(word: &str) -> bool {
    word.contains(['@', '_', '#', '\\'])
        || word.bytes().any(|b| b.is_ascii_digit())
        || word.contains("://")
        || word.split('.').filter(|part| part.len() > 1).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, amounts: &[i64], times: &[u16], numbers: &[u64], codes: &[&str]) {
        let claims = claims(text);
        assert_eq!(claims.amounts.iter().map(|(_, cents)| cents.0).collect::<Vec<_>>(), amounts, "amounts of {text}");
        assert_eq!(claims.times.iter().map(|(_, time)| *time).collect::<Vec<_>>(), times, "times of {text}");
        assert_eq!(claims.numbers.iter().map(|(_, number)| *number).collect::<Vec<_>>(), numbers, "numbers of {text}");
        assert_eq!(claims.codes.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), codes, "codes of {text}");
    }

    #[test]
    fn claims_are_found() {
        check("2 Double Stack at $12.99 each, total 25.98.", &[1299, 2598], &[], &[2], &[]);
        check("Five dollars or 50 cents, €4", &[500, 50, 400], &[], &[], &[]);
        check("Open from 10:00 AM to 10pm, closed at noon", &[], &[600, 1320, 720], &[], &[]);
        check(
            "Write to contact@x.ai or +1-800-GEMMA-AI, network G_Guest",
            &[],
            &[],
            &[],
            &["contact@x.ai", "+1-800-gemma-ai", "g_guest"],
        );
        check("twenty-five wings, 40% off", &[], &[], &[25, 40], &[]);
    }
}
