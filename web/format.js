// How amounts, times and replies are written for people.

const language = document.documentElement.lang || "en";
const formats = new Map();

function currencyFormat(currency) {
  if (!formats.has(currency)) {
    let format = null;
    try {
      format = new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "narrowSymbol" });
    } catch {
      // Not an ISO 4217 code: the amount is shown with whatever the menu calls its currency.
    }
    formats.set(currency, format);
  }
  return formats.get(currency);
}

/** An amount on the wire, a decimal string such as "8.99", in the currency's own form: "$8.99". */
export function money(amount, currency = "USD") {
  const value = Number(amount);
  if (amount === null || amount === undefined || !Number.isFinite(value)) return "";
  const format = currencyFormat(currency);
  return format ? format.format(value) : `${amount} ${currency}`;
}

/** Whether an amount on the wire is nothing, or isn't an amount. */
export const isZero = (amount) => !(Math.abs(Number(amount)) > 0);

/** The hour of an RFC 3339 instant on the reader's clock, or "" when there is none. */
export function clock(at) {
  const date = new Date(at ?? Number.NaN);
  if (Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(date);
}

/** Seconds as "4:07" or "1:02:09". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** "1 item", "3 items". */
export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** A machine's word such as "MENU_QA" or "first_token_ms" for people: "Menu qa", "First token ms". */
export function humane(word) {
  const text = String(word ?? "").replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// A sentence ends at . ! ? or … followed by white space, or at a line's end; "8.99" therefore does not end one.
const SENTENCE_END = /(?:[.!?…]["'”’)\]]*(?=\s))|\n/g;

/**
 * Splits growing text for reading aloud: the whole sentences so far, and the rest which is still being written.
 */
export function sentences(text) {
  const whole = [];
  let start = 0;
  for (const match of text.matchAll(SENTENCE_END)) {
    const end = match.index + match[0].length;
    const sentence = text.slice(start, end).trim();
    if (sentence) whole.push(sentence);
    start = end;
  }
  return { whole, rest: text.slice(start) };
}

/**
 * A finished reply as nodes: models like to write **bold**, which becomes `<strong>`; everything else stays text.
 */
export function richText(text) {
  return text.split(/\*\*(?=\S)([^*\n]+)\*\*/).map((piece, i) => {
    if (i % 2 === 0) return document.createTextNode(piece);
    const strong = document.createElement("strong");
    strong.textContent = piece;
    return strong;
  });
}
