import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import {
  effectOf,
  errorsOf,
  isUncertain,
  itemsToCount,
  itemWithCode,
  matchesOf,
  movementOf,
  NO_LISTS,
  readKept,
  refusedLines,
  toKeep,
  transferOf,
} from "../../frontend/scripts/state/lists.js";
import { VERBS } from "../../frontend/scripts/state/reasons.js";
import { INITIAL_STATE, reduce } from "../../frontend/scripts/state/state.js";
import { currentItems, findItem } from "../../frontend/scripts/state/stock.js";
import { likelyTwin, twinsOf } from "../../frontend/scripts/state/twins.js";

const EPOCH = "3f9c";
const MAIN = { id: 1, name: "Main", parent: null, path: "Main", editable: true };
const VAN = { id: 2, name: "Van", parent: null, path: "Van", editable: true };
const BOLTS = { id: 7, name: "Bolts", code: "B-1", quantity: 40, version: 1, location: 1 };
const NUTS = { id: 9, name: "Nuts", code: null, quantity: 3, version: 1, location: 1 };
const VAN_BOLTS = { ...BOLTS, id: 11, location: 2, quantity: 5 };

const run = (...messages) => messages.reduce(reduce, INITIAL_STATE);
const snapshot = (...items) => ({ type: "snapshot", position: { epoch: EPOCH, number: 1 }, items });
const stocked = run({ type: "locations", locations: [MAIN, VAN] }, snapshot(BOLTS, NUTS, VAN_BOLTS));
const items = currentItems(stocked.stock);
const find = (id) => findItem(stocked.stock, id);
const act = (verb, name, values = {}) => ({ type: "list", verb, act: name, ...values });
const after = (state, ...acts) => acts.reduce(reduce, state);
const filled = (verb) =>
  after(stocked, act(verb, "amount", { item: BOLTS, amount: "12" }), act(verb, "amount", { item: NUTS, amount: "2" }));
const amounts = ({ lines }) => lines.map(({ id, amount }) => [id, amount]);
const sent = (verb, body) => act(verb, "send", { sent: { key: "k", at: 0, body } });

test("the task decides whether an amount is added, taken away or set", () => {
  const effect = (verb, amount, quantity = 40) => effectOf({ verb }, { amount }, quantity);
  assert.deepEqual(effect("receive", " 12 "), { by: 12, after: 52, short: 0 });
  assert.deepEqual(effect("receive", "1,200"), { by: 1_200, after: 1_240, short: 0 });
  for (const verb of ["pick", "move"]) assert.deepEqual(effect(verb, "12"), { by: -12, after: 28, short: 0 });
  assert.deepEqual(effect("count", "0"), { by: -40, after: 0, short: 0 });
  assert.deepEqual(effect("count", "40"), { by: 0, after: 40, short: 0 });
  assert.equal(effect("pick", " "), null);
});

test("if there is too little, what there is is taken, and the rest is short", () => {
  assert.deepEqual(effectOf({ verb: "pick" }, { amount: "5" }, 3), { by: -3, after: 0, short: 2 });
  const picked = after(stocked, act("pick", "set", { values: { note: "Order 4" } }), act("pick", "amount", { item: NUTS, amount: "5" }));
  assert.deepEqual(movementOf(picked.lists.pick, find), {
    reason: "used",
    note: "Order 4; 2 short of Nuts",
    lines: [{ item: 9, adjust: -3 }],
  });
});

test("what is no possible amount is refused before it is sent", () => {
  for (const verb of Object.keys(VERBS)) {
    for (const amount of ["-1", "1.5", "1e3", "twelve", "-"]) assert.ok(effectOf({ verb }, { amount }, 5).error, `${verb} ${amount}`);
  }
  assert.ok(effectOf({ verb: "receive" }, { amount: "0" }, 5).error);
  assert.ok(effectOf({ verb: "receive" }, { amount: "2147483647" }, 5).error, "too many");
  assert.ok(effectOf({ verb: "count" }, { amount: "2147483648" }, 5).error);
});

test("a list is sent as one movement, and a count names the versions that it is of", () => {
  assert.deepEqual(movementOf(filled("receive").lists.receive, find), {
    reason: "received",
    lines: [{ item: 7, adjust: 12 }, { item: 9, adjust: 2 }],
  });
  const counted = after(filled("count"), act("count", "set", { values: { note: " Shelf 3 " } }), act("count", "add", { item: VAN_BOLTS }));
  assert.deepEqual(movementOf(counted.lists.count, find), {
    reason: "counted",
    note: "Shelf 3",
    lines: [{ item: 7, set: 12, version: 1 }, { item: 9, set: 2, version: 1 }],
  }, "a line without an amount was not counted");
  const moved = after(filled("move"), act("move", "set", { values: { to: 2 } }));
  assert.deepEqual(transferOf(moved.lists.move, find), { to: 2, lines: [{ item: 7, quantity: 12 }, { item: 9, quantity: 2 }] });
});

