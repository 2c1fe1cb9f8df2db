//! Numbers in a request: which are sums of money, and which count something.

use super::words::{Word, at, before, counts_nothing};
use crate::{check::number, money::Cents};

/// Signs and words of currencies, with their codes.
const CURRENCIES: [(&str, &[&str]); 12] = [
    ("USD", &["$", "dollar", "dollars", "buck", "bucks", "usd", "us$"]),
    ("EUR", &["€", "euro", "euros", "eur"]),
    ("GBP", &["£", "pound", "pounds", "quid", "gbp"]),
    ("JPY", &["¥", "yen", "jpy"]),
    ("KRW", &["₩", "won", "krw"]),
    ("CNY", &["yuan", "rmb", "cny"]),
    ("INR", &["₹", "rupee", "rupees", "inr"]),
    ("MXN", &["peso", "pesos", "mxn"]),
    ("CHF", &["franc", "francs", "chf"]),
    ("SEK", &["krona", "kronor", "sek"]),
    ("PLN", &["zloty", "zlotys", "pln"]),
    ("BRL", &["real", "reais", "brl"]),
];
const SIGNS: [char; 6] = ['$', '€', '£', '¥', '₩', '₹'];

/// Notes by their names: sums without any other word.
const NOTES: [(&str, i64); 6] =
    [("fiver", 5), ("tenner", 10), ("fivers", 5), ("tenners", 10), ("grand", 1_000), ("benjamin", 100)];

/// Words near before a number by which it is a sum.
const SUM_BEFORE: [&str; 31] = [
    "under",
    "below",
    "within",
    "max",
    "maximum",
    "budget",
    "spend",
    "spending",
    "limit",
    "only",
    "around",
    "about",
    "got",
    "exactly",
    "have",
    "than",
    "to",
    "cost",
    "costs",
    "costing",
    "pay",
    "paying",
    "cap",
    "roughly",
    "total",
    "most",
    "near",
    "beyond",
    "exceed",
    "exceeding",
    "over",
];
/// Words right behind a number by which it is a sum.
const SUM_AFTER: [&[&str]; 13] = [
    &["in", "total"],
    &["altogether"],
    &["all", "together"],
    &["all", "in"],
    &["all", "up"],
    &["total"],
    &["tops"],
    &["max"],
    &["or", "less"],
    &["or", "under"],
    &["or", "so"],
    &["at", "most"],
    &["pp"],
];
/// Words that say no more than "about", between what makes a number a sum and the number.
const LOOSELY: [&str; 9] = ["like", "about", "around", "maybe", "some", "just", "roughly", "approximately", "circa"];
/// The same, between a number and its currency.
const ISH: [&str; 2] = ["ish", "odd"];
/// What it costs each person: the words behind a sum.
const EACH: [&[&str]; 12] = [
    &["each"],
    &["per", "person"],
    &["per", "head"],
    &["per", "guest"],
    &["per", "kid"],
    &["per", "child"],
    &["a", "head"],
    &["a", "person"],
    &["apiece"],
    &["pp"],
    &["p", "p"],
    &["for", "each"],
];
/// Between somebody who stands for each and the sum that each has: "everybody can spend up to 20".
const HAS: [&str; 28] = [
    "of", "us", "them", "has", "have", "had", "got", "can", "could", "may", "will", "would", "wants", "want", "to",
    "spend", "spends", "pay", "pays", "put", "puts", "brings", "up", "in", "a", "is", "one", "with",
];

/// The least sum without a currency that may be each one's, in hundredths: "two each" counts things.
const LEAST_EACH: i64 = 400;

/// A number of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// Where it stands, and how many words it takes, those of a currency included.
    pub at: usize,
    pub len: usize,
    /// Its value in hundredths.
    pub value: Cents,
    pub kind: Kind,
}

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A sum, in a currency where one is named.
    Sum(Option<&'static str>),
    /// A whole number that is no sum by itself.
    Bare,
}

