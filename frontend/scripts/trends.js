/** Loads the trends of the last day, in one request for all visible rows. */

import { getTrends } from "./api.js";

const SETTLE_MS = 300; // wait until scrolling has stopped
const REFRESH_MS = 60_000;
const PAUSE_MS = 3_000; // minimum between two requests
const MAX_ITEMS = 200; // items in one request

export function createTrends({ mayLoad, onLoaded }) {
  const known = new Map(); // id → {values, at}
  let wanted = [];
  let total = null; // {values, at}
  let timer;
  let askedAt = -Infinity;

  const isOld = (entry, now) => !entry || now - entry.at > REFRESH_MS;

  function schedule() {
    const now = Date.now();
    if (!mayLoad()) return;
    if (timer !== undefined || !(isOld(total, now) || wanted.some((id) => isOld(known.get(id), now)))) return;
    timer = setTimeout(load, Math.max(SETTLE_MS, askedAt + PAUSE_MS - now));
  }

  async function load() {
    askedAt = Date.now();
    const ids = wanted.slice(0, MAX_ITEMS);
    const trends = await getTrends(ids).catch(() => ({ items: {}, total: total?.values ?? null })); // without an answer, rows have no trends
    if (known.size > 10 * MAX_ITEMS) known.clear();
    for (const id of ids) known.set(id, { values: trends.items[id], at: askedAt });
    total = { values: trends.total, at: askedAt };
    timer = undefined;
    onLoaded();
  }

  return {
    /** Forget everything, since other rights show another part of the stock. */
    forget() {
      known.clear();
      total = null;
      schedule();
    },
    /** Set the ids on the screen. */
    show(ids) {
      wanted = ids;
      schedule();
    },
    of: (id) => known.get(id)?.values,
    /** The trend of the total, or null. */
    get total() {
      return total?.values ?? null;
    },
  };
}