test("a line that can't be booked is named", () => {
  const moved = after(filled("move"), act("move", "set", { values: { to: 1 } })).lists.move;
  assert.deepEqual([...errorsOf(moved, find).keys()], [7, 9], "they are there already");
  assert.deepEqual([...errorsOf({ ...moved, to: 2 }, (id) => (id === 7 ? null : find(id))).keys()], [7], "it was deleted");
  const added = after(stocked, act("pick", "add", { item: BOLTS })).lists.pick;
  assert.deepEqual([...errorsOf(added, find).keys()], [7], "it has no amount");
  assert.equal(errorsOf(after(stocked, act("count", "add", { item: BOLTS })).lists.count, find).size, 0);
});

test("an item is in one line, and a scan adds one more of it", () => {
  assert.deepEqual(amounts(after(filled("receive"), act("receive", "add", { item: BOLTS })).lists.receive), [[7, "12"], [9, "2"]]);
  const scans = [BOLTS, VAN_BOLTS, VAN_BOLTS].map((item) => act("receive", "scan", { item }));
  const { receive } = after(filled("receive"), ...scans).lists;
  assert.deepEqual(amounts(receive), [[7, "13"], [9, "2"], [11, "2"]]);
  assert.equal(receive.said, "Bolts: 2");
  assert.deepEqual(amounts(after(filled("receive"), act("receive", "remove", { id: 7 })).lists.receive), [[9, "2"]]);
});

test("each task has its own list, and clearing it leaves its reason and its locations", () => {
  const state = after(filled("receive"), act("pick", "set", { values: { reason: "sold", note: "a", at: 1 } }), act("pick", "add", { item: NUTS }));
  assert.equal(state.lists.receive.lines.length, 2);
  const { pick, receive } = after(state, act("pick", "clear")).lists;
  assert.deepEqual([pick.lines, pick.reason, pick.note, pick.at], [[], "sold", "", 1]);
  assert.equal(receive.lines.length, 2);
});

test("a refusal is told at the lines that it names, until they are changed", () => {
  const body = movementOf(filled("count").lists.count, find);
  const state = after(filled("count"), sent("count", body));
  const current = { ...NUTS, quantity: 1, version: 4 };
  const refused = refusedLines(state.lists.count, [
    { field: "lines.1.version", message: "item 9 has been changed", current },
    { field: "lines.0.item", message: "there is no item 7" },
    { field: "note", message: "is too long" },
  ]);
  const { count } = after(state, act("count", "refuse", refused)).lists;
  assert.deepEqual(count.lines.map(({ error }) => error.split(":")[0].split(".")[0]), ["This item was deleted", "It has changed since it was counted"]);
  assert.deepEqual([count.lines[1].version, count.lines[1].seen, count.sent], [4, 1, null], "then it is booked if it is booked again");
  const changed = after(state, act("count", "refuse", refused), act("count", "amount", { item: current, amount: "1" }));
  assert.equal(changed.lists.count.lines[1].error, "");
});

test("what was sent does not change until its answer, so that it can't be booked twice", () => {
  const body = movementOf(filled("receive").lists.receive, find);
  const tries = [
    act("receive", "amount", { item: BOLTS, amount: "99" }),
    act("receive", "scan", { item: BOLTS }),
    act("receive", "remove", { id: 7 }),
    act("receive", "add", { item: VAN_BOLTS }),
    act("receive", "set", { values: { reason: "returned" } }),
  ];
  const sending = after(filled("receive"), sent("receive", body));
  assert.deepEqual(amounts(after(sending, ...tries, act("receive", "clear")).lists.receive), [[7, "12"], [9, "2"]]);
  const lost = after(sending, act("receive", "lose", { failure: "No answer." }));
  assert.ok(isUncertain(lost.lists.receive));
  assert.deepEqual(after(lost, ...tries).lists.receive.sent.body, body);
  assert.deepEqual(after(lost, act("receive", "clear")).lists.receive.lines, []);
  const done = after(lost, sent("receive", body), act("receive", "book")).lists.receive;
  assert.deepEqual([done.lines, done.sent, done.isSending], [[], null, false]);
});

test("lists are kept with what was sent and its key, and come back after a reload", () => {
  assert.equal(toKeep(NO_LISTS), null);
  const body = movementOf(filled("pick").lists.pick, find);
  const state = after(filled("pick"), act("move", "set", { values: { to: 2 } }), act("move", "add", { item: NUTS }), sent("pick", body));
  const lists = readKept(toKeep(state.lists));
  assert.deepEqual(amounts(lists.pick), [[7, "12"], [9, "2"]]);
  assert.deepEqual(lists.pick.sent, { key: "k", at: 0, body });
  assert.ok(isUncertain(lists.pick), "its answer is unknown after a reload");
  assert.ok(lists.pick.failure);
  assert.deepEqual([lists.move.to, lists.move.lines.length], [2, 1]);
  assert.deepEqual(lists.receive, NO_LISTS.receive);
});

