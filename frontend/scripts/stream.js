/** Follows the log: one EventSource at a time, opened where the last one ended. */

import { backoff } from "./backoff.js";
import { formatPosition, parsePosition } from "./position.js";

export const STALE_AFTER_MS = 25_000; // two heartbeats and a half
const BUSY_AT_MOST_MS = 60_000; // how long a full server sends a page away
const WATCH_MS = 1_000;
const GATHER_MS = 16; // a burst is taken in once for each frame, not once for each event
const GATHER_AT_MOST = 2_000; // timers of a hidden page may be a minute apart

export function createStream(url, store, { onReset }) {
  let source = null;
  let failures = 0;
  let heardAt = Date.now();
  let gathered = [];
  let gathering;
  let reopening;

  function open() {
    close();
    heardAt = Date.now();
    source = new EventSource(address(url, store.state.stock));
    source.addEventListener("inventory_update", (frame) => hear(frame, takeUpdate));
    source.addEventListener("heartbeat", (frame) => hear(frame, takeHeartbeat));
    source.addEventListener("reset", (frame) => hear(frame, takeReset));
    source.addEventListener("busy", () => store.dispatch({ type: "connection", connection: "reconnecting", isFull: true }));
    source.addEventListener("error", lose);
  }

  function close() {
    takeGathered(); // so that the next stream starts after them
    clearTimeout(reopening);
    source?.close();
  }

  function hear(frame, take) {
    heardAt = Date.now();
    failures = 0;
    take(frame);
    if (store.state.connection !== "live") store.dispatch({ type: "connection", connection: "live" });
  }

  function takeUpdate(frame) {
    const { event, data } = JSON.parse(frame.data);
    gathered.push({ position: parsePosition(frame.lastEventId), event, item: data });
    if (gathered.length >= GATHER_AT_MOST) takeGathered();
    else gathering ??= setTimeout(takeGathered, GATHER_MS);
  }

  function takeGathered() {
    clearTimeout(gathering);
    gathering = undefined;
    if (gathered.length) store.dispatch({ type: "changes", changes: gathered });
    gathered = [];
  }

  function takeHeartbeat(frame) {
    takeGathered();
    const ahead = Date.parse(JSON.parse(frame.data).at) - Date.now();
    store.dispatch({ type: "heartbeat", position: parsePosition(frame.lastEventId), clockAhead: ahead });
  }

  function takeReset(frame) {
    takeGathered();
    store.dispatch({ type: "reset", head: parsePosition(JSON.parse(frame.data).head) });
    onReset();
  }

  /** EventSource comes back by itself from a cut, but gives up on an answer that is no event stream. */
  function lose() {
    const { connection, isFull } = store.state;
    const lost = navigator.onLine ? (connection === "connecting" ? connection : "reconnecting") : "offline";
    store.dispatch({ type: "connection", connection: lost, isFull });
    if (source.readyState === EventSource.CLOSED) {
      failures += 1;
      clearTimeout(reopening);
      reopening = setTimeout(open, backoff(failures));
    }
  }

  /** A connection can look open and be dead: nothing tells but the silence. */
  function watch() {
    const { connection, isFull } = store.state;
    if (source === null || Date.now() - heardAt < STALE_AFTER_MS + (isFull ? BUSY_AT_MOST_MS : 0)) return;
    if (connection === "live") store.dispatch({ type: "connection", connection: "stale" });
    open();
  }

  setInterval(watch, WATCH_MS);
  document.addEventListener("visibilitychange", watch);
  addEventListener("offline", () => store.dispatch({ type: "connection", connection: "offline" }));
  addEventListener("online", () => source && open());
  addEventListener("pageshow", ({ persisted }) => persisted && source && open()); // back from the browser's cache
  document.addEventListener("resume", () => source && open()); // back from being frozen

  return { open };
}

function address(url, { epoch, reached }) {
  const full = new URL(url, location.href);
  full.searchParams.set("last_event_id", formatPosition({ epoch, number: reached }));
  return full.href;
}
