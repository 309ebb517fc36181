import assert from "node:assert/strict";
import { test } from "node:test";

import { canKeep, isKeptFor, toKeep } from "../../frontend/scripts/state/kept.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state/state.js";

const BOLTS = { id: 7, name: "Bolts", quantity: 40, version: 3, location: 1, updated_at: "2026-11-25T10:00:00Z" };
const PLACES = [{ id: 1, name: "Main", parent: null, path: "Main", editable: true }];
const BOB = { id: 2, name: "bob", kind: "user" };
const at = (number, epoch = "e") => ({ epoch, number });

const loaded = (state) =>
  [
    { type: "session", session: { auth: "open", principal: null, grants: [] } },
    { type: "locations", locations: PLACES },
    { type: "snapshot", position: at(5), items: [BOLTS], loadedAt: 1_000 },
    { type: "changes", changes: [{ position: at(6), event: "UPDATE", item: { ...BOLTS, quantity: 39, version: 4 } }], heardAt: 2_000 },
  ].reduce(reduce, state);

const kept = toKeep(loaded(INITIAL_STATE));

test("the stock is kept with its changes, its locations, and when the server last confirmed it", () => {
  assert.deepEqual(kept.items, [{ ...BOLTS, quantity: 39, version: 4 }]);
  assert.deepEqual([kept.position, kept.locations, kept.at], [at(6), PLACES, 2_000]);
  assert.deepEqual(JSON.parse(JSON.stringify(kept)), kept);
});

test("the kept stock is shown as of then, and is not kept again", () => {
  const state = reduce(INITIAL_STATE, { type: "kept_stock", kept });
  assert.equal(state.keptAt, 2_000);
  assert.equal(state.stock.known.get(7).item.quantity, 39);
  assert.equal(state.locations.byId.get(1).path, "Main");
  assert.ok(!canKeep(state));
  assert.ok(canKeep(loaded(INITIAL_STATE)));
});

test("the next snapshot replaces it, even one of another epoch or an older position", () => {
  for (const position of [at(9), at(2), at(1, "other")]) {
    const before = reduce(INITIAL_STATE, { type: "kept_stock", kept });
    const state = reduce(before, { type: "snapshot", position, items: [{ ...BOLTS, version: 1, quantity: 1 }], loadedAt: 3_000 });
    assert.deepEqual([state.keptAt, state.stock.known.get(7).item.quantity, state.stock.epoch], [null, 1, position.epoch]);
  }
});

test("it is shown to nobody but the account that it was kept for", () => {
  const login = (principal, isKnown) => ({ auth: "login", principal, isKnown });
  const ofBob = { session: { auth: "login", principal: BOB, grants: [] } };
  assert.ok(isKeptFor(ofBob, login(BOB, true)));
  assert.ok(isKeptFor(ofBob, login(null, false)), "the server can't say who it is");
  assert.ok(!isKeptFor(ofBob, login({ ...BOB, id: 3 }, true)));
  assert.ok(!isKeptFor(ofBob, login(null, true)), "nobody is signed in");
  assert.ok(!isKeptFor(ofBob, { auth: "open", principal: null, isKnown: false }));
  assert.ok(!isKeptFor(kept, login(BOB, true)));
  assert.ok(isKeptFor(kept, { auth: "open", principal: null, isKnown: true }));
});

test("an account that can't be asked is the one that was signed in last", () => {
  const grants = [{ location: null, role: "viewer" }];
  const state = reduce(INITIAL_STATE, { type: "kept_stock", kept: { ...kept, session: { auth: "login", principal: BOB, grants } } });
  assert.deepEqual([state.session.principal, state.session.isKept], [BOB, true]);
  const answered = reduce(state, { type: "session", session: { auth: "login", principal: BOB, grants } });
  assert.ok(!answered.session.isKept);
});
