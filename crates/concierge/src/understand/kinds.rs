//! What kind of thing English words are, as far as guests say it behind a name: "cheddar cheese", "jalapeno peppers".

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::english;
use super::tokens::stem;

#[derive(Default)]
struct Kind {
    words: HashSet<String>,
    /// What is not among the words is of another kind.
    closed: bool,
}

/// Whether a word ends the name of a thing of a kind; `None` where English does not tell. Both are stems.
pub(crate) fn is_of(word: &str, kind: &str) -> Option<bool> {
    static KINDS: OnceLock<HashMap<String, Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| {
        let mut kinds: HashMap<String, Kind> = HashMap::new();
        for (heading, name) in english::sections(include_str!("kinds.txt")) {
            let (kind, closed) = heading.strip_suffix(" only").map_or((heading, false), |kind| (kind, true));
            let last = name.rsplit(' ').next().unwrap_or(name);
            let kind = kinds.entry(stem(kind)).or_default();
            kind.closed = closed;
            kind.words.insert(stem(last));
        }
        kinds
    });
    let kind = kinds.get(kind)?;
    let is = kind.words.contains(word);
    (is || kind.closed).then_some(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_the_last_word() {
        assert_eq!(is_of("cheddar", "cheese"), Some(true));
        assert_eq!(is_of("bacon", "cheese"), Some(false));
        assert_eq!(is_of("jalapeno", "pepper"), Some(true));
        assert_eq!(is_of("house", "sauce"), None);
        assert_eq!(is_of("bacon", "sandwich"), None);
    }
}
