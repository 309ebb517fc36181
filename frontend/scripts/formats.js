/** Formats numbers and times in the reader's language. */

const NUMBER = new Intl.NumberFormat();
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

export const formatNumber = (number) => NUMBER.format(number);

/** A quantity with its unit, if there is one. */
export const formatQuantity = (quantity, unit) => [formatNumber(quantity), unit].filter(Boolean).join(" ");

/** The exact date and time. */
export const formatMoment = (timestamp) => MOMENT.format(new Date(timestamp));

/** How long ago, in words. A time in the future, as with a slow clock, counts as now. */
export function formatAgo(timestamp, now) {
  const age = Math.max(0, now - Date.parse(timestamp));
  if (age < 10 * SECOND) return "just now";
  if (age < MINUTE) return RELATIVE.format(-Math.floor(age / SECOND), "second");
  if (age < HOUR) return RELATIVE.format(-Math.floor(age / MINUTE), "minute");
  if (age < DAY) return RELATIVE.format(-Math.floor(age / HOUR), "hour");
  if (age < WEEK) return RELATIVE.format(-Math.floor(age / DAY), "day");
  return DATE.format(new Date(timestamp));
}

const SIGNED = new Intl.NumberFormat(undefined, { signDisplay: "exceptZero" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const SHORT = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const COMPACT = new Intl.NumberFormat(undefined, { notation: "compact" });
const SECONDS = new Intl.NumberFormat(undefined, { style: "unit", unit: "second", unitDisplay: "narrow" });
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent" });

/** A difference, with its sign. */
export const formatSigned = (number) => SIGNED.format(number);
export const formatClock = (milliseconds) => CLOCK.format(milliseconds);
/** A short date and time. */
export const formatShortMoment = (milliseconds) => SHORT.format(milliseconds);
/** A short number. */
export const formatCompact = (number) => COMPACT.format(number);
export const formatSeconds = (seconds) => SECONDS.format(seconds);
export const formatPercent = (part) => PERCENT.format(part);
