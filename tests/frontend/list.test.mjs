import assert from "node:assert/strict";
import { test } from "node:test";

import { formatAddress, parseAddress } from "../../frontend/scripts/address.js";
import { createListing } from "../../frontend/scripts/listing.js";
import { createOrder, merge, SORTS } from "../../frontend/scripts/order.js";
import { matcher } from "../../frontend/scripts/search.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state.js";
import { holdInPlace, rowsOnScreen } from "../../frontend/scripts/viewport.js";

/** A small seeded random generator, so that failures are reproducible. */
function chances(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state % below;
  };
}

const itemOf = (id, chance) => ({
  id,
  name: ["Bolt", "bolt", "Älter", "Nut", "Zinc"][chance(5)] + chance(20),
  quantity: chance(10),
  updated_at: `2026-01-01T00:00:${String(chance(60)).padStart(2, "0")}.000000Z`,
});

for (const [name, compare] of Object.entries(SORTS)) {
  test(`sorted by ${name}, merging gives what sorting gives`, () => {
    const chance = chances(7);
    const order = createOrder();
    const items = new Map();
    for (let turn = 0; turn < 300; turn += 1) {
      for (let change = 0; change <= chance(4); change += 1) {
        const id = 1 + chance(40);
        if (chance(4)) items.set(id, itemOf(id, chance));
        else items.delete(id);
      }
      const { all } = order.update(new Map(items), name, "");
      assert.deepEqual(all, [...items.values()].sort(compare));
    }
  });
}

test("a new search or order starts from all items", () => {
  const order = createOrder();
  const chance = chances(3);
  const items = new Map([1, 2, 3, 4, 5, 6].map((id) => [id, itemOf(id, chance)]));
  const bolts = [...items.values()].filter(matcher("BOLT"));
  assert.deepEqual(new Set(order.update(items, "name", "BOLT").found), new Set(bolts));
  assert.equal(order.update(items, "-quantity", "").found.length, 6);
});

test("the result is reused while nothing has changed", () => {
  const order = createOrder();
  const items = new Map([[1, itemOf(1, chances(1))]]);
  assert.equal(order.update(items, "name", "").found, order.update(new Map(items), "name", "").found);
});

test("a list has the items of the shown location and of those below it, and counts those that are low", () => {
  const item = (id, location, quantity, minimum = null) => ({ id, name: `Bolt ${id}`, location, quantity, minimum, version: 1 });
  const locations = [
    { id: 1, name: "Main", parent: null, path: "Main", editable: true },
    { id: 3, name: "Shelf", parent: 1, path: "Main/Shelf", editable: true },
    { id: 2, name: "Van", parent: null, path: "Van", editable: true },
  ];
  const items = [item(1, 1, 5), item(2, 3, 5, 6), item(3, 2, 5, 9), item(4, 3, 7, 7)];
  const listing = createListing();
  const messages = [
    { type: "snapshot", position: { epoch: "3f9c", number: 1 }, items },
    { type: "locations", locations },
    { type: "view", sort: "name" },
  ];
  const loaded = messages.reduce(reduce, INITIAL_STATE);
  const shown = (view) => {
    const { shown: rows, low, count } = listing(reduce(loaded, { type: "view", ...view }));
    return [rows.map(({ id }) => id), low.length, count];
  };
  assert.deepEqual(shown({}), [[1, 2, 3, 4], 2, 4]);
  assert.deepEqual(shown({ location: 1 }), [[1, 2, 4], 1, 4]);
  assert.deepEqual(shown({ location: 2 }), [[3], 1, 4]);
  assert.deepEqual(shown({ location: 1, isLow: true }), [[2], 1, 4]);
  assert.deepEqual(shown({ query: "bolt 1", isLow: true }), [[], 0, 4]);
  assert.equal(listing(loaded).hasMinimums, true);
});

test("two sorted lists become one", () => {
  assert.deepEqual(merge([1, 3, 5], [0, 4, 9], (a, b) => a - b), [0, 1, 3, 4, 5, 9]);
});

test("case and accents do not matter to a search", () => {
  const finds = (query, name) => matcher(query)({ name });
  assert.ok(finds("creme", "Crème brûlée"));
  assert.ok(finds("ÇA", "ça va"));
  assert.ok(finds("  bolt ", "M4 Bolt"));
  assert.ok(!finds("bold", "M4 Bolt"));
});

test("only the rows on the screen and a few beyond are drawn", () => {
  assert.deepEqual(rowsOnScreen({ top: 300, screenHeight: 800, rowHeight: 50, count: 10_000 }), { first: 0, end: 16 });
  assert.deepEqual(rowsOnScreen({ top: -50_000, screenHeight: 800, rowHeight: 50, count: 10_000 }), { first: 994, end: 1_022 });
  assert.deepEqual(rowsOnScreen({ top: -50_000, screenHeight: 800, rowHeight: 50, count: 5 }), { first: 5, end: 5 });
});

test("rows in use keep their places, and the others flow around them", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => ({ id }));
  assert.deepEqual(holdInPlace([d, c, b, a], new Map([["a", { index: 0, item: a }]])), [a, d, c, b]);
  const gone = new Map([["d", { index: 3, item: d }], ["a", { index: 1, item: a }]]);
  assert.deepEqual(holdInPlace([c, b, a], gone), [c, a, b, d]);
});

test("the address keeps the search, the order, the filters and the item, and ignores invalid values", () => {
  const view = { query: "50 % & more", sort: "-name", location: 3, isLow: true, opened: 7 };
  const usual = { query: "", sort: "-updated_at", location: null, isLow: false, opened: null };
  assert.deepEqual(parseAddress(formatAddress(view)), view);
  assert.equal(formatAddress({ ...usual, query: " " }), "");
  assert.deepEqual(parseAddress("?sort=constructor&item=-1&q=&location=x&low=yes"), usual);
});
