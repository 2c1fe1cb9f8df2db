//! The remedy policy as its file has it, checked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::money::Cents;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$case_doc])* $case),* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$case),*];

            /// The name on the wire and in the policy file.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names!(/// What a guest complains about.
ComplaintKind {
    /// Food that should be hot.
    ColdFood = "cold_food",
    /// Something else came than was ordered.
    WrongItem = "wrong_item",
    /// Something did not come.
    MissingItem = "missing_item",
    /// It takes too long.
    Delay = "delay",
    /// It came spilled or damaged.
    Spilled = "spilled",
    /// The guest thinks that too much was charged.
    Overcharge = "overcharge",
    /// Somebody was rude.
    Rudeness = "rudeness",
    /// It did not taste as it should.
    Quality = "quality",
    /// Somebody is ill, or has an allergic reaction.
    Illness = "illness",
    /// Something was in the food that is no food.
    ForeignObject = "foreign_object",
    /// Anything else.
    Other = "other",
});

names!(/// What can be offered after a complaint.
RemedyKind {
    /// The line is made again.
    Replacement = "replacement",
    /// What was paid for the line goes back.
    RefundLine = "refund_line",
    /// What was paid for the order goes back.
    RefundOrder = "refund_order",
    /// A sum for the next visit.
    Voucher = "voucher",
    /// Words.
    Apology = "apology",
    /// A person of the staff takes over.
    Escalate = "escalate",
});

names!(/// What the manager asks before anything is offered.
Ask {
    /// Which order.
    Order = "order",
    /// Which of its lines.
    Line = "line",
    /// Whether the receipt is at hand.
    Receipt = "receipt",
    /// How long the wait is.
    Wait = "wait",
    /// What came instead.
    Received = "received",
    /// Which amount was charged.
    Amount = "amount",
    /// What happened.
    Details = "details",
    /// Which of the offers.
    Choice = "choice",
});

/// What is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not YAML, an unknown key, or a value of the wrong kind.
    #[error("the remedy policy cannot be read: {0}")]
    Yaml(String),
    /// A version that this program does not know.
    #[error("the remedy policy has version {0}; this program reads version 1")]
    Version(u32),
    /// A value that cannot be.
    #[error("the remedy policy, {entry}, key \"{key}\": {problem}")]
    Entry {
        /// Which part of the file.
        entry: String,
        /// Which of its keys.
        key: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
}

/// The remedy policy: what may be offered for what, and its limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    version: u32,
    pub(super) limits: Limits,
    pub(super) questions: BTreeMap<Ask, String>,
    pub(super) remedies: BTreeMap<RemedyKind, Remedy>,
    pub(super) kinds: BTreeMap<ComplaintKind, Kind>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub requires_order: bool,
    pub within_hours: u32,
    pub max_voucher_cents_per_order: i64,
    /// The one bound there is; read so that another is refused.
    #[serde(rename = "max_value")]
    _max_value: MaxValue,
    pub once_per_line: bool,
    pub max_remedied_orders_per_30_days: u32,
    pub max_questions: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MaxValue {
    OrderTotal,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remedy {
    pub effect: Effect,
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Effect {
    ReplaceLine,
    RefundLine,
    RefundOrder,
    Voucher,
    None,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kind {
    pub title: String,
    pub ask: Vec<Ask>,
    pub remedies: Vec<RemedyKind>,
    #[serde(default)]
    pub voucher_cents: Option<i64>,
    pub within_hours: u32,
    pub ticket: bool,
    pub call_staff: CallStaff,
    pub amounts: bool,
    pub scope: Scope,
    #[serde(default)]
    pub full_refund: bool,
    #[serde(default)]
    pub from_minutes: Option<u32>,
    #[serde(default)]
    pub first_words: Option<String>,
    #[serde(default)]
    pub note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CallStaff {
    Never,
    OnDispute,
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    Line,
    Order,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// Names the part and the key that is wrong. Every kind of complaint, and every question and remedy that a kind
    /// names, must be there.
    pub fn from_yaml(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = serde_yaml_ng::from_str(text).map_err(|error| PolicyError::Yaml(error.to_string()))?;
        if policy.version != 1 {
            return Err(PolicyError::Version(policy.version));
        }
        if !(0..=Cents::MAX_ABS).contains(&policy.limits.max_voucher_cents_per_order) {
            return Err(wrong("limits", "max_voucher_cents_per_order", "must not be negative"));
        }
        for (kind, remedy) in &policy.remedies {
            if remedy.effect != effect_of(*kind) {
                return Err(wrong(&format!("remedy {kind}"), "effect", "does not belong to this remedy"));
            }
        }
        for kind in ComplaintKind::ALL {
            let rules = policy.kinds.get(kind).ok_or_else(|| wrong("kinds", kind.as_str(), "is missing"))?;
            policy.check_kind(*kind, rules)?;
        }
        Ok(policy)
    }

    fn check_kind(&self, kind: ComplaintKind, rules: &Kind) -> Result<(), PolicyError> {
        let entry = format!("kind {kind}");
        if let Some(ask) = rules.ask.iter().find(|ask| !self.questions.contains_key(ask)) {
            return Err(wrong(&entry, "ask", &format!("there is no question \"{ask}\"")));
        }
        if let Some(remedy) = rules.remedies.iter().find(|remedy| !self.remedies.contains_key(remedy)) {
            return Err(wrong(&entry, "remedies", &format!("there is no remedy \"{remedy}\"")));
        }
        let named: BTreeSet<_> = rules.remedies.iter().collect();
        if named.len() != rules.remedies.len() || !named.contains(&RemedyKind::Escalate) {
            return Err(wrong(&entry, "remedies", "must differ, and escalate must be one of them"));
        }
        if named.contains(&RemedyKind::Voucher) != rules.voucher_cents.is_some() {
            return Err(wrong(&entry, "voucher_cents", "belongs to the kinds that offer a voucher, and only to them"));
        }
        if rules.voucher_cents.is_some_and(|cents| !(1..=self.limits.max_voucher_cents_per_order).contains(&cents)) {
            return Err(wrong(&entry, "voucher_cents", "must be above zero and within max_voucher_cents_per_order"));
        }
        if rules.within_hours > self.limits.within_hours {
            return Err(wrong(&entry, "within_hours", "must not be wider than the limit over all kinds"));
        }
        Ok(())
    }
}

const fn effect_of(kind: RemedyKind) -> Effect {
    match kind {
        RemedyKind::Replacement => Effect::ReplaceLine,
        RemedyKind::RefundLine => Effect::RefundLine,
        RemedyKind::RefundOrder => Effect::RefundOrder,
        RemedyKind::Voucher => Effect::Voucher,
        RemedyKind::Apology | RemedyKind::Escalate => Effect::None,
    }
}

fn wrong(entry: &str, key: &'static str, problem: &str) -> PolicyError {
    PolicyError::Entry { entry: entry.to_owned(), key, problem: problem.to_owned() }
}
