/**
 * Follows the log for all pages of this browser: one EventSource at a time, opened where the last one ended.
 *
 * A page joins with the position of its snapshot and is given what came after it; where that is not known any more, it
 * is told a reset, and loads its snapshot again. `take(message)` of each page gets the same messages:
 * `connection`, `changes`, `heartbeat`, `reset`. Runs in a SharedWorker, or in the page itself.
 */

import { backoff, busyPause, fullPause } from "../backoff.js";
import { INITIAL_CONNECTION } from "../connection.js";
import { formatPosition, parsePosition } from "../position.js";
import { createPatience } from "./patience.js";
import { createRecent } from "./recent.js";

const WATCH_MS = 500;
const GATHER_MS = 16; // a burst is passed on once for each frame of the screen, not once for each event
const GATHER_AT_MOST = 2_000; // timers of a hidden page may be a minute apart

export function createFeed(url) {
  const pages = new Set();
  const recent = createRecent();
  const patience = createPatience();
  let position = null; // of the newest frame: where the next stream starts
  let source = null;
  let openedAt = 0;
  let busy = null; // {reason, isFull}: said by the server on this connection
  let failures = 0;
  let timesBusy = 0;
  let isOnline = true;
  let connection = { ...INITIAL_CONNECTION, staleAfter: patience.staleAfter };
  let gathered = [];
  let gathering;
  let reopening;

  const tell = (message) => pages.forEach((take) => take(message));

  function become(changed) {
    connection = { ...connection, ...changed };
    tell({ type: "connection", connection });
  }

  function open() {
    close();
    openedAt = Date.now();
    busy = null;
    connection = { ...connection, isOpen: false, waitingSince: connection.waitingSince ?? openedAt };
    patience.connected();
    source = new EventSource(`${url}${url.includes("?") ? "&" : "?"}last_event_id=${formatPosition(position)}`);
    source.addEventListener("inventory_update", (frame) => hear(frame, takeUpdate));
    source.addEventListener("heartbeat", (frame) => hear(frame, takeHeartbeat));
    source.addEventListener("reset", (frame) => hear(frame, takeReset));
    source.addEventListener("busy", ({ data }) => (busy = parseBusy(data)));
    source.addEventListener("open", () => become({ isOpen: true }));
    source.addEventListener("error", lose);
  }

  function close() {
    takeGathered(); // so that the next stream starts after them
    clearTimeout(reopening);
    source?.close();
    source = null;
  }

  function hear(frame, take) {
    connection = { ...connection, heardAt: Date.now(), waitingSince: null };
    failures = timesBusy = 0;
    take(frame);
    if (connection.phase !== "live") become({ phase: "live", busy: null, retryAt: null });
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
    if (!gathered.length) return;
    recent.add(gathered);
    position = gathered.at(-1).position;
    tell({ type: "changes", changes: gathered, heardAt: connection.heardAt });
    gathered = [];
  }

  function takeHeartbeat(frame) {
    takeGathered();
    patience.beat(connection.heardAt);
    position = parsePosition(frame.lastEventId) ?? position;
    connection = { ...connection, staleAfter: patience.staleAfter };
    const { heardAt, staleAfter } = connection;
    const clockAhead = Date.parse(JSON.parse(frame.data).at) - heardAt;
    tell({ type: "heartbeat", position, clockAhead, heardAt, staleAfter });
  }

  function takeReset(frame) {
    takeGathered();
    position = parsePosition(JSON.parse(frame.data).head);
    recent.startAt(position);
    tell({ type: "reset", head: position });
  }

  /** EventSource would come back by itself, but not after every answer, not with jitter, and without a word of when. */
  function lose() {
    close();
    connection = { ...connection, busy, waitingSince: null };
    if (busy?.isFull) return retryIn(fullPause());
    if (busy) return retryIn(busyPause((timesBusy += 1)));
    failures += 1;
    retryIn(backoff(failures));
  }

  function retryIn(milliseconds) {
    clearTimeout(reopening);
    reopening = setTimeout(retry, milliseconds);
    become({ phase: isOnline ? "reconnecting" : "offline", retryAt: Date.now() + milliseconds });
  }

  function retry() {
    if (position === null) return;
    open();
    become({ retryAt: null });
  }

  /** A connection can look open and be dead: nothing tells but the silence. The machine may have slept, too. */
  function watch() {
    if (source && Date.now() - Math.max(openedAt, connection.heardAt ?? 0) > patience.renewAfter) open();
  }

  function catchUp(take, joined) {
    const changes = recent.after(joined);
    if (changes === null) take({ type: "reset", head: position });
    else if (changes.length) take({ type: "changes", changes, heardAt: connection.heardAt });
  }

  function start(from) {
    position = from;
    recent.startAt(from);
    connection = { ...connection, since: Date.now() };
    open();
  }

  setInterval(watch, WATCH_MS);

  return {
    /** `take` gets everything after this position from now on. A page may join again, from where it is. */
    join(take, from) {
      const isFirst = position === null;
      if (isFirst) start(from);
      pages.add(take);
      take({ type: "connection", connection });
      if (!isFirst) catchUp(take, from);
    },
    leave: (take) => pages.delete(take),
    answer: (take) => take({ type: "connection", connection }),
    retry,
    /** The network is gone, or back, as far as the machine knows; whatever is heard all the same says more. */
    setOnline(value) {
      if (value === isOnline) return;
      isOnline = value;
      if (!value) become({ phase: "offline" });
      else if (position !== null && connection.phase !== "live") retryIn(backoff(1));
    },
  };
}

/** A gateway that answers for the stream says nothing of `full`, and something else may send anything. */
function parseBusy(data) {
  try {
    const { reason, full } = JSON.parse(data);
    return { reason: String(reason ?? ""), isFull: full === true };
  } catch {
    return { reason: "", isFull: false };
  }
}
