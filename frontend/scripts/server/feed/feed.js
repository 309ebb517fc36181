/**
 * Follows the log for all pages of this browser, with one EventSource at a time. Each starts where the last one ended.
 *
 * A page joins with the position of its snapshot, and receives the changes after it. If they are no longer known, it
 * receives a reset and loads its snapshot again. `take(message)` of each page receives the same messages:
 * `connection`, `changes`, `heartbeat`, `reset`. The feed runs in a SharedWorker, or in the page itself.
 */

import { INITIAL_CONNECTION } from "../../state/connection.js";
import { formatPosition, parsePosition } from "../../state/position.js";
import { backoff, busyPause, fullPause } from "../backoff.js";
import { createPatience } from "./patience.js";
import { createRecent } from "./recent.js";

const WATCH_MS = 500;
const GATHER_MS = 16; // changes are passed on once per animation frame
const MAX_GATHERED = 2_000; // changes; timers of hidden pages are delayed by up to a minute

const CLOSED = 2; // an EventSource that gave up, as after every status but 200

/** @param {boolean} hasAccounts whether the stream needs the session of this browser */
export function createFeed(url, hasAccounts = false) {
  const pages = new Set();
  const recent = createRecent();
  const patience = createPatience();
  let position = null; // of the latest frame, where the next stream starts
  let source = null;
  let openedAt = 0;
  let busy = null; // {reason, isFull}, as sent by the server on this connection
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
    const address = `${url}${url.includes("?") ? "&" : "?"}last_event_id=${formatPosition(position)}`;
    source = new EventSource(address, { withCredentials: hasAccounts });
    source.addEventListener("inventory_update", (frame) => hear(frame, takeUpdate));
    source.addEventListener("heartbeat", (frame) => hear(frame, takeHeartbeat));
    source.addEventListener("reset", (frame) => hear(frame, takeReset));
    source.addEventListener("busy", ({ data }) => (busy = parseBusy(data)));
    source.addEventListener("signed_out", ({ data }) => end(JSON.parse(data).reason));
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
    if (gathered.length >= MAX_GATHERED) takeGathered();
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
    patience.heartbeat(connection.heardAt);
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

  /** Reconnect. EventSource itself does not reconnect after every answer, has no jitter, and does not tell when it will. */
  function lose() {
    if (hasAccounts && source?.readyState === CLOSED) endIfSignedOut();
    close();
    connection = { ...connection, busy, waitingSince: null };
    if (busy?.isFull) return retryIn(fullPause());
    if (busy) return retryIn(busyPause((timesBusy += 1)));
    failures += 1;
    retryIn(backoff(failures));
  }

  /** The right to read was lost. Forget everything, and wait for a page to join again. */
  function end(reason) {
    close();
    position = null;
    recent.forget();
    become({ phase: "ended", isOpen: false, retryAt: null, waitingSince: null });
    tell({ type: "signed_out", reason });
  }

  /** Ask whether a session has ended unnoticed. EventSource does not tell with which status it was refused. */
  async function endIfSignedOut() {
    const response = await fetch("/api/session").catch(() => null);
    if (!response?.ok) return;
    const { principal, grants } = await response.json();
    if (principal === null || grants.length === 0) end("signed out");
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

  /** Replace a connection that has sent nothing for too long: it may be dead, or the machine may have slept. */
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
    /** Pass everything after this position to `take`. A page may join again with its current position. */
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
    /** The browser reports the network as gone or back. Received frames take precedence. */
    setOnline(value) {
      if (value === isOnline) return;
      isOnline = value;
      if (!value) become({ phase: "offline" });
      else if (position !== null && connection.phase !== "live") retryIn(backoff(1));
    },
  };
}

/** Parse a busy frame. A frame of the gateway has no `full`, and other servers may send anything. */
function parseBusy(data) {
  try {
    const { reason, full } = JSON.parse(data);
    return { reason: String(reason ?? ""), isFull: full === true };
  } catch {
    return { reason: "", isFull: false };
  }
}
