// The kitchen's board: placed orders by state, moved on by the staff. The server is the only one who knows; a button
// asks it, and what it answers over the stream is what the board shows.

import { byId, el, list } from "./dom.js";
import { duration, humane } from "./format.js";
import { frame, probe, signedOut, signIn, trouble } from "./staff.js";
import { listen, request } from "./stream.js";

const STATES = ["received", "preparing", "ready", "served"];
/** What the button of an order in this state says; it moves the order to the next state. */
const MOVES = { received: "Start", preparing: "Ready", ready: "Served" };
/** How many served orders stay in sight. */
const SERVED_SHOWN = 12;
/** Minutes after which an order that isn't served is getting late, and is late. */
const LATE = [8, 15];

const soundButton = el("button", { type: "button", class: "quiet", id: "sound", "aria-pressed": "false", text: "Sound off" });
frame("Kitchen", "Desk", soundButton);

const board = byId("board");
const orders = new Map();
const tickets = new Map();
let ahead = 0;
let sound = false;
let audio = null;

const columns = new Map(STATES.map((state) => {
  const count = el("span", { class: "count", text: "0" });
  const box = el("div", { class: "column-body" });
  const head = `column-${state}`;
  board.append(el("section", { class: `column ${state}`, "aria-labelledby": head }, el("h2", { id: head }, humane(state), " ", count), box));
  return [state, { box, count }];
}));

// ---- Tickets ------------------------------------------------------------------------------------------------------

function ticket(order) {
  const next = STATES[STATES.indexOf(order.state) + 1];
  const allergens = list(order.allergens);
  const node = el("article", { class: `ticket${allergens.length > 0 ? " allergy" : ""}`, "data-id": order.order_id, "aria-label": `Order ${order.number}` },
    el("header", {}, el("h3", { text: `#${order.number}` }),
      el("a", { class: "receipt", href: `/kitchen/orders/${encodeURIComponent(order.order_id)}/receipt`, target: "_blank", text: "Receipt", "aria-label": `Receipt of order ${order.number}` }),
      el("time", { class: "age", datetime: order.placed_at })),
    allergens.length > 0
      ? el("p", { class: "allergens" }, el("span", { class: "sign", "aria-hidden": "true", text: "!" }), el("b", { text: "ALLERGY" }), ` ${allergens.join(", ")}`)
      : null,
    el("ul", {}, list(order.lines).map((line) =>
      el("li", {},
        el("b", { class: "qty", text: `${line.quantity}×` }),
        el("div", {},
          el("b", { text: [line.size, line.name].filter(Boolean).join(" ") }),
          list(line.options).map((option) => el("span", { class: "with", text: `+ ${option}` })),
          list(line.without).map((option) => el("span", { class: "without", text: `NO ${option}` })))))),
    list(order.notes).map((note) => el("p", { class: "note", text: String(note) })));
  if (next) {
    node.append(el("button", { type: "button", class: "primary wide move", text: MOVES[order.state], "aria-label": `${MOVES[order.state]}: order ${order.number}`, on: { click: (event) => move(order, next, event.currentTarget) } }));
  }
  return node;
}

async function move(order, state, button) {
  // Not `disabled`: that would take the focus away.
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  try {
    const moved = await request("POST", `/kitchen/orders/${encodeURIComponent(order.order_id)}/state`, { state });
    trouble("");
    // The stream says it too; whoever comes first.
    put(moved.order_id ? moved : { ...order, state });
  } catch (error) {
    button.removeAttribute("aria-disabled");
    trouble(`Order ${order.number}: ${error.message}`);
    if (signedOut(error)) {
      board.hidden = true;
      await signIn();
      trouble("");
      board.hidden = false;
    }
  }
}

