/** What the list shows of a state: worked out once for each state, and only as far as it differs from the last one. */

import { createOrder } from "./order.js";
import { currentItems } from "./stock.js";

/** @returns {(state) => {items: Map, shown: object[], count: number, total: number}} */
export function createListing() {
  const order = createOrder();
  let last = {};
  let listing = null;

  function work({ stock, pending, sort, query }) {
    const items = currentItems(stock);
    for (const [id, { kind }] of pending) {
      if (kind === "delete") items.delete(id);
    }
    const { all, shown } = order.update(items, sort, query);
    return { items, shown, count: all.length, total: all.reduce((sum, { quantity }) => sum + quantity, 0) };
  }

  return function list(state) {
    const isSame = ["stock", "pending", "sort", "query"].every((part) => state[part] === last[part]);
    if (!isSame) listing = work(state);
    last = state;
    return listing;
  };
}
