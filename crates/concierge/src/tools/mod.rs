//! The tools: one declaration of each, from which come the calls of the local model, those of other programs, and
//! the log.
//!
//! A tool is a Rust type for its arguments ([`args`]); its JSON schema is derived from that type, and what only the
//! menu knows (which items, diets, allergens there are) is filled in by [`Tools::new`]. From the same schema come the
//! check of every call ([`Tools::parse`]) and the grammar under which the model writes one ([`Tools::grammar`]), so
//! that what the grammar allows is what the check accepts. Calls are carried out by [`crate::turn::call`], with the
//! functions that answer guests.

pub mod args;
mod functions;
mod grammar;
pub(crate) mod schema;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{intent::AgentName, menu::Menu, planner};
pub use functions::{Choice, Function, Functions, opening};

use args::{
    AddToCart, CheckAllergens, ItemDetails, OfferRemedy, OpenTicket, OrderStatus, PlaceOrder, RemoveFromCart,
    SearchMenu, StoreFacts, ViewCart,
};

/// The tools by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolName {
    /// Finds dishes.
    SearchMenu,
    /// Tells one dish.
    ItemDetails,
    /// Plans the best meal within a sum.
    RecommendMenuByBudget,
    /// Reads the order so far.
    ViewCart,
    /// Puts a dish on the order.
    AddToCart,
    /// Takes a dish off.
    RemoveFromCart,
    /// Places the order.
    PlaceOrder,
    /// How far placed orders are.
    OrderStatus,
    /// Answers about the place.
    StoreInfo,
    /// Which dishes list an allergen.
    CheckAllergens,
    /// Opens a ticket for the staff.
    OpenTicket,
    /// What the policy allows after a complaint.
    OfferRemedy,
}

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Reads what anybody may know.
    Public,
    /// Reads one guest's session.
    Session,
    /// Changes one guest's session.
    Changes,
}

/// A call: a tool and its arguments, typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tool", content = "arguments", rename_all = "snake_case")]
pub enum Call {
    /// See [`ToolName::SearchMenu`].
    SearchMenu(SearchMenu),
    /// See [`ToolName::ItemDetails`].
    ItemDetails(ItemDetails),
    /// See [`ToolName::RecommendMenuByBudget`].
    RecommendMenuByBudget(planner::Request),
    /// See [`ToolName::ViewCart`].
    ViewCart(ViewCart),
    /// See [`ToolName::AddToCart`].
    AddToCart(AddToCart),
    /// See [`ToolName::RemoveFromCart`].
    RemoveFromCart(RemoveFromCart),
    /// See [`ToolName::PlaceOrder`].
    PlaceOrder(PlaceOrder),
    /// See [`ToolName::OrderStatus`].
    OrderStatus(OrderStatus),
    /// See [`ToolName::StoreInfo`].
    StoreInfo(StoreFacts),
    /// See [`ToolName::CheckAllergens`].
    CheckAllergens(CheckAllergens),
    /// See [`ToolName::OpenTicket`].
    OpenTicket(OpenTicket),
    /// See [`ToolName::OfferRemedy`].
    OfferRemedy(OfferRemedy),
}

/// A call as it went, for the event stream and the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Used {
    /// Which tool.
    pub name: ToolName,
    /// What it was asked; for the guest whose turn it is, not for the log.
    pub arguments: Value,
    /// Whether it answered.
    pub ok: bool,
    /// When it began, by the turn's stopwatch, in milliseconds.
    #[serde(skip)]
    pub at_ms: f64,
    /// How long it took.
    pub ms: f64,
}

/// Why a call is not carried out, or gives nothing. The words are for whoever called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// No tool has this name.
    #[error("there is no tool \"{0}\"; {list} are there", list = names())]
    Unknown(String),
    /// The arguments are not as the schema wants them.
    #[error("{0}")]
    Arguments(String),
    /// The tool looked, and cannot do or find it.
    #[error("{0}")]
    Refused(String),
    /// Something that the tool needs does not work.
    #[error("{0}")]
    Failed(String),
}

fn names() -> String {
    ToolName::ALL.map(ToolName::as_str).join(", ")
}

