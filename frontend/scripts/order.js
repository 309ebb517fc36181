/**
 * The stock in the order and through the search that the person wants. The whole of it is sorted once; then only what
 * changed is taken out and merged in again, so that a change costs one pass over the list and no sort.
 */

import { matcher } from "./search.js";

export const DEFAULT_SORT = "-updated_at";

const NAMES = new Intl.Collator(undefined, { numeric: true });

const byName = (a, b) => NAMES.compare(a.name, b.name) || a.id - b.id;
const byQuantity = (a, b) => a.quantity - b.quantity || byName(a, b);

/** Times are RFC 3339 in UTC with a fixed number of digits: they sort as text. */
function byTime(a, b) {
  if (a.updated_at !== b.updated_at) return a.updated_at < b.updated_at ? -1 : 1;
  return a.id - b.id;
}

const backwards = (compare) => (a, b) => compare(b, a);

export const SORTS = Object.freeze({
  "-updated_at": backwards(byTime),
  updated_at: byTime,
  name: byName,
  "-name": backwards(byName),
  quantity: byQuantity,
  "-quantity": backwards(byQuantity),
});

export function createOrder() {
  let current = new Map(); // id → item
  let sorted = [];
  let sortedBy = null;
  let found = { items: sorted, query: null, result: sorted };

  /** The items that the stock holds now, in order; `items` is the same array while nothing has changed. */
  function sort(items, by) {
    const compare = SORTS[by];
    const changed = [...items.values()].filter((item) => current.get(item.id) !== item);
    if (changed.length === 0 && items.size === current.size && by === sortedBy) return;
    const isAnew = by !== sortedBy || changed.length > items.size / 4;
    sorted = isAnew ? [...items.values()].sort(compare) : merge(stayed(items), changed.sort(compare), compare);
    current = items;
    sortedBy = by;
  }

  const stayed = (items) => sorted.filter((item) => items.get(item.id) === item);

  function find(query) {
    if (found.items === sorted && found.query === query) return found.result;
    found = { items: sorted, query, result: query.trim() ? sorted.filter(matcher(query)) : sorted };
    return found.result;
  }

  return {
    /** @param {Map<number, object>} items by id */
    update(items, by, query) {
      sort(items, by);
      return { all: sorted, shown: find(query) };
    },
  };
}

/** Two sorted lists as one. */
export function merge(long, short, compare) {
  const merged = [];
  let next = 0;
  for (const item of long) {
    while (next < short.length && compare(short[next], item) < 0) merged.push(short[next++]);
    merged.push(item);
  }
  while (next < short.length) merged.push(short[next++]);
  return merged;
}

