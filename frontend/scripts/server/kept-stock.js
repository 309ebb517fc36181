/**
 * Keeps the stock in this browser, and shows it when the server can't be reached. It is removed when the session ends.
 * This needs HTTPS, or a server on this device: elsewhere, browsers keep nothing.
 */

import { canKeep, isKeptFor, toKeep } from "../state/kept.js";
import { isReading } from "../state/rights.js";

const CACHE = "stockstream.stock";
const NAME = "/kept-stock";
const KEEP_MS = 60_000; // while it changes
const PATIENCE_MS = 3_000; // with a weak network, before the kept stock is shown

export function keepStock(store) {
  if (!globalThis.caches) return;
  let last = null; // the stock that was kept last
  let hasAsked = false;
  let isEmpty = false; // whether there is nothing to remove

  async function keep() {
    const { state } = store;
    if (!canKeep(state) || state.stock === last) return;
    last = state.stock;
    isEmpty = false;
    await write(toKeep(state));
  }

  async function show() {
    if (hasAsked) return;
    hasAsked = true;
    const kept = await read();
    const { stock, session } = store.state;
    if (kept && !stock.isComplete && isKeptFor(kept, session)) store.dispatch({ type: "kept_stock", kept });
  }

  function forget() {
    if (isEmpty) return;
    isEmpty = true;
    last = null;
    forgetKeptStock();
  }

  store.subscribe(({ session, stock, failure }) => {
    if (session.isKnown && !isReading(session)) forget();
    else if (stock.isComplete && last === null) keep();
    else if (failure !== null) show();
  });
  setTimeout(show, PATIENCE_MS);
  setInterval(keep, KEEP_MS);
  document.addEventListener("visibilitychange", () => document.hidden && keep());
}

/** Remove the kept stock, as whoever signs out expects. */
export async function forgetKeptStock() {
  await globalThis.caches?.delete(CACHE).catch(() => {}); // storage may be blocked
}

async function read() {
  try {
    const cache = await caches.open(CACHE);
    return (await (await cache.match(NAME))?.json()) ?? null;
  } catch {
    return null; // storage may be blocked
  }
}

async function write(kept) {
  try {
    const cache = await caches.open(CACHE);
    await cache.put(NAME, Response.json(kept));
  } catch {
    // storage may be blocked, or full
  }
}