impl ToolName {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::SearchMenu,
        Self::ItemDetails,
        Self::RecommendMenuByBudget,
        Self::ViewCart,
        Self::AddToCart,
        Self::RemoveFromCart,
        Self::PlaceOrder,
        Self::OrderStatus,
        Self::StoreInfo,
        Self::CheckAllergens,
        Self::OpenTicket,
        Self::OfferRemedy,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SearchMenu => "search_menu",
            Self::ItemDetails => "item_details",
            Self::RecommendMenuByBudget => "recommend_menu_by_budget",
            Self::ViewCart => "view_cart",
            Self::AddToCart => "add_to_cart",
            Self::RemoveFromCart => "remove_from_cart",
            Self::PlaceOrder => "place_order",
            Self::OrderStatus => "order_status",
            Self::StoreInfo => "store_info",
            Self::CheckAllergens => "check_allergens",
            Self::OpenTicket => "open_ticket",
            Self::OfferRemedy => "offer_remedy",
        }
    }

    /// The tool of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }

    /// What it does, for a model or a person that chooses a tool.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::SearchMenu => "Find dishes and drinks by words, category, diet, allergens to avoid or price.",
            Self::ItemDetails => "Everything about one item: price, sizes, options, what is in it, allergens, diets.",
            Self::RecommendMenuByBudget => {
                "The best meal within a sum of money, exactly: for a party, with diets, allergens, wishes and limits. \
                 Use it for every question about what a sum buys; never add prices up yourself."
            }
            Self::ViewCart => "The guest's order so far, with its total.",
            Self::AddToCart => "Put an item on the guest's order.",
            Self::RemoveFromCart => "Take an item off the guest's order, or everything.",
            Self::PlaceOrder => "Send the guest's order to the kitchen. Only after the guest has said yes.",
            Self::OrderStatus => "How far the guest's placed orders are.",
            Self::StoreInfo => "Facts about the place: hours, address, Wi-Fi, payment, rules.",
            Self::CheckAllergens => "The allergens of an item, or the items that do not list some allergens.",
            Self::OpenTicket => "Open a ticket so that a person of the staff looks at a complaint.",
            Self::OfferRemedy => "What may be offered to the guest after a complaint, by the written policy.",
        }
    }

    /// What it does to the world.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::SearchMenu
            | Self::ItemDetails
            | Self::RecommendMenuByBudget
            | Self::StoreInfo
            | Self::CheckAllergens => Effect::Public,
            Self::ViewCart | Self::OrderStatus => Effect::Session,
            Self::AddToCart | Self::RemoveFromCart | Self::PlaceOrder | Self::OpenTicket | Self::OfferRemedy => {
                Effect::Changes
            }
        }
    }

    /// Whether a model that calls it by its own will must ask the guest first. An offer of what the policy allows is a
    /// question already.
    #[must_use]
    pub fn asks_first(self) -> bool {
        self.effect() == Effect::Changes && self != Self::OfferRemedy
    }

    /// Who of the staff may call it: complaints are the manager's, orders the clerk's.
    #[must_use]
    pub const fn is_for(self, agent: AgentName) -> bool {
        match self {
            Self::OpenTicket | Self::OfferRemedy => matches!(agent, AgentName::Gordon),
            Self::AddToCart | Self::RemoveFromCart | Self::PlaceOrder | Self::RecommendMenuByBudget => {
                matches!(agent, AgentName::Rosy)
            }
            _ => true,
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::SearchMenu => schema::of::<SearchMenu>(),
            Self::ItemDetails => schema::of::<ItemDetails>(),
            Self::RecommendMenuByBudget => schema::of::<planner::Request>(),
            Self::ViewCart => schema::of::<ViewCart>(),
            Self::AddToCart => schema::of::<AddToCart>(),
            Self::RemoveFromCart => schema::of::<RemoveFromCart>(),
            Self::PlaceOrder => schema::of::<PlaceOrder>(),
            Self::OrderStatus => schema::of::<OrderStatus>(),
            Self::StoreInfo => schema::of::<StoreFacts>(),
            Self::CheckAllergens => schema::of::<CheckAllergens>(),
            Self::OpenTicket => schema::of::<OpenTicket>(),
            Self::OfferRemedy => schema::of::<OfferRemedy>(),
        }
    }
}

