/**
 * Derives the shown list from the state. It is computed again only if the relevant parts of the state have changed.
 *
 * While the person uses the list, it is held: rows keep their places whatever changes, so that no tap hits another item.
 */

import { isLow } from "./fields.js";
import { FILTERS } from "./filters.js";
import { scopeOf } from "./locations.js";
import { createOrder } from "./order.js";
import { currentItems } from "./stock.js";

const PARTS = ["stock", "pending", "sort", "query", "locations", "location", "filter", "today", "held"];

/**
 * `found` are the items that the search finds at the shown location, and `counts` how many of them each filter shows.
 * `low` is the number of items at that location that are low, whatever the search finds.
 * `rows` are to be shown, in order: while the list is held, a row may be of an item that is gone, or that would now be
 * elsewhere. `waiting` is the number of items that would be elsewhere, or in the list, or not any more.
 *
 * @returns {(state) => {items: Map, found: object[], counts: object, shown: object[], low: number, rows: object[], waiting: number, count: number}}
 */
export function createListing() {
  const order = createOrder();
  let last = {};
  let listing = null;
  let scope = null;

  function compute({ stock, pending, sort, query, filter, today, held }) {
    const items = currentItems(stock);
    for (const [id, { kind }] of pending) {
      if (kind === "delete") items.delete(id);
    }
    const { all, found } = order.update(items, sort, query, scope);
    const counts = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, 0]));
    for (const item of found) for (const name in counts) if (FILTERS[name](item, today)) counts[name] += 1;
    const shown = filter === "all" ? found : found.filter((item) => FILTERS[filter](item, today));
    const isLowHere = (item) => isLow(item) && (scope === null || scope.has(item.location));
    const low = [...items.values()].filter(isLowHere).length;
    return { items, found, counts, shown, low, count: all.length, ...held ? hold(held, items, shown) : { rows: shown, waiting: 0 } };
  }

  return function list(state) {
    const differs = (part) => state[part] !== last[part];
    if (differs("locations") || differs("location")) scope = scopeOf(state.locations, state.location);
    if (PARTS.some(differs)) listing = compute(state);
    last = state;
    return listing;
  };
}

/** The rows as they were when the list was held, with what is known of their items now. */
function hold(held, items, shown) {
  const rows = held.map((item) => items.get(item.id) ?? item);
  const places = new Map(held.map(({ id }, place) => [id, place]));
  const kept = shown.filter(({ id }) => places.has(id));
  const gone = held.length - kept.length;
  return { rows, waiting: shown.length - kept.length + gone + displaced(kept.map(({ id }) => places.get(id))) };
}

/** How many of these places have to change, at least, for them to be in order: all but the longest run that is. */
function displaced(places) {
  const ends = []; // ends[n]: the least last place of a run of n + 1 places in order
  for (const place of places) {
    const at = insertionPoint(ends, place);
    ends[at] = place;
  }
  return places.length - ends.length;
}

function insertionPoint(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