impl Number {
    /// The place behind it.
    pub const fn end(&self) -> usize {
        self.at + self.len
    }

    /// What it counts, where it is no sum.
    pub fn count(&self) -> Option<u32> {
        (self.kind == Kind::Bare && self.value.0 >= 0 && self.value.0 % 100 == 0)
            .then(|| u32::try_from(self.value.0 / 100).unwrap_or(u32::MAX))
    }
}

/// The numbers of a request, from left to right.
pub(super) fn numbers(words: &[Word]) -> Vec<Number> {
    let mut found: Vec<Number> = Vec::new();
    let mut place = 0;
    while place < words.len() {
        let taken = found.last().map_or(0, Number::end);
        let Some(number) = read(words, place, taken) else {
            place += 1;
            continue;
        };
        place = number.end();
        if let Some(last) = found.last_mut().filter(|last| is_rest(words, last, &number)) {
            last.len = number.end() - last.at;
            last.value = Cents(last.value.0 + number.value.0 / 100);
            continue;
        }
        // "24 dollars and 50 cents" is one sum.
        let joins = number.kind == Kind::Sum(None) && matches!(before(words, number.end(), 1), "cent" | "cents");
        match found.last_mut().filter(|last| {
            joins && matches!(last.kind, Kind::Sum(_)) && number.at - last.end() <= 1 && last.value.0 % 100 == 0
        }) {
            Some(last) => {
                last.len = number.end() - last.at;
                last.value = last.value + number.value;
            }
            None => found.push(number),
        }
    }
    found
}

/// Whether a number is the hundredths of the sum right before it: "9 dollars 50", "a buck fifty".
fn is_rest(words: &[Word], sum: &Number, number: &Number) -> bool {
    number.at == sum.end()
        && matches!(sum.kind, Kind::Sum(Some(_)))
        && sum.value.0 % 100 == 0
        && number.kind == Kind::Bare
        && (1_000..10_000).contains(&number.value.0)
        && words[number.at].clause == words[sum.at].clause
        && counts_nothing(words, number.end())
}

fn code(word: &str) -> Option<&'static str> {
    CURRENCIES.into_iter().find(|(_, names)| names.contains(&word)).map(|(code, _)| code)
}

/// The currency that the words at a place name, and how many words that takes: "dollars", "US dollars", "Swiss francs".
fn currency(words: &[Word], place: usize) -> Option<(&'static str, usize)> {
    const OTHER_DOLLARS: [(&str, &str); 5] =
        [("canadian", "CAD"), ("australian", "AUD"), ("singapore", "SGD"), ("kong", "HKD"), ("zealand", "NZD")];
    if let Some(code) = code(at(words, place)) {
        return Some((code, 1));
    }
    let adjective = at(words, place);
    let second = code(at(words, place + 1))?;
    let foreign = OTHER_DOLLARS.into_iter().find(|(name, _)| *name == adjective).map(|(_, code)| code);
    let names = matches!(
        adjective,
        "us" | "american"
            | "swiss"
            | "british"
            | "english"
            | "japanese"
            | "chinese"
            | "indian"
            | "korean"
            | "mexican"
            | "swedish"
            | "polish"
            | "brazilian"
    );
    foreign.filter(|_| second == "USD").or(names.then_some(second)).map(|code| (code, 2))
}