impl Call {
    /// Which tool it calls.
    #[must_use]
    pub const fn name(&self) -> ToolName {
        match self {
            Self::SearchMenu(_) => ToolName::SearchMenu,
            Self::ItemDetails(_) => ToolName::ItemDetails,
            Self::RecommendMenuByBudget(_) => ToolName::RecommendMenuByBudget,
            Self::ViewCart(_) => ToolName::ViewCart,
            Self::AddToCart(_) => ToolName::AddToCart,
            Self::RemoveFromCart(_) => ToolName::RemoveFromCart,
            Self::PlaceOrder(_) => ToolName::PlaceOrder,
            Self::OrderStatus(_) => ToolName::OrderStatus,
            Self::StoreInfo(_) => ToolName::StoreInfo,
            Self::CheckAllergens(_) => ToolName::CheckAllergens,
            Self::OpenTicket(_) => ToolName::OpenTicket,
            Self::OfferRemedy(_) => ToolName::OfferRemedy,
        }
    }

    /// The arguments as JSON, without those that say nothing.
    #[must_use]
    pub fn arguments(&self) -> Value {
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        let mut arguments = whole.get_mut("arguments").map(Value::take).unwrap_or_else(|| json!({}));
        if let Some(fields) = arguments.as_object_mut() {
            fields.retain(|_, value| !is_silent(value));
        }
        arguments
    }
}

/// Whether a value says nothing: absent, empty, zero or no.
fn is_silent(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(entries) => entries.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        _ => false,
    }
}

/// A tool as it is declared to models and programs.
#[derive(Clone, Debug, Serialize)]
pub struct Declared {
    /// Its name.
    pub name: ToolName,
    /// What it does.
    pub description: &'static str,
    /// The JSON schema of its arguments, with the menu's own items, diets and so on.
    pub schema: Value,
    /// What it does to the world.
    pub effect: Effect,
}

/// The tools of one restaurant.
#[derive(Clone, Debug)]
pub struct Tools {
    declared: Vec<Declared>,
}

/// The longest arguments that are read, in bytes of JSON.
pub const MAX_ARGUMENTS: usize = 16 << 10;

impl Tools {
    /// The tools over a menu.
    #[must_use]
    pub fn new(menu: &Menu) -> Self {
        let declared = ToolName::ALL.map(|name| Declared {
            name,
            description: name.description(),
            schema: schema::with_menu(name.schema(), menu),
            effect: name.effect(),
        });
        Self { declared: declared.into() }
    }

    /// All declarations.
    #[must_use]
    pub fn all(&self) -> &[Declared] {
        &self.declared
    }

    /// Reads a call from outside: name and arguments are checked against the declaration.
    ///
    /// # Errors
    /// Names the argument that is wrong, and what it may be.
    pub fn parse(&self, name: &str, arguments: &Value) -> Result<Call, ToolError> {
        let tool = ToolName::parse(name).ok_or_else(|| ToolError::Unknown(name.chars().take(40).collect()))?;
        let declared = &self.declared[tool as usize];
        schema::check(&declared.schema, arguments, "arguments").map_err(ToolError::Arguments)?;
        serde_json::from_value(json!({"tool": tool, "arguments": arguments}))
            .map_err(|error| ToolError::Arguments(error.to_string()))
    }

    /// Reads a call as the model writes it: `{"tool": …, "arguments": …}`; `none` is no call.
    ///
    /// # Errors
    /// As for [`Tools::parse`].
    pub fn read(&self, text: &str) -> Result<Option<Call>, ToolError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            tool: String,
            #[serde(default)]
            arguments: Value,
        }
        if text.len() > MAX_ARGUMENTS {
            return Err(ToolError::Arguments("the call is too long".to_owned()));
        }
        let written: Written =
            serde_json::from_str(text.trim()).map_err(|error| ToolError::Arguments(error.to_string()))?;
        if written.tool == NONE {
            return Ok(None);
        }
        self.parse(&written.tool, &written.arguments).map(Some)
    }

    /// The GBNF grammar of one call by an agent, or of none.
    #[must_use]
    pub fn grammar(&self, agent: AgentName) -> String {
        let tools = self.declared.iter().filter(|tool| tool.name.is_for(agent));
        grammar::of_call(tools.map(|tool| (tool.name.as_str(), &tool.schema)), NONE)
    }
}

impl Tools {
    /// The tools of an agent as functions, for models elsewhere.
    #[must_use]
    pub fn functions(&self, agent: AgentName) -> Functions {
        let tools = self.declared.iter().filter(|tool| tool.name.is_for(agent));
        let function = |tool: &Declared| Function {
            name: tool.name.as_str().to_owned(),
            description: tool.description.to_owned(),
            parameters: tool.schema.clone(),
        };
        Functions { list: tools.map(function).collect(), choice: Choice::Auto }
    }
}

/// What the model writes where it wants no tool.
pub const NONE: &str = "none";

#[cfg(test)]
mod tests;
