/** The name under which this browser's changes stand in the log: what the person says, and nothing if they say nothing. */

const KEY = "stockstream.actor";
export const LONGEST_ACTOR = 100;

let actor = readStored();

function readStored() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

export const getActor = () => actor;

export function setActor(name) {
  actor = clean(name);
  try {
    localStorage.setItem(KEY, actor);
  } catch {
    // then it holds for this page alone
  }
}

/** The server takes no other white space than the plain one, and nothing that can't be seen. */
const clean = (name) => [...name.replace(/[\p{C}\p{Z}]/gu, " ").trim()].slice(0, LONGEST_ACTOR).join("");

/** A header carries bytes, each written as the character of that number. */
export function actorHeader() {
  if (!actor) return {};
  return { "X-Actor": String.fromCharCode(...new TextEncoder().encode(actor)) };
}
