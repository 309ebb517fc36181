/**
 * The started lists: what a person is about to receive, pick, count or move, one list for each task. Pure functions.
 *
 * A list is kept in the browser until it is booked. What was sent is kept with its key, so that it can be sent again after
 * a reload, and is booked only once.
 */

import { MAX_QUANTITY } from "./fields.js";
import { scopeOf } from "./locations.js";
import { text } from "./messages.js";
import { readNumber } from "./numbers.js";
import { VERBS } from "./reasons.js";
import { mayEditItem } from "./rights.js";
import { matcher, queryOf, ranker } from "./search.js";

export const MATCHES_SHOWN = 8;
export const COUNTED_AT_MOST = 300; // items of a location that are shown to be counted

/** @param {string} verb one of VERBS */
export const emptyList = (verb) => ({
  verb,
  reason: VERBS[verb].reasons[0],
  note: "",
  at: null, // id of the location whose items are booked, with everything below it; null: all
  to: null, // id of the location that items are moved to
  query: "", // what was typed to find an item
  lines: [], // {id, name, amount, seen, version, error}: amount is what was typed; seen is the quantity then
  said: "", // what has happened last
  failure: "", // why nothing was booked, unless the errors of lines say so
  sent: null, // {key, body}: what is being booked, or may have been
  isSending: false,
});

export const NO_LISTS = Object.freeze(Object.fromEntries(Object.keys(VERBS).map((verb) => [verb, emptyList(verb)])));

/** Whether it was sent without an answer. Then only the same may be sent again. */
export const isUncertain = ({ sent, isSending }) => sent !== null && !isSending;

export const isLocked = ({ sent }) => sent !== null;

/** Each returns the list after an act of the person, or after the server's answer. */
const ACTS = {
  set: (list, { values }) => change(list, (free) => withoutErrors({ ...free, ...values })),
  search: (list, { query }) => ({ ...list, query }),
  add: (list, { item }) => change(list, (free) => ({ ...addLine(free, item), query: "", said: "" })),
  scan: (list, { item }) => (isLocked(list) ? { ...list, said: text("list.locked") } : addOne(list, item)),
  amount: (list, { item, amount }) => change(list, (free) => withAmount(addLine(free, item), item, amount)),
  remove: (list, { id }) => change(list, (free) => ({ ...free, said: "", lines: free.lines.filter((line) => line.id !== id) })),
  say: (list, { said }) => ({ ...list, said }),
  complain: (list, { errors, failure = "" }) => ({ ...withErrors(list, errors), said: "", failure }),
  clear: (list) => (list.isSending ? list : afresh(list)),
  send: (list, { sent }) => ({ ...withoutErrors(list), sent, isSending: true, said: "" }),
  lose: (list, { failure }) => ({ ...list, isSending: false, failure }),
  refuse: (list, { errors = new Map(), failure = "", currents = new Map() }) => ({
    ...recounted(withErrors(list, errors), currents),
    sent: null,
    isSending: false,
    failure,
  }),
  book: (list) => afresh(list),
};

/** The lists after a message `{verb, act, …}`. */
export const reduceLists = (lists, { verb, act, ...rest }) => ({ ...lists, [verb]: ACTS[act](lists[verb], rest) });

/** What was sent must not change before its answer, even if that is lost: with other lines, it could be booked twice. */
const change = (list, make) => (isLocked(list) ? list : make(list));

const afresh = ({ verb, reason, at, to }) => ({ ...emptyList(verb), reason, at, to });

function addLine(list, { id, name, quantity, version }) {
  if (list.lines.some((line) => line.id === id)) return list;
  return { ...list, lines: [...list.lines, { id, name, amount: "", seen: quantity, version, error: "" }] };
}

function withAmount(list, { id, quantity, version }, amount) {
  const set = (line) => (line.id === id ? { ...line, amount, seen: quantity, version, error: "" } : line);
  return { ...list, said: "", failure: "", lines: list.lines.map(set) };
}

/** One more of a scanned item. */
function addOne(list, item) {
  const added = addLine(list, item);
  const { amount } = added.lines.find(({ id }) => id === item.id);
  const next = String((readNumber(amount) ?? 0) + 1);
  return { ...withAmount(added, item, next), said: text("list.scanned", { name: item.name, amount: Number(next) }) };
}

