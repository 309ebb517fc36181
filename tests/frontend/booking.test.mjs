import assert from "node:assert/strict";
import { test } from "node:test";

import {
  errorsOf,
  itemWithCode,
  matchesOf,
  movementOf,
  quantityAfter,
  readAmount,
  reasonsFor,
  refusedLines,
  tellBooked,
  transfersOf,
} from "../../frontend/scripts/booking.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state.js";
import { currentItems, findItem } from "../../frontend/scripts/stock.js";
import { twinsOf } from "../../frontend/scripts/twins.js";

const EPOCH = "3f9c";
const MAIN = { id: 1, name: "Main", parent: null, path: "Main", editable: true };
const VAN = { id: 2, name: "Van", parent: null, path: "Van", editable: true };
const BOLTS = { id: 7, name: "Bolts", code: "B-1", quantity: 40, version: 1, location: 1 };
const NUTS = { id: 9, name: "Nuts", code: null, quantity: 3, version: 1, location: 1 };
const VAN_BOLTS = { ...BOLTS, id: 11, location: 2, quantity: 5 };

const run = (...messages) => messages.reduce(reduce, INITIAL_STATE);
const snapshot = (...items) => ({ type: "snapshot", position: { epoch: EPOCH, number: 1 }, items });
const stocked = run({ type: "locations", locations: [MAIN, VAN] }, snapshot(BOLTS, NUTS, VAN_BOLTS));
const act = (name, values = {}) => ({ type: "booking", act: name, ...values });
const after = (state, ...acts) => acts.reduce(reduce, state);
const amounts = ({ booking }) => booking.lines.map(({ id, amount }) => [id, amount]);
const opened = after(stocked, act("open", { items: [BOLTS, NUTS] }), act("amount", { id: 7, amount: "12" }), act("amount", { id: 9, amount: "2" }));

test("the reason decides whether an amount is added, taken away or set", () => {
  assert.deepEqual(readAmount("received", " 12 "), { value: 12 });
  assert.deepEqual(readAmount("returned", "+1"), { value: 1 });
  for (const reason of ["sold", "used", "damaged", "lost", "moved"]) assert.deepEqual(readAmount(reason, "12"), { value: -12 });
  assert.deepEqual(readAmount("counted", "0"), { value: 0 });
  assert.deepEqual(["5", "+5", "-5", "−5"].map((text) => readAmount("corrected", text).value), [5, 5, -5, -5]);
  assert.deepEqual([quantityAfter("sold", "3", 40), quantityAfter("counted", "3", 40), quantityAfter("sold", "", 40)], [37, 3, null]);
});

test("what is no possible amount is refused before it is sent", () => {
  for (const text of ["", "0", "-1", "1.5", "1e3", "twelve", "2147483648"]) {
    assert.ok(readAmount("received", text).error, text);
    assert.ok(readAmount("sold", text).error, text);
  }
  for (const text of ["", "0", "0.5", "-", "+-1"]) assert.ok(readAmount("corrected", text).error, text);
  assert.ok(readAmount("counted", "-1").error);
});

test("a booking is sent as one movement, without an empty note", () => {
  assert.deepEqual(movementOf(opened.booking), {
    reason: "received",
    lines: [{ item: 7, adjust: 12 }, { item: 9, adjust: 2 }],
  });
  const counted = after(opened, act("set", { values: { reason: "counted", note: " Shelf 3 " } }));
  assert.deepEqual(movementOf(counted.booking), {
    reason: "counted",
    note: "Shelf 3",
    lines: [{ item: 7, set: 12 }, { item: 9, set: 2 }],
  });
});

test("lines are moved one by one", () => {
  const moved = after(opened, act("set", { values: { reason: "moved", to: 2, note: "a" } }));
  assert.deepEqual(transfersOf(moved.booking), [
    { item: 7, to: 2, quantity: 12, note: "a" },
    { item: 9, to: 2, quantity: 2, note: "a" },
  ]);
  const find = (id) => findItem(stocked.stock, id);
  assert.equal(errorsOf(moved.booking, find).size, 0);
  assert.deepEqual([...errorsOf({ ...moved.booking, to: 1 }, find).keys()], [7, 9], "they are there already");
  assert.deepEqual([...errorsOf(moved.booking, (id) => (id === 7 ? null : find(id))).keys()], [7], "it was deleted");
});

test("moving is offered to who can change several locations", () => {
  assert.ok(reasonsFor(stocked).includes("moved"));
  assert.ok(!reasonsFor(run({ type: "locations", locations: [MAIN] })).includes("moved"));
  assert.ok(!reasonsFor(run({ type: "locations", locations: [MAIN, { ...VAN, editable: false }] })).includes("moved"));
});

test("an item is in one line, and a scan adds one more of it", () => {
  assert.deepEqual(amounts(after(opened, act("open", { items: [NUTS] }), act("add", { item: BOLTS }))), [[7, "12"], [9, "2"]]);
  const scanned = after(opened, act("scan", { item: BOLTS }), act("scan", { item: VAN_BOLTS }), act("scan", { item: VAN_BOLTS }));
  assert.deepEqual(amounts(scanned), [[7, "13"], [9, "2"], [11, "2"]]);
  assert.equal(scanned.booking.said, "Bolts: 2");
  assert.deepEqual(amounts(after(opened, act("remove", { id: 7 }))), [[9, "2"]]);
});

