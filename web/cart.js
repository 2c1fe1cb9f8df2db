// The guest's order on the page: cart, plan and the state of what was placed. All figures come from the server; the
// page adds nothing up.

import { byId, el, list } from "./dom.js";
import { humane, isZero, money, plural } from "./format.js";

let currency = "USD";

/** What stands behind the item's name: its size and options. */
const manner = (line) => [line.size, ...list(line.options)].filter(Boolean).map(String).join(", ");

const row = (label, amount, className) =>
  el("div", { class: className }, el("dt", { text: label }), el("dd", { text: money(amount, currency) }));

/** The name as one says it in a sentence: "cancel the Classic", not "the The Classic". */
const spoken = (name) => String(name ?? "").replace(/^the\s+/i, "");

/**
 * Shows the cart. `say(text)` sends a message in the guest's name: the buttons ask in words, because the
 * conversation is the one place where an order changes.
 */
export function showCart(data, say) {
  if (data.currency) currency = String(data.currency);
  const lines = list(data.lines);
  const count = lines.reduce((sum, line) => sum + (Number(line.quantity) || 0), 0);
  const box = byId("cart");
  const focused = box.contains(document.activeElement);
  box.replaceChildren(el("h2", { text: "Your order" }));
  box.classList.toggle("bare", lines.length === 0);
  if (lines.length === 0) {
    box.append(el("p", { class: "empty", text: "Nothing here yet. Tell Rosy what you’d like, and it appears here." }));
  } else {
    box.append(
      el("ul", { class: "lines" }, lines.map((line) => cartLine(line, say))),
      el("dl", { class: "sums" },
        row("Subtotal", data.subtotal),
        isZero(data.tax) ? null : row("Tax", data.tax),
        row("Total", data.total, "total")),
      el("button", { type: "button", class: "primary wide", text: "Place order", on: { click: () => say("That’s all, please place my order.") } }));
  }
  if (focused) (box.querySelector("button") ?? byId("message")).focus();
  showCount(count, data.total);
  showNotes(list(data.notes));
  return count === 0 ? "Your order is empty." : `Your order: ${plural(count, "item")}, ${money(data.total, currency)}.`;
}

function cartLine(line, say) {
  const name = String(line.name ?? line.item ?? "");
  const details = manner(line);
  return el("li", {},
    el("span", { class: "qty" }, `${line.quantity}`, el("span", { "aria-hidden": "true", text: " ×" }), el("span", { class: "sr", text: " times" })),
    el("div", { class: "what" },
      el("b", { text: name }),
      details ? el("span", { class: "manner", text: details }) : null,
      list(line.warnings).map((warning) => el("span", { class: "warning" }, el("b", { text: "Careful: " }), String(warning)))),
    el("span", { class: "price", text: money(line.total, currency) }),
    el("button", { type: "button", class: "remove", "aria-label": `Remove ${name}`, title: "Remove", text: "×", on: { click: () => say(`Remove the ${spoken(name)}`) } }));
}

function showCount(count, total) {
  const badge = byId("cart-count");
  badge.hidden = count === 0;
  badge.textContent = count === 0 ? "" : String(count);
  byId("cart-toggle").setAttribute("aria-label", count === 0 ? "Your order, empty" : `Your order, ${plural(count, "item")}, ${money(total, currency)}`);
}

/** What holds for the whole visit, such as an allergy: always in sight. */
function showNotes(notes) {
  const box = byId("notes");
  box.hidden = notes.length === 0;
  box.replaceChildren(...notes.map((note) => el("li", {}, el("span", { class: "sign", "aria-hidden": "true", text: "!" }), String(note))));
}

const planLines = (lines) => el("ul", { class: "lines" }, list(lines).map((line) =>
  el("li", {},
    el("span", { class: "qty" }, `${line.quantity}`, el("span", { "aria-hidden": "true", text: " ×" })),
    el("span", { class: "what", text: String(line.name ?? line.item ?? "") }),
    el("span", { class: "price", text: money(line.price, currency) }))));