test("what can't be read is left out", () => {
  for (const kept of [null, "", "{", "5", "{}", "[null, 5]", '[{"verb": "toString"}]']) assert.deepEqual(readKept(kept), NO_LISTS, kept);
  const { pick } = readKept('[{"verb": "pick", "reason": "magic", "lines": [null, {"id": 1}, {"id": 2, "name": "a", "amount": "3"}]}]');
  assert.deepEqual([pick.reason, amounts(pick)], ["used", [[2, "3"]]]);
});

test("what a person books is no news of others", () => {
  const position = { epoch: EPOCH, number: 2 };
  const item = { ...BOLTS, quantity: 52, version: 2 };
  const changes = [{ position, event: "UPDATE", item }];
  const sending = after(filled("receive"), sent("receive", movementOf(filled("receive").lists.receive, find)));
  assert.equal(after(sending, { type: "changes", changes }).news.size, 0);
  const answered = after(sending, { type: "answers", answers: [{ id: 7, item, version: 2, epoch: EPOCH }] }, act("receive", "book"));
  assert.equal(findItem(answered.stock, 7).quantity, 52);
  assert.equal(after(answered, { type: "changes", changes }).news.size, 0);
  assert.equal(after(filled("receive"), { type: "changes", changes }).news.size, 1);
});

test("all items of a location are to be counted, if there are not too many", () => {
  const ids = (at, state = stocked) => itemsToCount(state, { ...state.lists.count, at }, items)?.map(({ id }) => id) ?? null;
  assert.deepEqual(ids(1), [7, 9]);
  assert.equal(ids(null), null, "with several locations, one has to be chosen");
  const alone = reduce(stocked, { type: "locations", locations: [MAIN] });
  assert.deepEqual(ids(null, alone), [7, 11, 9], "with one location, there is nothing to choose");
  const many = new Map(Array.from({ length: 301 }, (_, id) => [id, { ...BOLTS, id }]));
  assert.equal(itemsToCount(stocked, { ...stocked.lists.count, at: 1 }, many), null);
});

test("a code finds its item where the list is, else in the list, else the first", () => {
  const found = (state, list = null) => itemWithCode(state, list, items, "B-1")?.id;
  const list = after(stocked, act("pick", "add", { item: VAN_BOLTS })).lists.pick;
  assert.equal(found(stocked), 7);
  assert.equal(found(stocked, list), 11);
  assert.equal(found(stocked, { ...list, at: 1 }), 7);
  assert.equal(found(after(stocked, { type: "view", location: 2 })), 11);
  assert.equal(itemWithCode(stocked, null, items, "b-1"), null);
  assert.equal(itemWithCode(stocked, null, items, "B-"), null);
});

test("the search for an item finds words of names and codes at the list's location, and an exact code first", () => {
  const coded = { ...NUTS, id: 3, name: "Zinc", code: "Bolts" };
  const all = new Map([BOLTS, NUTS, coded, VAN_BOLTS].map((item) => [item.id, item]));
  const ids = (query, at = 1) => matchesOf(stocked, { ...stocked.lists.pick, query, at }, all).map(({ id }) => id);
  assert.deepEqual(ids("nut"), [9]);
  assert.deepEqual(ids("1 b-"), [7]);
  assert.deepEqual(ids("Bolts"), [3, 7]);
  assert.deepEqual(ids("bolts", 2), [11]);
  assert.deepEqual(ids(" "), []);
});

test("twins are the same article elsewhere: by its code, or without one by its name", () => {
  const ids = (item, ...others) => twinsOf(stocked, new Map([item, ...others].map((each) => [each.id, each])), item).map(({ id }) => id);
  assert.deepEqual(ids(BOLTS, { ...VAN_BOLTS, name: "Other" }, { ...BOLTS, id: 20 }), [11], "not at the same location");
  assert.deepEqual(ids(NUTS, { ...NUTS, id: 21, name: "nuts", location: 2 }, { ...NUTS, id: 22, code: "N", location: 2 }), [21]);
});

test("an item that is there already is found by its code, or else by its name", () => {
  const found = (wanted) => likelyTwin(items, { name: "", code: "", location: null, ...wanted })?.id ?? null;
  assert.deepEqual([found({ name: "bolts" }), found({ name: "bolts", location: 2 }), found({ name: "bolt" })], [7, 11, null]);
  assert.deepEqual([found({ code: "B-1", name: "Screws" }), found({ code: "X", name: "Bolts" }), found({})], [7, null, null]);
});
