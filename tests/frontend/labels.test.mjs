import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { arrange, idsOf, inGroups, labelsAddress, labelsPerPage, pageRules, PAPERS, readNumber, readSize } from "../../frontend/scripts/state/label-sizes.js";

const label = (bars, qr = 21) => ({ qr: { width: qr }, code_128: bars && { width: bars } });

test("the size of each paper that a person sees first is a valid one", () => {
  for (const [paper, { size }] of Object.entries(PAPERS)) assert.deepEqual(readSize(paper, size), { size, errors: [] });
});

test("a number is one that the field takes", () => {
  for (const text of ["20", "62.5", " 300 "]) assert.equal(readNumber("width", text).value, Number(text));
  for (const text of ["", " ", "19.9", "300.1", "NaN", "Infinity", "1e9", "62mm", "-62"]) assert.match(readNumber("width", text).error, /^Enter a number/);
  for (const text of ["1.5", "0", "21"]) assert.match(readNumber("copies", text).error, /^Enter a whole number from 1 to 20/);
});

test("labels must fit on their sheet, to a tenth of a millimetre", () => {
  const fields = (change) => readSize("a4", { ...PAPERS.a4.size, ...change }).errors.map(({ field }) => field);
  assert.deepEqual(fields({ width: 70, left: 0 }), []);
  assert.deepEqual(fields({ width: 70.1, left: 0 }), ["columns"]);
  assert.deepEqual(fields({ height: 37.1, rows: 8, top: 0 }), []);
  assert.deepEqual(fields({ height: 37.2, rows: 8, top: 0 }), ["rows"]);
  assert.deepEqual(fields({ columns: undefined }), ["columns"]);
});

test("the space between labels is what the margins and the labels leave", () => {
  assert.match(pageRules("a4", { ...PAPERS.a4.size, width: 60, left: 10, height: 40, rows: 6, top: 18.5 }), /gap: 4mm 5mm;/);
  assert.match(pageRules("a4", { ...PAPERS.a4.size, columns: 1, rows: 1 }), /gap: 0mm 0mm;/);
  assert.match(pageRules("label", { width: 62, height: 29 }), /@page \{ size: 62mm 29mm; margin: 0 \}/);
  assert.equal(labelsPerPage(PAPERS.label.size), 1);
  assert.equal(labelsPerPage(PAPERS.a4.size), 21);
});

test("bars are never finer than 0.19 mm, and leave room for the QR code", () => {
  for (let width = 20; width <= 300; width += 7) {
    for (let height = 12; height <= 300; height += 7) {
      for (const modules of [46, 90, 150, 400, 1_100]) {
        const { bars, qr, padding, gap } = arrange({ width, height }, label(modules));
        const inner = { width: width - 2 * padding, height: height - 2 * padding };
        assert.ok(qr.side > 0 && qr.side <= Math.min(inner.width, inner.height));
        if (!bars) continue;
        assert.ok(bars.width / (modules + 20) >= 0.19 && bars.width <= inner.width + 1e-9);
        assert.ok(bars.height >= 5 && qr.side + gap + bars.height <= inner.height + 1e-9);
      }
    }
  }
  assert.equal(arrange({ width: 62, height: 29 }, label(null)).bars, null);
  assert.equal(arrange({ width: 62, height: 12 }, label(90)).bars, null, "too low for both");
});

test("a QR code that cameras can't read is noticed", () => {
  assert.equal(arrange({ width: 62, height: 29 }, label(90)).qr.isTooFine, false);
  assert.equal(arrange({ width: 20, height: 12 }, label(null, 77)).qr.isTooFine, true);
});

test("the address of the labels is read as it was written, without ids that no item can have", () => {
  assert.equal(labelsAddress([7, 9]), "/labels?item=7&item=9");
  assert.deepEqual(idsOf(new URL(labelsAddress([9, 7, 9]), "http://localhost").search), [9, 7, 9]);
  assert.deepEqual(idsOf("?item=0&item=-1&item=x&item=&item=1.5&item=99999999999999999999&other=7&item=7"), [7]);
});

test("groups are full, except the last", () => {
  assert.deepEqual(inGroups([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(inGroups([], 2), []);
});
