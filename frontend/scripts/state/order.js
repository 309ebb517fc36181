/**
 * Sorts, searches and filters the stock. After the first sort, changed items are removed and merged in again, so that a change
 * costs one pass over the list and no sort.
 */

import { matcher, queryOf, ranker, searchText } from "./search.js";

export const DEFAULT_SORT = "name";

const DIGITS = 20; // length that runs of digits are padded to
const MAX_KEY_LENGTH = 600; // code points

const keys = new WeakMap(); // item → sort key of its name

/**
 * The same as natural_key() in sql/functions/1_text.sql: numbers are compared by value, so that M2 sorts before M10.
 * @param {string} folded the search text of an item
 */
export function naturalKey(folded) {
  if (!/[0-9]/.test(folded)) return folded;
  const padded = folded.replace(/[0-9]+/g, (digits) => "0".repeat(DIGITS) + digits).replace(/0*([0-9]{20,})/g, "$1");
  return padded.length <= MAX_KEY_LENGTH ? padded : [...padded].slice(0, MAX_KEY_LENGTH).join("");
}

/** Moves UTF-16 units so that comparing strings gives the order of code points, as in the database. */
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

/** Compare by this key, then by id, as the API does. */
const by = (key) => (a, b) => {
  const [one, other] = [key(a), key(b)];
  if (one !== other) return one < other ? -1 : 1;
  return a.id - b.id;
};

const byName = by(keyOf);
const byQuantity = by(({ quantity }) => quantity);
/** Times sort as text, since they are RFC 3339 in UTC with a fixed number of digits. */
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
  let found = { items: sorted, query: null, scope: null, result: sorted };

  /** Sort the current items. `sorted` stays the same array while nothing has changed. */
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

  function find(query, scope) {
    const isSame = found.items === sorted && found.query === query && found.scope === scope;
    if (!isSame) found = { items: sorted, query, scope, ...search(query, scope) };
    return found;
  }

  function search(query, scope) {
    const inScope = scope ? sorted.filter(({ location }) => scope.has(location)) : sorted;
    if (!queryOf(query)) return { result: inScope };
    const matching = inScope.filter(matcher(query));
    return { result: sortedBy === DEFAULT_SORT ? ranked(matching, ranker(query)) : matching };
  }

  return {
    /**
     * @param {Map<number, object>} items by id
     * @param {Set<number> | null} scope the locations to search; null: all
     * @returns {{all: object[], found: object[]}} all items, and those found, the best matches first
     */
    update(items, by, query, scope = null) {
      sort(items, by);
      return { all: sorted, found: find(query, scope).result };
    },
  };
}

/** The items in the order of their ranks, else as they were. */
function ranked(items, rankOf) {
  const ranks = [];
  for (const item of items) (ranks[rankOf(item)] ??= []).push(item);
  return ranks.flat();
}

/** Merge two sorted lists. */
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

