import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import {
  compareStocks,
  dayOf,
  differenceOf,
  endOf,
  isRestore,
  journalQuery,
  NO_REPORT,
  parseReport,
  personLabel,
  startOf,
} from "../../frontend/scripts/state/reports.js";
import { missingOf, orderList, shortagesOf, suggestedOrder } from "../../frontend/scripts/state/shortages.js";

const NOWHERE = { locations: { all: [], byId: new Map() }, location: null };

test("the journal asks for whole days, where the reader is", () => {
  const report = { ...NO_REPORT, person: " ann ", reason: "sold", from: "2026-03-01", until: "2026-03-02" };
  const query = journalQuery(report, 4);
  assert.deepEqual([query.get("actor"), query.get("reason"), query.get("location")], ["ann", "sold", "4"]);
  assert.equal(Date.parse(query.get("since")), new Date(2026, 2, 1).getTime());
  assert.equal(Date.parse(query.get("until")), new Date(2026, 2, 3).getTime());
  assert.equal(journalQuery(NO_REPORT, null).toString(), "");
  assert.equal(dayOf(Date.parse(startOf("2026-12-31"))), "2026-12-31");
  assert.equal(dayOf(Date.parse(endOf("2026-12-31"))), "2027-01-01");
});

test("days that are none are left out of the address", () => {
  const report = parseReport(new URLSearchParams("from=2026-02-01&until=2026-13-01&day=today&person=ann&compared="));
  assert.deepEqual(report, { ...NO_REPORT, from: "2026-02-01", person: "ann" });
});

test("an event says by how much, whether it is a restore, and who made it", () => {
  const [before, after] = [{ quantity: 5, version: 1 }, { quantity: 2, version: 2 }];
  assert.deepEqual([differenceOf({ before, after }), differenceOf({ before: null, after }), differenceOf({ before, after: null })], [-3, 2, -5]);
  assert.deepEqual([isRestore({ operation: "INSERT", after }), isRestore({ operation: "INSERT", after: before })], [true, false]);
  assert.deepEqual([personLabel("ann"), personLabel("stockstream_api")], ["ann", "Unknown"]);
});

test("two stocks are compared by item, also those that were added or deleted", () => {
  const item = (id, name, quantity) => ({ id, name, quantity });
  const rows = compareStocks([item(1, "b", 5), item(2, "a", 7)], [item(1, "b", 5), item(3, "c", 1)]);
  assert.deepEqual(rows.map(({ item: { id }, then, now, by }) => [id, then, now, by]), [[2, 7, null, -7], [1, 5, 5, 0], [3, null, 1, 1]]);
});

test("what is out comes first, then that of which most is missing", () => {
  const item = (id, quantity, minimum) => ({ id, name: `i${id}`, quantity, minimum, location: 1 });
  const items = [item(1, 4, 5), item(2, 0, null), item(3, 1, 9), item(4, 0, 3), item(5, 5, 5), item(6, 1, null)];
  const found = shortagesOf(NOWHERE, new Map(items.map((each) => [each.id, each])));
  assert.deepEqual(found.map(({ id }) => id), [4, 2, 3, 1]);
  assert.deepEqual([missingOf(items[2]), suggestedOrder(items[2], 3), suggestedOrder(items[1], undefined)], [8, 14, 0]);
});

test("an order list is safe to open in a spreadsheet", () => {
  const item = { id: 7, name: '=1+1, "x"', code: null, unit: "pcs", quantity: 1, minimum: 5 };
  const text = orderList([{ item, amount: "4", place: "Main" }]);
  assert.equal(text, '\ufeffcode,name,location,order,unit,have,minimum,id\r\n,"\'=1+1, ""x""",Main,4,pcs,1,5,7\r\n');
});
