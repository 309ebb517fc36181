/**
 * The stock in the order and through the search that the person wants. The whole of it is sorted once; then only what
 * changed is taken out and merged in again, so that a change costs one pass over the list and no sort.
 */

import { matcher, queryOf, searchText } from "./search.js";

export const DEFAULT_SORT = "-updated_at";

const DIGITS = 20; // that a run of digits is padded to
const LONGEST_KEY = 600; // code points

const keys = new WeakMap(); // item → what the order by name compares

/**
 * As natural_key() in sql/functions/1_text.sql: numbers by their value, so that M2 comes before M10.
 * @param {string} folded the search text of an item
 */
export function naturalKey(folded) {
  if (!/[0-9]/.test(folded)) return folded;
  const padded = folded.replace(/[0-9]+/g, (digits) => "0".repeat(DIGITS) + digits).replace(/0*([0-9]{20,})/g, "$1");
  return padded.length <= LONGEST_KEY ? padded : [...padded].slice(0, LONGEST_KEY).join("");
}

/** Strings compare by UTF-16 units. With these moved, the order is that of code points, as in the database. */
export function inCodePointOrder(text) {
  return text.replace(/[\ud800-\uffff]/g, (unit) => {
    const code = unit.charCodeAt(0);
    return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800);
  });
}

function keyOf(item) {
  if (!keys.has(item)) keys.set(item, inCodePointOrder(naturalKey(searchText(item))));
  return keys.get(item);
}

/** Ids break ties, in the same direction: as in the API. */
const by = (key) => (a, b) => {
  const [one, other] = [key(a), key(b)];
  if (one !== other) return one < other ? -1 : 1;
  return a.id - b.id;
};

const byName = by(keyOf);
const byQuantity = by(({ quantity }) => quantity);
/** Times are RFC 3339 in UTC with a fixed number of digits: they sort as text. */
const byTime = by(({ updated_at: time }) => time);

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
    found = { items: sorted, query, result: queryOf(query) ? sorted.filter(matcher(query)) : sorted };
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

