// What the staff's screens share: signing in, and telling what is wrong.

import { byId, el } from "./dom.js";
import { request } from "./stream.js";

/**
 * Puts the head of a staff's screen on the page: its name, a line for news, buttons of its own, the way to the other
 * screen, and signing out.
 */
export function frame(title, other, ...buttons) {
  const out = el("button", { type: "button", class: "quiet", id: "sign-out", text: "Sign out", on: { click: signOut } });
  document.body.prepend(
    el("header", { class: "bar" },
      el("h1", { class: "brand" }, el("img", { src: "/logo.svg", alt: "", width: 36, height: 36 }), el("span", { text: title })),
      el("p", { class: "line", id: "line", role: "status" }),
      buttons,
      el("a", { class: "quiet", href: `/${other.toLowerCase()}`, text: other }),
      out),
    el("p", { class: "trouble-bar", id: "trouble", role: "alert", hidden: true }));
}

/** Signs out on the server, then starts anew: nothing of what was read stays on the page. */
async function signOut() {
  try {
    await request("POST", "/staff/logout", {});
  } catch (error) {
    if (!signedOut(error)) {
      trouble(error.message);
      return;
    }
  }
  location.reload();
}

/** Shows trouble in the bar under the header; "" takes it away. */
export function trouble(text) {
  const bar = byId("trouble");
  bar.textContent = text;
  bar.hidden = text === "";
}

/** Whether an error means that nobody is signed in. */
export const signedOut = (error) => error.status === 401;

let signingIn = null;

/** Asks for a name and a password, until they are right. Whoever asks meanwhile waits for the same form. */
export function signIn() {
  signingIn ??= askName().finally(() => { signingIn = null; });
  return signingIn;
}

function askName() {
  return new Promise((resolve) => {
    const name = el("input", { id: "name", name: "name", autocomplete: "username", required: true, maxlength: 64, autocapitalize: "none" });
    const password = el("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true, maxlength: 256 });
    const wrong = el("p", { class: "wrong", role: "alert" });
    const button = el("button", { class: "primary wide", text: "Sign in" });
    const form = el("form", { class: "sign-in" },
      el("img", { src: "/logo.svg", alt: "", width: 64, height: 64 }),
      el("h2", { text: "Sign in" }),
      el("label", { for: "name", text: "Name" }), name,
      el("label", { for: "password", text: "Password" }), password,
      wrong, button);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.textContent = "";
      button.disabled = true;
      try {
        await request("POST", "/staff/login", { name: name.value, password: password.value });
        form.remove();
        byId("sign-out").hidden = false;
        resolve();
      } catch (error) {
        wrong.textContent = error.message;
        password.value = "";
        password.focus();
      } finally {
        button.disabled = false;
      }
    });
    byId("sign-out").hidden = true;
    byId("main").prepend(form);
    name.focus();
  });
}

/**
 * Asks whether a stream may be read, without reading it: its status, and by how many milliseconds the server's clock
 * is ahead of this one. An EventSource itself never tells why it was refused.
 */
export async function probe(url) {
  const stop = new AbortController();
  try {
    const response = await fetch(url, { headers: { Accept: "text/event-stream" }, credentials: "same-origin", signal: stop.signal });
    const ahead = Date.parse(response.headers.get("Date") ?? "") - Date.now();
    return { status: response.status, ahead: Number.isFinite(ahead) && Math.abs(ahead) > 2000 ? ahead : 0 };
  } catch {
    return { status: 0, ahead: 0 };
  } finally {
    stop.abort();
  }
}
