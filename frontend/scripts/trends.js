/** The last day of what is on the screen: asked for all visible rows at once, and not often. */

import { getTrends } from "./api.js";

const SETTLE_MS = 300; // while rows still run by, nothing is asked
const REFRESH_MS = 60_000;
const PAUSE_MS = 3_000; // between two requests, whatever happens
const MOST = 200; // items in one request

export function createTrends({ onLoaded }) {
  const known = new Map(); // id → {values, at}
  let wanted = [];
  let total = null; // {values, at}
  let timer;
  let askedAt = -Infinity;

  const isOld = (entry, now) => !entry || now - entry.at > REFRESH_MS;

  function schedule() {
    const now = Date.now();
    if (timer !== undefined || !(isOld(total, now) || wanted.some((id) => isOld(known.get(id), now)))) return;
    timer = setTimeout(load, Math.max(SETTLE_MS, askedAt + PAUSE_MS - now));
  }

  async function load() {
    askedAt = Date.now();
    const ids = wanted.slice(0, MOST);
    const trends = await getTrends(ids).catch(() => ({ items: {}, total: total?.values ?? null })); // the rows do without
    if (known.size > 10 * MOST) known.clear();
    for (const id of ids) known.set(id, { values: trends.items[id], at: askedAt });
    total = { values: trends.total, at: askedAt };
    timer = undefined;
    onLoaded();
  }

  return {
    /** These are on the screen now. */
    show(ids) {
      wanted = ids;
      schedule();
    },
    of: (id) => known.get(id)?.values,
    /** Of the whole stock, or null. */
    get total() {
      return total?.values ?? null;
    },
  };
}
