// The conversation on the page: who said what, a reply that types itself, and what is read aloud.

import { byId, calm, el, list } from "./dom.js";
import { clock, humane, richText, sentences } from "./format.js";

/** The voices of the restaurant. An agent that isn't listed is shown under its own name. */
const VOICES = {
  rosy: { name: "Rosy", role: "at the counter", avatar: "/rosy.svg" },
  gordon: { name: "Gordon", role: "manager", avatar: "/gordon.svg" },
  staff: { name: "Our team", role: "a person of our team", avatar: "/staff.svg" },
};

/** The voice of an agent's name, as it stands on the wire. */
export function voice(name) {
  const key = String(name ?? "rosy").toLowerCase();
  return Object.hasOwn(VOICES, key) ? { key, ...VOICES[key] } : { key: "staff", ...VOICES.staff, name: humane(key) };
}

/** The scrolling conversation. It follows its end unless the guest has scrolled up to read. */
export class Log {
  constructor() {
    this.box = byId("log");
    this.latest = byId("to-latest");
    this.following = true;
    this.box.addEventListener("scroll", () => {
      this.following = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 64;
      if (this.following) this.latest.hidden = true;
    }, { passive: true });
    this.latest.addEventListener("click", () => this.toEnd(true));
    new ResizeObserver(() => this.follow()).observe(this.box);
  }

  /** Adds a node at the end. */
  add(node) {
    this.box.append(node);
    this.follow();
    return node;
  }

  /** Keeps the end in view after it grew, or offers to go there. */
  follow() {
    if (this.following) this.toEnd(false);
    else this.latest.hidden = false;
  }

  toEnd(smooth) {
    this.following = true;
    this.latest.hidden = true;
    this.box.scrollTo({ top: this.box.scrollHeight, behavior: smooth && !calm() ? "smooth" : "instant" });
  }

  /** What the guest said. */
  guest(text, at) {
    byId("hero")?.remove();
    this.toEnd(false);
    return this.add(el("article", { class: "msg from-guest" },
      el("div", { class: "body" },
        el("p", { class: "who sr" }, el("b", { text: "You" })),
        el("div", { class: "bubble" }, el("p", { class: "text", text })),
        timeOf(at))));
  }

  /** A line between messages, such as who joins; at the end, or before a message that is being written. */
  line(text, before = null) {
    this.box.insertBefore(el("p", { class: "notice-line" }, el("span", { text })), before);
    this.follow();
  }
}

const timeOf = (at) => (clock(at) ? el("time", { class: "at", datetime: at, text: clock(at) }) : null);

/** A message of the restaurant: complete from the start (`text`), or growing as its events come. */
export class Reply {
  constructor(log, speaker) {
    this.log = log;
    this.received = "";
    this.details = [];
    this.avatar = el("img", { class: "avatar", alt: "", width: 40, height: 40 });
    this.name = el("b");
    this.role = el("span");
    this.dots = el("p", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    this.text = el("p", { class: "text" });
    this.bubble = el("div", { class: "bubble" }, this.dots);
    this.extras = el("div", { class: "extras" });
    this.foot = el("div", { class: "foot" });
    this.node = el("article", { class: "msg" }, this.avatar,
      el("div", { class: "body" }, el("p", { class: "who" }, this.name, " ", this.role), this.extras, this.bubble, this.foot));
    this.typewriter = new Typewriter(this.text, () => log.follow());
    this.speaker(speaker);
    log.add(this.node);
  }

  /** Says who speaks. */
  speaker(who) {
    this.voice = who;
    this.node.className = `msg from-${who.key}`;
    this.avatar.src = who.avatar;
    this.name.textContent = who.name;
    this.role.textContent = who.role;
  }

  /** More words. */
  push(text) {
    this.received += text;
    if (this.dots.isConnected) this.dots.replaceWith(this.text);
    this.typewriter.push(text);
  }

  /** A card above the words, such as a plan. */
  card(node) {
    this.extras.append(node);
    this.log.follow();
  }

  /** The entries of the menu and of the store's facts that the reply rests on. */
  sources(entries) {
    const chips = entries.filter((entry) => entry?.title).slice(0, 8).map((entry) =>
      el("li", { class: entry.type === "menu" ? "menu" : "info" },
        el("span", { class: "sr", text: entry.type === "menu" ? "Menu: " : "Store: " }), String(entry.title)));
    this.foot.querySelector(".sources")?.remove();
    if (chips.length > 0) this.foot.prepend(el("ul", { class: "sources", "aria-label": "Based on" }, chips));
  }

  /** Something worth knowing about how the reply was made. */
  detail(name, value) {
    this.details.push([name, value]);
  }

  /** Shows a complete text at once. */
  complete(text, at) {
    this.received = text;
    this.bubble.replaceChildren(this.text);
    this.text.replaceChildren(...richText(text));
    const time = timeOf(at);
    if (time) this.foot.append(time);
    return this;
  }

  /** Ends the reply: what is still to be typed is shown, and the buttons under it appear. Empty replies go away. */
  finish({ rate, stopped = false } = {}) {
    this.typewriter.finish();
    if (this.received.trim() === "") {
      if (this.extras.childElementCount === 0) this.node.remove();
      this.bubble.remove();
    } else {
      this.text.replaceChildren(...richText(this.received));
    }
    if (stopped) this.bubble.append(el("p", { class: "stopped", text: "Stopped" }));
    if (rate) this.foot.append(thumbs(rate));
    if (this.details.length > 0) this.foot.append(behind(this.details));
    this.log.follow();
  }
}

/** "Behind this reply": a disclosure for the curious. */
function behind(details) {
  return el("details", { class: "behind" }, el("summary", { text: "Details" }),
    el("dl", {}, details.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })])));
}