/// The number that begins at a place; the words before `taken` belong to another one.
fn read(words: &[Word], place: usize, taken: usize) -> Option<Number> {
    // "A buck fifty" is one and a half; "a dollar" alone is a manner of speaking.
    if at(words, place) == "a"
        && let Some(named) = code(at(words, place + 1))
        && let Some((1_000..=9_900, None, _)) = spelled(words, place + 2).map(|(value, sign, len)| (value.0, sign, len))
    {
        return Some(Number { at: place, len: 2, value: Cents(100), kind: Kind::Sum(Some(named)) });
    }
    let (value, sign, len) =
        digits(at(words, place)).or_else(|| note(words, place)).or_else(|| spelled(words, place))?;
    let end = place + len;
    let sum = |kind, len| Some(Number { at: place, len, value, kind: Kind::Sum(kind) });
    if let Some(sign) = sign {
        let named = code(at(words, end));
        return sum(
            named.or_else(|| code(&sign.to_string())).filter(|_| sign != ' '),
            len + usize::from(named.is_some()),
        );
    }
    if matches!(at(words, end), "cent" | "cents") {
        return Some(Number { at: place, len: len + 1, value: Cents(value.0 / 100), kind: Kind::Sum(None) });
    }
    let ish = usize::from(ISH.contains(&at(words, end)));
    if let Some((named, more)) = currency(words, end + ish) {
        return sum(Some(named), len + ish + more);
    }
    if let Some(named) = code(before(words, place, 1)).filter(|_| taken < place) {
        return sum(Some(named), len);
    }
    let follows = |phrase: &&[&str]| phrase.iter().enumerate().all(|(more, word)| at(words, end + more) == *word);
    let near = |back| SUM_BEFORE.contains(&before(words, place, back));
    // "a budget of 60", "no more than 25", "spend exactly 30", "have like 60".
    let between = |word: &str| matches!(word, "of" | "is" | "to" | "at" | "a" | "than") || LOOSELY.contains(&word);
    let before_it = near(1) || (near(2) && between(before(words, place, 1)));
    let each = value.0 >= LEAST_EACH && EACH.iter().any(follows);
    let people = super::people::follow(words, end);
    if !people && (value.0 % 100 != 0 || value.0 < 0 || before_it || each || SUM_AFTER.iter().any(follows)) {
        // "at most two shakes" counts shakes: what follows is a thing and no end of the clause.
        let counts = value.0 % 100 == 0
            && (100..=1_000).contains(&value.0)
            && !SUM_AFTER.iter().any(follows)
            && !each
            && near(1)
            && !matches!(
                at(words, end),
                "" | "for" | "on" | "with" | "and" | "each" | "per" | "a" | "incl" | "including" | "before" | "please"
            )
            && words.get(end).is_some_and(|next| next.clause == words[place].clause);
        if !counts {
            return sum(None, len);
        }
    }
    Some(Number { at: place, len, value, kind: Kind::Bare })
}

/// Digits, with a sign of a currency before or behind them.
fn digits(word: &str) -> Option<(Cents, Option<char>, usize)> {
    let negative = word.starts_with('-') || word.strip_prefix(SIGNS).is_some_and(|rest| rest.starts_with('-'));
    let bare = word.trim_start_matches(|c| c == '-' || SIGNS.contains(&c));
    let tail = bare.trim_end_matches(SIGNS);
    if !tail.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let sign = word.chars().find(|c| SIGNS.contains(c));
    // "13,50" is how much of the world writes 13.50; a comma before three digits parts thousands.
    let decimal = tail.rsplit_once(',').filter(|(whole, rest)| {
        rest.len() == 2 && !whole.contains([',', '.']) && rest.bytes().all(|b| b.is_ascii_digit())
    });
    let plain = decimal.map_or_else(|| tail.replace(',', ""), |(whole, rest)| format!("{whole}.{rest}"));
    // A number too long for money is still a sum: far too much.
    let cents = Cents::parse(&plain)
        .ok()
        .or_else(|| plain.bytes().all(|b| b.is_ascii_digit() || b == b'.').then_some(Cents(Cents::MAX_ABS)))?;
    Some((if negative { -cents } else { cents }, sign, 1))
}

