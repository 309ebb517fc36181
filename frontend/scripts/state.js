/** All that the page knows, and the one function that changes it. Nothing here waits, draws or asks the time. */

import { applyAnswer, applyChanges, applyProgress, applyReset, applySnapshot, EMPTY_STOCK } from "./stock.js";

export const NOTICES_SHOWN = 3;
const CLOCK_TOLERANCE_MS = 5_000;

export const INITIAL_STATE = Object.freeze({
  connection: "connecting", // connecting, live, reconnecting, stale, offline
  isFull: false, // the server had no place for this page
  failure: null, // why the stock could not be loaded
  stock: EMPTY_STOCK,
  pending: new Map(), // id → {kind: "edit", quantity} or {kind: "delete"}: sent, not answered yet
  clockAhead: 0, // of the server's clock, in milliseconds
  filter: "",
  notices: [], // {key, tone, name, text}, oldest first
  folded: 0, // older notices, counted instead of shown
  lastNotice: 0,
});

const HANDLERS = {
  snapshot: (state, { position, items }) =>
    settle({ ...state, failure: null, stock: applySnapshot(state.stock, position, items) }),
  snapshot_failed: (state, { reason }) => ({ ...state, failure: reason }),
  changes: (state, { changes }) => settle({ ...state, stock: applyChanges(state.stock, changes) }),
  heartbeat: takeHeartbeat,
  reset: (state, { head }) => ({ ...state, stock: applyReset(state.stock, head) }),
  connection: (state, { connection, isFull = false }) => ({ ...state, connection, isFull }),
  write_sent: (state, { id, write }) => ({ ...state, pending: new Map(state.pending).set(id, write) }),
  write_ended: endWrite,
  filter: (state, { text }) => ({ ...state, filter: text }),
  notice: (state, { notice }) => addNotice(state, notice),
  dismiss: dismissNotice,
};

export function reduce(state, message) {
  const handle = HANDLERS[message.type];
  if (!handle) throw new TypeError(`no such message: ${message.type}`);
  return handle(state, message);
}

function takeHeartbeat(state, { position, clockAhead }) {
  const stock = position ? applyProgress(state.stock, position) : state.stock;
  const isOff = Math.abs(clockAhead - state.clockAhead) > CLOCK_TOLERANCE_MS;
  if (stock === state.stock && !isOff) return state;
  return { ...state, stock, clockAhead: isOff ? clockAhead : state.clockAhead };
}

/** A deletion that the log already shows is not pending any more, even before its answer is here. */
function settle(state) {
  const isSeen = ([id, { kind }]) => kind === "delete" && state.stock.known.get(id)?.item == null;
  if (![...state.pending].some(isSeen)) return state;
  return { ...state, pending: new Map([...state.pending].filter((entry) => !isSeen(entry))) };
}

/** Done or refused: with the answer taken in, what is shown is the truth again. */
function endWrite(state, { id, answer, notice }) {
  const pending = new Map(state.pending);
  pending.delete(id);
  const stock = answer ? applyAnswer(state.stock, { id, ...answer }) : state.stock;
  const ended = { ...state, pending, stock };
  return notice ? addNotice(ended, notice) : ended;
}

function addNotice(state, notice) {
  const key = state.lastNotice + 1;
  const all = [...state.notices, { key, name: null, ...notice }];
  const notices = all.slice(-NOTICES_SHOWN);
  return { ...state, lastNotice: key, notices, folded: state.folded + all.length - notices.length };
}

function dismissNotice(state, { key }) {
  const notices = state.notices.filter((notice) => notice.key !== key);
  return { ...state, notices, folded: notices.length ? state.folded : 0 };
}
