/**
 * What the page knows, as a pure function of what it was told: `reduce(state, message) -> state`.
 *
 * Snapshots, events and answers arrive in any order. What holds against that: each item's `version` rises with
 * every change, its deletion too, so a lower version is old wherever it comes from; and a snapshot is complete up to
 * its position, so what it lacks is gone unless it was learned from something later.
 *
 * A record is `{version, item, eventId, asked}`. `item` is null once deleted. `eventId` is how far in the log this is
 * known to hold; null for an answer, which has no place in the log: then `asked` is how many snapshots had been
 * asked for when it came, since any snapshot asked for after that must show it.
 */

import { parsePosition } from "./position.js";

export const initialState = Object.freeze({
  phase: "loading", // loading, ready, failed: what there is to show of the stock
  reason: "", // why loading failed
  connection: "connecting", // connecting, live, reconnecting, stale, offline
  isLost: false, // events were missed: only a snapshot asked for from now on helps
  position: null, // everything up to here is in the records
  asked: 0, // snapshots asked for so far
  outdated: 0, // snapshots up to this number are of no use any more
  records: new Map(), // id -> record
  edits: new Map(), // id -> {edit, quantity} or {edit, isRemoval}: begun here, not settled yet
});

const HANDLERS = { asked, snapshot, unavailable, changes, answer, reset, connection, begun, settled, failed };

export function reduce(state, message) {
  return HANDLERS[message.type](state, message);
}

function asked(state, { number }) {
  return { ...state, asked: number };
}

function snapshot(state, { number, position, items }) {
  if (number <= state.outdated) return state;
  const place = parsePosition(position);
  const records = isOtherEpoch(state, place) ? withoutVersions(state.records) : new Map(state.records);
  dropMissing(records, new Set(items.map((item) => item.id)), number, place.eventId);
  for (const item of items) learn(records, item.id, { version: item.version, item, eventId: place.eventId });
  return { ...state, phase: "ready", reason: "", isLost: false, records, position: furthest(state.position, place) };
}

function unavailable(state, { reason }) {
  return { ...state, reason, phase: state.phase === "ready" ? "ready" : "failed" };
}

/** Events, in one message as many as came together. Those of another epoch say nothing here: a reset will. */
function changes(state, { changes: list }) {
  const records = new Map(state.records);
  let position = state.position;
  for (const { place, id, version, item } of list) {
    if (isOtherEpoch({ position }, place)) continue;
    learn(records, id, { version, item, eventId: place.eventId });
    position = furthest(position, place);
  }
  return { ...state, records, position };
}

/** What the API said of an item; `item` null: it was deleted, as this version. */
function answer(state, { id, version, item }) {
  const records = new Map(state.records);
  learn(records, id, { version, item, eventId: null, asked: state.asked });
  return { ...state, records };
}

/** The stream goes on from `head` and what came before can't be had from it: the old versions prove nothing now. */
function reset(state, { head }) {
  const records = withoutVersions(state.records);
  return { ...state, records, isLost: true, outdated: state.asked, position: parsePosition(head) };
}

function connection(state, { status }) {
  return { ...state, connection: status };
}

function begun(state, { id, edit, ...intent }) {
  return { ...state, edits: new Map(state.edits).set(id, { edit, ...intent }) };
}

function settled(state, { id, edit, version, item }) {
  return answer(ended(state, id, edit), { id, version, item });
}

/** Back to what is known. A refusal may bring the `current` item with it. */
function failed(state, { id, edit, current }) {
  const before = ended(state, id, edit);
  return current ? answer(before, { id, version: current.version, item: current }) : before;
}

/** A later edit of the same item stays. */
function ended(state, id, edit) {
  if (state.edits.get(id)?.edit !== edit) return state;
  const edits = new Map(state.edits);
  edits.delete(id);
  return { ...state, edits };
}

/** The only way into the records: an older version never wins, the same version may prove where it stands. */
function learn(records, id, news) {
  const known = records.get(id);
  if (!known || news.version > known.version) {
    records.set(id, news);
  } else if (news.version === known.version && news.eventId !== null) {
    records.set(id, { ...known, eventId: Math.max(known.eventId ?? 0, news.eventId) });
  }
}

function dropMissing(records, present, number, eventId) {
  for (const [id, record] of records) {
    if (!record.item || present.has(id)) continue;
    const isOlder = record.eventId === null ? record.asked < number : record.eventId <= eventId;
    if (isOlder) records.set(id, { version: record.version, item: null, eventId });
  }
}

/** What is shown stays until something better comes, and anything is better. */
function withoutVersions(records) {
  const shown = [...records].filter(([, record]) => record.item);
  return new Map(shown.map(([id, { item }]) => [id, { version: 0, item, eventId: 0 }]));
}

function isOtherEpoch(state, place) {
  return state.position !== null && state.position.epoch !== place.epoch;
}

function furthest(position, place) {
  const isFurther = position?.epoch !== place.epoch || position.eventId < place.eventId;
  return isFurther ? place : position;
}
