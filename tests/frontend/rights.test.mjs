import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { applyLocations, NO_LOCATIONS } from "../../frontend/scripts/state/locations.js";
import {
  explainEnd,
  INITIAL_SESSION,
  isReading,
  mayAdminister,
  mayEdit,
  mayEditItem,
  mayManageLocations,
  mayRead,
  mustSignIn,
} from "../../frontend/scripts/state/rights.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state/state.js";

const PRINCIPAL = { id: 1, name: "ann", kind: "user" };
const withRole = (role) => ({
  ...INITIAL_SESSION,
  auth: "login",
  principal: PRINCIPAL,
  grants: role ? [{ location: null, role }] : [],
  isKnown: true,
});

test("each role may what the lower ones may", () => {
  const rights = (session) => [mayRead, mayEdit, mayAdminister].map((may) => may(session));
  assert.deepEqual(rights(withRole(null)), [false, false, false]);
  assert.deepEqual(rights(withRole("viewer")), [true, false, false]);
  assert.deepEqual(rights(withRole("editor")), [true, true, false]);
  assert.deepEqual(rights(withRole("admin")), [true, true, true]);
  assert.deepEqual(rights(INITIAL_SESSION), [true, true, false]);
});

test("who has a role at a single location may use the page, and change the items there", () => {
  const session = { ...withRole(null), grants: [{ location: 1, role: "viewer" }, { location: 2, role: "editor" }] };
  assert.deepEqual([mayRead, mayEdit, mayAdminister, mayManageLocations].map((may) => may(session)), [true, true, false, false]);
  assert.equal(isReading(session), true);
  const unloaded = { session, locations: NO_LOCATIONS };
  const at = (id, editable) => ({ id, name: "", parent: null, path: "", editable });
  const loaded = { session, locations: applyLocations(NO_LOCATIONS, [at(1, false), at(2, true)]) };
  assert.equal(mayEditItem(unloaded, { location: 2 }), false);
  assert.deepEqual([1, 2, 3].map((location) => mayEditItem(loaded, { location })), [false, true, false]);
});

test("who may change the stock everywhere may change an item before its location is known", () => {
  const at = (session) => mayEditItem({ session, locations: NO_LOCATIONS }, { location: 7 });
  assert.deepEqual(["viewer", "editor", "admin"].map((role) => at(withRole(role))), [false, true, true]);
  assert.equal(at(INITIAL_SESSION), true);
  assert.deepEqual(["editor", "admin"].map((role) => mayManageLocations(withRole(role))), [false, true]);
  assert.equal(mayManageLocations(INITIAL_SESSION), true);
});

test("the page asks to sign in once it knows that nobody is, and when a session has ended", () => {
  const unknown = { ...INITIAL_SESSION, auth: "login" };
  assert.equal(mustSignIn(unknown), false);
  assert.equal(mustSignIn({ ...unknown, isKnown: true }), true);
  assert.equal(mustSignIn(withRole("viewer")), false);
  assert.equal(mustSignIn({ ...INITIAL_SESSION, isKnown: true }), false);
  assert.equal(isReading(unknown), false);
  assert.equal(isReading(withRole("viewer")), true);
});

test("a session that ended begins again, and until then says why it ended", () => {
  const state = reduce(INITIAL_STATE, { type: "session", session: { auth: "login", principal: PRINCIPAL, grants: [] } });
  const ended = reduce(state, { type: "signed_out", reason: "expired" });
  assert.equal(mustSignIn(ended.session), true);
  assert.equal(explainEnd(ended.session), "Your session has expired.");
  assert.deepEqual(ended.session.principal, PRINCIPAL);
  const again = reduce(ended, { type: "session", session: { auth: "login", principal: PRINCIPAL, grants: [] } });
  assert.equal(mustSignIn(again.session), false);
});
