/** The name that this browser's changes have in the log, as entered by the person. */

const KEY = "stockstream.actor";
export const MAX_ACTOR_LENGTH = 100;

let actor = readStored();

function readStored() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage may be blocked
  }
}

export const getActor = () => actor;

export function setActor(name) {
  actor = clean(name);
  try {
    localStorage.setItem(KEY, actor);
  } catch {
    // then the name lasts until the page is closed
  }
}

/** Remove what the server refuses: white space other than spaces, and invisible characters. */
const clean = (name) => [...name.replace(/[\p{C}\p{Z}]/gu, " ").trim()].slice(0, MAX_ACTOR_LENGTH).join("");

/** With accounts, the log has the name of the account. */
const hasAccounts = () => document.querySelector('meta[name="auth"]')?.content !== "open";

/** The header with the name in UTF-8. fetch takes each byte of a header as a character. */
export function actorHeader() {
  if (!actor || hasAccounts()) return {};
  return { "X-Actor": String.fromCharCode(...new TextEncoder().encode(actor)) };
}
