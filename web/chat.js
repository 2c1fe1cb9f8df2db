// The guest's chat: one turn at a time, from the message to the last word of the reply. The pieces live in
// stream.js (protocol), messages.js (conversation) and cart.js (order); this file is how they play together.

import { planCard, showCart, showOrder } from "./cart.js";
import { byId, el, list, touch } from "./dom.js";
import { humane } from "./format.js";
import { figures, Log, Reply, restored, sourceList, Speaker, toolLine, troubleCard, voice } from "./messages.js";
import { ChatError, followTurn, listen, loadHistory, sendFeedback, sendMessage, stopTurn } from "./stream.js";

const form = byId("composer");
const field = byId("message");
const send = byId("send");
const stop = byId("stop");
const chips = byId("chips");
const log = new Log();
const speaker = new Speaker();

/** The turn in progress, or null: `{id, reply, leave}`. `id` is null until the server has accepted the message. */
let turn = null;
/** Who spoke last; a reply starts in this voice until the server says otherwise. */
let current = voice("rosy");
/** The name of the person of the team who has the conversation; null where the agents answer. */
let person = null;
let live = null;

// ---- What stands under the conversation ---------------------------------------------------------------------------

function notice(text) {
  byId("notice").textContent = text;
}

function busy(on) {
  send.hidden = on;
  stop.hidden = !on;
  stop.disabled = false;
  byId("log").setAttribute("aria-busy", String(on));
  if (!on && document.activeElement === document.body) focusField();
}

function focusField() {
  if (!touch()) field.focus();
}

