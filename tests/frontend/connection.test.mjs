import assert from "node:assert/strict";
import { test } from "node:test";

import { backoff, fullPause } from "../../frontend/scripts/backoff.js";
import { INITIAL_CONNECTION, isLive, standing } from "../../frontend/scripts/connection.js";
import { createPatience } from "../../frontend/scripts/feed/patience.js";
import { createRecent } from "../../frontend/scripts/feed/recent.js";

const live = { ...INITIAL_CONNECTION, phase: "live", heardAt: 100_000, staleAfter: 13_000 };

test("a live connection grows stale by silence alone", () => {
  assert.deepEqual(standing(live, 113_000), { word: "live", seconds: null });
  assert.deepEqual(standing(live, 114_000), { word: "stale", seconds: 14 });
  assert.equal(isLive(live, 3_600_000), false);
});

test("a wait is counted down, and never below zero", () => {
  const waiting = { ...live, phase: "reconnecting", retryAt: 105_000 };
  assert.deepEqual(standing(waiting, 102_100), { word: "reconnecting", seconds: 3 });
  assert.deepEqual(standing(waiting, 109_000), { word: "reconnecting", seconds: 0 });
  assert.deepEqual(standing({ ...waiting, retryAt: null }, 109_000), { word: "reconnecting", seconds: null });
});

test("a wait is anywhere between nothing and a limit that doubles up to half a minute", () => {
  assert.deepEqual([1, 2, 3, 9, 90].map((failures) => backoff(failures, () => 1)), [1_000, 2_000, 4_000, 30_000, 30_000]);
  assert.equal(backoff(5, () => 0), 0);
  assert.deepEqual([0, 1].map((chance) => fullPause(() => chance)), [5_000, 30_000]);
});

test("patience is told from the heartbeats, but not from the first, which comes out of turn", () => {
  const patience = createPatience();
  assert.equal(patience.staleAfter, 19_500);
  for (const moment of [0, 300]) patience.beat(moment);
  assert.equal(patience.staleAfter, 19_500);
  for (const moment of [10_300, 20_300]) patience.beat(moment);
  assert.equal(patience.staleAfter, 13_000);
  assert.equal(patience.renewAfter, 25_000);
  patience.connected();
  patience.beat(90_000);
  patience.beat(90_100);
  assert.equal(patience.staleAfter, 13_000, "what was learned holds for the next connection");
});

const at = (number, epoch = "3f9c") => ({ position: { epoch, number } });

test("a page that joins late gets what came after its snapshot, or is told that this is not known", () => {
  const recent = createRecent(10);
  assert.equal(recent.after({ epoch: "3f9c", number: 1 }), null);
  recent.startAt({ epoch: "3f9c", number: 5 });
  recent.add([at(6), at(8), at(9)]);
  const numbers = (number) => recent.after({ epoch: "3f9c", number })?.map(({ position }) => position.number) ?? null;
  assert.deepEqual(numbers(5), [6, 8, 9]);
  assert.deepEqual(numbers(8), [9]);
  assert.deepEqual(numbers(20), []);
  assert.equal(numbers(4), null);
  assert.equal(recent.after({ epoch: "beef", number: 8 }), null);
});

test("what is kept for late pages is bounded, and never has a hole", () => {
  const recent = createRecent(10);
  recent.startAt({ epoch: "3f9c", number: 0 });
  for (let number = 1; number <= 95; number += 1) recent.add([at(number)]);
  for (let number = 0; number <= 95; number += 1) {
    const after = recent.after({ epoch: "3f9c", number });
    assert.ok(after === null ? number < 85 : after.length === 95 - number);
  }
});
