//! What kind of thing English words are, as far as guests say it behind a name: "cheddar cheese", "jalapeno peppers".

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::english;
use super::tokens::stem;

/// Whether a word ends the name of a thing of a kind; `None` where English tells nothing of the kind. Both are stems.
pub(crate) fn is_of(word: &str, kind: &str) -> Option<bool> {
    static KINDS: OnceLock<HashMap<String, HashSet<String>>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| {
        let mut kinds: HashMap<String, HashSet<String>> = HashMap::new();
        for (kind, name) in english::sections(include_str!("kinds.txt")) {
            let last = name.rsplit(' ').next().unwrap_or(name);
            kinds.entry(stem(kind)).or_default().insert(stem(last));
        }
        kinds
    });
    kinds.get(kind).map(|words| words.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_the_last_word() {
        assert_eq!(is_of("cheddar", "cheese"), Some(true));
        assert_eq!(is_of("bacon", "cheese"), Some(false));
        assert_eq!(is_of("jalapeno", "pepper"), Some(true));
        assert_eq!(is_of("bacon", "sandwich"), None);
    }
}
