//! Receipts: text for a printer of 40 columns, data, and a page to print.

use std::fmt::Write;

use serde::Serialize;

use super::{Line, PlacedOrder, Totals, describe};
use crate::{
    menu::Menu,
    money::{Cents, Currency},
};

/// Columns of the text form.
const WIDTH: usize = 40;

/// A receipt: everything on it is as it was when the order was placed. Serialised, it is the data form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The restaurant's name.
    pub restaurant: String,
    /// The order's number of the day.
    pub number: u32,
    /// When it was placed, in the restaurant's time, as it is printed.
    pub placed: String,
    /// What was ordered.
    pub lines: Vec<ReceiptLine>,
    /// `subtotal`, `tax` and `total`.
    #[serde(flatten)]
    pub totals: Totals,
    /// The currency's code.
    pub currency: Currency,
}

/// A line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptLine {
    /// How many.
    pub quantity: u32,
    /// The item's name.
    pub name: String,
    /// Size, options and what was left out; may be empty.
    pub details: String,
    /// The price of one.
    pub unit_price: Cents,
    /// The price of the line.
    pub total: Cents,
}

impl From<&Line> for ReceiptLine {
    fn from(line: &Line) -> Self {
        Self {
            quantity: line.quantity,
            name: line.name.clone(),
            details: describe::details(line),
            unit_price: line.unit_price,
            total: line.total(),
        }
    }
}

impl Receipt {
    /// The receipt of a placed order. `placed` is the time as it is printed: the caller knows the restaurant's clock.
    #[must_use]
    pub fn of(menu: &Menu, order: &PlacedOrder, placed: &str) -> Self {
        Self {
            restaurant: menu.name.clone(),
            number: order.number,
            placed: placed.to_owned(),
            lines: order.lines.iter().map(ReceiptLine::from).collect(),
            totals: order.totals,
            currency: menu.currency.clone(),
        }
    }

    /// The text form: no line is longer than 40 characters, amounts stand at the right.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in wrap(&self.restaurant, WIDTH) {
            let indent = (WIDTH - row.chars().count()) / 2;
            _ = writeln!(text, "{:indent$}{row}", "");
        }
        row(&mut text, &format!("Order {}", self.number), &self.placed);
        rule(&mut text, '-');
        for line in &self.lines {
            row(&mut text, &format!("{} x {}", line.quantity, line.name), &line.total.to_string());
            for details in wrap(&line.details, WIDTH - 4) {
                _ = writeln!(text, "    {details}");
            }
        }
        rule(&mut text, '-');
        row(&mut text, "Subtotal", &self.totals.subtotal.to_string());
        row(&mut text, "Tax", &self.totals.tax.to_string());
        rule(&mut text, '=');
        row(&mut text, "Total", &self.currency.show(self.totals.total));
        text
    }

    /// A whole page to print, without scripts and with its style in a file of its own, `receipt.css`; every text is
    /// escaped.
    #[must_use]
    pub fn html(&self) -> String {
        let mut rows = String::new();
        for line in &self.lines {
            let (name, details) = (escape(&line.name), escape(&line.details));
            _ = writeln!(
                rows,
                "<tr><td>{} × {name}<br><small>{details}</small></td><td>{}</td></tr>",
                line.quantity,
                escape(&self.currency.show(line.total))
            );
        }
        let show = |amount| escape(&self.currency.show(amount));
        let Totals { subtotal, tax, total } = self.totals;
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Receipt {number}</title>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <link rel=\"icon\" href=\"/logo.svg\" type=\"image/svg+xml\">\n\
             <link rel=\"stylesheet\" href=\"/receipt.css\"></head>\n\
             <body><h1>{restaurant}</h1><p>Order {number}, {placed}</p>\n<table><tbody>\n{rows}</tbody>\n<tfoot>\
             <tr><td>Subtotal</td><td>{subtotal}</td></tr>\n<tr><td>Tax</td><td>{tax}</td></tr>\n\
             <tr><td><b>Total</b></td><td><b>{total}</b></td></tr></tfoot></table></body></html>\n",
            number = self.number,
            restaurant = escape(&self.restaurant),
            placed = escape(&self.placed),
            subtotal = show(subtotal),
            tax = show(tax),
            total = show(total),
        )
    }
}

fn rule(text: &mut String, sign: char) {
    text.extend(std::iter::repeat_n(sign, WIDTH));
    text.push('\n');
}

/// Writes words at the left and an amount at the right of the last row that they need.
fn row(text: &mut String, words: &str, amount: &str) {
    let amount: String = amount.chars().take(WIDTH / 2).collect();
    let room = WIDTH - amount.chars().count() - 1;
    let rows = wrap(words, room);
    for (at, words) in rows.iter().enumerate() {
        if at + 1 == rows.len() {
            _ = writeln!(text, "{words:<room$} {amount}");
        } else {
            _ = writeln!(text, "{words}");
        }
    }
}

/// Breaks a text between words, and within those that are longer than a row.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut free = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(width) {
            match rows.last_mut() {
                Some(row) if piece.len() < free => {
                    row.push(' ');
                    row.extend(piece);
                    free -= piece.len() + 1;
                }
                _ => {
                    rows.push(piece.iter().collect());
                    free = width - piece.len();
                }
            }
        }
    }
    rows
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
