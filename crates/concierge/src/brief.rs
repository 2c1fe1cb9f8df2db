//! What a reply is to do, from which facts, and what it must not leave out.
//!
//! A [`Brief`] is decided from typed data before the model is asked. The model may choose words; what it may claim
//! stands in the facts, and what it leaves out is said in the plain words of the points.

use serde::{Deserialize, Serialize};

use crate::{intent::AgentName, menu::ItemId, ports::RecordType};

/// The order given to the staff member who answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// Who answers.
    pub agent: AgentName,
    /// What to do, in this order. A guest who asks two things gets two steps.
    pub steps: Vec<Step>,
}

/// One thing that the reply does.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Step {
    /// What it is.
    pub act: Act,
    /// What may be claimed.
    pub facts: Vec<Fact>,
    /// What must be said.
    pub points: Vec<Point>,
    /// Where the facts come from.
    pub sources: Vec<Source>,
    /// Spoken in the brief's own words, without the model.
    pub verbatim: bool,
}

/// A line of what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The line as the prompt shows it. Every amount, time and number in it may be said.
    pub text: String,
    /// The item that it is about: its amounts belong to this item and to no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
}

/// Something that the guest must learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// It in plain words: sent as it stands where the model's own words do not hold all of `needs`.
    pub plain: String,
    /// The words by which one sees that it was said, compared without case. None means that `plain` is sent only
    /// where the model said nothing at all.
    pub needs: Vec<String>,
}

/// An entry of the restaurant's knowledge that a reply rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The item's or the record's id.
    pub id: String,
    /// Menu or store information.
    #[serde(rename = "type")]
    pub record_type: RecordType,
    /// A name for people.
    pub title: String,
}

/// The kinds of reply. Each is named to the model in one line: a small model that is told what to do bends the facts
/// far less than one that must guess it (measured: without the line it contradicted facts that it held).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Says hello.
    Greet,
    /// Answers thanks.
    Welcome,
    /// Says goodbye.
    Farewell,
    /// Small talk about the speaker.
    Introduce,
    /// The matter is not a restaurant's.
    #[default]
    Steer,
    /// Lines were added.
    ConfirmAdded,
    /// Lines were changed.
    ConfirmChanged,
    /// Lines were taken off.
    ConfirmRemoved,
    /// The cart was emptied.
    ConfirmCleared,
    /// What is in the cart.
    TellCart,
    /// Nothing is in the cart.
    TellEmptyCart,
    /// A word fits several entries.
    AskWhich,
    /// A size or a required option is missing.
    AskOption,
    /// It is not on the menu.
    DeclineUnknown,
    /// It is on the menu and sold out.
    DeclineSoldOut,
    /// The wish breaks a rule (a quantity, a limit).
    DeclineRule,
    /// A cart ready to be placed.
    AskPlace,
    /// The order is placed.
    ConfirmPlaced,
    /// How far the order is.
    TellOrderState,
    /// There is no order yet.
    TellNoOrder,
    /// An item's price.
    TellPrice,
    /// What an item is and is made of.
    TellItem,
    /// Allergens of an item.
    TellAllergens,
    /// Nobody knows the allergens.
    TellAllergensUnknown,
    /// An allergy was noted.
    NoteAllergy,
    /// The wish conflicts with an allergy.
    WarnAllergy,
    /// A diet was noted, and what fits it.
    TellDiet,
    /// What the menu offers in a category or at all.
    TellMenu,
    /// Something to try.
    Recommend,
    /// Two items beside each other.
    Compare,
    /// A fact about the place.
    TellStore,
    /// Not known here.
    AdmitUnknown,
    /// A meal within a sum.
    TellPlan,
    /// No meal fits the sum.
    TellPlanImpossible,
    /// The budget's sum or party is missing.
    AskBudget,
    /// A complaint lacks something.
    AskComplaint,
    /// What the policy allows.
    OfferRemedy,
    /// A remedy was granted.
    ConfirmRemedy,
    /// Staff take over.
    Escalate,
    /// An apology where nothing can be offered.
    Apologise,
    /// Another thing to offer, once.
    Upsell,
    /// The words were not understood.
    AskAgain,
}