test("closing the dialog loses nothing, and starting again loses all but the reason", () => {
  const sold = after(opened, act("set", { values: { reason: "sold", note: "a" } }), act("close"));
  assert.deepEqual([sold.booking.isOpen, amounts(sold)], [false, [[7, "12"], [9, "2"]]]);
  const { booking } = after(sold, act("open"), act("clear"));
  assert.deepEqual([booking.isOpen, booking.lines, booking.reason, booking.note], [true, [], "sold", ""]);
});

test("a refusal is told at the lines that it names, until they are changed", () => {
  const sent = after(opened, act("send"));
  const errors = refusedLines(sent.booking, [
    { field: "lines.1.adjust", message: "would take item 9 below 0: there are 1", current: { ...NUTS, quantity: 1 } },
    { field: "lines.0.item", message: "there is no item 7" },
    { field: "note", message: "is too long" },
  ]);
  const refused = after(sent, act("refuse", { errors }));
  assert.deepEqual(refused.booking.lines.map(({ amount, error }) => [amount, error]), [
    ["12", "This item was deleted. Remove the line."],
    ["2", "That is more than there is: 1 in stock now."],
  ]);
  assert.equal(refused.booking.isSending, false);
  assert.equal(after(refused, act("amount", { id: 9, amount: "1" })).booking.lines[1].error, "");
});

test("what was sent does not change until its answer, so that it can't be booked twice", () => {
  const tries = [
    act("amount", { id: 7, amount: "99" }),
    act("scan", { item: BOLTS }),
    act("remove", { id: 7 }),
    act("add", { item: VAN_BOLTS }),
    act("open", { items: [VAN_BOLTS] }),
    act("set", { values: { reason: "sold" } }),
  ];
  const sent = after(opened, act("send"));
  assert.deepEqual(movementOf(after(sent, ...tries, act("clear")).booking), movementOf(sent.booking));
  const lost = after(sent, act("refuse", { failure: "No answer.", isUncertain: true }));
  assert.deepEqual(movementOf(after(lost, ...tries).booking), movementOf(sent.booking));
  assert.deepEqual(after(lost, act("clear")).booking.lines, []);
  const done = after(lost, act("send"), act("book", { isDone: true }));
  assert.deepEqual([done.booking.lines, done.booking.isOpen, done.booking.isUncertain], [[], false, false]);
});

test("of lines that are moved one by one, those that were refused stay", () => {
  const errors = new Map([[9, "no"]]);
  const { booking } = after(opened, act("send"), act("book", { ids: [7], isDone: false }), act("refuse", { errors }));
  assert.deepEqual(booking.lines.map(({ id, error }) => [id, error]), [[9, "no"]]);
});

test("what a person books is no news of others", () => {
  const position = { epoch: EPOCH, number: 2 };
  const changes = [{ position, event: "UPDATE", item: { ...BOLTS, quantity: 52, version: 2 } }];
  assert.equal(after(opened, act("send"), { type: "changes", changes }).news.size, 0);
  const item = { ...BOLTS, quantity: 52, version: 2 };
  const answered = after(opened, { type: "answers", answers: [{ id: 7, item, version: 2, epoch: EPOCH }] });
  assert.equal(findItem(answered.stock, 7).quantity, 52);
  assert.equal(after(answered, { type: "changes", changes }).news.size, 0);
  assert.equal(after(opened, { type: "changes", changes }).news.size, 1);
});

test("a code finds its item where the list is, else in the booking, else the first", () => {
  const items = currentItems(stocked.stock);
  const found = (state, preferred) => itemWithCode(state, items, "B-1", preferred)?.id;
  assert.equal(found(stocked), 7);
  assert.equal(found(stocked, new Set([11])), 11);
  assert.equal(found(after(stocked, { type: "view", location: 2 })), 11);
  assert.equal(found(after(stocked, { type: "view", location: 1 }), new Set([11])), 7);
  assert.equal(itemWithCode(stocked, items, "b-1"), null);
  assert.equal(itemWithCode(stocked, items, "B-"), null);
});

test("the search for an item finds parts of names and codes, and an exact code first", () => {
  const coded = { ...NUTS, id: 3, name: "Zinc", code: "Bolts" };
  const state = reduce(stocked, snapshot(BOLTS));
  const items = new Map([BOLTS, NUTS, coded].map((item) => [item.id, item]));
  const ids = (query) => matchesOf(after(state, act("search", { query })), items).map(({ id }) => id);
  assert.deepEqual(ids("nut"), [9]);
  assert.deepEqual(ids("b-1"), [7]);
  assert.deepEqual(ids("Bolts"), [3, 7]);
  assert.deepEqual(ids(" "), []);
});

test("a booking is told by its only name, or by the number of its items", () => {
  assert.deepEqual(tellBooked("received", ["Bolts", "Nuts", "Tarp"]), { name: null, text: "3 items received." });
  assert.deepEqual(tellBooked("moved", ["Bolts"], "Van"), { name: "Bolts", text: "was moved to Van." });
});

test("twins are the same article elsewhere: by its code, or without one by its name", () => {
  const ids = (item, ...others) => twinsOf(stocked, new Map([item, ...others].map((each) => [each.id, each])), item).map(({ id }) => id);
  assert.deepEqual(ids(BOLTS, { ...VAN_BOLTS, name: "Other" }, { ...BOLTS, id: 20 }), [11], "not at the same location");
  assert.deepEqual(ids(NUTS, { ...NUTS, id: 21, name: "nuts", location: 2 }, { ...NUTS, id: 22, code: "N", location: 2 }), [21]);
});
