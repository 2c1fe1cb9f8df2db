//! What a meal must be like.

use std::collections::BTreeSet;

use schemars::JsonSchema;
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Diner {
    /// Diets, as the menu names them.
    #[schemars(schema_with = "crate::tools::schema::diets")]
    pub diets: BTreeSet<String>,
    /// Allergens, as the menu names them.
    #[schemars(schema_with = "crate::tools::schema::allergens")]
    pub allergens: BTreeSet<String>,
}

/// Something that must be in a meal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Must {
    /// What.
    pub item: ItemId,
    /// How many of it.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 60))]
    pub count: u32,
}

const fn one() -> u32 {
    1
}

/// How many of some items together a meal may hold: "at most one shake".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtMost {
    /// Which; all of one course.
    #[schemars(length(max = 40))]
    pub items: BTreeSet<ItemId>,
    /// How many of them at most.
    #[schemars(range(min = 0, max = 60))]
    pub most: u32,
}

/// A wish for a meal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// The most to be paid for what is planned; needed unless the cheapest is wanted.
    pub limit: Option<Cents>,
    /// Whether the limit is meant before tax.
    pub before_tax: bool,
    /// How many people; each gets a main.
    #[schemars(range(min = 1, max = 20))]
    pub party: u32,
    /// Those of them who keep to something; the others eat anything.
    #[schemars(length(max = 20))]
    pub diners: Vec<Diner>,
    /// Sides for each person.
    #[schemars(range(min = 0, max = 3))]
    pub sides: u32,
    /// Drinks for each person.
    #[schemars(range(min = 0, max = 3))]
    pub drinks: u32,
    /// Desserts for each person.
    #[schemars(range(min = 0, max = 3))]
    pub desserts: u32,
    /// What must be in it, and how many of it.
    #[schemars(length(max = 20))]
    pub must: Vec<Must>,
    /// What must not be in it.
    #[schemars(length(max = 60))]
    pub must_not: BTreeSet<ItemId>,
    /// Courses that must not be in it.
    #[schemars(length(max = 5))]
    pub courses_not: BTreeSet<Course>,
    /// What the cart costs already, before tax; it counts towards the limit. Known from the session, never asked.
    #[serde(skip)]
    pub in_cart: Cents,
    /// The most of one item.
    #[schemars(range(min = 1, max = 20))]
    pub max_same: Option<u32>,
    /// The most of some items together; no item stands in two of these.
    #[schemars(length(max = 8))]
    pub at_most: Vec<AtMost>,
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
            at_most: Vec::new(),
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
    #[error("a sum of {0} buys nothing; please name one above zero")]
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
        let must: u32 = self.must.iter().map(|must| must.count.min(1_000)).sum();
        if per_person.iter().any(|count| *count > MAX_EACH_COURSE)
            || self.must.len() > MAX_MUST
            || must > MAX_PARTY * 3
            || self.diners.len() > self.party as usize
            || self.in_cart.0 < 0
        {
            return Err(PlanError::TooComplicated);
        }
        self.check_bounds(menu)?;
        for Must { item: id, .. } in &self.must {
            let name = || name_of(menu, id);
            if menu.item(id).is_none_or(|item| !item.available) {
                return Err(PlanError::NotAvailable(name()));
            }
            if self.must_not.contains(id) {
                return Err(PlanError::Contradiction(name()));
            }
        }
        Ok(())
    }

    /// Checks the bounds on items: each on one course, no item in two, and none below what must be there.
    fn check_bounds(&self, menu: &Menu) -> Result<(), PlanError> {
        let mut seen: BTreeSet<&ItemId> = BTreeSet::new();
        for bound in &self.at_most {
            let courses: BTreeSet<Course> =
                bound.items.iter().filter_map(|id| menu.item(id)).map(|item| item.course).collect();
            if courses.len() > 1 || !bound.items.iter().all(|id| seen.insert(id)) {
                return Err(PlanError::TooComplicated);
            }
            let must = self.must.iter().filter(|must| bound.items.contains(&must.item));
            if must.clone().map(|must| must.count.min(1_000)).sum::<u32>() > bound.most {
                let mut name = must.map(|must| name_of(menu, &must.item));
                return Err(PlanError::Contradiction(name.next_back().unwrap_or_default()));
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

fn name_of(menu: &Menu, id: &ItemId) -> String {
    menu.item(id).map_or_else(|| id.to_string(), |item| item.name.clone())
}
