//! The kinds of value that a variable may have: how each is described and how it is read.

use std::{
    fmt::{self, Display},
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
};

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
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

/// An IP address.
pub struct Address;

impl Allowed for Address {
    type Value = IpAddr;

    fn describe(&self) -> String {
        "an IP address".into()
    }

    fn parse(&self, text: &str) -> Option<IpAddr> {
        if text == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { text.parse().ok() }
    }
}

/// Where a service is: scheme, host and port, without a path.
pub struct Origin {
    schemes: &'static [&'static str],
    example: &'static str,
}

impl Origin {
    /// Between the tiers, which speak HTTP within a trusted network.
    pub const PLAIN: Self = Self { schemes: &["http"], example: "http://127.0.0.1:8000" };
    /// Anywhere.
    pub const ANY: Self = Self { schemes: &["http", "https"], example: "https://example.org" };
}

impl Allowed for Origin {
    type Value = String;

    fn describe(&self) -> String {
        format!("an address such as {}", self.example)
    }

    fn parse(&self, text: &str) -> Option<String> {
        let uri: axum::http::Uri = text.parse().ok()?;
        let scheme = uri.scheme_str().is_some_and(|scheme| self.schemes.contains(&scheme));
        let bare = uri.path() == "/" && uri.query().is_none() && uri.host().is_some_and(|host| !host.is_empty());
        (scheme && bare).then(|| text.trim_end_matches('/').to_owned())
    }
}

/// The base of a service's paths, without a name or password in it: it may stand in a log.
pub struct Base;

impl Allowed for Base {
    type Value = String;

    fn describe(&self) -> String {
        "an address such as https://example.org/v1".into()
    }

    fn parse(&self, text: &str) -> Option<String> {
        let uri: axum::http::Uri = text.parse().ok()?;
        let scheme = uri.scheme_str().is_some_and(|scheme| ["http", "https"].contains(&scheme));
        let bare = uri.query().is_none() && uri.authority().is_some_and(|host| !host.as_str().contains('@'));
        (scheme && bare).then(|| text.trim_end_matches('/').to_owned())
    }
}

/// A secret, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself. Keep it out of logs and errors.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a request shows this secret as its bearer token.
    #[must_use]
    pub fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        // Comparing digests takes the same time wherever the secrets differ.
        Sha256::digest(shown) == Sha256::digest(&self.0)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A shared secret that can stand in a header.
pub struct Token;

impl Allowed for Token {
    type Value = Secret;
    const SECRET: bool = true;

    fn describe(&self) -> String {
        "16 to 512 letters, digits or signs, without spaces".into()
    }

    fn parse(&self, text: &str) -> Option<Secret> {
        let fits = (16..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Secret(text.into()))
    }
}

/// Another service's key, as long as that service makes it.
pub struct Key;

impl Allowed for Key {
    type Value = Secret;
    const SECRET: bool = true;

    fn describe(&self) -> String {
        "1 to 4096 letters, digits or signs, without spaces".into()
    }

    fn parse(&self, text: &str) -> Option<Secret> {
        let fits = (1..=4096).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Secret(text.into()))
    }
}

/// A password as people choose them.
pub struct Password;

impl Allowed for Password {
    type Value = Secret;
    const SECRET: bool = true;

    fn describe(&self) -> String {
        "1 to 512 letters, digits, signs or spaces".into()
    }

    fn parse(&self, text: &str) -> Option<Secret> {
        let fits = (1..=512).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Secret(text.into()))
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

/// Headers of requests, as OpenTelemetry writes them.
pub struct Headers;

impl Allowed for Headers {
    type Value = Vec<(String, Secret)>;
    const SECRET: bool = true;

    fn describe(&self) -> String {
        "`name=value`, parted by commas; a comma or a space within a value is written %2C or %20".into()
    }

    fn parse(&self, text: &str) -> Option<Self::Value> {
        let header = |part: &str| {
            let (name, value) = part.trim().split_once('=')?;
            let name = axum::http::HeaderName::try_from(name.trim()).ok()?;
            let value = percent_decoded(value.trim())?;
            axum::http::HeaderValue::try_from(&value).ok()?;
            Some((name.to_string(), Secret(value)))
        };
        text.split(',').map(header).collect()
    }

    fn absent(&self) -> Option<Self::Value> {
        Some(Vec::new())
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let byte = if byte == b'%' { digit(rest.next())? * 16 + digit(rest.next())? } else { byte.into() };
        bytes.push(u8::try_from(byte).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address lies within.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |text| text.parse().map_err(|_| ()))?;
        if prefix > longest {
            return Err(());
        }
        Ok(Self { address, prefix })
    }
}

/// Addresses and ranges, parted by commas.
pub struct Networks;

impl Allowed for Networks {
    type Value = Vec<Network>;

    fn describe(&self) -> String {
        "addresses or ranges such as 10.0.0.0/8, parted by commas".into()
    }

    fn parse(&self, text: &str) -> Option<Vec<Network>> {
        text.split(',').map(|part| part.trim().parse().ok()).collect()
    }

    fn absent(&self) -> Option<Vec<Network>> {
        Some(Vec::new())
    }
}

/// Endpoints of a remote engine, parted by commas.
pub struct Urls;

impl Allowed for Urls {
    type Value = Vec<remote::Address>;

    fn describe(&self) -> String {
        "addresses such as http://10.0.0.7:8000 or https://host/v1, parted by commas".into()
    }

    fn parse(&self, text: &str) -> Option<Vec<remote::Address>> {
        text.split(',').map(|part| part.trim().parse().ok()).collect()
    }

    fn absent(&self) -> Option<Vec<remote::Address>> {
        Some(Vec::new())
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
    fn headers_are_read_as_opentelemetry_writes_them() {
        let read = |text: &str| {
            let headers = Headers.parse(text)?;
            Some(headers.into_iter().map(|(name, value)| (name, value.reveal().to_owned())).collect::<Vec<_>>())
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let both = vec![pair("authorization", "Bearer a,b"), pair("x-tenant", "c=d")];
        assert_eq!(read("Authorization=Bearer%20a%2Cb, X-Tenant = c=d"), Some(both));
        for wrong in ["a", "a b=c", "a=%2", "a=%zz", "a=%0a", "=b", "a=b,"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        for (network, address, holds) in [
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("::/0", "1.2.3.4", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), holds, "{network:?} {address}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "ten", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn origins_have_no_path() {
        assert_eq!(Origin::PLAIN.parse("http://brain:8000/"), Some("http://brain:8000".into()));
        for wrong in ["", "brain", "brain:8000", "https://brain", "http://brain/x", "http://brain/?q", "ftp://brain"] {
            assert_eq!(Origin::PLAIN.parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn filters_are_levels_or_pairs() {
        assert!(Filter.parse("info").is_some());
        assert!(Filter.parse("info,gemma_burger=debug").is_some());
        for wrong in ["loud", "info,loud", "gemma_burger=loud"] {
            assert!(Filter.parse(wrong).is_none(), "{wrong}");
        }
    }
}
