//! What of an utterance the router's word expert sees: words, word pairs, pieces of words, and its form.
//!
//! Each feature is hashed into one of [`BUCKETS`] places, so that nothing has to be known of a restaurant, no
//! dictionary is shipped, and a word never seen in training still shares its pieces with words that were.

/// How many places features are hashed into. With some thirty thousand different features in the training data,
/// collisions are frequent only among rare ones; fewer places cost accuracy, more of them only file size.
pub const BUCKETS: usize = 1 << 15;

/// Words of an utterance that count. What a guest wants is said at the start or at the end of a long message, so
/// its middle is left out.
const MAX_WORDS: usize = 120;
/// Of [`MAX_WORDS`], how many are taken from the end.
const TAIL_WORDS: usize = 40;
/// Bytes of a message that are looked at, from either end.
const MAX_BYTES: usize = 2_000;
/// Letters of one word that count; nothing that people write is longer.
const MAX_WORD_CHARS: usize = 20;

/// How much a piece of a word weighs against a whole word: there are many of them, and they say less.
const PIECE_WEIGHT: f32 = 0.4;
/// How much the opening of an utterance weighs. `can i`, `how long` and `take the` decide more than later words.
const OPENING_WEIGHT: f32 = 0.7;
/// How much a word pair with a gap weighs: `take _ off`, `is _ vegan`.
const GAP_WEIGHT: f32 = 0.5;

/// Where a feature is and how strong, sorted by place; the squares of the strengths sum to 1.
pub type Sparse = Vec<(u32, f32)>;

/// The features of an utterance. Any text is fine; the work is bounded by [`MAX_BYTES`].
#[must_use]
pub fn sparse(text: &str) -> Sparse {
    let words = words(text);
    let mut features = Vec::with_capacity(words.len() * 16 + 8);
    let mut add = |parts: &[&str], weight: f32| features.push((place(parts), weight));

    for (at, word) in words.iter().enumerate() {
        add(&["w", word], 1.0);
        let next = words.get(at + 1).map_or("$", String::as_str);
        add(&["b", word, next], 1.0);
        if let Some(after) = words.get(at + 2) {
            add(&["g", word, after], GAP_WEIGHT);
            add(&["t", word, next, after], GAP_WEIGHT);
        }
        for piece in pieces(word) {
            add(&["p", &piece], PIECE_WEIGHT);
        }
    }
    for length in 1..=3.min(words.len()) {
        let opening: Vec<&str> = words[..length].iter().map(String::as_str).collect();
        add(&["^", &opening.join(" ")], OPENING_WEIGHT);
    }
    for form in forms(text, &words) {
        add(&["f", form], OPENING_WEIGHT);
    }
    merged(features)
}

/// Lower-case words, with numbers, money and question marks turned into marks of their own kind.
///
/// Apostrophes vanish, so that `don't`, `don’t` and `dont` are one word.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    let mut flush = |word: &mut String| {
        if !word.is_empty() {
            words.push(kind_of(std::mem::take(word)));
        }
    };
    for letter in bounded(text) {
        match letter {
            '\'' | '’' | '`' => {}
            '$' | '€' | '£' => {
                flush(&mut word);
                word.push('$');
                length = 1;
            }
            '?' => {
                flush(&mut word);
                word.push('?');
                flush(&mut word);
            }
            _ if letter.is_alphanumeric() => {
                // `2x`, `x2` and `$20` are a number and something else.
                let turns = word.chars().last().is_some_and(|last| last.is_numeric() != letter.is_numeric());
                if turns && !(word == "$" && letter.is_numeric()) {
                    flush(&mut word);
                }
                if word.is_empty() {
                    length = 0;
                }
                if length < MAX_WORD_CHARS {
                    word.extend(letter.to_lowercase());
                    length += 1;
                }
            }
            '.' | ',' if word.chars().last().is_some_and(char::is_numeric) => {}
            _ => flush(&mut word),
        }
    }
    flush(&mut word);
    if words.len() > MAX_WORDS {
        let tail = words.split_off(words.len() - TAIL_WORDS);
        words.truncate(MAX_WORDS - TAIL_WORDS);
        words.extend(tail);
    }
    words
}

/// The characters that are looked at: all of a message, or both ends of a long one.
fn bounded(text: &str) -> impl Iterator<Item = char> {
    let head = floor(text, text.len().min(MAX_BYTES));
    let tail = floor(text, text.len().saturating_sub(MAX_BYTES).max(head));
    text[..head].chars().chain(std::iter::once(' ')).chain(text[tail..].chars())
}

/// The nearest boundary between characters at or before `at`.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Which number it is says nothing of what a guest wants; that it is one, or a sum of money, does.
fn kind_of(word: String) -> String {
    if word.starts_with('$') {
        return "<money>".to_owned();
    }
    if word.chars().all(char::is_numeric) {
        return if word.chars().count() <= 1 { "<digit>" } else { "<number>" }.to_owned();
    }
    word
}

/// The runs of three to five letters of a word, its borders marked, and a word of up to two letters whole.
fn pieces(word: &str) -> Vec<String> {
    if word.starts_with('<') {
        return Vec::new();
    }
    let letters: Vec<char> = std::iter::once('_').chain(word.chars()).chain(std::iter::once('_')).collect();
    (3..=5).flat_map(|size| letters.windows(size).map(|run| run.iter().collect())).collect()
}

/// The form of an utterance, apart from its words.
fn forms(text: &str, words: &[String]) -> impl Iterator<Item = &'static str> {
    let length = match words.len() {
        0..=1 => "one word",
        2..=3 => "few words",
        4..=7 => "a sentence",
        8..=14 => "a long sentence",
        15..=29 => "a paragraph",
        _ => "a story",
    };
    let any = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let past = any(&["was", "were", "had", "got", "came", "took"]);
    let me = any(&["i", "we", "my", "our", "me", "us"]);
    let you = any(&["you", "your", "u", "ur"]);
    let asks = text.contains('?') || words.first().is_some_and(|word| is_question_word(word));
    [
        Some(length),
        asks.then_some("question"),
        past.then_some("past"),
        (past && me).then_some("past of mine"),
        (past && you).then_some("past of yours"),
        (!me && !you).then_some("nobody"),
        any(&["<money>"]).then_some("money"),
    ]
    .into_iter()
    .flatten()
}

/// Whether a sentence that starts so asks, question mark or not.
fn is_question_word(word: &str) -> bool {
    matches!(
        word,
        "what"
            | "whats"
            | "which"
            | "who"
            | "whos"
            | "where"
            | "wheres"
            | "when"
            | "why"
            | "how"
            | "hows"
            | "is"
            | "are"
            | "do"
            | "does"
            | "did"
            | "can"
            | "could"
            | "would"
            | "will"
            | "has"
            | "have"
            | "any"
    )
}

/// The bucket of a feature: FNV-1a over its parts, each closed by a byte that no text holds.
fn place(parts: &[&str]) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain(std::iter::once(0xff)) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    // The high bits of FNV are better mixed than the low ones.
    let mixed = hash ^ (hash >> 32);
    (mixed % BUCKETS as u64) as u32
}

/// Sums what fell into one bucket, sorts, and scales to length 1.
fn merged(mut features: Sparse) -> Sparse {
    features.sort_unstable_by_key(|&(place, _)| place);
    features.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            // A word said twice says a little more than once, not twice as much.
            kept.1 = kept.1.hypot(next.1);
        }
        same
    });
    let norm = features.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
    if norm > 0.0 {
        for (_, weight) in &mut features {
            *weight /= norm;
        }
    }
    features
}
