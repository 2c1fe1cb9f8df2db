//! What the judge may cost. Money is whole cents for a million tokens, so that sums of it are whole millionths of a cent.

use std::sync::{Mutex, PoisonError};

/// Cents for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// That the judge reads.
    pub read: u64,
    /// That it writes.
    pub written: u64,
}

/// What must not be passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Cents, by a price.
    pub cents: Option<(u64, Price)>,
}

/// Tokens read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub read: u64,
    pub written: u64,
}

impl Tokens {
    const fn plus(self, other: Self) -> Self {
        Self { read: self.read.saturating_add(other.read), written: self.written.saturating_add(other.written) }
    }

    const fn less(self, other: Self) -> Self {
        Self { read: self.read.saturating_sub(other.read), written: self.written.saturating_sub(other.written) }
    }

    pub const fn all(self) -> u64 {
        self.read.saturating_add(self.written)
    }

    /// In millionths of a cent.
    const fn cost(self, price: Price) -> u64 {
        self.read.saturating_mul(price.read).saturating_add(self.written.saturating_mul(price.written))
    }
}

const MILLION: u64 = 1_000_000;

/// Keeps the limits by what every question could cost at most.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    /// What was spent, and what questions under way may still cost.
    held: Mutex<(Tokens, Tokens)>,
}

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self { limits, held: Mutex::default() }
    }

    /// Sets aside what a question may cost at most.
    ///
    /// # Errors
    /// The limit that could be passed, in words.
    pub fn reserve(&self, most: Tokens) -> Result<(), String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let then = held.0.plus(held.1).plus(most);
        if let Some(limit) = self.limits.tokens.filter(|limit| then.all() > *limit) {
            return Err(format!("{limit} tokens"));
        }
        if let Some((cents, _)) =
            self.limits.cents.filter(|(cents, price)| then.cost(*price) > cents.saturating_mul(MILLION))
        {
            return Err(format!("{cents} cents"));
        }
        held.1 = held.1.plus(most);
        Ok(())
    }

    /// Books what a question did cost.
    pub fn settle(&self, most: Tokens, spent: Tokens) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = (held.0.plus(spent), held.1.less(most));
    }

    /// What was spent so far: tokens, and cents rounded up where there is a price.
    pub fn spent(&self) -> (Tokens, Option<u64>) {
        let spent = self.held.lock().unwrap_or_else(PoisonError::into_inner).0;
        (spent, self.limits.cents.map(|(_, price)| spent.cost(price).div_ceil(MILLION)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_not_passed_even_by_questions_under_way() {
        let budget = Budget::new(Limits { tokens: Some(1_000), cents: None });
        let question = Tokens { read: 300, written: 100 };
        assert_eq!((budget.reserve(question), budget.reserve(question)), (Ok(()), Ok(())));
        assert_eq!(budget.reserve(question), Err("1000 tokens".to_owned()));
        budget.settle(question, Tokens { read: 150, written: 20 });
        assert_eq!(budget.reserve(question), Ok(()), "what was not used is free again");
        assert_eq!(budget.spent(), (Tokens { read: 150, written: 20 }, None));
    }

    #[test]
    fn cents_are_counted_by_the_price_and_rounded_up() {
        let price = Price { read: 30, written: 250 };
        let budget = Budget::new(Limits { tokens: None, cents: Some((1, price)) });
        // 10,000 × 30 + 2,000 × 250 are 800,000 millionths of a cent.
        let question = Tokens { read: 10_000, written: 2_000 };
        assert_eq!(budget.reserve(question), Ok(()));
        budget.settle(question, question);
        assert_eq!(budget.spent().1, Some(1));
        assert_eq!(budget.reserve(question), Err("1 cents".to_owned()));
        assert_eq!(budget.reserve(Tokens { read: 6_666, written: 0 }), Ok(()), "199,980 are left room for");
    }
}