impl Act {
    /// What the model is told to do, after "Now:".
    #[must_use]
    pub const fn instruction(self) -> &'static str {
        match self {
            Self::Greet => "greet the guest and ask what they would like",
            Self::Welcome => "answer the thanks",
            Self::Farewell => "say goodbye",
            Self::Introduce => "say who you are and what you can do",
            Self::Steer => "say kindly that you only help with the restaurant",
            Self::ConfirmAdded => "confirm what was added and the total",
            Self::ConfirmChanged => "confirm the change and the total",
            Self::ConfirmRemoved => "confirm what was taken off and the total",
            Self::ConfirmCleared => "confirm that the order is empty now",
            Self::TellCart => "read the order and the total",
            Self::TellEmptyCart => "say that nothing is ordered yet",
            Self::AskWhich => "ask which one the guest means",
            Self::AskOption => "ask for the missing choice",
            Self::DeclineUnknown => "decline politely and suggest what we have",
            Self::DeclineSoldOut => "say it is sold out and suggest what we have",
            Self::DeclineRule => "say politely why that is not possible",
            Self::AskPlace => "read the order and ask whether to place it",
            Self::ConfirmPlaced => "confirm the placed order and its number",
            Self::TellOrderState => "tell how far the order is",
            Self::TellNoOrder => "say that there is no order yet",
            Self::TellPrice => "tell the price",
            Self::TellItem => "describe the dish",
            Self::TellAllergens => "tell the allergens",
            Self::TellAllergensUnknown => "say that the allergens are not known and staff must be asked",
            Self::NoteAllergy => "confirm that the allergy is noted",
            Self::WarnAllergy => "warn about the allergen and ask whether to go on",
            Self::TellDiet => "tell which dishes fit",
            Self::TellMenu => "tell what we have",
            Self::Recommend => "recommend these",
            Self::Compare => "compare the dishes",
            Self::TellStore => "answer with the fact",
            Self::AdmitUnknown => "say that you do not know and will ask",
            Self::TellPlan => "tell the plan, its total and what is left",
            Self::TellPlanImpossible => "say that it does not fit and what would",
            Self::AskBudget => "ask how much they want to spend",
            Self::AskComplaint => "apologise and ask for what is missing",
            Self::OfferRemedy => "apologise and offer exactly this remedy",
            Self::ConfirmRemedy => "confirm the remedy",
            Self::Escalate => "say that a person takes over",
            Self::Apologise => "apologise",
            Self::Upsell => "offer one more thing",
            Self::AskAgain => "say you did not understand and ask again",
        }
    }

    /// Whether the reply is spoken in the brief's own words, without the model: allergens, what is granted and the
    /// number of an order are no matter of style; the records of the place are written as sentences already; and a small
    /// model bends a refusal, an offer or a comparison too easily.
    #[must_use]
    pub const fn is_verbatim(self) -> bool {
        matches!(
            self,
            Self::TellAllergens
                | Self::TellAllergensUnknown
                | Self::NoteAllergy
                | Self::WarnAllergy
                | Self::Steer
                | Self::Upsell
                | Self::ConfirmPlaced
                | Self::OfferRemedy
                | Self::ConfirmRemedy
                | Self::Escalate
                | Self::TellStore
                | Self::TellNoOrder
                | Self::TellEmptyCart
                | Self::Compare
        )
    }

    /// Whether the reply says no to something: only then may its sentences deny what the guest named.
    #[must_use]
    pub const fn declines(self) -> bool {
        matches!(
            self,
            Self::DeclineUnknown
                | Self::DeclineSoldOut
                | Self::DeclineRule
                | Self::Steer
                | Self::TellEmptyCart
                | Self::TellNoOrder
                | Self::ConfirmCleared
                | Self::AdmitUnknown
                | Self::TellPlanImpossible
                | Self::TellAllergensUnknown
                | Self::AskAgain
                | Self::WarnAllergy
        )
    }
}

impl Brief {
    /// A brief of one step.
    #[must_use]
    pub fn new(agent: AgentName, steps: Vec<Step>) -> Self {
        Self { agent, steps }
    }

    /// All facts, each once, in order.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.steps
            .iter()
            .flat_map(|step| &step.facts)
            .scan(Vec::new(), |seen: &mut Vec<&str>, fact| {
                let new = !seen.contains(&fact.text.as_str());
                if new {
                    seen.push(&fact.text);
                }
                Some(new.then_some(fact))
            })
            .flatten()
    }

    /// All points in order.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.steps.iter().flat_map(|step| &step.points)
    }

    /// What the model is told to do: the acts' instructions, joined.
    #[must_use]
    pub fn instruction(&self) -> String {
        let mut said: Vec<&str> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            if !said.contains(&step.act.instruction()) {
                said.push(step.act.instruction());
            }
        }
        said.join("; then ")
    }

    /// Whether the reply needs no model.
    #[must_use]
    pub fn is_verbatim(&self) -> bool {
        /// A point with more names than these is a list, in which a small model loses its way.
        const MOST_NAMES: usize = 4;
        let listed = |step: &Step| step.points.iter().any(|point| point.needs.len() > MOST_NAMES);
        self.steps.iter().any(|step| step.verbatim || step.act.is_verbatim() || listed(step))
    }

    /// The reply in plain words only.
    #[must_use]
    pub fn plain(&self) -> String {
        let plain: Vec<&str> = self.points().map(|point| point.plain.as_str()).collect();
        plain.join(" ")
    }
}

impl Step {
    /// A step with an act and nothing else.
    #[must_use]
    pub fn new(act: Act) -> Self {
        Self { act, ..Self::default() }
    }

    /// Adds a fact about no item.
    #[must_use]
    pub fn fact(mut self, text: impl Into<String>) -> Self {
        self.facts.push(Fact { text: text.into(), item: None });
        self
    }

    /// Adds a fact about an item.
    #[must_use]
    pub fn item_fact(mut self, item: &ItemId, text: impl Into<String>) -> Self {
        self.facts.push(Fact { text: text.into(), item: Some(item.clone()) });
        self
    }

    /// Adds something that must be said, known by the words of `needs`.
    #[must_use]
    pub fn point(mut self, plain: impl Into<String>, needs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.points.push(Point { plain: plain.into(), needs: needs.into_iter().map(Into::into).collect() });
        self
    }

    /// Adds words for where the model says nothing.
    #[must_use]
    pub fn or_plain(self, plain: impl Into<String>) -> Self {
        self.point(plain, [] as [&str; 0])
    }

    /// Has the step spoken in its own words.
    #[must_use]
    pub fn verbatim(mut self, verbatim: bool) -> Self {
        self.verbatim |= verbatim;
        self
    }

    /// Adds where the facts come from.
    #[must_use]
    pub fn source(mut self, source: Source) -> Self {
        if !self.sources.contains(&source) {
            self.sources.push(source);
        }
        self
    }
}
