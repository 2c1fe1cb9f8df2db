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

#[derive(Default)]
struct Kinds {
    /// By stem.
    kinds: HashMap<String, Kind>,
    /// Words that are the thing by themselves, with its kind.
    itself: HashMap<String, &'static str>,
    /// What goes into a cup by number.
    added: HashSet<String>,
    /// Pairs of stems that are one thing: "hot dog".
    whole: HashSet<(String, String)>,
}

fn table() -> &'static Kinds {
    static KINDS: OnceLock<Kinds> = OnceLock::new();
    KINDS.get_or_init(|| {
        let mut table = Kinds::default();
        for (heading, name) in english::sections(include_str!("kinds.txt")) {
            if let ("whole", Some((first, second))) = (heading, name.split_once(' ')) {
                table.whole.insert((stem(first), stem(second)));
                continue;
            }
            if heading == "added" {
                table.added.insert(stem(name));
                continue;
            }
            let (kind, rule) = heading.split_once(' ').unwrap_or((heading, ""));
            let last = stem(name.rsplit(' ').next().unwrap_or(name));
            if rule == "itself" {
                table.itself.insert(last.clone(), kind);
            }
            let kind = table.kinds.entry(stem(kind)).or_default();
            kind.closed |= !rule.is_empty();
            kind.words.insert(last);
        }
        table
    })
}

/// Whether a word ends the name of a thing of a kind; `None` where English does not tell. Both are stems.
pub(crate) fn is_of(word: &str, kind: &str) -> Option<bool> {
    let kind = table().kinds.get(kind)?;
    let is = kind.words.contains(word);
    (is || kind.closed).then_some(is)
}

/// What a stem is called by its kind alone: "cheese" for cheddar.
pub(crate) fn called(word: &str) -> Option<&'static str> {
    table().itself.get(word).copied()
}

/// Whether two words in a row are one thing, which neither names by itself: "ice cream", "hot dog". Both are stems.
pub(crate) fn is_whole(first: &str, second: &str) -> bool {
    table().whole.contains(&(first.to_owned(), second.to_owned()))
}

/// Whether a stem is of something that goes into a cup by number: "two sugars".
pub(crate) fn is_added(word: &str) -> bool {
    table().added.contains(word)
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
        assert!(is_whole("ice", "cream") && !is_whole("sour", "cream"));
        assert_eq!((called("cheddar"), called("vegan")), (Some("cheese"), None));
    }
}
