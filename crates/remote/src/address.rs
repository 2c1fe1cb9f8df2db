//! Where an endpoint is.

use std::{fmt, str::FromStr};

use hyper::Uri;

/// The base of an endpoint's paths, such as `http://10.0.0.7:8000/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    base: String,
}

/// A text is not the address of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the address of an endpoint; write it like http://10.0.0.7:8000 or https://host/v1")]
pub struct BadAddress;

impl FromStr for Address {
    type Err = BadAddress;

    /// Reads `http` or `https`, a host, and perhaps a port and a path; without a path, `/v1` is meant.
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let uri: Uri = text.parse().map_err(|_| BadAddress)?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)).ok_or(BadAddress)?;
        let authority = uri.authority().map(|authority| authority.as_str()).ok_or(BadAddress)?;
        // A name and password in an address would end up in logs.
        let bare = !authority.contains('@') && uri.host().is_some_and(|host| !host.is_empty());
        if !bare || uri.query().is_some() {
            return Err(BadAddress);
        }
        let path = match uri.path().trim_end_matches('/') {
            "" => "/v1",
            path => path,
        };
        Ok(Self { base: format!("{scheme}://{authority}{path}") })
    }
}

impl Address {
    /// A path below it.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn addresses_are_bases() {
        for (text, base) in [
            ("http://10.0.0.7:8000", "http://10.0.0.7:8000/v1"),
            ("http://box/", "http://box/v1"),
            ("https://host/openai/v1/", "https://host/openai/v1"),
            ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), base);
        }
        for wrong in ["", "box", "box:80", "ftp://box", "http://a:b@box", "http://box?x", "http://", "http:///v1"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