const withErrors = (list, errors) => ({
  ...list,
  lines: list.lines.map((line) => ({ ...line, error: errors.get(line.id) ?? "" })),
});

/** A count that was refused since its item has changed is booked if the person books it again. */
const recounted = (list, currents) => ({
  ...list,
  lines: list.lines.map((line) => {
    const item = currents.get(line.id);
    return item ? { ...line, seen: item.quantity, version: item.version } : line;
  }),
});

const withoutErrors = (list) => ({ ...withErrors(list, new Map()), failure: "" });

// Keeping ----------------------------------------------------------------------------------------------------------

/** What is kept of the lists in the browser, as JSON; null if all are empty. */
export function toKeep(lists) {
  const kept = Object.values(lists)
    .filter(({ lines, note, sent }) => lines.length > 0 || note !== "" || sent !== null)
    .map(({ verb, reason, note, at, to, lines, sent }) => ({ verb, reason, note, at, to, lines, sent }));
  return kept.length ? JSON.stringify(kept) : null;
}

/** The lists that were kept. What can't be read is left out. @param {string | null} kept */
export function readKept(kept) {
  const lists = { ...NO_LISTS };
  for (const each of parsed(kept)) {
    if (!Object.hasOwn(VERBS, each?.verb)) continue;
    const { verb, reason, note, at, to, lines, sent } = each;
    const isKnown = VERBS[verb].reasons.includes(reason);
    const failure = sent ? text("list.unknown") : "";
    lists[verb] = {
      ...emptyList(verb),
      ...(isKnown ? { reason } : {}),
      note: String(note ?? ""),
      at: at ?? null,
      to: to ?? null,
      lines: Array.isArray(lines) ? lines.filter(isLine).map((line) => ({ ...line, error: "" })) : [],
      sent: sent?.key ? sent : null,
      failure,
    };
  }
  return lists;
}

