//! What a meal must be like.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    menu::{Course, ItemId, Menu},
    money::Cents,
};

/// The largest party that is planned for; more people call.
pub const MAX_PARTY: u32 = 20;
/// The most of a course per person.
pub const MAX_EACH_COURSE: u32 = 3;
/// The most of one item, where the guest names no number.
pub const MAX_SAME: u32 = 10;
/// The largest sum that is planned for.
pub const MAX_LIMIT: Cents = Cents(200_000);
/// Must-haves of one request.
const MAX_MUST: usize = 20;

/// What is best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Comes as near to the sum as the menu allows, never above it.
    #[default]
    Fill,
    /// Costs least.
    Cheapest,
    /// The dishes that guests like best, by the menu's own popularity.
    Best,
    /// Feeds as many of the party as the sum allows, then as well as it allows.
    Feed,
}

/// What one person must not have, or keeps to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Diner {
    /// Diets, as the menu names them.
    pub diets: BTreeSet<String>,
    /// Allergens, as the menu names them.
    pub allergens: BTreeSet<String>,
}

/// A wish for a meal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// The most to be paid for what is planned; needed unless the cheapest is wanted.
    pub limit: Option<Cents>,
    /// Whether the limit is meant before tax.
    pub before_tax: bool,
    /// How many people; each gets a main.
    pub party: u32,
    /// Those of them who keep to something; the others eat anything.
    pub diners: Vec<Diner>,
    /// Sides for each person.
    pub sides: u32,
    /// Drinks for each person.
    pub drinks: u32,
    /// Desserts for each person.
    pub desserts: u32,
    /// What must be in it, and how many of it.
    pub must: Vec<(ItemId, u32)>,
    /// What must not be in it.
    pub must_not: BTreeSet<ItemId>,
    /// Courses that must not be in it.
    pub courses_not: BTreeSet<Course>,
    /// What the cart costs already, before tax; it counts towards the limit.
    pub in_cart: Cents,
    /// The most of one item.
    pub max_same: Option<u32>,
    /// Whether filling the sum may add mains beyond one for each person.
    pub extra_mains: bool,
    /// What is best.
    pub objective: Objective,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            limit: None,
            before_tax: false,
            party: 1,
            diners: Vec::new(),
            sides: 0,
            drinks: 0,
            desserts: 0,
            must: Vec::new(),
            must_not: BTreeSet::new(),
            courses_not: BTreeSet::new(),
            in_cart: Cents::ZERO,
            max_same: None,
            extra_mains: true,
            objective: Objective::Fill,
        }
    }
}

/// Why there is no plan, and the smallest change that would make one, in words for the guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No sum, and not the cheapest.
    #[error("how much would you like to spend?")]
    NoLimit,
    /// Nothing, or less.
    #[error("{0} buys nothing; please name a sum above zero")]
    NotPositive(String),
    /// More than is planned for.
    #[error("I can plan up to {0}; for more, please call us")]
    TooMuch(String),
    /// No party, or one too large.
    #[error("I can plan for 1 to {MAX_PARTY} people, not {0}")]
    Party(u32),
    /// More different diets or wishes than can be planned exactly.
    #[error("that is more than I can plan at once; please tell me in smaller steps")]
    TooComplicated,
    /// Something that must be in it is not to be had.
    #[error("{0} is not to be had today")]
    NotAvailable(String),
    /// Something both wanted and not wanted.
    #[error("{0} cannot be in it and not in it")]
    Contradiction(String),
    /// Nobody of the party may have something that must be in it, or a rule leaves nothing.
    #[error("nothing on the menu fits: {0}")]
    NothingFits(String),
    /// All fits but the sum.
    #[error("that is not enough: the least is {least}, {missing} more{instead}")]
    TooLittle {
        /// The least sum that would do, in the guest's own terms (with or without tax).
        least: String,
        /// What is missing.
        missing: String,
        /// Another small change, such as " (or without the shake)"; empty where there is none.
        instead: String,
    },
}

impl Request {
    /// Checks the request's own bounds, before any search.
    ///
    /// # Errors
    /// Names what is out of bounds.
    pub(super) fn check(&self, menu: &Menu) -> Result<(), PlanError> {
        match self.limit {
            None if self.objective != Objective::Cheapest => return Err(PlanError::NoLimit),
            Some(limit) if limit.0 <= 0 => return Err(PlanError::NotPositive(menu.currency.show(limit))),
            Some(limit) if limit > MAX_LIMIT => return Err(PlanError::TooMuch(menu.currency.show(MAX_LIMIT))),
            _ => {}
        }
        if self.party == 0 || self.party > MAX_PARTY {
            return Err(PlanError::Party(self.party));
        }
        let per_person = [self.sides, self.drinks, self.desserts];
        let must: u32 = self.must.iter().map(|(_, count)| (*count).min(1_000)).sum();
        if per_person.iter().any(|count| *count > MAX_EACH_COURSE)
            || self.must.len() > MAX_MUST
            || must > MAX_PARTY * 3
            || self.diners.len() > self.party as usize
            || self.in_cart.0 < 0
        {
            return Err(PlanError::TooComplicated);
        }
        for (id, _) in &self.must {
            let name = || menu.item(id).map_or_else(|| id.to_string(), |item| item.name.clone());
            if menu.item(id).is_none_or(|item| !item.available) {
                return Err(PlanError::NotAvailable(name()));
            }
            if self.must_not.contains(id) {
                return Err(PlanError::Contradiction(name()));
            }
        }
        Ok(())
    }

    /// How many of a course each person gets.
    pub(super) const fn per_person(&self, course: Course) -> u32 {
        match course {
            Course::Main => 1,
            Course::Side => self.sides,
            Course::Drink => self.drinks,
            Course::Dessert => self.desserts,
            Course::Extra => 0,
        }
    }
}
