import assert from "node:assert/strict";
import { test } from "node:test";

import { formatAddress, parseAddress } from "../../frontend/scripts/state/address.js";
import { NO_REPORT } from "../../frontend/scripts/state/reports.js";
import { startOfDay } from "../../frontend/scripts/state/filters.js";
import { createListing } from "../../frontend/scripts/state/listing.js";
import { createOrder, merge, SORTS } from "../../frontend/scripts/state/order.js";
import { matcher } from "../../frontend/scripts/state/search.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state/state.js";
import { rowsOnScreen } from "../../frontend/scripts/state/viewport.js";

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
    const { shown: rows, counts, low, count } = listing(reduce(loaded, { type: "view", ...view }));
    return [rows.map(({ id }) => id), counts.low, low, count];
  };
  assert.deepEqual(shown({}), [[1, 2, 3, 4], 2, 2, 4]);
  assert.deepEqual(shown({ location: 1 }), [[1, 2, 4], 1, 1, 4]);
  assert.deepEqual(shown({ location: 2 }), [[3], 1, 1, 4]);
  assert.deepEqual(shown({ location: 1, filter: "low" }), [[2], 1, 1, 4]);
  assert.deepEqual(shown({ query: "bolt 1", filter: "low" }), [[], 0, 2, 4]);
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

test("the filters show what is low, out, or changed since the day began", () => {
  const item = (id, quantity, minimum, changed) => ({ id, name: `Bolt ${id}`, location: 1, quantity, minimum, version: 1, updated_at: changed });
  const items = [
    item(1, 0, null, "2026-03-01T10:00:00.000000Z"),
    item(2, 3, 4, "2026-03-02T00:00:00.000000Z"),
    item(3, 4, 4, "2026-03-01T23:59:59.999999Z"),
  ];
  const listing = createListing();
  const loaded = [
    { type: "today", today: "2026-03-02T00:00:00.000000Z" },
    { type: "snapshot", position: { epoch: "3f9c", number: 1 }, items },
  ].reduce(reduce, INITIAL_STATE);
  const shown = (filter) => listing(reduce(loaded, { type: "view", filter })).rows.map(({ id }) => id);
  assert.deepEqual(listing(loaded).counts, { all: 3, low: 1, out: 1, today: 1 });
  assert.deepEqual([shown("all"), shown("low"), shown("out"), shown("today")], [[1, 2, 3], [2], [1], [2]]);
});

test("the day begins at midnight where the reader is, in the form of the timestamps of items", () => {
  const now = Date.parse("2026-03-02T15:00:00Z");
  const start = startOfDay(now);
  assert.match(start, /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000000Z$/);
  assert.equal(new Date(start).getHours(), 0);
  assert.ok(now - Date.parse(start) < 86_400_000);
});

test("while the list is held, its rows stay where they are, and what waits is counted", () => {
  const item = (id, name, version = 1) => ({ id, name, quantity: 1, location: 1, version, updated_at: "" });
  const at = (number) => ({ epoch: "3f9c", number });
  const change = (number, document, event = "UPDATE") => ({ type: "changes", changes: [{ position: at(number), event, item: document }] });
  const listing = createListing();
  const loaded = reduce(INITIAL_STATE, { type: "snapshot", position: at(1), items: [item(1, "a"), item(2, "b"), item(3, "c")] });
  const held = reduce(loaded, { type: "hold", items: listing(loaded).rows });
  const rows = (state) => listing(state).rows.map(({ id, name }) => `${id}${name}`);
  let state = held;
  const expect = (message, names, waiting) => {
    state = reduce(state, message);
    assert.deepEqual([rows(state), listing(state).waiting], [names, waiting]);
  };
  expect(change(2, item(1, "z", 2)), ["1z", "2b", "3c"], 1);
  expect(change(3, item(4, "aa")), ["1z", "2b", "3c"], 2);
  expect(change(4, item(2, "b"), "DELETE"), ["1z", "2b", "3c"], 3);
  assert.equal(listing(state).items.has(2), false, "its row is still there, and can tell that it is gone");
  expect({ type: "release" }, ["4aa", "3c", "1z"], 0);
  assert.deepEqual(rows(reduce(held, { type: "view", query: "c" })), ["3c"], "another search is another list");
  assert.deepEqual(rows(reduce(held, { type: "view", sort: "-name" })), ["3c", "2b", "1a"]);
  assert.equal(reduce(held, { type: "view", opened: 1 }).held, held.held);
});

test("a held list drops what a new snapshot lacks, which the person may not see any more", () => {
  const item = (id) => ({ id, name: `i${id}`, quantity: 1, location: 1, version: 1, updated_at: "" });
  const at = (number) => ({ epoch: "3f9c", number });
  const loaded = reduce(INITIAL_STATE, { type: "snapshot", position: at(1), items: [item(1), item(2), item(3)] });
  const held = reduce(loaded, { type: "hold", items: createListing()(loaded).rows });
  const state = [{ type: "reset", head: at(5) }, { type: "snapshot", position: at(5), items: [item(3), item(1)] }].reduce(reduce, held);
  assert.deepEqual(createListing()(state).rows.map(({ id }) => id), [1, 3]);
});

test("the best matches come first, unless another order was chosen", () => {
  const names = ["Anchor for M6 bolt", "Bolt M6", "Dumbolt m6", "Hex bolt M6"];
  const items = new Map(names.map((name, index) => [index + 1, { id: index + 1, name, quantity: index, code: index === 2 ? "bolt m6" : null }]));
  const found = (sort) => createOrder().update(items, sort, "bolt m6").found.map(({ name }) => name);
  assert.deepEqual(found("name"), ["Dumbolt m6", "Bolt M6", "Anchor for M6 bolt", "Hex bolt M6"]);
  assert.deepEqual(found("quantity"), names);
});

test("the address keeps the search, the order, the filters and the item, and ignores invalid values", () => {
  const report = { ...NO_REPORT, person: "ann", from: "2026-03-01" };
  const view = { report, view: "journal", query: "50 % & more", sort: "-name", location: 3, filter: "low", opened: 7 };
  const usual = { report: NO_REPORT, view: "stock", query: "", sort: "name", location: null, filter: "all", opened: null };
  assert.deepEqual(parseAddress(formatAddress(view)), view);
  assert.equal(formatAddress({ ...usual, query: " " }), "");
  assert.deepEqual(parseAddress("?sort=constructor&item=-1&q=&location=x&low=yes&show=toString&view=valueOf&from=today"), usual);
  assert.equal(parseAddress("?low=1").filter, "low", "as earlier pages wrote it");
});
