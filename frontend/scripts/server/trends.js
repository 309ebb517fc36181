/** Loads the quantities with which this day began, in one request for all visible rows. */

import { getQuantitiesAt } from "./api.js";

const SETTLE_MS = 300; // wait until scrolling has stopped
const REFRESH_MS = 60_000;
const PAUSE_MS = 3_000; // minimum between two requests
const MAX_ITEMS = 200; // items in one request

export function createTrends(store, { mayLoad, onLoaded }) {
  const known = new Map(); // id → {before, at}
  let wanted = [];
  let since = ""; // when the day began for which they are known
  let timer;
  let askedAt = -Infinity;

  const isOld = (entry, now) => !entry || now - entry.at > REFRESH_MS;

  function schedule() {
    const now = Date.now();
    if (since !== store.state.today) known.clear();
    since = store.state.today;
    if (!mayLoad() || timer !== undefined || !wanted.some((id) => isOld(known.get(id), now))) return;
    timer = setTimeout(load, Math.max(SETTLE_MS, askedAt + PAUSE_MS - now));
  }

  async function load() {
    askedAt = Date.now();
    const ids = wanted.slice(0, MAX_ITEMS);
    const before = await getQuantitiesAt(since, ids).catch(() => ({})); // without an answer, rows say nothing of the day
    if (known.size > 10 * MAX_ITEMS) known.clear();
    for (const id of ids) known.set(id, { before: before[id], at: askedAt });
    timer = undefined;
    onLoaded();
  }

  return {
    /** Forget everything, since other rights show another part of the stock. */
    forget() {
      known.clear();
      schedule();
    },
    /** Set the ids on the screen. */
    show(ids) {
      wanted = ids;
      schedule();
    },
    /** The quantity of this item when the day began: null if it did not exist, undefined if it is not known. */
    of: (id) => known.get(id)?.before,
  };
}
