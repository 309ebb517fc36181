/** The state of the page, and the pure function that changes it. */

import { INITIAL_CONNECTION } from "./connection.js";
import { DEFAULT_FILTER } from "./filters.js";
import { NO_IMPORT, reduceImport } from "./import.js";
import { showKept } from "./kept.js";
import { NO_LISTS, reduceLists } from "./lists.js";
import { applyLocations, locationToShow, NO_LOCATIONS, sight } from "./locations.js";
import { INITIAL_NOTICES, addNotice, dismissNotice, takeUndo } from "./notices.js";
import { DEFAULT_SORT } from "./order.js";
import { NO_REPORT } from "./reports.js";
import { INITIAL_SESSION } from "./rights.js";
import { applyAnswer, applyChanges, applyProgress, applyReset, applySnapshot, EMPTY_STOCK, findItem } from "./stock.js";
import { DEFAULT_VIEW } from "./views.js";
import { addStep, sendSteps } from "./writes.js";

const CLOCK_TOLERANCE_MS = 5_000;
const NOBODY = new Map();

export const INITIAL_STATE = Object.freeze({
  session: INITIAL_SESSION,
  connection: INITIAL_CONNECTION,
  isUnsaved: false, // whether the server could not save, when it was last asked
  loadedAt: null, // when the stock was last loaded
  keptAt: null, // when the server last confirmed the stock that this browser has kept, while that is shown
  failure: null, // why the stock could not be loaded
  stock: EMPTY_STOCK,
  locations: NO_LOCATIONS,
  pending: new Map(), // id → write
  clockAhead: 0, // how far the server's clock is ahead, in milliseconds
  view: DEFAULT_VIEW,
  query: "",
  sort: DEFAULT_SORT,
  location: null, // id of the location that is shown, with everything below it; null: all
  filter: DEFAULT_FILTER, // which items are shown: all, or those that are low, out, or changed today
  today: "", // when this day began, where the reader is, as a timestamp like those of items
  held: null, // the items in the order to keep while the person uses the list; null: the list is not in use
  report: NO_REPORT, // what the reports show
  opened: null, // id of the item whose history is shown
  conflict: null, // an edit of something that others have changed since it began, which the person has to decide on
  selected: new Set(), // ids
  lists: NO_LISTS, // what the person is about to receive, pick, count and move
  importing: NO_IMPORT, // the file that the person is about to import
  news: NOBODY, // id → {name, quantity}: unreported changes of others; quantity is null for a deletion
  notices: INITIAL_NOTICES,
});

const HANDLERS = {
  session: (state, { session }) => ({ ...state, session: { ...session, isKnown: true, ended: null } }),
  role_lost: ({ session, connection }, { reason }) => ({ ...INITIAL_STATE, session, connection, failure: reason }),
  signed_out: (state, { reason }) => ({ ...state, session: { ...state.session, ended: reason } }),
  snapshot: takeSnapshot,
  kept_stock: (state, { kept }) => showKept(state, kept),
  snapshot_failed: (state, { reason }) => ({ ...state, failure: reason }),
  changes: takeChanges,
  locations: takeLocations,
  heartbeat: takeHeartbeat,
  reset: (state, { head }) => ({ ...state, stock: applyReset(state.stock, head), news: NOBODY }),
  connection: (state, { connection }) => ({ ...state, connection }),
  saving: (state, { isUnsaved }) => (state.isUnsaved === isUnsaved ? state : { ...state, isUnsaved }),
  write_sent: (state, { id, write }) => ({ ...state, pending: new Map(state.pending).set(id, write) }),
  write_ended: endWrite,
  step: takeStep,
  steps_sent: sendStepsOf,
  steps_answered: answerSteps,
  view: takeView,
  report: (state, { values }) => ({ ...state, report: { ...state.report, ...values } }),
  today: (state, { today }) => (today === state.today ? state : { ...state, today }),
  hold: (state, { items }) => ({ ...state, held: items }),
  release: (state) => (state.held === null ? state : { ...state, held: null }),
  select,
  conflict: (state, { conflict }) => ({ ...state, conflict }),
  list: (state, message) => ({ ...state, lists: reduceLists(state.lists, message) }),
  lists: (state, { lists }) => ({ ...state, lists }),
  import: (state, message) => ({ ...state, importing: reduceImport(state.importing, message) }),
  answers: takeAnswers,
  news_told: (state) => ({ ...state, news: NOBODY }),
  notice: (state, { notice }) => ({ ...state, notices: addNotice(state.notices, notice) }),
  dismiss: (state, { key }) => ({ ...state, notices: dismissNotice(state.notices, key) }),
  undo: (state, { key }) => ({ ...state, notices: takeUndo(state.notices, key) }),
};

export function reduce(state, message) {
  const handle = HANDLERS[message.type];
  if (!handle) throw new TypeError(`no such message: ${message.type}`);
  return handle(state, message);
}

