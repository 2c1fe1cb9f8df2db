//! concierge
