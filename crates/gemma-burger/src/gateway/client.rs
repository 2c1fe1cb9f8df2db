//! Where a guest comes from, seen through the proxies that are trusted.

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap},
};

use crate::{
    config::{Network, SecureCookies},
    http::server::Peer,
};

/// The address and the scheme of a guest's own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The nearest address that is not a trusted proxy.
    pub address: IpAddr,
    /// Whether the guest came by HTTPS, as a trusted proxy says.
    pub https: bool,
}

/// Whose forwarding headers are believed.
#[derive(Clone, Debug)]
pub struct Proxies {
    trusted: Vec<Network>,
    cookies: SecureCookies,
}

impl Proxies {
    /// With the configured addresses.
    #[must_use]
    pub const fn new(trusted: Vec<Network>, cookies: SecureCookies) -> Self {
        Self { trusted, cookies }
    }

    /// Where a request comes from. A request that did not come over a socket counts as this machine's.
    #[must_use]
    pub fn client(&self, request: &Request) -> Client {
        self.resolve(peer(request.extensions()), request.headers())
    }

    fn resolve(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        if !self.trusts(peer) {
            return Client { address: peer, https: false };
        }
        // Each proxy adds, on the right, whom it was reached by: the first untrusted one from the right is the guest,
        // and what stands left of it could be anything.
        let hops = headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut address = peer;
        for hop in hops.iter().rev() {
            let Ok(hop) = hop.parse::<IpAddr>() else { break };
            address = hop.to_canonical();
            if !self.trusts(address) {
                break;
            }
        }
        let https = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
        Client { address, https }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Whether a cookie for this guest is for HTTPS only.
    #[must_use]
    pub const fn secure_cookie(&self, client: Client) -> bool {
        match self.cookies {
            SecureCookies::Auto => client.https,
            SecureCookies::Always => true,
            SecureCookies::Never => false,
        }
    }
}

fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()], SecureCookies::Auto);
        for (peer, forwarded, guest) in [
            ("203.0.113.5", "1.2.3.4", "203.0.113.5"),
            ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
            ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            let client = proxies.resolve(peer.parse().unwrap(), &headers);
            assert_eq!(client.address, guest.parse::<IpAddr>().unwrap(), "{peer} {forwarded}");
        }
    }
}