/** An order in words, for the button that takes an alternative. */
const inWords = (lines) => `I’ll have ${list(lines).map((line) => `${line.quantity} ${spoken(line.name ?? line.item)}`).join(", ")}`;

/** A plan for a budget, as a card over the words about it. */
export function planCard(plan, say) {
  const unit = plan.currency ? String(plan.currency) : currency;
  const lines = list(plan.lines);
  const limit = money(plan.limit, unit);
  const card = el("section", { class: "plan", "aria-label": "A plan for your budget" },
    el("header", {},
      el("h3", { text: limit ? `For ${limit}` : "A plan for you" }),
      el("p", { class: "total" }, money(plan.total, unit), isZero(plan.left) ? null : el("span", { text: ` ${money(plan.left, unit)} left` }))));
  if (lines.length > 0) {
    card.append(planLines(lines),
      el("button", { type: "button", class: "primary", text: "Add it to my order", on: { click: () => say("Add it") } }));
  }
  for (const [label, text] of [["Why this", plan.why], ["With a little more", plan.next_dollar]]) {
    const words = Array.isArray(text) ? text.join(" ") : text;
    if (typeof words === "string" && words !== "") card.append(el("p", { class: "why" }, el("b", { text: `${label}: ` }), words));
  }
  const others = list(plan.alternatives);
  if (others.length > 0) {
    card.append(el("details", {},
      el("summary", { text: plural(others.length, "other idea") }),
      others.map((other) => el("div", { class: "other" }, planLines(other.lines),
        el("p", { class: "total" }, money(other.total, unit),
          el("button", { type: "button", class: "quiet", text: "Take this one", on: { click: () => say(inWords(other.lines)) } }))))));
  }
  return card;
}

const STATES = ["received", "preparing", "ready", "served"];
const STATE_WORDS = {
  received: "The kitchen has your order.",
  preparing: "The kitchen is preparing your order.",
  ready: "Your order is ready. Enjoy!",
  served: "Served. Thank you!",
  cancelled: "Your order is cancelled. Nothing is made and nothing is to be paid.",
};

const stateWords = (state) => STATE_WORDS[state] ?? humane(state);
const finished = (state) => state === "served" || state === "cancelled";

/** The orders of this visit by their ids, as they were told last. */
const placed = new Map();

/** Shows how far a placed order is, and answers with the sentence to say about it. */
export function showOrder(order) {
  const state = String(order.state ?? "received").toLowerCase();
  const number = `#${order.number ?? order.order_id ?? ""}`;
  placed.set(String(order.order_id ?? number), { ...order, state, number });
  // Newest first; of those that are finished, only the newest of all.
  const shown = [...placed.values()].reverse().filter((other, i) => i === 0 || !finished(other.state));
  const chip = byId("order-chip");
  chip.hidden = false;
  chip.dataset.state = shown[0].state;
  chip.replaceChildren(el("span", { class: "long", text: "Order " }), `${shown[0].number} `, el("b", { text: humane(shown[0].state) }));
  const box = byId("status");
  box.hidden = false;
  box.replaceChildren(...shown.map(orderCard));
  return `Order ${number}: ${stateWords(state)}`;
}

function orderCard({ number, state, total, currency: unit, receipt_url: receipt }) {
  const step = STATES.indexOf(state);
  const card = el("article", { "data-state": state },
    el("h2", {}, `Order ${number}`, total ? el("span", { text: money(total, unit ?? currency) }) : null),
    step < 0 ? null : el("ol", { class: "steps" }, STATES.map((name, i) =>
      el("li", { class: i < step ? "past" : i === step ? "now" : null, "aria-current": i === step ? "step" : null, text: humane(name) }))),
    el("p", { text: stateWords(state) }));
  // Only a path on this server may become a link.
  if (/^\/\w/.test(String(receipt ?? ""))) card.append(el("a", { href: receipt, target: "_blank", text: "Receipt to print", "aria-label": `Receipt of order ${number}` }));
  return card;
}
