/** Keeps the started lists in this browser, for each account, and in step with its other tabs. */

import { readKept, toKeep } from "../state/lists.js";

const PREFIX = "stockstream.lists.";
const SAVE_MS = 200; // after a change

export function keepLists(store) {
  let account = null; // whose lists are shown; null until that is known
  let saved = null; // the JSON that the storage has
  let known = null; // the lists that it stands for: others are those that the person has changed here
  let timer;

  const nameOf = ({ session }) => (session.auth === "open" ? "open" : (session.principal?.id ?? null));

  /** Show the lists of this account, as they were left. */
  function load(next) {
    account = next;
    take(read(PREFIX + account));
  }

  function take(kept) {
    saved = kept;
    store.dispatch({ type: "lists", lists: readKept(kept) });
    known = store.state.lists;
  }

  /** Keep what the person has changed here. What another tab has kept is never written back, since it may be booked by now. */
  function save() {
    clearTimeout(timer);
    timer = undefined;
    if (account === null || store.state.lists === known) return;
    known = store.state.lists;
    const wanted = toKeep(known);
    if (wanted === saved) return;
    saved = wanted;
    write(PREFIX + account, wanted);
  }

  store.subscribe((state) => {
    const next = nameOf(state);
    if (next !== null && next !== account) return load(next);
    if (account !== null && next !== null && state.lists !== known) timer ??= setTimeout(save, SAVE_MS);
  });
  addEventListener("pagehide", save);
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== PREFIX + account || newValue === saved) return;
    clearTimeout(timer);
    timer = undefined;
    take(newValue);
  });

  return { save };
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be blocked
  }
}

function write(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // then the lists last until the page is closed
  }
}
