//! Cutting text into words and sentences, the same way for facts, guests and replies.

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Lower case, curly quotes made straight, no punctuation at its ends.
    pub text: String,
    /// Whether a clause ends before it (comma, semicolon, dash, colon or bracket).
    pub clause_start: bool,
    /// Whether a bracket opens with it.
    pub opens_bracket: bool,
}

/// The words of a text. Amounts (`$8.99`), times (`10:00`) and addresses (`a@b.c`) stay whole.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut clause_start = true;
    for raw in text.split_whitespace() {
        for piece in raw.split(['—', '–', '/', '×', '…']) {
            let straight = piece.replace(['’', '‘'], "'").replace(['“', '”'], "\"").to_lowercase();
            let opens = straight.starts_with(['(', '[', '"', '*', '-']);
            let core = straight
                .trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '$' | '€' | '£' | '-' | '+'))
                .trim_end_matches(|c: char| !c.is_alphanumeric() && c != '%')
                .trim_start_matches('-');
            if core.is_empty() {
                clause_start |= !straight.is_empty();
                continue;
            }
            words.push(Word {
                text: core.to_owned(),
                clause_start: clause_start || opens,
                opens_bracket: straight.starts_with('('),
            });
            clause_start = straight.ends_with([',', ';', ':', ')', ']', '"', '.', '!', '?']);
        }
        if raw.ends_with(['—', '–']) {
            clause_start = true;
        }
    }
    words
}

/// The word without its ending, so that "fries", "fry" or "offered", "offer" meet. Crude on purpose: both sides of
/// every comparison go through it.
pub(super) fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix('\'')).unwrap_or(word);
    let long = |base: &str, least: usize| base.chars().count() >= least;
    const ENDINGS: [(&str, &str, usize); 9] = [
        ("ies", "y", 2),
        ("ing", "", 3),
        ("edly", "", 3),
        ("ed", "", 3),
        ("ly", "", 3),
        ("es", "", 3),
        ("s", "", 3),
        ("e", "", 3),
        ("y", "", 3),
    ];
    for (ending, replacement, least) in ENDINGS {
        if let Some(base) = word.strip_suffix(ending).filter(|base| long(base, least)) {
            let base = format!("{base}{replacement}");
            let trimmed = base.strip_suffix(['e', 'y']).filter(|trimmed| long(trimmed, 3)).unwrap_or(&base);
            return undouble(trimmed).to_owned();
        }
    }
    undouble(word).to_owned()
}

/// "stopp" (from "stopped") becomes "stop".
fn undouble(word: &str) -> &str {
    let mut chars = word.chars().rev();
    match (chars.next(), chars.next()) {
        (Some(a), Some(b)) if a == b && a.is_alphabetic() && word.chars().count() > 3 => {
            &word[..word.len() - a.len_utf8()]
        }
        _ => word,
    }
}

/// Collects a stream of text pieces into whole sentences.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    pending: String,
}

impl Sentences {
    /// Takes the next piece and returns the sentences that it completes, with the space that follows them left out.
    pub fn push(&mut self, piece: &str) -> Vec<String> {
        self.pending.push_str(piece);
        let mut done = Vec::new();
        while let Some(end) = sentence_end(&self.pending) {
            let sentence = self.pending[..end].trim().to_owned();
            self.pending.drain(..end);
            if !sentence.is_empty() {
                done.push(sentence);
            }
        }
        done
    }

    /// What is left when the text is over.
    pub fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.pending);
        let rest = rest.trim();
        (!rest.is_empty()).then(|| rest.to_owned())
    }
}

/// Where the first sentence ends: behind `.`, `!` or `?` that white space follows, or at a line break. A full stop
/// inside an amount has no space behind it, and one of an abbreviation does not end a sentence.
fn sentence_end(text: &str) -> Option<usize> {
    let mut previous = ' ';
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\n' && !text[..at].trim().is_empty() {
            return Some(at + 1);
        }
        let mut end = at + c.len_utf8();
        if matches!(c, '.' | '!' | '?') {
            let mut next = chars.peek().map(|(_, next)| *next);
            while let Some(quote) = next.filter(|next| matches!(next, '"' | '”' | ')' | '!' | '?' | '.')) {
                chars.next();
                end += quote.len_utf8();
                next = chars.peek().map(|(_, next)| *next);
            }
            let word = text[..at].rsplit(char::is_whitespace).next().unwrap_or("").to_lowercase();
            let abbreviation = c == '.'
                && (matches!(
                    word.as_str(),
                    "a.m" | "p.m" | "no" | "mr" | "mrs" | "ms" | "st" | "e.g" | "i.e" | "approx"
                ) && previous != ' ');
            // "No." opens a refusal far more often than it numbers something, unless a digit follows.
            let numbered = word != "no" || text[end..].trim_start().starts_with(|c: char| c.is_ascii_digit());
            if next.is_some_and(char::is_whitespace) && !(abbreviation && numbered) {
                return Some(end);
            }
        }
        previous = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_come_whole_from_any_cut() {
        let text = "You got it! 2 Double Stack at $12.99 each. Open 10 a.m. to 10 p.m. every day.\nWrite to a@b.ai (always). Anything else?";
        let want = [
            "You got it!",
            "2 Double Stack at $12.99 each.",
            "Open 10 a.m. to 10 p.m. every day.",
            "Write to a@b.ai (always).",
            "Anything else?",
        ];
        for step in 1..9 {
            let mut sentences = Sentences::default();
            let chars: Vec<char> = text.chars().collect();
            let mut got: Vec<String> =
                chars.chunks(step).flat_map(|piece| sentences.push(&piece.iter().collect::<String>())).collect();
            got.extend(sentences.finish());
            assert_eq!(got, want, "pieces of {step}");
        }
    }

    #[test]
    fn endings_meet() {
        for (a, b) in [
            ("fries", "fry"),
            ("offered", "offer"),
            ("stopped", "stop"),
            ("pickles", "pickle"),
            ("closes", "close"),
            ("guest's", "guest"),
        ] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
    }

    #[test]
    fn words_keep_amounts_times_and_addresses() {
        let got: Vec<String> =
            words("It’s $8.99, open 10:00–22:00 (contact@x.ai)!").into_iter().map(|word| word.text).collect();
        assert_eq!(got, ["it's", "$8.99", "open", "10:00", "22:00", "contact@x.ai"]);
    }
}
