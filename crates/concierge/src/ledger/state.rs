//! How far a placed order is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A placed order's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderState {
    /// On the kitchen's board, not begun.
    Received,
    /// Being made.
    Preparing,
    /// Waiting to be handed out.
    Ready,
    /// With the guest; final.
    Served,
    /// Taken back before the kitchen began; final.
    Cancelled,
}

/// A step that an order cannot take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot become {to}{}", hint(*.from))]
pub struct TransitionError {
    /// Where it is.
    pub from: OrderState,
    /// Where it was to go.
    pub to: OrderState,
}

impl OrderState {
    /// All of them, in their usual order.
    pub const ALL: [Self; 5] = [Self::Received, Self::Preparing, Self::Ready, Self::Served, Self::Cancelled];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Served => "served",
            Self::Cancelled => "cancelled",
        }
    }

    /// The next step in the kitchen; none where the order is finished.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Received => Some(Self::Preparing),
            Self::Preparing => Some(Self::Ready),
            Self::Ready => Some(Self::Served),
            Self::Served | Self::Cancelled => None,
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.next().is_none()
    }

    /// Goes one step: to the next state, or to cancelled while the kitchen has not begun.
    ///
    /// # Errors
    /// Every other step, the one to where it is already included.
    pub fn step(self, to: Self) -> Result<Self, TransitionError> {
        let allowed = self.next() == Some(to) || (self == Self::Received && to == Self::Cancelled);
        if allowed { Ok(to) } else { Err(TransitionError { from: self, to }) }
    }
}

const fn hint(from: OrderState) -> &'static str {
    match from {
        OrderState::Received => "; it can be begun or cancelled",
        OrderState::Preparing | OrderState::Ready => "; it can only go one step on",
        OrderState::Served | OrderState::Cancelled => "; it is finished",
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OrderState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("\"{text}\" is not a state of an order; one of {names} is")
        })
    }
}
