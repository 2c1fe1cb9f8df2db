//! Kinds of value that nobody may see: they are checked, compared and handed on, never printed.

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};

use super::allowed::Allowed;

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

/// A secret of signs that can stand in a header.
pub struct Key {
    least: usize,
    most: usize,
}

impl Key {
    /// Shared by our own tiers and programs, so it must be hard to guess.
    pub const SHARED: Self = Self { least: 16, most: 512 };
    /// Another service's, as long as that service makes it.
    pub const OF_SERVICE: Self = Self { least: 1, most: 4096 };
}

impl Allowed for Key {
    type Value = Secret;
    const SECRET: bool = true;

    fn describe(&self) -> String {
        format!("{} to {} letters, digits or signs, without spaces", self.least, self.most)
    }

    fn parse(&self, text: &str) -> Option<Secret> {
        let fits = (self.least..=self.most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
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
            let name = HeaderName::try_from(name.trim()).ok()?;
            let value = percent_decoded(value.trim())?;
            HeaderValue::try_from(&value).ok()?;
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
}