function parsed(kept) {
  try {
    const found = JSON.parse(kept ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

const isLine = (line) => Number.isSafeInteger(line?.id) && typeof line.amount === "string" && typeof line.name === "string";

// What may be chosen -------------------------------------------------------------------------------------------------

/** The items that can be booked: those at the list's location that the person may change. */
function bookable(state, list, items) {
  const scope = scopeOf(state.locations, list.at);
  return [...items.values()].filter((item) => (scope === null || scope.has(item.location)) && mayEditItem(state, item));
}

/** The items to add for what was typed, the best matches first. */
export function matchesOf(state, list, items) {
  if (!queryOf(list.query)) return [];
  const [isFound, rankOf] = [matcher(list.query), ranker(list.query)];
  const found = bookable(state, list, items).filter(isFound);
  const isBefore = (a, b) => rankOf(a) - rankOf(b) || a.name.localeCompare(b.name) || a.id - b.id;
  return found.sort(isBefore).slice(0, MATCHES_SHOWN);
}

/**
 * The items to count, by name: all at the list's location. Null if these are too many, or if no location was chosen where
 * there are several: then only what is found or scanned is counted.
 */
export function itemsToCount(state, list, items) {
  if (!VERBS[list.verb].isCount || (list.at === null && state.locations.all.length > 1)) return null;
  const found = bookable(state, list, items);
  if (found.length > COUNTED_AT_MOST) return null;
  return found.sort((a, b) => a.name.localeCompare(b.name) || a.id - b.id);
}

/** The item with exactly this code, rather one of the list's location, and one that is in the list. Null without one. */
export function itemWithCode(state, list, items, code) {
  const scope = scopeOf(state.locations, list?.at ?? state.location);
  const present = new Set((list?.lines ?? []).map(({ id }) => id));
  const rank = (item) => (scope?.has(item.location) ? 0 : present.has(item.id) ? 1 : 2);
  const found = [...items.values()].filter((item) => item.code === code);
  return found.sort((a, b) => rank(a) - rank(b) || a.id - b.id)[0] ?? null;
}

// What a line does -----------------------------------------------------------------------------------------------------

/**
 * What a line changes, of the quantity that there is now. If there is too little, what there is is taken.
 * @returns {{by: number, after: number, short: number} | {error: string} | null} null while there is no amount
 */
export function effectOf({ verb }, { amount }, quantity) {
  if (amount.trim() === "") return null;
  const { sign, isCount } = VERBS[verb];
  const number = readNumber(amount);
  if (number === null || number < (isCount ? 0 : 1)) return { error: text(isCount ? "line.not_counted" : "line.not_a_number") };
  if (isCount) return number > MAX_QUANTITY ? tooMany() : { by: number - quantity, after: number, short: 0 };
  const by = sign * number;
  if (quantity + by > MAX_QUANTITY) return tooMany();
  const short = Math.max(0, -(quantity + by));
  return { by: by + short, after: quantity + by + short, short };
}

const tooMany = () => ({ error: text("edit.at_most", { quantity: MAX_QUANTITY }) });

/** Why lines can't be sent, by the ids of their items. Lines without an amount are not sent, except alone. */
export function errorsOf(list, findItem) {
  const errors = new Map();
  for (const line of list.lines) {
    const item = findItem(line.id);
    const effect = item && effectOf(list, line, item.quantity);
    if (!item) errors.set(line.id, text("line.deleted"));
    else if (VERBS[list.verb].isMove && item.location === list.to) errors.set(line.id, text("line.is_there"));
    else if (effect === null && !VERBS[list.verb].isCount) errors.set(line.id, text("line.no_amount"));
    else if (effect?.error) errors.set(line.id, effect.error);
  }
  return errors;
}

/** How many lines would be booked. */
export const readyLines = ({ lines }) => lines.filter(({ amount }) => amount.trim() !== "");

// What is sent ---------------------------------------------------------------------------------------------------------

/**
 * The body of the request that books the list. A count says of which version it is, so that it does not overwrite what
 * others have changed since. What is missing is written into the note.
 */
export function movementOf(list, findItem) {
  const { isCount } = VERBS[list.verb];
  const shortages = [];
  const lines = [];
  for (const line of readyLines(list)) {
    const item = findItem(line.id);
    const { by, after, short } = effectOf(list, line, item.quantity);
    if (short > 0) shortages.push(text("list.short", { count: short, name: item.name }));
    if (isCount) lines.push({ item: line.id, set: after, version: line.version });
    else if (by !== 0) lines.push({ item: line.id, adjust: by });
  }
  return { reason: list.reason, ...noteOf(list.note, shortages), lines };
}

/** The body of the request that moves the list. */
export function transferOf(list, findItem) {
  const { lines, ...rest } = movementOf(list, findItem);
  const { reason, ...body } = rest;
  return { to: list.to, ...body, lines: lines.map(({ item, adjust }) => ({ item, quantity: -adjust })) };
}

const MAX_NOTE = 500; // characters

function noteOf(note, shortages) {
  const whole = [note.trim(), ...shortages].filter(Boolean).join("; ");
  return whole ? { note: [...whole].slice(0, MAX_NOTE).join("") } : {};
}

// What is answered -----------------------------------------------------------------------------------------------------

/**
 * What a refusal says of lines, by the ids of their items: the errors, and the items as they are now.
 * @param {{field: string, message: string, current?: object}[]} errors
 */
export function refusedLines({ sent }, errors) {
  const refused = { errors: new Map(), currents: new Map() };
  for (const { field, message, current } of errors) {
    const [, index, name] = /^lines\.(\d+)(?:\.(.+))?$/.exec(field) ?? [];
    const line = sent.body.lines[Number(index)];
    if (!line) continue;
    refused.errors.set(line.item, explainLine(name, message, current));
    if (name === "version") refused.currents.set(line.item, current);
  }
  return refused;
}

/** Why a line was refused, with what is in stock now. */
function explainLine(name, message, current) {
  if (!current) return name === "item" ? text("line.deleted") : `${message[0].toUpperCase()}${message.slice(1)}.`;
  if (name === "item") return text("line.not_allowed");
  if (name === "version") return text("line.changed", { quantity: current.quantity });
  return message.includes("above") ? text("line.too_many", { quantity: current.quantity }) : text("line.too_little", { quantity: current.quantity });
}
