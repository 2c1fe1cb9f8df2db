//! From the restaurant's own types to those of the wire.

use concierge::{
    ledger::{CartView, OrderState, PlacedOrder},
    menu::Menu,
    money::Cents,
    planner,
    tools::Used,
};
use store::{Message, Speaker};

use super::clock::rfc3339;
use crate::brain::wire;

/// The cart as the page shows it.
pub fn cart(view: &CartView) -> wire::Cart {
    let notes = view
        .allergies
        .iter()
        .map(|allergen| format!("Allergy: {allergen}"))
        .chain(view.diets.iter().map(|diet| format!("Diet: {diet}")));
    wire::Cart {
        lines: view
            .lines
            .iter()
            .map(|line| wire::CartLine {
                item: line.item.as_ref().map(ToString::to_string).unwrap_or_default(),
                name: line.name.clone(),
                quantity: line.quantity,
                size: None,
                options: line.details.split(", ").filter(|detail| !detail.is_empty()).map(str::to_owned).collect(),
                unit_price: line.unit_price,
                total: line.total,
                warnings: line.warnings.iter().chain(&line.questions).cloned().collect(),
            })
            .collect(),
        subtotal: view.totals.subtotal,
        tax: view.totals.tax,
        total: view.totals.total,
        currency: view.currency.code().to_owned(),
        notes: notes.collect(),
    }
}

/// A tool as it was used.
pub fn tool(used: &Used) -> wire::ToolUse {
    wire::ToolUse { name: used.name.as_str().to_owned(), arguments: used.arguments.clone(), ok: used.ok, ms: used.ms }
}

/// A meal within a sum.
pub fn plan(menu: &Menu, plan: &planner::Plan) -> wire::Plan {
    wire::Plan {
        lines: plan_lines(&plan.lines),
        total: plan.total,
        left: plan.left.unwrap_or(Cents::ZERO),
        limit: plan.limit,
        currency: menu.currency.code().to_owned(),
        why: Some(plan.why.clone()),
        next_dollar: plan.next_dollar.clone(),
        alternatives: plan
            .alternatives
            .iter()
            .map(|other| wire::Alternative { lines: plan_lines(&other.lines), total: other.total })
            .collect(),
    }
}

fn plan_lines(lines: &[planner::PlanLine]) -> Vec<wire::PlanLine> {
    lines
        .iter()
        .map(|line| wire::PlanLine {
            item: line.order.item.one().map(ToString::to_string).unwrap_or_default(),
            name: line.name.clone(),
            quantity: line.order.quantity,
            price: line.price,
        })
        .collect()
}

/// An order just placed.
pub fn placed(menu: &Menu, order: &PlacedOrder) -> wire::OrderNews {
    news(menu, order.id.0, order.number, OrderState::Received, order.totals.total)
}

/// An order as stored.
pub fn order(menu: &Menu, order: &store::Order) -> wire::OrderNews {
    news(menu, order.id.0, order.number, order.state, order.totals.total)
}

fn news(menu: &Menu, id: i64, number: u32, state: OrderState, total: Cents) -> wire::OrderNews {
    wire::OrderNews {
        order_id: id.to_string(),
        number,
        state: state.as_str().to_owned(),
        total,
        currency: menu.currency.code().to_owned(),
        receipt_url: format!("/orders/{id}/receipt"),
    }
}

/// A message as the page shows it.
pub fn message(message: &Message) -> wire::PastMessage {
    wire::PastMessage {
        role: match message.role {
            Speaker::Guest => wire::Speaker::Guest,
            Speaker::Rosy => wire::Speaker::Rosy,
            Speaker::Gordon => wire::Speaker::Gordon,
            Speaker::Staff => wire::Speaker::Staff,
        },
        name: message.author.clone(),
        text: message.text.clone(),
        at: rfc3339(message.at),
        turn_id: Some(message.turn.clone()),
    }
}
