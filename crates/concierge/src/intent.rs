//! What a guest wants, and who answers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The kinds of request that the router tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Intent {
    /// Adds to the order, changes it, answers a question about it, or ends it.
    Order,
    /// Takes something off the order.
    Remove,
    /// Drops the whole order.
    Cancel,
    /// Asks what was ordered, for a receipt, or how far the order is.
    History,
    /// Asks about dishes: prices, ingredients, allergens, what is good.
    MenuQa,
    /// Asks about the place: hours, location, Wi-Fi, policies.
    StoreInfo,
    /// Wants a meal within a sum, or as cheap as possible.
    Budget,
    /// Is not content with something.
    Complaint,
    /// Says hello, thanks or goodbye.
    Greeting,
    /// Anything that is not a restaurant's business.
    OffTopic,
}

impl Intent {
    /// All of them, in the order of the router's scores.
    pub const ALL: [Self; 10] = [
        Self::Order,
        Self::Remove,
        Self::Cancel,
        Self::History,
        Self::MenuQa,
        Self::StoreInfo,
        Self::Budget,
        Self::Complaint,
        Self::Greeting,
        Self::OffTopic,
    ];

    /// The name on the wire, such as `MENU_QA`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "ORDER",
            Self::Remove => "REMOVE",
            Self::Cancel => "CANCEL",
            Self::History => "HISTORY",
            Self::MenuQa => "MENU_QA",
            Self::StoreInfo => "STORE_INFO",
            Self::Budget => "BUDGET",
            Self::Complaint => "COMPLAINT",
            Self::Greeting => "GREETING",
            Self::OffTopic => "OFF_TOPIC",
        }
    }

    /// Its place in [`Intent::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Intent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|intent| intent.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|intent| intent.as_str()).collect();
            format!("\"{text}\" is not an intent; one of {} is", names.join(", "))
        })
    }
}

/// The staff member who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentName {
    /// The cheerful clerk.
    Rosy,
    /// The manager, for complaints and rules.
    Gordon,
}

impl AgentName {
    /// The name on the wire and in file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rosy => "rosy",
            Self::Gordon => "gordon",
        }
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
