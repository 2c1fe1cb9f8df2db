//! The kinds of value that a variable may have: how each is described and how it is read.

use std::{fmt::Display, marker::PhantomData, ops::RangeInclusive, path::PathBuf, str::FromStr};

use tracing_subscriber::EnvFilter;

/// A kind of value.
pub trait Allowed {
    /// What it is once read.
    type Value;
    /// Whether an error may not show what was given.
    const SECRET: bool = false;
    /// Which texts are allowed, for people.
    fn describe(&self) -> String;
    /// Reads a text; none means that it is not allowed.
    fn parse(&self, text: &str) -> Option<Self::Value>;
    /// What no text at all means.
    fn absent(&self) -> Option<Self::Value> {
        None
    }
}

/// A whole number within bounds.
pub struct Number<T>(pub RangeInclusive<T>);

impl<T: FromStr + PartialOrd + Display> Allowed for Number<T> {
    type Value = T;

    fn describe(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }

    fn parse(&self, text: &str) -> Option<T> {
        text.parse().ok().filter(|number| self.0.contains(number))
    }
}

/// The word `auto`, or a value.
pub struct Auto<A>(pub A);

impl<A: Allowed> Allowed for Auto<A> {
    type Value = Option<A::Value>;

    fn describe(&self) -> String {
        format!("auto or {}", self.0.describe())
    }

    fn parse(&self, text: &str) -> Option<Option<A::Value>> {
        if text == "auto" { Some(None) } else { self.0.parse(text).map(Some) }
    }
}

/// A value, or none.
pub struct Optional<A>(pub A);

impl<A: Allowed> Allowed for Optional<A> {
    type Value = Option<A::Value>;
    const SECRET: bool = A::SECRET;

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn parse(&self, text: &str) -> Option<Option<A::Value>> {
        self.0.parse(text).map(Some)
    }

    fn absent(&self) -> Option<Option<A::Value>> {
        Some(None)
    }
}

/// Any text.
pub struct Text;

impl Allowed for Text {
    type Value = String;

    fn describe(&self) -> String {
        "any text".into()
    }

    fn parse(&self, text: &str) -> Option<String> {
        Some(text.into())
    }
}

/// A short name of at most so many letters.
pub struct Slug(pub usize);

impl Allowed for Slug {
    type Value = String;

    fn describe(&self) -> String {
        format!("1 to {} lower-case letters, digits and dashes, no dash at the ends", self.0)
    }

    fn parse(&self, text: &str) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=self.0).contains(&text.len()) && text.bytes().all(plain);
        (fits && !text.starts_with('-') && !text.ends_with('-')).then(|| text.to_owned())
    }
}

/// A path of the file system; it need not exist yet.
pub struct Path;

impl Allowed for Path {
    type Value = PathBuf;

    fn describe(&self) -> String {
        "a folder's path".into()
    }

    fn parse(&self, text: &str) -> Option<PathBuf> {
        Some(text.into())
    }
}

/// A name that may stand in an address.
pub struct Name;

impl Allowed for Name {
    type Value = String;

    fn describe(&self) -> String {
        "1 to 48 letters, digits, `-`, `_` or `.`, the first a letter or digit".into()
    }

    fn parse(&self, text: &str) -> Option<String> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        (first && text.len() <= 48 && text.chars().all(known)).then(|| text.into())
    }
}

/// A filter of the log.
pub struct Filter;

impl Allowed for Filter {
    type Value = String;

    fn describe(&self) -> String {
        "error, warn, info, debug, trace, off, or module=level parted by commas".into()
    }

    fn parse(&self, text: &str) -> Option<String> {
        // A lone word that is no level would be read as a module's name and silence everything else.
        let level = |word: &str| ["error", "warn", "info", "debug", "trace", "off"].contains(&word);
        let words = text.split(',').all(|part| level(part.trim()) || part.contains('='));
        (words && EnvFilter::try_new(text).is_ok()).then(|| text.into())
    }
}

/// A closed choice of words.
pub trait Choice: Copy + 'static {
    /// Each choice and its word.
    const WORDS: &'static [(&'static str, Self)];
}

/// One of the words of a closed choice.
pub struct OneOf<C>(PhantomData<C>);

impl<C> OneOf<C> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C: Choice> Allowed for OneOf<C> {
    type Value = C;

    fn describe(&self) -> String {
        let words: Vec<_> = C::WORDS.iter().map(|(word, _)| *word).collect();
        words.join(", ")
    }

    fn parse(&self, text: &str) -> Option<C> {
        C::WORDS.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice)
    }
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Choice for LogFormat {
    const WORDS: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It is done.
    On,
    /// It is not.
    Off,
}

impl Choice for Switch {
    const WORDS: &'static [(&'static str, Self)] = &[("on", Self::On), ("off", Self::Off)];
}

/// Who ranks the nearest entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetrieverChoice {
    /// The embedded file.
    Sqlite,
    /// Pinecone, with the embedded file behind it.
    Pinecone,
}

impl Choice for RetrieverChoice {
    const WORDS: &'static [(&'static str, Self)] = &[("sqlite", Self::Sqlite), ("pinecone", Self::Pinecone)];
}

/// Whether the session's cookie is for HTTPS only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureCookies {
    /// Where a trusted proxy says that the guest came by HTTPS.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Choice for SecureCookies {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)];
}

/// Which tokens of the language model are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VocabularyChoice {
    /// Those that the restaurant needs where the model is the default one, else all.
    Auto,
    /// All.
    Full,
    /// Those that the restaurant needs.
    Trimmed,
}

impl Choice for VocabularyChoice {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("full", Self::Full), ("trimmed", Self::Trimmed)];
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn filters_are_levels_or_pairs() {
        assert!(Filter.parse("info").is_some());
        assert!(Filter.parse("info,gemma_burger=debug").is_some());
        for wrong in ["loud", "info,loud", "gemma_burger=loud"] {
            assert!(Filter.parse(wrong).is_none(), "{wrong}");
        }
    }
}