function fitField() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 160)}px`;
}

// ---- A turn -------------------------------------------------------------------------------------------------------

/** Says something in the guest's name; while a reply is running, the words wait in the field. */
function say(text) {
  if (sheet.open) sheet.close();
  if (turn) {
    field.value = text;
    fitField();
    notice(`${turn.reply.voice.name} is still answering. Stop the reply, or send this afterwards.`);
    return;
  }
  log.guest(text, new Date().toISOString());
  ask(text, newKey());
}

/** A key of its own for each message: sent again after the line was lost, it is answered once. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Sends a message that is already on the page. */
async function ask(text, key) {
  chips.hidden = true;
  notice("");
  const reply = new Reply(log, person === null ? current : colleague(person));
  turn = { id: null, key, reply, leave: () => {} };
  const mine = turn;
  speaker.begin();
  busy(true);
  try {
    const accepted = await sendMessage(text, key);
    if (!accepted.turn_id) throw new ChatError();
    if (turn !== mine) {
      // Stopped while the message was on its way.
      stopTurn(accepted.turn_id).catch(() => {});
      return;
    }
    follow(mine, String(accepted.turn_id), text);
    listenLive();
  } catch (error) {
    if (turn === mine) fail(mine, error, text);
  }
}

/** Follows an accepted turn; a reload finds it again through the tab's own storage. */
function follow(mine, id, text) {
  const { reply } = mine;
  mine.id = id;
  remember({ id, text });
  speaker.introduce(reply.voice.name);

  mine.leave = followTurn(id, {
    waiting: (down) => notice(down ? "The line dropped. Reconnecting…" : ""),
    person: ({ name }) => personHere(name),
    agent({ name, intent }) {
      personHere(null);
      const next = voice(name);
      if (next.key === "gordon" && current.key !== "gordon") log.line("Gordon, the manager, takes over", reply.node);
      current = next;
      reply.speaker(next);
      speaker.introduce(next.name);
      field.placeholder = `Message ${next.name}`;
      if (intent) reply.detail("Understood as", humane(intent));
    },
    cart: (data) => speaker.say(showCart(data, say)),
    plan: (data) => reply.card(planCard(data, say)),
    order: orderNews,
    sources: (data) => reply.sources(sourceList(data)),
    tool: (data) => reply.detail(humane(data.name), toolLine(data)),
    token({ text: words }) {
      if (typeof words !== "string") return;
      reply.push(words);
      speaker.push(words);
    },
    done(data) {
      for (const [name, value] of figures(data.timings, data.usage)) reply.detail(name, value);
      const empty = reply.received.trim() === "";
      end(mine, { stopped: /stop|cancel|abort/.test(String(data.finish_reason ?? "")) && mine.stopping });
      if (empty && person !== null) notice(`Your message is with ${person}, who answers here.`);
    },
    failed: (error) => fail(mine, error, text),
  });
}

/** The turn is over, well or stopped. */
function end(mine, { stopped = false } = {}) {
  const { id, reply } = mine;
  mine.leave();
  turn = null;
  remember(null);
  notice("");
  reply.finish({
    stopped,
    rate: id && reply.received.trim() !== "" ? (thumb) => sendFeedback(id, thumb).then(() => notice("Thank you for telling us.")) : null,
  });
  speaker.end();
  busy(false);
}

/** The turn failed: what was said so far stays, and the guest may try again. */
function fail(mine, error, text) {
  const { reply } = mine;
  mine.leave();
  turn = null;
  // A line also breaks because the page is being reloaded: then the turn is still to be found.
  if (error.code !== "line_lost") remember(null);
  notice("");
  reply.finish();
  speaker.end();
  busy(false);
  log.add(troubleCard(error instanceof ChatError ? error : new ChatError(), () => {
    focusField();
    // Where no answer came, the message may have arrived: the same key finds its turn.
    ask(text, error.status === 0 && mine.key ? mine.key : newKey());
  }));
}

/** Stops the reply; the server's `done` ends the turn, or a short patience does. */
function stopReply() {
  const mine = turn;
  if (!mine || mine.stopping) return;
  mine.stopping = true;
  stop.disabled = true;
  focusField();
  if (mine.id === null) {
    end(mine, { stopped: true });
    return;
  }
  stopTurn(mine.id).catch(() => {});
  setTimeout(() => {
    if (turn === mine) end(mine, { stopped: true });
  }, 2000);
}

// ---- News outside of a turn ---------------------------------------------------------------------------------------

/** The orders of this visit by their ids, with the state that was told last. */
const told = new Map();

/** Shows how far an order is. A step that happens while the guest looks on is a line in the conversation, read aloud. */
function orderNews(data, quiet = false) {
  const before = told.get(data.order_id);
  if (before === data.state) return;
  told.set(data.order_id, data.state);
  const news = showOrder(data);
  if (quiet) return;
  if (before) log.line(news, turn?.reply.node);
  speaker.say(news);
}

/** Order states and the words of staff, for as long as the page is open. A server without this stream is fine. */
function listenLive() {
  if (live && live.readyState !== EventSource.CLOSED) return;
  live = listen("/session/events", {
    order: orderNews,
    cart: (data) => { showCart(data, say); },
    person: ({ name }) => personHere(name),
    staff({ text, name }) {
      if (!text) return;
      const who = colleague(name);
      const message = new Reply(log, who).complete(String(text), new Date().toISOString());
      // A reply in progress stays the last thing on the page.
      if (turn) log.add(turn.reply.node);
      log.follow();
      speaker.say(`${who.name} says: ${message.received}`);
    },
  });
}

const colleague = (name) => ({ ...voice("staff"), ...(name ? { name: String(name) } : {}) });

/** Says who has the conversation: a person by name, or the agents again. */
function personHere(name, quiet = false) {
  const next = name ? String(name) : null;
  if (next === person) return;
  const words = next === null ? `${person} has left. ${current.name} is here again.` : `${next} from our team is here and answers you.`;
  person = next;
  const box = byId("person");
  box.hidden = next === null;
  box.replaceChildren(...(next === null ? [] : [
    el("img", { src: "/staff.svg", alt: "", width: 28, height: 28 }),
    el("span", {}, el("b", { text: next }), ", a person from our team, is here"),
  ]));
  field.placeholder = `Message ${next ?? current.name}`;
  if (quiet) return;
  log.line(words, turn?.reply.node);
  speaker.say(words);
}

// ---- Coming back --------------------------------------------------------------------------------------------------

const KEY = "turn";

/** Keeps the turn in progress for a reload of this tab; null forgets it. */
function remember(value) {
  try {
    if (value) sessionStorage.setItem(KEY, JSON.stringify(value));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage may be switched off: then a reload during a reply doesn't find its end.
  }
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

async function restore() {
  const history = await loadHistory().catch(() => ({}));
  const messages = Array.isArray(history.messages) ? history.messages : [];
  if (turn) return;
  for (const message of messages) {
    restored(log, message);
    if (message?.role === "gordon" || message?.role === "rosy") current = voice(message.role);
  }
  if (messages.length > 0) {
    chips.hidden = true;
    field.placeholder = `Message ${current.name}`;
  }
  showCart(history.cart ?? {}, say);
  for (const order of list(history.orders)) orderNews(order, true);
  personHere(history.person?.name, true);
  if (history.session_id) listenLive();

  // A reply that was being written when the page was left: its events are still there, from the first one.
  const last = messages.at(-1);
  const unfinished = history.turn_id && last?.role === "guest" ? { id: history.turn_id, text: last.text } : remembered();
  if (unfinished?.id && (!last || last.role === "guest")) {
    if (!last || last.text !== unfinished.text) log.guest(String(unfinished.text ?? ""));
    turn = { id: null, reply: new Reply(log, current), leave: () => {} };
    speaker.begin();
    busy(true);
    follow(turn, String(unfinished.id), String(unfinished.text ?? ""));
  } else {
    remember(null);
  }
  log.toEnd(false);
}

// ---- Wiring -------------------------------------------------------------------------------------------------------

const sheet = byId("sheet");
const narrow = matchMedia("(max-width: 59.99rem)");

/** On a narrow screen the order lives in a dialog that is opened; on a wide one beside the conversation. */
byId("cart-toggle").addEventListener("click", () => {
  sheet.append(byId("panel"));
  sheet.showModal();
});
sheet.addEventListener("close", () => byId("side").append(byId("panel")));
sheet.addEventListener("click", (event) => {
  if (event.target === sheet) sheet.close();
});
byId("sheet-close").addEventListener("click", () => sheet.close());
narrow.addEventListener("change", () => {
  if (sheet.open) sheet.close();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (text === "" || turn) return;
  field.value = "";
  fitField();
  say(text);
});
field.addEventListener("input", fitField);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && turn && !sheet.open) stopReply();
});
stop.addEventListener("click", stopReply);
chips.addEventListener("click", (event) => {
  const chip = event.target.closest("button");
  if (!chip) return;
  focusField();
  say(chip.textContent);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && live) listenLive();
});
addEventListener("offline", () => notice("You are offline. What you write can be sent once you are back."));
addEventListener("online", () => notice(""));

// A page that comes back from the browser's cache starts anew: its streams are dead.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

restore();
focusField();
