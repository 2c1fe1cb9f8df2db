//! Complaints: what to ask, what may be offered, and when a person must come. The policy file decides; the model
//! finds the words. What is granted becomes a ledger event, bounded by what the guest has paid.

mod policy;

use std::collections::BTreeSet;

use serde::Serialize;

pub use policy::{Ask, ComplaintKind, Policy, PolicyError, RemedyKind};
use policy::{CallStaff, Kind, Scope};

use super::{Event, Granted, Line, PlacedOrder};
use crate::{
    money::{Cents, Currency},
    order::LineId,
};

const HOUR: i64 = 3_600;
const THIRTY_DAYS: i64 = 30 * 24 * HOUR;

/// A complaint as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What it is about.
    pub kind: ComplaintKind,
    /// The order: one of this guest's own, found by whoever asks.
    pub order: Option<&'a PlacedOrder>,
    /// The line of the order. Where the order has one only, it is that.
    pub line: Option<LineId>,
    /// Whether it is about everything in the order, as the guest says. Only then is a whole order refunded.
    pub whole_order: bool,
    /// What else the guest has answered.
    pub answered: &'a BTreeSet<Ask>,
    /// How long the guest has waited, in minutes, as far as it is known. Never taken for longer than the order's age.
    pub waited_minutes: Option<u32>,
    /// How many questions were asked.
    pub asked: u32,
    /// What the guest has turned down.
    pub refused: &'a BTreeSet<RemedyKind>,
    /// Everything that this guest was given before, for any order.
    pub granted: &'a [Granted],
    /// Seconds since 1970.
    pub now: i64,
}

/// What the manager does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The complaint's name for the ticket.
    pub title: String,
    /// Said before anything else, word for word.
    pub first_words: Option<String>,
    /// Whether a ticket is opened now.
    pub open_ticket: bool,
    /// Whether a sum of money may be named at all.
    pub amounts: bool,
    /// Whether the refund is the guest's right, and nothing else may take its place against the guest's will.
    pub full_refund: bool,
    /// Guidance for the words.
    pub note: String,
    /// The next step.
    pub next: Next,
}

/// The next step of a complaint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum Next {
    /// A question.
    Ask {
        /// Which.
        ask: Ask,
        /// Its words.
        words: String,
    },
    /// One of these, the first one first.
    Offer {
        /// Never empty.
        offers: Vec<Offer>,
    },
    /// A person takes over.
    HandOver {
        /// Why.
        reason: HandOver,
        /// Its words.
        words: String,
    },
}

/// Why a complaint goes to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HandOver {
    /// The policy wants a person for this kind.
    Kind,
    /// The questions are used up, and something is still not known.
    StillUnclear,
    /// The order is too long ago.
    TooLate,
    /// The chat has put right too many orders of this guest.
    TooOften,
    /// Everything that may be offered was offered, or nothing may be.
    NothingLeft,
}

/// Something that may be offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// What.
    pub remedy: RemedyKind,
    /// Its worth; zero for words and for food that is made again.
    pub amount: Cents,
    /// The offer in words.
    pub words: String,
}

/// A remedy that the policy does not allow in this case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {0} may not be given in this case; our staff can look at it")]
pub struct NotAllowed(pub RemedyKind);

