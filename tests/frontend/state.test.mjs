import assert from "node:assert/strict";
import { test } from "node:test";

import { addNotice, dismissNotice, INITIAL_NOTICES, takeUndo } from "../../frontend/scripts/state/notices.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state/state.js";
import { findItem } from "../../frontend/scripts/state/stock.js";
import { dayTicks, quantitiesOf, ticks } from "../../frontend/scripts/state/steps.js";
import { quantityShown } from "../../frontend/scripts/state/writes.js";

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

test("another search or filter ends the selection, another order does not", () => {
  const selected = run({ type: "select", ids: [1, 2], isSelected: true });
  assert.equal(reduce(selected, { type: "view", sort: "-name" }).selected.size, 2);
  assert.equal(reduce(selected, { type: "view", query: "bolt" }).selected.size, 0);
  assert.equal(reduce(selected, { type: "view", filter: "low" }).selected.size, 0);
});

test("one notice is shown, and what can be undone stays known after it", () => {
  const undo = (id) => ({ tone: "success", message: "quantity.taken", action: { kind: "adjust", isUndo: true, id } });
  let notices = addNotice(addNotice(INITIAL_NOTICES, undo(1)), undo(2));
  notices = addNotice(notices, { tone: "error", message: "item.gone", action: { kind: "adjust_again" } });
  assert.equal(notices.shown.message, "item.gone");
  assert.equal(dismissNotice(notices, 1), notices, "it is not shown any more");
  notices = dismissNotice(notices, notices.shown.key);
  assert.equal(notices.shown, null);
  assert.deepEqual(notices.undoable.map(({ action }) => action.id), [1, 2]);
  notices = takeUndo(notices);
  assert.deepEqual(notices.undoable.map(({ action }) => action.id), [1]);
  assert.equal(takeUndo(takeUndo(notices)).undoable.length, 0);
});

test("a notice can sum up an earlier one, of which then nothing is left to undo", () => {
  const undo = (by) => ({ tone: "success", message: "quantity.taken", action: { kind: "adjust", isUndo: true, id: 1, by } });
  const first = addNotice(INITIAL_NOTICES, undo(1));
  const second = addNotice(first, { ...undo(2), replaces: first.shown.key });
  assert.deepEqual(second.undoable.map(({ action }) => action.by), [2]);
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

test("the axis of days begins each day where the reader is, and has room for its end", () => {
  const start = new Date(2026, 2, 1, 15).getTime();
  const day = (number) => new Date(2026, 2, number).getTime();
  assert.deepEqual(dayTicks(start, new Date(2026, 2, 5, 12).getTime(), 10), [day(2), day(3), day(4), day(5)]);
  assert.deepEqual(dayTicks(start, new Date(2026, 2, 11, 12).getTime(), 3), [day(2), day(5), day(8)]);
  assert.deepEqual(dayTicks(start, start + 3_600_000, 5), []);
});
