//! How many requests a guest and an address may make.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    brain::wire::SessionId,
    config,
    http::{
        ApiError,
        window::{Window, too_many},
    },
};

/// How many other requests may be made for each message that may.
const OTHERS_PER_MESSAGE: usize = 10;

/// All limits of the gateway.
pub struct RateLimits {
    state: Mutex<State>,
}

struct State {
    guests: Window<SessionId>,
    addresses: Window<AddressKey>,
    others: Window<AddressKey>,
}

impl RateLimits {
    /// With the configured figures.
    #[must_use]
    pub fn new(limits: &config::Limits) -> Self {
        let (guest, address) = (limits.rate_per_guest as usize, limits.rate_per_address as usize);
        let state = State {
            guests: Window::new(guest),
            addresses: Window::new(address),
            others: Window::new(address.saturating_mul(OTHERS_PER_MESSAGE)),
        };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a message: both its guest and its address must have room, and only then do both pay for it.
    pub fn admit_message(&self, guest: Option<&SessionId>, address: AddressKey) -> Result<(), ApiError> {
        let now = Instant::now();
        let mut state = self.state();
        let wait = guest
            .map_or(Duration::ZERO, |guest| state.guests.wait(guest, now))
            .max(state.addresses.wait(&address, now));
        if wait > Duration::ZERO {
            return Err(too_many(wait));
        }
        if let Some(guest) = guest {
            state.guests.take(guest.clone(), now);
        }
        state.addresses.take(address, now);
        Ok(())
    }

    /// Counts a message of a guest who is new: the address has paid already.
    pub fn first_message(&self, guest: &SessionId) {
        self.state().guests.take(guest.clone(), Instant::now());
    }

    /// Admits any request that needs work.
    pub fn admit_request(&self, address: AddressKey) -> Result<(), ApiError> {
        let now = Instant::now();
        let mut state = self.state();
        match state.others.wait(&address, now) {
            Duration::ZERO => {
                state.others.take(address, now);
                Ok(())
            }
            wait => Err(too_many(wait)),
        }
    }
}

/// An address as it is limited: an IPv6 guest owns a whole /64 and could come from any part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressKey(IpAddr);

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            address => address,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn an_ipv6_guest_cannot_walk_through_a_network() {
        let key = |text: &str| AddressKey::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