impl Case<'_> {
    fn order_line(&self) -> Option<&Line> {
        let lines = &self.order.filter(|_| !self.whole_order)?.lines;
        match (self.line, &lines[..]) {
            (Some(id), _) => lines.iter().find(|line| line.id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    fn knows(&self, ask: Ask) -> bool {
        match ask {
            Ask::Order => self.order.is_some(),
            Ask::Line => self.whole_order || self.order_line().is_some(),
            Ask::Wait => self.waited_minutes.is_some() || self.answered.contains(&ask),
            _ => self.answered.contains(&ask),
        }
    }

    /// What was given for this order before.
    fn given(&self) -> impl Iterator<Item = &Granted> {
        let order = self.order.map(|order| order.id);
        self.granted.iter().filter(move |granted| Some(granted.order) == order)
    }

    /// What may still be given in money or its worth.
    fn left_to_give(&self) -> Cents {
        let paid = self.order.map_or(Cents::ZERO, |order| order.totals.total);
        (paid - self.given().map(|granted| granted.amount).sum()).max(Cents::ZERO)
    }

    fn waited(&self) -> i64 {
        let age = self.order.map_or(0, |order| self.now.saturating_sub(order.at) / 60);
        self.waited_minutes.map_or(age, |minutes| age.min(i64::from(minutes)))
    }

    /// Other orders of this guest that were put right lately.
    fn remedied_orders(&self) -> usize {
        let this = self.order.map(|order| order.id);
        let recent = self.granted.iter().filter(|granted| self.now.saturating_sub(granted.at) <= THIRTY_DAYS);
        recent.map(|granted| granted.order).filter(|id| Some(*id) != this).collect::<BTreeSet<_>>().len()
    }
}

impl Policy {
    /// What comes next in a complaint.
    #[must_use]
    pub fn advise(&self, currency: &Currency, case: &Case<'_>) -> Option<Advice> {
        let rules = self.kinds.get(&case.kind)?;
        Some(Advice {
            title: rules.title.clone(),
            first_words: rules.first_words.clone(),
            open_ticket: rules.ticket,
            amounts: rules.amounts,
            full_refund: rules.full_refund,
            note: rules.note.clone(),
            next: self.next(currency, case, rules),
        })
    }

    /// Grants what was offered and taken: the event to store; none where the remedy is words only.
    ///
    /// # Errors
    /// A remedy that [`Policy::advise`] does not offer in this very case.
    pub fn grant(&self, currency: &Currency, case: &Case<'_>, remedy: RemedyKind) -> Result<Option<Event>, NotAllowed> {
        let refused = NotAllowed(remedy);
        let rules = self.kinds.get(&case.kind).ok_or(refused)?;
        let Next::Offer { offers } = self.next(currency, case, rules) else { return Err(refused) };
        let offer = offers.into_iter().find(|offer| offer.remedy == remedy).ok_or(refused)?;
        if remedy == RemedyKind::Apology {
            return Ok(None);
        }
        let of_line = remedy != RemedyKind::RefundOrder && rules.scope == Scope::Line;
        Ok(Some(Event::RemedyGranted {
            granted: Granted {
                order: case.order.ok_or(refused)?.id,
                line: case.order_line().filter(|_| of_line).map(|line| line.id),
                remedy,
                amount: offer.amount,
                at: case.now,
            },
        }))
    }

    fn next(&self, currency: &Currency, case: &Case<'_>, rules: &Kind) -> Next {
        if let Some(ask) = rules.ask.iter().copied().find(|ask| !case.knows(*ask)) {
            if case.asked >= self.limits.max_questions {
                return self.hand_over(HandOver::StillUnclear);
            }
            let words = self.questions.get(&ask).cloned().unwrap_or_default();
            return Next::Ask { ask, words };
        }
        if rules.call_staff == CallStaff::Always {
            return self.hand_over(HandOver::Kind);
        }
        if case.order.is_some_and(|order| case.now.saturating_sub(order.at) > i64::from(rules.within_hours) * HOUR) {
            return self.hand_over(HandOver::TooLate);
        }
        if case.remedied_orders() >= self.limits.max_remedied_orders_per_30_days as usize {
            return self.hand_over(HandOver::TooOften);
        }
        let early = rules.from_minutes.is_some_and(|minutes| case.waited() < i64::from(minutes));
        let offers: Vec<Offer> = rules
            .remedies
            .iter()
            .filter(|remedy| !case.refused.contains(remedy) && (!early || **remedy == RemedyKind::Apology))
            .filter_map(|remedy| self.offer(currency, case, rules, *remedy))
            .collect();
        if offers.is_empty() { self.hand_over(HandOver::NothingLeft) } else { Next::Offer { offers } }
    }

    fn hand_over(&self, reason: HandOver) -> Next {
        let words = self.remedies.get(&RemedyKind::Escalate).map(|remedy| remedy.words.clone()).unwrap_or_default();
        Next::HandOver { reason, words }
    }

    /// A remedy as it can be offered in this case, if it can.
    fn offer(&self, currency: &Currency, case: &Case<'_>, rules: &Kind, remedy: RemedyKind) -> Option<Offer> {
        let amount = match remedy {
            RemedyKind::Escalate => return None,
            RemedyKind::Apology => Cents::ZERO,
            _ if !self.is_open(case, rules) => return None,
            RemedyKind::Replacement => {
                case.order_line()?;
                Cents::ZERO
            }
            RemedyKind::RefundLine => case.order?.paid_for(case.order_line()?).min(case.left_to_give()),
            RemedyKind::RefundOrder if !case.whole_order || case.given().next().is_some() => return None,
            RemedyKind::RefundOrder => case.left_to_give(),
            RemedyKind::Voucher => self.voucher(case, rules),
        };
        let is_money = matches!(remedy, RemedyKind::RefundLine | RemedyKind::RefundOrder | RemedyKind::Voucher);
        if is_money && (amount <= Cents::ZERO || !rules.amounts) {
            return None;
        }
        let item = case.order_line().map_or("your order", |line| line.name.as_str());
        let number = case.order.map_or_else(String::new, |order| order.number.to_string());
        let words = self.remedies.get(&remedy)?.words.replace("{item}", item);
        let words = words.replace("{amount}", &currency.show(amount)).replace("{order}", &number);
        Some(Offer { remedy, amount, words })
    }

    /// Whether this order, or this line of it, has not been put right yet.
    fn is_open(&self, case: &Case<'_>, rules: &Kind) -> bool {
        if case.order.is_none() {
            return !self.limits.requires_order && rules.scope == Scope::Order;
        }
        let whole = case.given().any(|granted| granted.remedy == RemedyKind::RefundOrder);
        let again = match (rules.scope, case.order_line()) {
            (Scope::Line, Some(line)) => case.given().any(|granted| granted.line == Some(line.id)),
            (Scope::Line, None) => case.given().next().is_some(),
            (Scope::Order, _) => case.given().any(|granted| granted.line.is_none()),
        };
        !(whole || again && self.limits.once_per_line)
    }

    fn voucher(&self, case: &Case<'_>, rules: &Kind) -> Cents {
        let before: Cents =
            case.given().filter(|granted| granted.remedy == RemedyKind::Voucher).map(|granted| granted.amount).sum();
        let allowed = Cents(self.limits.max_voucher_cents_per_order) - before;
        Cents(rules.voucher_cents.unwrap_or(0)).min(allowed).min(case.left_to_give())
    }
}
