import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { backoff, busyPause, fullPause } from "../../frontend/scripts/server/backoff.js";
import { explain, INITIAL_CONNECTION, isLive, isQuiet, standing } from "../../frontend/scripts/state/connection.js";
import { createPatience } from "../../frontend/scripts/server/feed/patience.js";
import { createRecent } from "../../frontend/scripts/server/feed/recent.js";
import { createSchedule } from "../../frontend/scripts/server/reloading.js";

const live = { ...INITIAL_CONNECTION, phase: "live", heardAt: 100_000, staleAfter: 13_000 };

test("only silence makes a live connection stale", () => {
  assert.deepEqual(standing(live, 113_000), { word: "live", seconds: null });
  assert.deepEqual(standing(live, 114_000), { word: "stale", seconds: 14 });
  assert.equal(isLive(live, 3_600_000), false);
});

test("a wait is counted down, and never below zero", () => {
  const paused = { ...live, phase: "reconnecting", retryAt: 105_000 };
  assert.deepEqual(standing(paused, 102_100), { word: "reconnecting", seconds: 3 });
  assert.deepEqual(standing(paused, 109_000), { word: "reconnecting", seconds: 0 });
  assert.deepEqual(standing({ ...paused, retryAt: null }, 109_000), { word: "reconnecting", seconds: null });
});

test("a wait is random between 0 and a limit that doubles up to half a minute", () => {
  assert.deepEqual([1, 2, 3, 9, 90].map((failures) => backoff(failures, () => 1)), [1_000, 2_000, 4_000, 30_000, 30_000]);
  assert.equal(backoff(5, () => 0), 0);
  assert.deepEqual([0, 1].map((chance) => fullPause(() => chance)), [5_000, 30_000]);
});

test("a server that is not ready is retried after 1 to 4 seconds, later after up to 10", () => {
  assert.deepEqual([1, 9, 90].map((times) => busyPause(times, () => 0)), [1_000, 1_000, 1_000]);
  assert.deepEqual([1, 2, 9, 90].map((times) => busyPause(times, () => 1)), [4_000, 5_200, 10_000, 10_000]);
});

const waiting = { ...INITIAL_CONNECTION, since: 100_000, waitingSince: 100_000 };
const lost = { ...live, phase: "reconnecting", since: 0 };

test("a stream that sends nothing for ten seconds is silent, and the page names possible causes", () => {
  assert.equal(standing(waiting, 109_999).word, "connecting");
  const silent = standing(waiting, 110_000);
  assert.equal(silent.word, "silent");
  assert.match(explain(waiting, silent), /Too many tabs .* Or something between/);
  assert.doesNotMatch(explain({ ...waiting, isOpen: true }, silent), /tabs/);
  assert.equal(standing({ ...lost, waitingSince: 100_000 }, 110_000).word, "silent");
  assert.equal(standing({ ...lost, waitingSince: 100_000, retryAt: 111_000 }, 110_000).word, "reconnecting");
});

test("a list is outdated once nothing live has arrived for ten seconds, for any reason", () => {
  assert.equal(isQuiet(INITIAL_CONNECTION, 999_999), false, "the first list is still being loaded");
  for (const connection of [waiting, lost, { ...lost, retryAt: 120_000 }, { ...waiting, phase: "reconnecting" }]) {
    assert.equal(isQuiet(connection, 109_999), false);
    assert.equal(isQuiet(connection, 110_000), true);
  }
  assert.equal(isQuiet({ ...live, since: 0 }, 113_000), false, "a pause between two heartbeats");
  assert.equal(isQuiet({ ...live, since: 0 }, 114_000), true);
  assert.equal(isQuiet({ ...lost, phase: "offline" }, 999_999), false);
});

test("while it is quiet a load is due at once, and then every 12 to 18 seconds", () => {
  for (const [chance, expected] of [[0, [10, 22, 34, 46, 58]], [1, [13, 31, 49]]]) {
    const isDue = createSchedule();
    const seconds = [];
    for (let second = 0; second < 60; second += 1) {
      if (isDue(waiting, 100_000 + 1_000 * second, () => chance)) seconds.push(second);
    }
    assert.deepEqual(seconds, expected);
    assert.equal(isDue({ ...live, heardAt: 160_000 }, 160_000), false);
  }
});

test("the reason of a busy server is shown in plain words", () => {
  const reasons = { word: "reconnecting" };
  const said = (reason, isFull = false) => explain({ ...lost, busy: { reason, isFull } }, reasons);
  assert.match(said("the log has not been read yet"), /^The server is starting\./);
  assert.match(said("this server is about to stop"), /^The server is restarting\./);
  assert.match(said("something new"), /^The server can't send live updates now: something new\./);
  assert.match(said(""), /^The server can't send live updates now\./);
  assert.match(said("too many streams are open", true), /no free place/);
  assert.match(explain(lost, reasons), /^Live updates are paused\. Nothing is lost/);
});

test("timeouts are derived from the heartbeats, except the first, which is irregular", () => {
  const patience = createPatience();
  assert.equal(patience.staleAfter, 19_500);
  for (const moment of [0, 300]) patience.heartbeat(moment);
  assert.equal(patience.staleAfter, 19_500);
  for (const moment of [10_300, 20_300]) patience.heartbeat(moment);
  assert.equal(patience.staleAfter, 13_000);
  assert.equal(patience.renewAfter, 25_000);
  patience.connected();
  patience.heartbeat(90_000);
  patience.heartbeat(90_100);
  assert.equal(patience.staleAfter, 13_000, "the learned timeouts must hold for the next connection");
});

const at = (number, epoch = "3f9c") => ({ position: { epoch, number } });

test("a page that joins late gets the changes after its snapshot, or null if they are unknown", () => {
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

test("the changes kept for late pages are bounded and have no gaps", () => {
  const recent = createRecent(10);
  recent.startAt({ epoch: "3f9c", number: 0 });
  for (let number = 1; number <= 95; number += 1) recent.add([at(number)]);
  for (let number = 0; number <= 95; number += 1) {
    const after = recent.after({ epoch: "3f9c", number });
    assert.ok(after === null ? number < 85 : after.length === 95 - number);
  }
});
