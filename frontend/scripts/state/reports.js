/** What the journal and the past show: who, why, and when. And what the stock of two days differs in. Pure functions. */

import { text } from "./messages.js";

export const NO_REPORT = Object.freeze({
  person: "", // whose changes the journal shows; "" for everybody's
  reason: "", // "" for any
  from: "", // first day, as in 2026-11-25; "" without a limit
  until: "", // last day
  day: "", // the day whose stock is shown, as it was at its end
  compared: "", // the day that it is compared with; "" for now
});

const DAY = /^\d{4}-\d\d-\d\d$/;
const DAYS = new Set(["from", "until", "day", "compared"]);

/** The report that the query of an address names. Days that are none are left out. @param {URLSearchParams} parameters */
export function parseReport(parameters) {
  const read = (name) => {
    const value = parameters.get(name) ?? "";
    return DAYS.has(name) && !isDay(value) ? "" : value;
  };
  return Object.fromEntries(Object.keys(NO_REPORT).map((name) => [name, read(name)]));
}

export const isDay = (text) => DAY.test(text) && !Number.isNaN(Date.parse(text));

/** When a day begins where the reader is, as RFC 3339. */
export const startOf = (day) => new Date(`${day}T00:00:00`).toISOString();

/** When the next day begins. */
export function endOf(day) {
  const next = new Date(`${day}T00:00:00`);
  next.setDate(next.getDate() + 1);
  return next.toISOString();
}

/** This day where the reader is, as in 2026-11-25. */
export function dayOf(time) {
  const date = new Date(time);
  const part = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`;
}

/** The parameters of the journal's request. `scope` is a location, or null. */
export function journalQuery({ person, reason, from, until }, location) {
  const query = new URLSearchParams();
  if (person.trim()) query.set("actor", person.trim());
  if (reason) query.set("reason", reason);
  if (from) query.set("since", startOf(from));
  if (until) query.set("until", endOf(until));
  if (location !== null) query.set("location", location);
  return query;
}

/** Whether an event brought back an item that had been deleted: a new one begins with version 1. */
export const isRestore = ({ operation, after }) => operation === "INSERT" && after.version > 1;

const API = "stockstream_api"; // as whom the API writes for people who have given no name

/** Who made a change, for people. */
export const personLabel = (actor) => (actor === API ? text("person.nobody") : actor);

/** How much an event changed the quantity. */
export const differenceOf = ({ before, after }) => (after?.quantity ?? 0) - (before?.quantity ?? 0);

/**
 * The items of two stocks, by name, with both quantities: null where an item did not exist.
 * @returns {{item: object, then: number | null, now: number | null, by: number}[]}
 */
export function compareStocks(before, after) {
  const [then, now] = [before, after].map((items) => new Map(items.map((item) => [item.id, item])));
  const rows = [...new Set([...then.keys(), ...now.keys()])].map((id) => {
    const [old, current] = [then.get(id) ?? null, now.get(id) ?? null];
    const by = (current?.quantity ?? 0) - (old?.quantity ?? 0);
    return { item: current ?? old, then: old?.quantity ?? null, now: current?.quantity ?? null, by };
  });
  return rows.sort((a, b) => a.item.name.localeCompare(b.item.name) || a.item.id - b.item.id);
}
