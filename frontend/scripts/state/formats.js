/** Formats numbers and times in the language of the page, as it is written where the reader is. */

import { languageTag } from "./messages.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

let madeFor = null;
let made = {};

/** The formatter of this kind, made once for each language: making one is slow. */
function formatter(name, make) {
  const tag = languageTag();
  if (tag !== madeFor) [madeFor, made] = [tag, {}];
  made[name] ??= make(tag);
  return made[name];
}

const numbers = (name, options) => (number) => formatter(name, (tag) => new Intl.NumberFormat(tag, options)).format(number);
const times = (name, options) => (time) => formatter(name, (tag) => new Intl.DateTimeFormat(tag, options)).format(time);
const ago = (amount, unit) =>
  formatter("ago", (tag) => new Intl.RelativeTimeFormat(tag, { numeric: "auto", style: "short" })).format(-Math.floor(amount), unit);

export const formatNumber = numbers("number", {});

/** A difference, with its sign. */
export const formatSigned = numbers("signed", { signDisplay: "exceptZero" });
export const formatPercent = numbers("percent", { style: "percent" });
export const formatSeconds = numbers("seconds", { style: "unit", unit: "second", unitDisplay: "narrow" });

/** A quantity with its unit, if there is one. */
export const formatQuantity = (quantity, unit) => [formatNumber(quantity), unit].filter(Boolean).join(" ");

/** What stands between groups of three digits. */
export const groupSeparator = () => formatNumber(1_234_567).replace(/[\d\p{Nd}]/gu, "")[0] ?? " ";

const asDate = (time) => (typeof time === "string" ? new Date(time) : time);
const formatMedium = times("date", { dateStyle: "medium" });
const formatTime = times("moment", { dateStyle: "medium", timeStyle: "medium" });

/** The exact date and time. @param {string | number} time */
export const formatMoment = (time) => formatTime(asDate(time));

/** A day, as in 2026-11-25. */
export const formatDate = (day) => formatMedium(new Date(`${day}T00:00:00`));

/** A time of day, with seconds. */
export const formatClock = times("clock", { timeStyle: "medium" });

/** A short date and time. */
export const formatShortMoment = times("short", { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

const formatTimeOfDay = times("time", { timeStyle: "short" });

/** A time of this day, or else with its date. @param {string} today when this day began */
export const formatWhen = (time, today) => (time < Date.parse(today) ? formatShortMoment(time) : formatTimeOfDay(time));

/** A day, without the year. */
export const formatDay = times("day", { month: "short", day: "numeric" });

/** How long ago, in words. A time in the future, as with a slow clock, counts as now. */
export function formatAgo(timestamp, now) {
  const age = Math.max(0, now - Date.parse(timestamp));
  if (age < MINUTE) return ago(age / SECOND, "second");
  if (age < HOUR) return ago(age / MINUTE, "minute");
  if (age < DAY) return ago(age / HOUR, "hour");
  if (age < WEEK) return ago(age / DAY, "day");
  return formatMedium(Date.parse(timestamp));
}
