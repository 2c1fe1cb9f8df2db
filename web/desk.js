// The desk: conversations which need a person. Staff read them, take them over, answer, and hand them back; while a
// person has a conversation the agents are silent in it, and the guest sees who is there.
//
// What the server answers with:
//   GET /desk/tickets       {tickets: [ticket]}, ticket = {id, title, kind, state: "open"|"with_staff", opened_at,
//                           changed_at, order_number, holder}
//   GET /desk/tickets/{id}  {ticket, messages: [{role: "guest"|"rosy"|"gordon"|"staff", name?, text, at}],
//                           orders: [{number, state, total, currency, receipt_url}]}
//   /desk/events            a `ticket` event names a ticket that has something new.

import { byId, el, list } from "./dom.js";
import { clock, humane, money } from "./format.js";
import { frame, probe, signedOut, signIn, trouble } from "./staff.js";
import { listen, request } from "./stream.js";

const NAMES = { guest: "Guest", rosy: "Rosy", gordon: "Gordon", staff: "Team" };

frame("Desk", "Kitchen");

/** The ticket that is read; null before one is chosen. */
let chosen = null;
/** The thread as it stands on the page, to leave it alone while nothing changed. */
let shown = "";
/** Tickets with something new since they were read last. */
const news = new Set();

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
  byId("line").textContent = `${tickets.filter((ticket) => !ticket.holder).length} without a person`;
  byId("tickets").replaceChildren(...tickets.map(ticketButton));
  if (focused) document.querySelector(`[data-ticket="${CSS.escape(focused)}"]`)?.focus();
  if (chosen !== null) await show();
}

function ticketButton(ticket) {
  const about = [
    ticket.holder ? `with ${ticket.holder}` : ticket.state === "with_staff" ? "asks for a person" : "with Gordon",
    clock(ticket.changed_at),
    ticket.order_number ? `order #${ticket.order_number}` : "",
  ];
  const unread = news.has(ticket.id) && ticket.id !== chosen;
  return el("li", {}, el("button", {
    type: "button",
    class: `case ${ticket.holder ? "held" : ticket.state}${unread ? " news" : ""}`,
    "data-ticket": ticket.id,
    "aria-current": ticket.id === chosen ? "true" : null,
    on: { click: () => choose(ticket.id) },
  },
  el("b", { text: humane(ticket.title) }),
  el("span", { text: about.filter(Boolean).join(" · ") }),
  unread ? el("span", { class: "sr", text: "New message" }) : null));
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
  news.delete(id);
  const state = JSON.stringify(answer);
  if (state === shown) return;
  const first = shown === "";
  shown = state;
  const { ticket } = answer;
  const open = ticket.state !== "closed";
  byId("thread").hidden = false;
  byId("subject").textContent = humane(ticket.title);
  byId("take").hidden = !open || Boolean(ticket.holder);
  byId("hand-back").hidden = !open || !ticket.holder;
  byId("close").hidden = !open;
  byId("answer").hidden = !open;
  byId("holder").classList.toggle("mine", Boolean(ticket.holder));
  byId("holder").textContent = !open ? "This case is closed. The agents answer the guest." : ticket.holder
    ? `${ticket.holder} has this conversation. The agents are silent.`
    : "The agents still answer. Your first answer takes the conversation over.";
  byId("orders").replaceChildren(...list(answer.orders).map((order) =>
    el("li", {}, el("a", { href: order.receipt_url, target: "_blank", text: `Order #${order.number}` }), ` · ${humane(order.state)} · ${money(order.total, order.currency)}`)));
  const messages = list(answer.messages);
  byId("log").replaceChildren(...messages.map(said));
  byId("log").scrollTop = byId("log").scrollHeight;
  const last = messages.at(-1);
  if (!first && last?.role === "guest") byId("spoken").textContent = `The guest says: ${last.text}`;
}

function said(message) {
  const role = Object.hasOwn(NAMES, message.role) ? message.role : "staff";
  return el("article", { class: `said from-${role}` },
    el("p", { class: "who" }, el("b", { text: message.name ?? NAMES[role] }), " ", el("time", { datetime: message.at, text: clock(message.at) })),
    el("p", { class: "bubble text", text: String(message.text ?? "") }));
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
for (const step of ["take", "hand-back", "close"]) {
  byId(step).addEventListener("click", async () => {
    if (!(await attempt(() => request("POST", url(chosen, `/${step}`), {})))) return;
    await refresh();
    (step === "close" ? byId("log") : byId("text")).focus();
  });
}

/** Reads the tickets, and again whenever the server tells of something new. */
async function watch() {
  await refresh();
  for (;;) {
    const { status } = await probe("/desk/events");
    if (status === 200) break;
    if (status === 401) await attempt(() => request("GET", "/desk/tickets"));
    else await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  listen("/desk/events", {
    ticket: ({ id }) => {
      news.add(id);
      refresh();
    },
    // Whatever happened while the line was down is read when it is back.
    waiting: (down) => { if (!down) refresh(); },
    closed: watch,
  });
}

watch();
