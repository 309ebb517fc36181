import assert from "node:assert/strict";
import { test } from "node:test";

import { areSeveral, locationOfNewItem, pathShown, scopeOf } from "../../frontend/scripts/state/locations.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state/state.js";

const EPOCH = "3f9c";
const MAIN = { id: 1, name: "Main", parent: null, path: "Main", editable: false };
const ROOM = { id: 2, name: "Room", parent: 1, path: "Main/Room", editable: true };
const SHELF = { id: 3, name: "Shelf", parent: 2, path: "Main/Room/Shelf", editable: true };
const VAN = { id: 4, name: "Van", parent: null, path: "Van", editable: false };
const ALL = [MAIN, SHELF, ROOM, VAN]; // a shelf before the room that it lies in
const POSITION = { epoch: EPOCH, number: 1 };

const item = (id, location) => ({ id, name: "Bolts", quantity: 5, version: 1, location });
const run = (...messages) => messages.reduce(reduce, INITIAL_STATE);
const loaded = (...locations) => ({ type: "locations", locations });
const snapshot = (...items) => ({ type: "snapshot", position: POSITION, items });
const change = (number, document) => ({
  type: "changes",
  changes: [{ position: { epoch: EPOCH, number }, event: "INSERT", item: document }],
});

test("a location has everything below it in its scope, in whichever order they are listed", () => {
  const { locations } = run(loaded(...ALL));
  assert.equal(scopeOf(locations, null), null);
  assert.deepEqual([...scopeOf(locations, 1)].sort(), [1, 2, 3]);
  assert.deepEqual([...scopeOf(locations, 2)].sort(), [2, 3]);
  assert.deepEqual([...scopeOf(locations, 4)], [4]);
});

test("as long as there is one location, nothing is said of locations", () => {
  const { locations } = run(loaded(MAIN));
  assert.equal(areSeveral(locations), false);
  assert.equal(pathShown(locations, 1), "");
  assert.equal(pathShown(run(loaded(...ALL)).locations, 3), "Main/Room/Shelf");
});

test("the shown location is kept until it is known that there is no such choice", () => {
  const opened = run({ type: "view", location: 2 });
  assert.equal(opened.location, 2, "the locations are not loaded yet");
  assert.equal(reduce(opened, loaded(...ALL)).location, 2);
  assert.equal(reduce(opened, loaded(MAIN, VAN)).location, null);
  assert.equal(run({ type: "view", location: 1 }, loaded(MAIN)).location, null, "with one location, there is no choice");
  assert.equal(run(loaded(...ALL), { type: "view", location: 99 }).location, null);
});

test("a view that says nothing of the filters keeps them, and null shows all locations", () => {
  const narrowed = run(loaded(...ALL), { type: "view", location: 2, filter: "low" });
  const searched = reduce(narrowed, { type: "view", query: "bolt" });
  assert.deepEqual([searched.location, searched.filter, searched.query], [2, "low", "bolt"]);
  const widened = reduce(searched, { type: "view", location: null, filter: "all" });
  assert.deepEqual([widened.location, widened.filter, widened.query], [null, "all", "bolt"]);
});

test("an item at an unknown location is noticed, on the stream and in a snapshot", () => {
  const sightings = (...messages) => run(...messages).locations.sightings;
  assert.equal(sightings(snapshot(item(1, 1))), 0, "at the start, the locations are being loaded anyway");
  assert.equal(sightings(loaded(MAIN), snapshot(item(1, 1)), change(2, item(2, 1))), 0);
  assert.equal(sightings(loaded(MAIN), snapshot(item(1, 1)), change(2, item(2, 4))), 1);
  assert.equal(sightings(loaded(MAIN), snapshot(item(1, 4))), 1);
  const told = run(snapshot(item(1, 1)), change(2, item(2, 4)), loaded(MAIN));
  assert.equal(told.locations.sightings, 1, "an answer that was under way does not undo it");
  assert.equal(reduce(reduce(told, loaded(MAIN, VAN)), change(3, item(3, 4))).locations.sightings, 1);
});

test("a new item is added at the shown location, or else at the first that may be changed", () => {
  const { locations } = run(loaded(...ALL));
  assert.equal(locationOfNewItem(locations, 2), 2);
  assert.equal(locationOfNewItem(locations, 4), 3, "the shown one may only be read");
  assert.equal(locationOfNewItem(locations, null), 3);
  assert.equal(locationOfNewItem(run(loaded(MAIN, VAN)).locations, null), null);
});

test("who loses every role knows nothing of locations any more", () => {
  const state = run(loaded(...ALL), { type: "view", location: 2 }, { type: "role_lost", reason: "no role" });
  assert.deepEqual([state.locations.all, state.location], [[], null]);
});

test("a reset of the stream keeps the shown location", () => {
  const reset = { type: "reset", head: { epoch: "beef", number: 7 } };
  assert.equal(run(loaded(...ALL), snapshot(item(1, 2)), { type: "view", location: 2 }, reset).location, 2);
});
