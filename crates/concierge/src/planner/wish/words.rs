//! A request cut into words, with the places where a clause ends.

/// One word of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Lower case; hyphens between letters part words, and signs of currencies stay.
    pub text: String,
    /// The clause that it stands in: commas, stops and "but" begin a new one.
    pub clause: usize,
}

/// The longest request that is read, in words.
const MAX_WORDS: usize = 400;

/// The words of a request.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut clause = 0;
    let straight = text.to_lowercase().replace(['’', '‘'], "'");
    for raw in straight.split(|c: char| c.is_whitespace() || c == '/').take(MAX_WORDS) {
        let opens = raw.starts_with(['(', '"']);
        let core = raw.trim_matches(|c: char| {
            matches!(c, ',' | '.' | '\'' | '~' | '?' | '!' | ';' | ':' | '(' | ')' | '"' | '*')
        });
        if matches!(core, "but" | "–" | "—" | "-") || opens {
            clause += 1;
        }
        for piece in parts(core) {
            words.push(Word { text: piece.to_owned(), clause });
        }
        // The stop of an abbreviation ("incl.") ends nothing: what follows it goes on in small letters anyway.
        if raw.ends_with([',', ';', ':', '?', '!', ')', '.']) && !matches!(raw, "incl." | "excl." | "max." | "approx.")
        {
            clause += 1;
        }
    }
    words
}

/// "thirty-five" and "gluten-free" are two words, "-5" is one; a sum and the word for it are two ("20usd", "3x").
fn parts(core: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = core;
    while let Some(at) = rest.char_indices().skip(1).find(|(at, c)| {
        *c == '-' && rest[..*at].ends_with(char::is_alphanumeric) && rest[at + 1..].starts_with(char::is_alphanumeric)
    }) {
        parts.push(&rest[..at.0]);
        rest = &rest[at.0 + 1..];
    }
    parts.push(rest);
    parts
        .into_iter()
        .flat_map(|part| {
            let digits = part.find(|c: char| c.is_ascii_digit()).and_then(|from| {
                let letters = part[from..].find(char::is_alphabetic).map(|at| from + at)?;
                part[letters..].chars().all(char::is_alphabetic).then_some(letters)
            });
            match digits {
                Some(at) => vec![&part[..at], &part[at..]],
                None => vec![part],
            }
        })
        .filter(|part| !part.is_empty())
        .collect()
}

/// Where one of the phrases begins, as its first and the place behind its last word; the earliest, and of those the
/// longest. An apostrophe counts for nothing: "don't" and "dont" are one word.
pub(super) fn find(words: &[Word], phrases: &[&str]) -> Option<(usize, usize)> {
    let plain = |text: &str| text.replace('\'', "");
    let mut found: Option<(usize, usize)> = None;
    for phrase in phrases {
        let phrase: Vec<String> = phrase.split(' ').map(plain).collect();
        let at = words
            .windows(phrase.len())
            .position(|window| window.iter().zip(&phrase).all(|(word, wanted)| *wanted == plain(&word.text)));
        if let Some(at) = at {
            let hit = (at, at + phrase.len());
            if found.is_none_or(|so_far| hit.0 < so_far.0 || (hit.0 == so_far.0 && hit.1 > so_far.1)) {
                found = Some(hit);
            }
        }
    }
    found
}

/// Whether one of the phrases stands in the words.
pub(super) fn says(words: &[Word], phrases: &[&str]) -> bool {
    find(words, phrases).is_some()
}

/// Small words of English that are no name of a thing: a number before one of them, or at the end of its clause, counts
/// nothing that the guest speaks of.
const SMALL: [&str; 44] = [
    "for",
    "please",
    "with",
    "including",
    "incl",
    "and",
    "or",
    "so",
    "if",
    "to",
    "on",
    "in",
    "at",
    "from",
    "between",
    "is",
    "are",
    "was",
    "be",
    "do",
    "does",
    "go",
    "goes",
    "get",
    "gets",
    "got",
    "buy",
    "buys",
    "can",
    "could",
    "will",
    "would",
    "should",
    "that",
    "which",
    "what",
    "here",
    "left",
    "now",
    "today",
    "tonight",
    "each",
    "per",
    "before",
];

/// Whether a number that ends before this place counts nothing.
pub(super) fn counts_nothing(words: &[Word], place: usize) -> bool {
    let ends = |next: &Word| {
        place.checked_sub(1).and_then(|last| words.get(last)).is_none_or(|last| last.clause != next.clause)
    };
    words.get(place).is_none_or(|next| ends(next) || SMALL.contains(&next.text.as_str()))
}

/// The word at a place, and nothing beyond the ends.
pub(super) fn at(words: &[Word], place: usize) -> &str {
    words.get(place).map_or("", |word| word.text.as_str())
}

/// The word so many places before, and nothing beyond the start.
pub(super) fn before(words: &[Word], place: usize, back: usize) -> &str {
    place.checked_sub(back).map_or("", |place| at(words, place))
}