/** Shows an order as it is now. The focus stays with it, or goes to the next one when it is done. */
function put(order) {
  if (!order?.order_id || !STATES.includes(order.state)) return;
  const before = orders.get(order.order_id);
  if (before && JSON.stringify(before) === JSON.stringify(order)) return;
  orders.set(order.order_id, order);
  const old = tickets.get(order.order_id);
  const focused = old?.contains(document.activeElement);
  const neighbour = old?.nextElementSibling ?? old?.previousElementSibling;
  old?.remove();
  const node = ticket(order);
  tickets.set(order.order_id, node);
  const { box } = columns.get(order.state);
  const placed = Date.parse(order.placed_at);
  // Oldest first where there is work to do, newest first where it is done.
  const later = [...box.children].find((other) => {
    const at = Date.parse(orders.get(other.dataset.id)?.placed_at);
    return order.state === "served" ? at < placed : at > placed;
  });
  box.insertBefore(node, later ?? null);
  if (order.state === "served") forgetOldest(box);
  if (focused) (node.querySelector(".move") ?? neighbour?.querySelector(".move") ?? board.querySelector(".move"))?.focus();
  count();
  age();
  if (before?.state !== order.state) {
    byId("spoken").textContent = before ? `Order ${order.number}: ${humane(order.state)}` : `New order ${order.number}${list(order.allergens).length > 0 ? `, allergy: ${order.allergens.join(", ")}` : ""}`;
  }
}

function forgetOldest(box) {
  while (box.childElementCount > SERVED_SHOWN) {
    const id = box.lastElementChild.dataset.id;
    orders.delete(id);
    tickets.delete(id);
    box.lastElementChild.remove();
  }
}

function count() {
  for (const { box, count: badge } of columns.values()) badge.textContent = String(box.childElementCount);
}

/** Every order's age, by the server's clock; a word says what the colour says. */
function age() {
  for (const [id, node] of tickets) {
    const order = orders.get(id);
    const seconds = (Date.now() + ahead - Date.parse(order.placed_at)) / 1000;
    const open = order.state === "received" || order.state === "preparing";
    const level = open ? LATE.filter((minutes) => seconds >= minutes * 60).length : 0;
    node.querySelector(".age").textContent = Number.isFinite(seconds) ? `${["", "soon late ", "late "][level]}${duration(seconds)}` : "";
    node.classList.toggle("soon", level === 1);
    node.classList.toggle("late", level === 2);
  }
}

// ---- The stream ---------------------------------------------------------------------------------------------------

function snapshot(data) {
  const focused = document.activeElement?.closest(".ticket")?.dataset.id;
  for (const node of tickets.values()) node.remove();
  orders.clear();
  tickets.clear();
  for (const order of list(data.orders)) put(order);
  byId("spoken").textContent = "";
  count();
  if (document.activeElement === document.body) (tickets.get(focused)?.querySelector(".move") ?? board.querySelector(".move"))?.focus();
}

function arrived(order) {
  if (!orders.has(order.order_id)) beep(list(order.allergens).length > 0);
  put(order);
}

async function open() {
  for (;;) {
    const { status, ahead: skew } = await probe("/kitchen/events");
    if (status === 200) {
      ahead = skew;
      break;
    }
    board.hidden = true;
    if (status === 401 || status === 403) {
      byId("line").textContent = "";
      trouble("");
      await signIn();
    } else {
      trouble("The kitchen’s line is not available. Trying again…");
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
  }
  trouble("");
  board.hidden = false;
  listen("/kitchen/events", {
    snapshot,
    order: arrived,
    waiting: (down) => {
      byId("line").textContent = down ? "Line down, reconnecting…" : "Live";
      byId("line").classList.toggle("down", down);
    },
    closed: open,
  });
}

// ---- Sound and keys -----------------------------------------------------------------------------------------------

soundButton.addEventListener("click", () => {
  sound = !sound;
  soundButton.setAttribute("aria-pressed", String(sound));
  soundButton.textContent = sound ? "Sound on" : "Sound off";
  if (sound) {
    audio ??= new AudioContext();
    audio.resume();
    beep(false);
  }
});

/** One soft tone for a new order, three for one with an allergy. */
function beep(urgent) {
  if (!sound || !audio) return;
  for (let i = 0; i < (urgent ? 3 : 1); i += 1) {
    const at = audio.currentTime + i * 0.22;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = urgent ? 990 : 660;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.18);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.2);
  }
}

/** Arrow keys walk over the board: up and down in a column, left and right between columns. */
board.addEventListener("keydown", (event) => {
  const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  if (!step || !event.target.matches(".move")) return;
  event.preventDefault();
  const grid = [...columns.values()].map(({ box }) => [...box.querySelectorAll(".move")]).filter((column) => column.length > 0);
  const x = grid.findIndex((column) => column.includes(event.target));
  const y = grid[x].indexOf(event.target);
  const column = grid[Math.min(Math.max(x + step[0], 0), grid.length - 1)];
  column[Math.min(Math.max(y + step[1], 0), column.length - 1)].focus();
});

setInterval(age, 1000);
open();
