import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { createFeed } from "../../frontend/scripts/server/feed/feed.js";

/** An EventSource that gets its frames from the test. */
class Source extends EventTarget {
  static opened = [];

  constructor(url) {
    super();
    this.position = new URL(url).searchParams.get("last_event_id");
    this.isOpen = true;
    Source.opened.push(this);
  }

  close() {
    this.isOpen = false;
  }

  send(type, data = {}, lastEventId = "") {
    this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data), lastEventId }));
  }

  change(number) {
    this.send("inventory_update", { event: "UPDATE", data: { id: 1, version: number } }, `3f9c-${number}`);
    mock.timers.tick(20);
  }

  beat() {
    this.send("heartbeat", { at: "2026-01-01T00:00:00Z", head: "3f9c-1" });
  }
}

const at = (number, epoch = "3f9c") => ({ epoch, number });
const latest = () => Source.opened.at(-1);

/** Joins a page to the feed and records the messages it gets. */
function join(feed, position) {
  const told = [];
  feed.join((message) => told.push(message), position);
  return {
    told,
    numbers: () => told.flatMap(({ changes = [] }) => changes.map((change) => change.position.number)),
    connection: () => told.findLast(({ type }) => type === "connection").connection,
  };
}

beforeEach(() => {
  Source.opened = [];
  globalThis.EventSource = Source;
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
});

afterEach(() => mock.timers.reset());

test("all pages share one stream, and each gets what came after its snapshot", () => {
  const feed = createFeed("http://events.test/events");
  const first = join(feed, at(5));
  latest().change(6);
  latest().change(8);
  const late = join(feed, at(6));
  const ahead = join(feed, at(9));
  latest().change(9);
  assert.deepEqual([first.numbers(), late.numbers(), ahead.numbers()], [[6, 8, 9], [8, 9], [9]]);
  assert.deepEqual(Source.opened.map(({ position }) => position), ["3f9c-5"]);
});

test("a page at an unknown position, or one of another log, is reset to the position of the stream", () => {
  const feed = createFeed("http://events.test/events");
  join(feed, at(5));
  latest().change(6);
  for (const position of [at(4), at(6, "beef")]) {
    const reset = join(feed, position).told.find(({ type }) => type === "reset");
    assert.deepEqual(reset.head, at(6));
  }
});

test("a page that has left gets no more messages", () => {
  const feed = createFeed("http://events.test/events");
  const told = [];
  const take = (message) => told.push(message);
  feed.join(take, at(5));
  feed.leave(take);
  const before = told.length;
  latest().change(6);
  assert.equal(told.length, before);
});

test("a lost stream is reopened at its last position, at the announced time", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().change(7);
  assert.equal(page.connection().phase, "live");
  latest().send("error");
  const { phase, retryAt } = page.connection();
  assert.equal(phase, "reconnecting");
  assert.equal(Source.opened.length, 1);
  mock.timers.tick(Math.ceil(retryAt - Date.now()) + 1);
  assert.equal(latest().position, "3f9c-7");
  assert.equal(page.connection().retryAt, null);
  latest().beat();
  assert.equal(page.connection().phase, "live");
});

test("a full server is retried later, and the page is told so", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().send("busy", { reason: "too many streams are open", full: true });
  latest().send("error");
  assert.deepEqual(page.connection().busy, { reason: "too many streams are open", isFull: true });
  assert.ok(page.connection().retryAt - Date.now() >= 5_000);
  feed.retry();
  assert.equal(Source.opened.length, 2);
  latest().beat();
  assert.equal(page.connection().busy, null);
});

test("a server that is not ready is retried soon, any number of times", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  for (let times = 1; times <= 20; times += 1) {
    latest().send("busy", { reason: "the log has not been read yet", full: false });
    latest().send("error");
    assert.deepEqual(page.connection().busy, { reason: "the log has not been read yet", isFull: false });
    const pause = page.connection().retryAt - Date.now();
    assert.ok(pause >= 1_000 && pause <= 10_000);
    mock.timers.tick(Math.ceil(pause) + 1);
  }
  assert.equal(Source.opened.length, 21);
  latest().beat();
  assert.equal(page.connection().busy, null);
});

test("a busy frame without a readable payload does not mean a full server", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  for (const data of ["", "null", "[]", '{"reason":5,"full":"yes"}']) {
    latest().dispatchEvent(Object.assign(new Event("busy"), { data }));
    latest().send("error");
    assert.equal(page.connection().busy.isFull, false);
    feed.retry();
  }
});

test("the start of a wait for a stream is kept when the stream is renewed", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  const start = Date.now();
  assert.deepEqual([page.connection().since, page.connection().waitingSince], [start, start]);
  mock.timers.tick(40_000);
  latest().send("open");
  assert.equal(Source.opened.length, 2);
  assert.deepEqual([page.connection().waitingSince, page.connection().isOpen], [start, true]);
  latest().beat();
  assert.equal(page.connection().waitingSince, null);
  latest().send("error");
  assert.equal(page.connection().waitingSince, null);
  feed.retry();
  assert.deepEqual([page.connection().waitingSince, page.connection().isOpen], [Date.now(), false]);
});

test("a silent stream is renewed, and its phase stays the same until something is heard", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().beat();
  const { heardAt } = page.connection();
  mock.timers.tick(40_000);
  assert.equal(Source.opened.length, 2);
  assert.deepEqual([page.connection().phase, page.connection().heardAt], ["live", heardAt]);
  assert.equal(Source.opened[0].isOpen, false);
});

test("received events override the offline state of the browser", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().beat();
  feed.setOnline(false);
  assert.equal(page.connection().phase, "offline");
  latest().change(6);
  assert.equal(page.connection().phase, "live");
});

test("after a reset the stream continues from the head, and so do pages that join later", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().send("reset", { head: "beef-3" }, "beef-3");
  assert.deepEqual(page.told.find(({ type }) => type === "reset").head, at(3, "beef"));
  assert.ok(join(feed, at(3, "beef")).told.every(({ type }) => type !== "reset"));
  latest().send("error");
  feed.retry();
  assert.equal(latest().position, "beef-3");
});

test("when the right to read is lost, the feed forgets everything and waits for a page to join again", () => {
  const feed = createFeed("http://events.test/events", true);
  const page = join(feed, at(5));
  latest().change(6);
  latest().send("signed_out", { reason: "expired" });
  assert.deepEqual(page.told.at(-1), { type: "signed_out", reason: "expired" });
  assert.equal(page.connection().phase, "ended");
  assert.equal(latest().isOpen, false);
  mock.timers.tick(120_000);
  feed.retry();
  assert.equal(Source.opened.length, 1);
  const again = join(feed, at(6));
  assert.deepEqual(Source.opened.map(({ position }) => position), ["3f9c-5", "3f9c-6"]);
  latest().change(7);
  assert.deepEqual(again.numbers(), [7]);
});

test("a stream that is refused asks whether the session has ended, and only then gives up", async () => {
  const answers = [{ principal: { id: 1 }, grants: [{}] }, { principal: null, grants: [] }];
  globalThis.fetch = async () => ({ ok: true, json: async () => answers.shift() });
  const feed = createFeed("http://events.test/events", true);
  const page = join(feed, at(5));
  for (const phase of ["reconnecting", "ended"]) {
    latest().readyState = 2; // as after a 401
    latest().send("error");
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    assert.equal(page.connection().phase, phase);
    feed.retry();
  }
  assert.equal(page.told.filter(({ type }) => type === "signed_out").length, 1);
});
