import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { createFeed } from "../../frontend/scripts/feed/feed.js";

/** Takes frames from the test instead of a server. */
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

/** A page that joins, and what it was told. */
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

test("a page whose past is not known, or of another log, is told to load again from where the stream is", () => {
  const feed = createFeed("http://events.test/events");
  join(feed, at(5));
  latest().change(6);
  for (const position of [at(4), at(6, "beef")]) {
    const reset = join(feed, position).told.find(({ type }) => type === "reset");
    assert.deepEqual(reset.head, at(6));
  }
});

test("a page that has left is told nothing more", () => {
  const feed = createFeed("http://events.test/events");
  const told = [];
  const take = (message) => told.push(message);
  feed.join(take, at(5));
  feed.leave(take);
  const before = told.length;
  latest().change(6);
  assert.equal(told.length, before);
});

test("a lost stream is opened again where it ended, at the moment that was told", () => {
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

test("a full server is left in peace for longer, and that is said", () => {
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

test("a server that is not ready is asked again soon, however often it says so", () => {
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

test("a busy frame without a payload that can be read is no full server", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  for (const data of ["", "null", "[]", '{"reason":5,"full":"yes"}']) {
    latest().dispatchEvent(Object.assign(new Event("busy"), { data }));
    latest().send("error");
    assert.equal(page.connection().busy.isFull, false);
    feed.retry();
  }
});

test("a page knows since when it waits for a stream, through every renewal of it", () => {
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

test("a stream that is silent is renewed, and stays what it is until something is heard", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().beat();
  const { heardAt } = page.connection();
  mock.timers.tick(40_000);
  assert.equal(Source.opened.length, 2);
  assert.deepEqual([page.connection().phase, page.connection().heardAt], ["live", heardAt]);
  assert.equal(Source.opened[0].isOpen, false);
});

test("what is heard says more than what the machine thinks of its network", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().beat();
  feed.setOnline(false);
  assert.equal(page.connection().phase, "offline");
  latest().change(6);
  assert.equal(page.connection().phase, "live");
});

test("after a reset the stream goes on from the head, and so does a page that comes late", () => {
  const feed = createFeed("http://events.test/events");
  const page = join(feed, at(5));
  latest().send("reset", { head: "beef-3" }, "beef-3");
  assert.deepEqual(page.told.find(({ type }) => type === "reset").head, at(3, "beef"));
  assert.ok(join(feed, at(3, "beef")).told.every(({ type }) => type !== "reset"));
  latest().send("error");
  feed.retry();
  assert.equal(latest().position, "beef-3");
});
