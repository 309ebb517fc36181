import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { inCodePointOrder, naturalKey, SORTS } from "../../frontend/scripts/state/order.js";
import { fold, matcher, queryOf } from "../../frontend/scripts/state/search.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));

test("a search finds what the table of cases says", () => {
  for (const [name, query, found] of read("search_cases.json")) {
    assert.equal(matcher(query)({ name }), found, `${query} in ${name}`);
  }
});

test("a text that grows when folded is cut by code points, in names and searches alike", () => {
  const [half, name] = ["\u{1d15e}", "\u{1d15e}".repeat(200)];
  assert.equal([...fold(name)].length, 400);
  assert.equal(fold(fold(name)), fold(name));
  assert.ok(matcher(name)({ name }));
  assert.ok(matcher(half)({ name }));
});

test("q is trimmed, without characters that the server refuses, and at most 200 characters long", () => {
  assert.equal(queryOf("  a b\u00a0"), "a b");
  assert.equal(queryOf("a\tb\0"), "a b");
  assert.equal(queryOf("a\ud800b"), "a b");
  assert.equal(queryOf(" \u200b\u2003"), "");
  assert.equal([...queryOf("📦".repeat(300))].length, 200);
});

test("names are ordered as the table of cases says, in both directions", () => {
  const items = read("order_cases.json").map((name, index) => ({ id: index + 1, name }));
  const shuffled = items.toSorted((a, b) => ((a.id * 7) % 31) - ((b.id * 7) % 31));
  assert.deepEqual(shuffled.toSorted(SORTS.name), items);
  assert.deepEqual(shuffled.toSorted(SORTS["-name"]), items.toReversed());
});

test("names and quantities that tie are ordered by id, in the same direction", () => {
  const items = [3, 1, 2].map((id) => ({ id, name: id === 2 ? "BOLT 01" : "bolt 1", quantity: 5 }));
  for (const field of ["name", "quantity"]) {
    assert.deepEqual(items.toSorted(SORTS[field]).map(({ id }) => id), [1, 2, 3]);
    assert.deepEqual(items.toSorted(SORTS[`-${field}`]).map(({ id }) => id), [3, 2, 1]);
  }
});

test("a key has numbers of one width, and a limit", () => {
  assert.equal(naturalKey("m2 x 0010"), `m${"0".repeat(19)}2 x ${"0".repeat(18)}10`);
  assert.equal(naturalKey("9".repeat(25)), "9".repeat(25));
  assert.equal(naturalKey("000"), "0".repeat(20));
  assert.equal([...naturalKey("1📦".repeat(100))].length, 600);
});

test("texts compare by code points", () => {
  const texts = ["a", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"];
  assert.deepEqual(texts.toReversed().toSorted((a, b) => (inCodePointOrder(a) < inCodePointOrder(b) ? -1 : 1)), texts);
});
