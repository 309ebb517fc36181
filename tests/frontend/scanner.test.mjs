import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST_GAP_MS, NO_BURST, takeKey, takeSight } from "../../frontend/scripts/state/scanner.js";

/** The codes that these keys complete, each `gap` after the one before. */
function scanned(keys, gap, more = () => ({})) {
  let burst = NO_BURST;
  const codes = [];
  keys.forEach((key, index) => {
    const taken = takeKey(burst, { key, at: 1_000 + index * gap, ...more(key, index) });
    burst = taken.burst;
    if (taken.scanned !== null) codes.push(taken.scanned);
  });
  return codes;
}

const typed = (text) => [...text, "Enter"];

test("fast characters and Enter are a code", () => {
  assert.deepEqual(scanned(typed("4006381333931"), 8), ["4006381333931"]);
  assert.deepEqual(scanned(typed("A b/1"), LONGEST_GAP_MS), ["A b/1"]);
  assert.deepEqual(scanned([...typed("B-100"), ...typed("B-200")], 8), ["B-100", "B-200"]);
  assert.deepEqual(scanned(["Shift", "A", "Shift", "B", "1", "2", "Shift", "Enter"], 20), ["AB12"], "Shift is no key of its own");
});

test("a person does not scan, however fast", () => {
  assert.deepEqual(scanned(typed("4006381333931"), LONGEST_GAP_MS + 1), []);
  assert.deepEqual(scanned(typed("abc"), 1), [], "too short");
  assert.deepEqual(scanned(typed("aaaaaaaa"), 30, (key, index) => ({ isRepeat: index > 0 && key === "a" })), [], "a held key");
  assert.deepEqual(scanned(["a", "b", "c", "d", "Tab"], 8), []);
  assert.deepEqual(scanned(["a", "b", "Backspace", "c", "d", "Enter"], 8), []);
  assert.deepEqual(scanned(typed("abcd"), 8, () => ({ isShortcut: true })), []);
});

test("a pause before Enter, or within the code, is a person's", () => {
  const times = (list) => scanned([..."abcd", "Enter"], 0, (_, index) => ({ at: list[index] }));
  assert.deepEqual(times([0, 10, 20, 30, 40]), ["abcd"]);
  assert.deepEqual(times([0, 10, 20, 30, 200]), []);
  assert.deepEqual(times([0, 100, 110, 120, 130]), []);
});

test("what was typed before a scan is not part of the code", () => {
  const keys = ["x", "y", ..."B-100", "Enter"];
  const at = (_, index) => ({ at: index < 2 ? index * 120 : 1_000 + index * 8 });
  assert.deepEqual(scanned(keys, 0, at), ["B-100"]);
});

test("autofill, which has no keys, and held Enter complete nothing", () => {
  assert.deepEqual(scanned([..."abcd", undefined, "Enter"], 5), []);
  assert.deepEqual(scanned(typed("abcd"), 5, (key) => ({ isRepeat: key === "Enter" })), []);
});

test("each key is the first, the next or the last of a burst", () => {
  let burst = NO_BURST;
  const kinds = [["a", 0], ["Shift", 5], ["b", 10], ["c", 200], ["Escape", 210]].map(([key, at]) => {
    const taken = takeKey(burst, { key, at });
    burst = taken.burst;
    return taken.is;
  });
  assert.deepEqual(kinds, ["first", "none", "next", "first", "last"]);
});

test("a camera counts a code when it comes into view, and again after two seconds", () => {
  let seen = new Map();
  const counted = [];
  const look = (at, ...codes) => {
    const sight = takeSight(seen, codes, at);
    seen = sight.seen;
    counted.push(...sight.counted.map((code) => [at, code]));
  };
  for (let at = 0; at <= 2_100; at += 150) look(at, "A", "A");
  look(2_250, "B");
  look(2_400, "A", "B");
  assert.deepEqual(counted, [[0, "A"], [2_100, "A"], [2_250, "B"]], "a picture without it is not out of view");
  look(3_000);
  look(3_150, "A");
  assert.deepEqual(counted.at(-1), [3_150, "A"]);
});
