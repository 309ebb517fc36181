/**
 * The booking that a person prepares: a reason, a note, and amounts of items. Pure functions. It is kept while its dialog
 * is closed, so that nothing typed is lost.
 */

import { MAX_QUANTITY } from "./fields.js";
import { formatNumber } from "./formats.js";
import { areSeveral, editableLocations, scopeOf } from "./locations.js";
import { REASONS } from "./reasons.js";
import { mayEditItem } from "./rights.js";
import { matcher, queryOf } from "./search.js";

export const MATCHES_SHOWN = 8;
const NOT_NOW = "Not added: the other lines are being booked.";

export const NO_BOOKING = Object.freeze({
  isOpen: false,
  reason: "received",
  note: "",
  to: null, // id of the location that items are moved to
  query: "", // part of the name or code of the item to add
  lines: [], // {id, name, amount, error}: amount is what was typed, name is that when the line was added
  said: "", // what has happened last
  failure: "", // why nothing was booked, unless the errors of lines say so
  isSending: false,
  isUncertain: false, // whether it was sent without an answer; then only the same may be sent again
});

/** Each returns the booking after an act of the person, or after the server's answer. */
export const BOOKING_ACTS = {
  open: (booking, { items = [] }) => ({ ...change(booking, (free) => addLines(free, items)), isOpen: true, said: "" }),
  close: (booking) => ({ ...booking, isOpen: false }),
  clear: (booking) => (booking.isSending ? booking : beginAgain(booking)),
  set: (booking, { values }) => change(booking, (free) => withoutErrors({ ...free, ...values })),
  search: (booking, { query }) => ({ ...booking, query }),
  add: (booking, { item }) => change(booking, (free) => ({ ...addLines(free, [item]), query: "", said: "" })),
  scan: (booking, { item }) => (isLocked(booking) ? { ...booking, said: NOT_NOW } : addOne(booking, item)),
  amount: (booking, { id, amount }) => change(booking, (free) => withLine(free, id, { amount, error: "" })),
  remove: (booking, { id }) => change(booking, (free) => removeLine(free, id)),
  say: (booking, { said }) => ({ ...booking, said }),
  complain: (booking, { errors, failure = "" }) => ({ ...withErrors(booking, errors), said: "", failure }),
  send: (booking) => ({ ...withoutErrors(booking), isSending: true, said: "" }),
  refuse: (booking, refusal) => ({ ...withErrors(booking, refusal.errors ?? new Map()), ...outcomeOf(refusal), isSending: false }),
  book: (booking, { ids, isDone }) => takeBooked(booking, ids, isDone),
};

export const reduceBooking = (booking, { act, ...rest }) => BOOKING_ACTS[act](booking, rest);

/** What was sent must not change before its answer, even if that is lost: with other lines, it could be booked twice. */
const change = (booking, make) => (isLocked(booking) ? booking : make(booking));

const beginAgain = ({ isOpen, reason, to }) => ({ ...NO_BOOKING, isOpen, reason, to });

export const isLocked = ({ isSending, isUncertain }) => isSending || isUncertain;

function addLines(booking, items) {
  const present = new Set(booking.lines.map(({ id }) => id));
  const added = items.filter(({ id }) => !present.has(id));
  return { ...booking, lines: [...booking.lines, ...added.map(({ id, name }) => ({ id, name, amount: "", error: "" }))] };
}

function addOne(booking, item) {
  const added = addLines(booking, [item]);
  const { amount } = added.lines.find(({ id }) => id === item.id);
  const next = String((wholeNumberOf(amount) ?? 0) + 1);
  return { ...withLine(added, item.id, { amount: next, error: "" }), said: `${item.name}: ${next}` };
}

const withLine = (booking, id, values) => ({
  ...booking,
  said: "",
  lines: booking.lines.map((line) => (line.id === id ? { ...line, ...values } : line)),
});

const removeLine = (booking, id) => ({ ...booking, said: "", lines: booking.lines.filter((line) => line.id !== id) });

const withErrors = (booking, errors) => ({
  ...booking,
  lines: booking.lines.map((line) => ({ ...line, error: errors.get(line.id) ?? "" })),
});

const withoutErrors = (booking) => ({ ...withErrors(booking, new Map()), failure: "" });

const outcomeOf = ({ failure = "", isUncertain = false }) => ({ failure, isUncertain });

/** Lines that were booked are gone. Once all are, the next booking begins, with the same reason. */
function takeBooked(booking, ids, isDone) {
  if (isDone) return { ...beginAgain(booking), isOpen: false };
  const booked = new Set(ids);
  return { ...booking, lines: booking.lines.filter(({ id }) => !booked.has(id)) };
}

// What may be chosen ---------------------------------------------------------------------------------------------------

/** The reasons to choose from. To move something, one must be able to change two locations. */
export function reasonsFor({ locations }) {
  const mayMove = areSeveral(locations) && editableLocations(locations).length > 1;
  return Object.keys(REASONS).filter((reason) => mayMove || !REASONS[reason].isMove);
}

