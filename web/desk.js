// The desk: conversations which Gordon handed over to a person. Staff read them and answer; the guest sees the answer
// in the chat.
//
// What the server answers with:
//   GET /desk/tickets       {tickets: [ticket]}, ticket = {id, subject, state: "open"|"closed", opened_at, updated_at,
//                           order_number?}
//   GET /desk/tickets/{id}  {ticket, messages: [{role: "guest"|"rosy"|"gordon"|"staff", text, at}],
//                           orders: [{number, state, total, currency}]}
//   /desk/events            a `ticket` event (any data) says that something changed; without it the desk asks
//                           every few seconds.

import { byId, el, list } from "./dom.js";
import { clock, humane, money } from "./format.js";
import { probe, signedOut, signIn, trouble } from "./staff.js";
import { listen, request } from "./stream.js";

/** Milliseconds between two looks where the server doesn't tell of changes by itself. */
const LOOK = 4000;

const NAMES = { guest: "Guest", rosy: "Rosy", gordon: "Gordon", staff: "You and the team" };

let chosen = null;
/** The thread as it stands on the page, to leave it alone while nothing changed. */
let shown = "";

const url = (id, what = "") => `/desk/tickets/${encodeURIComponent(id)}${what}`;

/** Does something with the server; signs in first where that is asked for. `undefined` when it failed. */
async function attempt(action) {
  for (;;) {
    try {
      const result = await action();
      trouble("");
      byId("desk").hidden = false;
      return result;
    } catch (error) {
      if (!signedOut(error)) {
        trouble(error.message);
        return undefined;
      }
      byId("desk").hidden = true;
      await signIn();
    }
  }
}

async function refresh() {
  const answer = await attempt(() => request("GET", "/desk/tickets"));
  if (!answer) return;
  const tickets = list(answer.tickets);
  const focused = document.activeElement?.closest("[data-ticket]")?.dataset.ticket;
  byId("none").hidden = tickets.length > 0;
  byId("choose").hidden = tickets.length === 0 || chosen !== null;
  byId("line").textContent = `${tickets.filter((ticket) => ticket.state === "open").length} open`;
  byId("tickets").replaceChildren(...tickets.map((ticket) =>
    el("li", {}, el("button", { type: "button", class: `case ${ticket.state}`, "data-ticket": ticket.id, "aria-current": ticket.id === chosen ? "true" : null, on: { click: () => choose(ticket.id) } },
      el("b", { text: String(ticket.subject ?? "Conversation") }),
      el("span", { text: [humane(ticket.state), clock(ticket.updated_at ?? ticket.opened_at), ticket.order_number ? `order #${ticket.order_number}` : ""].filter(Boolean).join(" · ") })))));
  if (focused) [...document.querySelectorAll("[data-ticket]")].find((node) => node.dataset.ticket === focused)?.focus();
  if (chosen !== null) await show();
}

async function choose(id) {
  chosen = id;
  shown = "";
  await refresh();
  byId("text").focus();
}

async function show() {
  const id = chosen;
  const answer = await attempt(() => request("GET", url(id)));
  if (!answer || id !== chosen) return;
  const state = JSON.stringify(answer);
  if (state === shown) return;
  shown = state;
  const open = answer.ticket?.state !== "closed";
  byId("thread").hidden = false;
  byId("subject").textContent = answer.ticket?.subject ?? "Conversation";
  byId("close").hidden = !open;
  byId("answer").hidden = !open;
  byId("orders").replaceChildren(...list(answer.orders).map((order) =>
    el("li", { text: `Order #${order.number} · ${humane(order.state)} · ${money(order.total, order.currency)}` })));
  byId("log").replaceChildren(...list(answer.messages).map((message) =>
    el("article", { class: `said from-${Object.hasOwn(NAMES, message.role) ? message.role : "staff"}` },
      el("p", { class: "who" }, el("b", { text: NAMES[message.role] ?? humane(message.role) }), " ", el("time", { datetime: message.at, text: clock(message.at) })),
      el("p", { class: "bubble text", text: String(message.text ?? "") }))));
  byId("log").scrollTop = byId("log").scrollHeight;
}

byId("answer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("text");
  const text = field.value.trim();
  if (text === "" || chosen === null) return;
  const id = chosen;
  const sent = await attempt(() => request("POST", url(id, "/reply"), { text }));
  if (sent && field.value.trim() === text) field.value = "";
  field.focus();
  await refresh();
});
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("answer").requestSubmit();
  }
});
byId("close").addEventListener("click", async () => {
  if (await attempt(() => request("POST", url(chosen, "/close"), {}))) await refresh();
});

/** Hears of changes where the server tells them, and asks now and then where it doesn't. */
async function watch() {
  await refresh();
  const ask = () => setTimeout(async () => {
    if (!document.hidden) await refresh();
    ask();
  }, LOOK);
  const { status } = await probe("/desk/events");
  if (status === 200) listen("/desk/events", { ticket: refresh, closed: ask });
  else ask();
}

watch();
