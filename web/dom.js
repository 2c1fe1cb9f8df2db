// Building elements without markup. Text from the network becomes text nodes only, so nothing a guest or the model
// writes can turn into an element.

/**
 * Makes an element. `props` keys: `class`, `text`, `on` ({event: listener}); anything else is an attribute, where
 * `true` sets it empty and `false`, `null` or `undefined` leave it out. Children that are missing are skipped.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "class") node.className = value;
    else if (key === "text") node.textContent = value;
    else if (key === "on") for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** The element with this id; the pages and the scripts are shipped together, so it is there. */
export const byId = (id) => document.getElementById(id);

/** Whether the reader asked the system for little movement. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Whether the main pointer is a finger: then focusing a text field would open a keyboard over the page. */
export const touch = () => matchMedia("(pointer: coarse)").matches;

/** A value that should be a list; anything else counts as an empty one. */
export const list = (value) => (Array.isArray(value) ? value : []);
