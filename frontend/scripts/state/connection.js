/** The state of the connection, which also depends on how long nothing was received. Pure functions. */

import { text } from "./messages.js";

export const QUIET_MS = 10_000; // a stream normally sends something long before this

export const INITIAL_CONNECTION = Object.freeze({
  phase: "connecting", // connecting, live, reconnecting, offline, ended (the right to read was lost)
  busy: null, // {reason, isFull}: why the server ended the stream
  retryAt: null, // when the next try starts, in milliseconds since 1970
  since: null, // when the page first requested a stream
  waitingSince: null, // when the stream was requested, until it sends something
  isOpen: false, // whether the server, or a proxy, has started to answer
  heardAt: null, // when something was last received
  staleAfter: 20_000, // longer than the time between two heartbeats
});

/** @returns {{word: string, seconds: number | null}} seconds behind when stale, to wait when reconnecting */
export function standing({ phase, retryAt, waitingSince, heardAt, staleAfter }, now) {
  const silence = now - heardAt;
  if (phase === "live" && silence > staleAfter) return { word: "stale", seconds: Math.floor(silence / 1_000) };
  if (phase === "reconnecting" && retryAt !== null) {
    return { word: "reconnecting", seconds: Math.max(0, Math.ceil((retryAt - now) / 1_000)) };
  }
  const isWaiting = phase === "connecting" || phase === "reconnecting";
  if (isWaiting && waitingSince !== null && now - waitingSince >= QUIET_MS) return { word: "silent", seconds: null };
  return { word: phase, seconds: null };
}

/** Whether the page shows the current stock, as far as it knows. */
export const isLive = (connection, now) => standing(connection, now).word === "live";

/** Whether there were no live updates for so long that the list must be loaded again. */
export function isQuiet(connection, now) {
  const { phase, since, heardAt } = connection;
  if (phase === "offline" || phase === "ended" || since === null) return false;
  if (phase === "live") return standing(connection, now).word === "stale";
  return now - Math.max(since, heardAt) >= QUIET_MS;
}

/** The messages for the reasons that the server gives. */
const BUSY = {
  "the log has not been read yet": "connection.busy_starting",
  "this server is about to stop": "connection.busy_stopping",
  "the database can't be reached": "connection.busy_without_database",
  "the stream can't be reached": "connection.busy_without_stream",
};

/** Why there are no live updates; "" if there are. */
export function explain({ busy, isOpen }, { word }) {
  if (word === "live" || word === "connecting" || word === "ended") return "";
  if (word === "reconnecting" && busy) return explainBusy(busy);
  if (word === "silent") return text(isOpen ? "connection.why_silent_open" : "connection.why_silent");
  return text(`connection.why_${word}`);
}

function explainBusy({ reason, isFull }) {
  if (isFull) return text("connection.busy_full");
  const key = BUSY[reason] ?? (reason ? "connection.busy_with_reason" : "connection.busy");
  return `${text(key, { reason })} ${text("connection.paused")}`;
}