/** The items to add for what was typed: one with exactly this code first, then by name. */
export function matchesOf(state, items) {
  const query = queryOf(state.booking.query);
  if (!query) return [];
  const isFound = matcher(query);
  const isExact = ({ code }) => code === query;
  const found = [...items.values()].filter((item) => isFound(item) && mayEditItem(state, item));
  const isBefore = (a, b) => isExact(b) - isExact(a) || a.name.localeCompare(b.name) || a.id - b.id;
  return found.sort(isBefore).slice(0, MATCHES_SHOWN);
}

/**
 * The item with exactly this code: at the location that the list shows, or else one of those with the ids in `preferred`,
 * or else the first. Null without one.
 */
export function itemWithCode({ locations, location }, items, code, preferred = new Set()) {
  const scope = scopeOf(locations, location);
  const rank = (item) => (scope?.has(item.location) ? 0 : preferred.has(item.id) ? 1 : 2);
  const found = [...items.values()].filter((item) => item.code === code);
  return found.sort((a, b) => rank(a) - rank(b) || a.id - b.id)[0] ?? null;
}

// What is sent ---------------------------------------------------------------------------------------------------------

const MINUS = /^[−–]/; // as people and phones write it

/** The number that was typed; null if it is none. */
function wholeNumberOf(text) {
  const plain = text.trim().replace(MINUS, "-");
  return /^[+-]?\d+$/.test(plain) ? Number(plain) : null;
}

/** @returns {{value: number} | {error: string}} the change of a line, or its new quantity if it was counted */
export function readAmount(reason, text) {
  const { sign, isCount } = REASONS[reason];
  const number = wholeNumberOf(text);
  if (sign === null) return number ? within(number) : { error: "Enter a whole number, for example 5 or -5." };
  if (number === null || number < (isCount ? 0 : 1)) return { error: `Enter a whole number, ${isCount ? 0 : 1} or more.` };
  return within(isCount ? number : sign * number);
}

const within = (value) =>
  Math.abs(value) > MAX_QUANTITY ? { error: `At most ${formatNumber(MAX_QUANTITY)}.` } : { value };

/** The quantity after a line is booked; null while there is no amount. */
export function quantityAfter(reason, text, quantity) {
  const { value } = readAmount(reason, text);
  if (value === undefined) return null;
  return REASONS[reason].isCount ? value : quantity + value;
}

/** Why lines can't be sent, by the ids of their items. `findItem` returns the item, or null if it was deleted. */
export function errorsOf({ reason, lines, to }, findItem) {
  const errors = new Map();
  for (const { id, amount } of lines) {
    const item = findItem(id);
    const { error } = readAmount(reason, amount);
    if (!item) errors.set(id, "This item was deleted. Remove the line.");
    else if (REASONS[reason].isMove && item.location === to) errors.set(id, "It is at this location already.");
    else if (error) errors.set(id, error);
  }
  return errors;
}

/** The body of the request that books all lines. */
export function movementOf({ reason, note, lines }) {
  const name = REASONS[reason].isCount ? "set" : "adjust";
  const body = lines.map(({ id, amount }) => ({ item: id, [name]: readAmount(reason, amount).value }));
  return { reason, ...noteOf(note), lines: body };
}

/** The bodies of the requests that move the lines, one each. */
export function transfersOf({ note, lines, to }) {
  return lines.map(({ id, amount }) => ({ item: id, to, quantity: -readAmount("moved", amount).value, ...noteOf(note) }));
}

const noteOf = (note) => (note.trim() ? { note: note.trim() } : {});

// What is answered -----------------------------------------------------------------------------------------------------

/** The errors of a refusal that are about lines, by the ids of their items. @param {{field: string}[]} errors */
export function refusedLines({ lines }, errors) {
  const refused = new Map();
  for (const { field, message, current } of errors) {
    const [, index, name] = /^lines\.(\d+)(?:\.(.+))?$/.exec(field) ?? [];
    const line = lines[Number(index)];
    if (line) refused.set(line.id, explainLine(name, message, current));
  }
  return refused;
}

/** Why a line was refused, with what is in stock now. */
export function explainLine(name, message, current) {
  if (!current) return name === "item" ? "This item was deleted. Remove the line." : sentence(message);
  if (name === "item") return "You may not change this item.";
  const isAbove = message.includes("above");
  return `${isAbove ? "That would be too many" : "That is more than there is"}: ${formatNumber(current.quantity)} in stock now.`;
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

/** What to say of these booked lines. With one line, the notice begins with its name. */
export function tellBooked(reason, names, place = "") {
  const to = place && ` to ${place}`;
  if (names.length === 1) return { name: names[0], text: `was ${REASONS[reason].done}${to}.` };
  return { name: null, text: `${formatNumber(names.length)} items ${REASONS[reason].done}${to}.` };
}
