/** The state of the connection, which also depends on how long nothing was received. Pure functions. */

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

const BUSY = {
  "the log has not been read yet": "The server is starting.",
  "this server is about to stop": "The server is restarting.",
  "the database can't be reached": "The server can't reach its database.",
  "the stream can't be reached": "The service for live updates can't be reached.",
};

/** Why there are no live updates; "" if there are. */
export function explain({ busy, isOpen }, { word }) {
  if (word === "live" || word === "connecting" || word === "ended") return "";
  if (word === "reconnecting" && busy) return explainBusy(busy);
  if (word === "silent") return isOpen ? `${SILENT} ${HELD_BACK}` : `${SILENT} ${TOO_MANY_TABS} ${OR_HELD_BACK}`;
  return DETAILS[word];
}

function explainBusy({ reason, isFull }) {
  if (isFull) return "The server has no free place for live updates. This page tries again by itself.";
  return `${BUSY[reason] ?? `The server can't send live updates now${reason ? `: ${reason}` : ""}.`} Live updates are paused. Nothing is lost.`;
}

const SILENT = "No live updates arrive.";
const HELD_BACK = "Something between this page and the server, such as a proxy or a virus scanner, holds them back.";
const TOO_MANY_TABS = "Too many tabs of this page may be open in this browser: close some.";
const OR_HELD_BACK = "Or something between this page and the server, such as a proxy or a virus scanner, holds them back.";

const DETAILS = {
  reconnecting: "Live updates are paused. Nothing is lost: changes appear when the connection is back.",
  stale: "Nothing has been heard from the server for a while. The connection is being renewed.",
  offline: "This device is offline. Nothing is lost: changes made elsewhere appear when it is online again.",
};
