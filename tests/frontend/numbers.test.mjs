import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { formatNumber } from "../../frontend/scripts/state/formats.js";
import { setMessages } from "../../frontend/scripts/state/messages.js";
import { readChange, readNumber } from "../../frontend/scripts/state/numbers.js";

afterEach(() => setMessages("en", {}));

test("a displayed number can be pasted back, in any language", () => {
  for (const language of ["en", "de", "de-CH", "fr", "sv", "en-IN", "es", "pt"]) {
    setMessages(language, {});
    for (const number of [0, 7, 999, 1_247, 12_345, 2_147_483_647]) {
      if (language !== "en-IN" || number < 100_000) assert.equal(readNumber(formatNumber(number)), number, `${number} in ${language}`);
    }
  }
});

test("spaces and apostrophes between groups of three digits mean nothing", () => {
  for (const typed of ["1 247", "1'247", "1’247", "1\u00a0247", "1\u202f247", " 1247 "]) assert.equal(readNumber(typed), 1_247);
});

test("what may mean something else is no whole number", () => {
  const wrong = ["", "four", "12.5", "1.247", "1,24", "1,2470", "12 47", "1e3", "0x10", "--4", "1 247 5", "Infinity", ","];
  for (const typed of wrong) assert.equal(readNumber(typed), null, typed);
  setMessages("de", {});
  assert.equal(readNumber("1.247"), 1_247, "the separator of German");
  assert.equal(readNumber("1,247"), null, "a fraction in German");
});

test("a sign changes the quantity, a number without one or with = sets it", () => {
  assert.deepEqual(readChange("+20"), { by: 20 });
  for (const minus of ["-20", "−20", "–20", "- 20"]) assert.deepEqual(readChange(minus), { by: -20 });
  assert.deepEqual(readChange("=74"), { to: 74 });
  assert.deepEqual(readChange(" 1,247 "), { to: 1_247 });
  assert.deepEqual(readChange("0"), { to: 0 });
  for (const wrong of ["", "=", "+", "-", "+0", "=-5", "5-3", "5.5"]) assert.equal(readChange(wrong), null, wrong);
});
