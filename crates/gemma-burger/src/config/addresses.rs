//! Kinds of value that say where something is: addresses, ranges of them, and the places of services.

use std::{
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use super::allowed::Allowed;

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

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
}
