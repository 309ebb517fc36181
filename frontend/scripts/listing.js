/** Derives the shown list from the state. It is computed again only if the relevant parts of the state have changed. */

import { createOrder } from "./order.js";
import { currentItems } from "./stock.js";

/** @returns {(state) => {items: Map, shown: object[], count: number, total: number}} */
export function createListing() {
  const order = createOrder();
  let last = {};
  let listing = null;

  function compute({ stock, pending, sort, query }) {
    const items = currentItems(stock);
    for (const [id, { kind }] of pending) {
      if (kind === "delete") items.delete(id);
    }
    const { all, shown } = order.update(items, sort, query);
    return { items, shown, count: all.length, total: all.reduce((sum, { quantity }) => sum + quantity, 0) };
  }

  return function list(state) {
    const isSame = ["stock", "pending", "sort", "query"].every((part) => state[part] === last[part]);
    if (!isSame) listing = compute(state);
    last = state;
    return listing;
  };
}
