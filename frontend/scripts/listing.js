/** Derives the shown list from the state. It is computed again only if the relevant parts of the state have changed. */

import { scopeOf } from "./locations.js";
import { createOrder } from "./order.js";
import { currentItems } from "./stock.js";

const PARTS = ["stock", "pending", "sort", "query", "locations", "location", "isLow"];

/**
 * `found` are the items that the search finds at the shown location, `low` those of them that are below their minimum, and
 * `shown` is one of the two. `count` and `total` are of the whole stock, as is `hasMinimums`: whether any item can be low.
 *
 * @returns {(state) => {items: Map, found: object[], low: object[], shown: object[], count: number, total: number, hasMinimums: boolean}}
 */
export function createListing() {
  const order = createOrder();
  let last = {};
  let listing = null;
  let scope = null;

  function compute({ stock, pending, sort, query, isLow }) {
    const items = currentItems(stock);
    for (const [id, { kind }] of pending) {
      if (kind === "delete") items.delete(id);
    }
    const { all, found, low } = order.update(items, sort, query, scope);
    const total = all.reduce((sum, { quantity }) => sum + quantity, 0);
    const hasMinimums = all.some(({ minimum }) => typeof minimum === "number");
    return { items, found, low, shown: isLow ? low : found, count: all.length, total, hasMinimums };
  }

  return function list(state) {
    const differs = (part) => state[part] !== last[part];
    if (differs("locations") || differs("location")) scope = scopeOf(state.locations, state.location);
    if (PARTS.some(differs)) listing = compute(state);
    last = state;
    return listing;
  };
}