/// "a tenner", "two fivers".
fn note(words: &[Word], place: usize) -> Option<(Cents, Option<char>, usize)> {
    let worth = |word: &str| NOTES.into_iter().find(|(name, _)| *name == word).map(|(_, worth)| worth);
    if let Some(worth) = worth(at(words, place)) {
        return Some((Cents(worth * 100), Some(' '), 1));
    }
    let worth = worth(at(words, place + 1))?;
    let count = i64::try_from(number(at(words, place))?.min(1_000)).ok()?;
    Some((Cents(worth * count * 100), Some(' '), 2))
}

/// Number words: "a hundred and twenty", "thirty five", and "ten fifty" for ten and a half.
fn spelled(words: &[Word], place: usize) -> Option<(Cents, Option<char>, usize)> {
    let small = |word: &str| match word {
        "zero" => Some(0),
        "one" => Some(1),
        word if word.bytes().all(|b| b.is_ascii_alphabetic()) => number(word),
        _ => None,
    };
    let (mut value, mut len, mut any) = (0_u64, 0, false);
    loop {
        let word = at(words, place + len);
        let next = at(words, place + len + 1);
        match word {
            "a" if !any && matches!(next, "hundred" | "thousand" | "dozen") => value = 1,
            "half" if !any && at(words, place + 1) == "a" && at(words, place + 2) == "dozen" => {
                return Some((Cents(600), None, 3));
            }
            "hundred" if any => value = value.max(1).saturating_mul(100),
            "thousand" if any => value = value.max(1).saturating_mul(1_000),
            "dozen" if any => value = value.saturating_mul(12),
            "and" if any && value >= 100 && value % 100 == 0 && small(next).is_some() => {}
            word => match small(word) {
                Some(small)
                    if !any
                        || (value % 100 >= 20 && small < 10 && value % 10 == 0 && small > 0)
                        || (value >= 100 && value % 100 == 0 && small < 100) =>
                {
                    value = value.saturating_add(small);
                }
                _ => break,
            },
        }
        any = true;
        len += 1;
    }
    if !any {
        return None;
    }
    let whole = i64::try_from(value.min(10_000_000)).ok()? * 100;
    // "ten fifty": whole units and hundredths, unless the second number counts people or things.
    let cents = small(at(words, place + len)).filter(|cents| (10..100).contains(cents) && cents % 5 == 0);
    if let Some(cents) = cents.filter(|_| (1..100).contains(&value))
        && !super::people::follow(words, place + len + 1)
        && code(at(words, place + len + 1)).is_none()
    {
        let unit = small(at(words, place + len + 1)).filter(|unit| (1..10).contains(unit) && cents >= 20);
        let cents = i64::try_from(cents + unit.unwrap_or(0)).ok()?;
        return Some((Cents(whole + cents), None, len + 1 + usize::from(unit.is_some())));
    }
    Some((Cents(whole), None, len))
}

/// Whether a sum is meant for each person: "20 each", "we each have 20"; "a drink each" says nothing of the sum.
pub(super) fn is_each(words: &[Word], sum: &Number) -> bool {
    let clause = words[sum.at].clause;
    let same = |place: usize| words.get(place).is_some_and(|word| word.clause == clause);
    let says = |place: usize| {
        let begins = |phrase: &&[&str]| phrase.iter().enumerate().all(|(more, word)| at(words, place + more) == *word);
        same(place) && EACH.iter().any(begins)
    };
    let loosely =
        |place: usize| matches!(at(words, place), "max" | "maximum" | "tops" | "or" | "so" | "about" | "from");
    let behind = says(sum.end()) || (loosely(sum.end()) && (says(sum.end() + 1) || says(sum.end() + 2)));
    let stands_for_each =
        |place: usize| matches!(at(words, place), "each" | "everyone" | "everybody" | "every" | "apiece");
    let begin = (0..sum.at).rev().take_while(|place| same(*place)).find(|place| {
        let word = at(words, *place);
        !HAS.contains(&word) && !LOOSELY.contains(&word) && !SUM_BEFORE.contains(&word)
    });
    behind || begin.is_some_and(stands_for_each)
}
