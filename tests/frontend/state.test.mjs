import assert from "node:assert/strict";
import { test } from "node:test";

import { addNotice, dismissNotice, INITIAL_NOTICES } from "../../frontend/scripts/notices.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state.js";
import { findItem } from "../../frontend/scripts/stock.js";
import { quantitiesOf, stepPath, ticks } from "../../frontend/scripts/steps.js";
import { quantityShown } from "../../frontend/scripts/writes.js";

const EPOCH = "3f9c";
const item = (quantity, version, id = 1) => ({ id, name: "Bolts", quantity, version, updated_at: "2026-01-01T00:00:00.000000Z" });
const snapshot = (number, ...items) => ({ type: "snapshot", position: { epoch: EPOCH, number }, items });
const change = (number, document, event = "UPDATE") => ({
  type: "changes",
  changes: [{ position: { epoch: EPOCH, number }, event, item: document }],
});
const answer = (document) => ({ item: document, version: document.version, epoch: EPOCH });

function run(...messages) {
  return messages.reduce(reduce, INITIAL_STATE);
}

const shown = (state) => quantityShown(findItem(state.stock, 1), state.pending.get(1));

test("steps add up, whether they are in flight or queued", () => {
  let state = run(snapshot(1, item(5, 1)), { type: "step", id: 1, by: 1 }, { type: "steps_sent", id: 1 });
  assert.equal(shown(state), 6);
  for (const by of [1, 1, -1, 1]) state = reduce(state, { type: "step", id: 1, by });
  assert.equal(shown(state), 8);
  state = reduce(state, { type: "steps_answered", id: 1, answer: answer(item(6, 2)) });
  assert.equal(shown(state), 8);
  state = [{ type: "steps_sent", id: 1 }, { type: "steps_answered", id: 1, answer: answer(item(8, 3)) }].reduce(reduce, state);
  assert.equal(shown(state), 8);
  assert.equal(state.pending.size, 0);
});

test("a step is not counted twice when its event arrives before its response", () => {
  let state = run(snapshot(1, item(5, 1)), { type: "step", id: 1, by: 1 }, { type: "steps_sent", id: 1 });
  state = reduce(state, change(2, item(6, 2)));
  assert.equal(shown(state), 6);
  state = reduce(state, { type: "steps_answered", id: 1, answer: answer(item(6, 2)) });
  assert.equal(shown(state), 6);
});

test("refused steps are all rolled back, and the current quantity is shown", () => {
  const sent = [snapshot(1, item(2, 1)), { type: "step", id: 1, by: -1 }, { type: "steps_sent", id: 1 }];
  const state = run(...sent, { type: "step", id: 1, by: -1 }, { type: "write_ended", id: 1, answer: answer(item(0, 5)) });
  assert.equal(shown(state), 0);
});

test("changes by others are news, writes of this page are not", () => {
  const state = run(snapshot(1, item(5, 1), item(5, 1, 2)), { type: "write_sent", id: 1, write: { kind: "edit", quantity: 7 } }, change(2, item(7, 2)), change(3, item(9, 2, 2)));
  assert.deepEqual([...state.news.keys()], [2]);
  const answered = run(snapshot(1, item(5, 1)), { type: "write_ended", id: 1, answer: answer(item(7, 2)) }, change(2, item(7, 2)));
  assert.equal(answered.news.size, 0);
  assert.equal(run(change(1, item(5, 1))).news.size, 0, "changes before the snapshot must not be news");
  assert.equal(reduce(state, { type: "news_told" }).news.size, 0);
});

test("heartbeats and changes update the last heard time, and an older message does not reset it", () => {
  const beat = (heardAt) => ({ type: "heartbeat", position: null, clockAhead: 0, heardAt, staleAfter: 13_000 });
  assert.equal(run(beat(500)).connection.heardAt, 500);
  assert.equal(run(beat(500), beat(400)).connection.heardAt, 500);
  assert.equal(run(beat(500), { ...change(1, item(1, 1)), heardAt: 900 }).connection.heardAt, 900);
});

test("an unknown message is an error", () => {
  assert.throws(() => run({ type: "no such" }), TypeError);
});

test("a selection holds the selected ids without the deselected ones", () => {
  const state = run({ type: "select", ids: [1, 2, 3], isSelected: true }, { type: "select", ids: [2], isSelected: false });
  assert.deepEqual([...state.selected], [1, 3]);
});

test("the last notices are shown and the others are counted", () => {
  let notices = INITIAL_NOTICES;
  for (let number = 1; number <= 40; number += 1) notices = addNotice(notices, { tone: "info", text: `${number}` });
  assert.deepEqual(notices.shown.map(({ text }) => text), ["38", "39", "40"]);
  assert.equal(notices.folded, 37);
  for (const { key } of notices.shown) notices = dismissNotice(notices, key);
  assert.deepEqual([notices.shown.length, notices.folded], [0, 0]);
});

test("a line is a step function with gaps for missing values", () => {
  const size = { width: 20, height: 10 };
  assert.equal(stepPath([0, 0, 10], size), "M0 10H10V10H20V0");
  assert.equal(stepPath([null, 5, null, 5], size), "M6.7 5M20 5");
  assert.equal(stepPath([], size), "");
});

test("a history starts with the oldest entry, with null while the item was deleted", () => {
  const entries = [
    { changed_at: "2026-01-03T00:00:00Z", after: { quantity: 4 } },
    { changed_at: "2026-01-02T00:00:00Z", after: null },
    { changed_at: "2026-01-01T00:00:00Z", after: { quantity: 2 } },
  ];
  assert.deepEqual(quantitiesOf(entries).map(({ quantity }) => quantity), [2, null, 4]);
});

test("an axis has a few round numbers around its values", () => {
  assert.deepEqual(ticks(0, 400), [0, 100, 200, 300, 400]);
  assert.deepEqual(ticks(3, 3), [3, 4]);
  assert.deepEqual(ticks(7, 33), [0, 10, 20, 30, 40]);
});