function takeSnapshot(state, { position, items, loadedAt = null }) {
  const isFirst = state.locations.all.length === 0; // then the locations are being loaded, too
  const locations = isFirst ? state.locations : sight(state.locations, items);
  const stock = applySnapshot(state.keptAt === null ? state.stock : EMPTY_STOCK, position, items);
  const held = state.held?.filter(({ id }) => findItem(stock, id)) ?? null; // of the others, nothing may be shown any more
  return settle({ ...state, loadedAt, keptAt: null, failure: null, locations, stock, held });
}

function takeChanges(state, { changes, heardAt = null }) {
  const next = { ...state, stock: applyChanges(state.stock, changes), connection: hear(state.connection, { heardAt }) };
  const locations = sight(state.locations, changes.map(({ item }) => item));
  return settle({ ...next, locations, news: addNews(state, changes) });
}

function takeLocations(state, { locations: all }) {
  const locations = applyLocations(state.locations, all);
  return { ...state, locations, location: locationToShow(locations, state.location) };
}

/** Another search or filter shows another list: it is not held, and nothing in it is selected yet. */
function takeView(state, { view, query, sort, location, filter, opened, report }) {
  const next = {
    ...state,
    view: view ?? state.view,
    query: query ?? state.query,
    sort: sort ?? state.sort,
    location: locationToShow(state.locations, location === undefined ? state.location : location),
    filter: filter ?? state.filter,
    opened: opened === undefined ? state.opened : opened,
    report: report ?? state.report,
  };
  const isOther = ["query", "location", "filter"].some((part) => next[part] !== state[part]);
  if (isOther) return { ...next, held: null, selected: new Set() };
  return next.sort === state.sort ? next : { ...next, held: null };
}

/** Own writes are not news. They are pending, or already answered. */
function addNews({ stock, pending, lists, news }, changes) {
  if (!stock.isComplete) return news;
  const more = new Map(news);
  const booked = new Set(Object.values(lists).flatMap(({ isSending, sent }) => (isSending ? sent.body.lines : [])).map(({ item }) => item));
  for (const { position, event, item } of changes) {
    const isPending = pending.has(item.id) || booked.has(item.id);
    const isOwn = isPending || stock.answers.get(item.id)?.version === versionAfter(event, item);
    const isOld = position.epoch !== stock.epoch || position.number <= stock.floor;
    if (!isOwn && !isOld) more.set(item.id, { name: item.name, quantity: event === "DELETE" ? null : item.quantity });
  }
  return more;
}

const versionAfter = (event, { version }) => version + (event === "DELETE" ? 1 : 0);

function takeHeartbeat(state, { position, clockAhead, ...heard }) {
  const stock = position ? applyProgress(state.stock, position) : state.stock;
  const isOff = Math.abs(clockAhead - state.clockAhead) > CLOCK_TOLERANCE_MS;
  const connection = hear(state.connection, heard);
  return { ...state, stock, connection, clockAhead: isOff ? clockAhead : state.clockAhead };
}

function hear(connection, { heardAt, staleAfter = connection.staleAfter }) {
  return { ...connection, staleAfter, heardAt: Math.max(connection.heardAt, heardAt) || null };
}

/** Drop pending deletions that are in the log, even before their answers. */
function settle(state) {
  const isSeen = ([id, { kind }]) => kind === "delete" && state.stock.known.get(id)?.item == null;
  if (![...state.pending].some(isSeen)) return state;
  return { ...state, pending: new Map([...state.pending].filter((entry) => !isSeen(entry))) };
}

/** End a write that was made or refused, and apply its answer. */
function endWrite(state, { id, answer, notice }) {
  const pending = new Map(state.pending);
  pending.delete(id);
  const stock = answer ? applyAnswer(state.stock, { id, ...answer }) : state.stock;
  return { ...state, pending, stock, notices: notice ? addNotice(state.notices, notice) : state.notices };
}

/** Apply the answer to a write of several items. */
function takeAnswers(state, { answers }) {
  return { ...state, stock: answers.reduce(applyAnswer, state.stock) };
}

function takeStep(state, { id, by }) {
  const write = addStep(state.pending.get(id), findItem(state.stock, id), by);
  return { ...state, pending: new Map(state.pending).set(id, write) };
}

function sendStepsOf(state, { id }) {
  const write = sendSteps(state.pending.get(id), findItem(state.stock, id));
  return { ...state, pending: new Map(state.pending).set(id, write) };
}

/** Apply the answer to steps. Steps made meanwhile stay pending; without any, the write ends. */
function answerSteps(state, { id, answer }) {
  const { queued } = state.pending.get(id);
  if (queued === 0) return endWrite(state, { id, answer });
  const stock = applyAnswer(state.stock, { id, ...answer });
  const item = findItem(stock, id) ?? answer.item;
  const write = { kind: "adjust", from: item.quantity, sent: 0, queued };
  return { ...state, stock, pending: new Map(state.pending).set(id, write) };
}

function select(state, { ids, isSelected }) {
  const selected = new Set(state.selected);
  for (const id of ids) {
    if (isSelected) selected.add(id);
    else selected.delete(id);
  }
  return { ...state, selected };
}
