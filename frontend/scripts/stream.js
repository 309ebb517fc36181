/**
 * The event stream, always coming back. EventSource reconnects by itself after a network error, but gives up for good
 * when it is answered with anything but a stream, and does not notice a connection that went silent.
 */

import { backoff } from "./backoff.js";
import { parsePosition } from "./position.js";

const CHECK_MS = 1_000;
const STALE_MS = 20_000; // the server sends a heartbeat at least every 15 s
const DEAD_MS = 35_000;
const BUSY_MS = 90_000; // a full server asks for up to a minute; the browser keeps to that

/** `position()` is where to start; `on` is `{change, reset, status}`. */
export function createStream(url, position, on) {
  const stream = { url, position, on, status: "", source: null, attempt: 0, timer: 0, heardAt: 0, patience: DEAD_MS };
  setInterval(() => check(stream), CHECK_MS);
  addEventListener("offline", () => tell(stream, "offline"));
  addEventListener("online", () => stream.source && open(stream));
  return {
    open: () => open(stream),
    close: () => (close(stream), tellLost(stream)),
    isOpen: () => stream.source !== null,
  };
}

function open(stream) {
  close(stream);
  const source = new EventSource(address(stream));
  Object.assign(stream, { source, heardAt: performance.now(), patience: DEAD_MS });
  source.addEventListener("inventory_update", (event) => hear(stream, () => stream.on.change(readChange(event))));
  source.addEventListener("heartbeat", () => hear(stream, () => {}));
  source.addEventListener("reset", (event) => hear(stream, () => stream.on.reset(JSON.parse(event.data))));
  source.addEventListener("busy", () => (stream.patience = BUSY_MS));
  source.addEventListener("error", () => stream.source === source && fail(stream));
}

function close(stream) {
  clearTimeout(stream.timer);
  stream.source?.close();
  stream.source = null;
}

function address({ url, position }) {
  const target = new URL(url, location.href);
  target.searchParams.set("last_event_id", position());
  return target;
}

function hear(stream, pass) {
  Object.assign(stream, { heardAt: performance.now(), patience: DEAD_MS, attempt: 0 });
  pass();
  tell(stream, "live");
}

function tell(stream, status) {
  if (stream.status === status) return;
  stream.status = status;
  stream.on.status(status);
}

function tellLost(stream) {
  tell(stream, navigator.onLine ? "reconnecting" : "offline");
}

function fail(stream) {
  tellLost(stream);
  if (stream.source.readyState !== EventSource.CLOSED) return;
  clearTimeout(stream.timer);
  stream.timer = setTimeout(() => open(stream), backoff(stream.attempt++));
  stream.heardAt = performance.now();
}

function check(stream) {
  if (stream.source === null) return;
  const silence = performance.now() - stream.heardAt;
  if (silence > stream.patience) {
    tellLost(stream);
    open(stream);
  } else if (silence > STALE_MS && stream.source.readyState === EventSource.OPEN) {
    tell(stream, "stale");
  }
}

/** A deletion carries the document before it and takes a version of its own. */
function readChange({ data, lastEventId }) {
  const { event, data: item } = JSON.parse(data);
  const isDeletion = event === "DELETE";
  return {
    place: parsePosition(lastEventId),
    id: item.id,
    version: isDeletion ? item.version + 1 : item.version,
    item: isDeletion ? null : item,
  };
}