const THUMBS = { up: ["Good reply", "M7 11v9H4v-9h3Zm0 0 4-7c1.5 0 2.4 1 2.2 2.5L12.7 10H18c1.3 0 2.2 1.1 2 2.4l-1 5.6c-.2 1.2-1 2-2.2 2H7"], down: ["Bad reply", "M17 13V4h3v9h-3Zm0 0-4 7c-1.5 0-2.4-1-2.2-2.5l.5-3.5H6c-1.3 0-2.2-1.1-2-2.4l1-5.6C5.2 4.8 6 4 7.2 4H17"] };

/** Two buttons; `rate("up" | "down")` answers with a promise, and a refusal takes the choice back. */
function thumbs(rate) {
  const buttons = Object.entries(THUMBS).map(([thumb, [label, path]]) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS(svg.namespaceURI, "path");
    shape.setAttribute("d", path);
    svg.append(shape);
    const button = el("button", { type: "button", class: "thumb", "aria-label": label, "aria-pressed": "false" }, svg);
    button.addEventListener("click", async () => {
      const before = buttons.map((other) => other.getAttribute("aria-pressed"));
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      try {
        await rate(thumb);
      } catch {
        buttons.forEach((other, i) => other.setAttribute("aria-pressed", before[i]));
      }
    });
    return button;
  });
  return el("div", { class: "thumbs", role: "group", "aria-label": "Was this reply good?" }, buttons);
}

/** Shows text at a reader's pace: what waits is spread over a fifth of a second, so it never falls behind. */
class Typewriter {
  constructor(node, grown) {
    this.typed = document.createTextNode("");
    node.append(this.typed);
    this.grown = grown;
    this.waiting = "";
    this.frame = 0;
  }

  push(text) {
    this.waiting += text;
    if (calm() || document.hidden) this.write(this.waiting.length);
    else if (this.frame === 0) this.frame = requestAnimationFrame(() => this.step());
  }

  step() {
    this.frame = 0;
    this.write(Math.ceil(this.waiting.length / 12));
    if (this.waiting) this.frame = requestAnimationFrame(() => this.step());
  }

  /** Moves `count` UTF-16 units onto the page, without parting a surrogate pair. */
  write(count) {
    const lead = this.waiting.charCodeAt(count - 1);
    const end = lead >= 0xd800 && lead <= 0xdbff ? count + 1 : count;
    this.typed.appendData(this.waiting.slice(0, end));
    this.waiting = this.waiting.slice(end);
    this.grown();
  }

  finish() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.waiting) this.write(this.waiting.length);
  }
}

/**
 * Reads replies aloud through a live region: whole sentences, never tokens, so that a screen reader isn't
 * interrupted in the middle of a word.
 */
export class Speaker {
  constructor() {
    this.region = byId("spoken");
    this.rest = "";
    this.introduction = "";
  }

  /** A new reply begins. */
  begin() {
    this.rest = "";
    this.introduction = "";
  }

  /** The next sentence starts with the name of who says it. */
  introduce(name) {
    this.introduction = `${name} says: `;
  }

  push(text) {
    const { whole, rest } = sentences(this.rest + text);
    this.rest = rest;
    for (const sentence of whole) this.say(sentence);
  }

  /** The reply is over: what has no full stop is said too. */
  end() {
    const rest = this.rest.trim();
    this.rest = "";
    if (rest) this.say(rest);
  }

  /** Says one thing now. */
  say(sentence) {
    this.region.append(el("p", { text: this.introduction + sentence }));
    this.introduction = "";
    while (this.region.childElementCount > 12) this.region.firstElementChild.remove();
  }
}

/** A trouble with a way out: a button to try again, after the wait that the server asked for. */
export function troubleCard(error, retry) {
  const again = el("button", { type: "button", class: "primary", text: "Try again" });
  const card = el("div", { class: "trouble", role: "alert" }, el("p", { text: error.message }), again);
  let left = error.retryAfter;
  let timer = 0;
  const show = () => {
    again.disabled = left > 0;
    again.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
  };
  if (left > 0) {
    timer = setInterval(() => {
      left -= 1;
      show();
      if (left <= 0) clearInterval(timer);
    }, 1000);
  }
  show();
  again.addEventListener("click", () => {
    clearInterval(timer);
    card.remove();
    retry();
  });
  return card;
}

/** What a tool was asked and how it went, in one line. */
export function toolLine({ arguments: args, ok, ms }) {
  const asked = args && typeof args === "object" ? JSON.stringify(args) : String(args ?? "");
  const took = Number.isFinite(Number(ms)) ? ` in ${Math.round(Number(ms))} ms` : "";
  return `${ok === false ? "failed" : "done"}${took} ${asked.length > 120 ? `${asked.slice(0, 119)}…` : asked}`.trim();
}

/** Figures of a reply (`usage`, `timings`) as rows of the details, whatever they are called. */
export function figures(...groups) {
  return groups.flatMap((group) => (group && typeof group === "object" && !Array.isArray(group) ? Object.entries(group) : []))
    .filter(([, value]) => typeof value === "number" || typeof value === "string")
    .map(([name, value]) => [humane(name), typeof value === "number" ? String(Math.round(value * 10) / 10) : value]);
}

/** A stored message as it was shown. */
export function restored(log, message) {
  const text = String(message?.text ?? "");
  if (text === "") return null;
  if (message.role === "guest") return log.guest(text, message.at);
  const who = { ...voice(message.role), ...(message.name ? { name: String(message.name) } : {}) };
  return new Reply(log, who).complete(text, message.at).node;
}

/** The titles of a list of sources, whichever way the list came. */
export const sourceList = (data) => list(Array.isArray(data) ? data : data.sources);
