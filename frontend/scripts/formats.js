/** Numbers and times as the reader's locale writes them, and quantities as people type them. */

export const LARGEST_QUANTITY = 2_147_483_647;

const number = new Intl.NumberFormat();
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export const formatNumber = (value) => number.format(value);
export const formatMoment = (text) => moment.format(new Date(text));

/** Times of `today` (a `toDateString()`) without the day. */
export function formatTime(text, today) {
  const date = new Date(text);
  return date.toDateString() === today ? time.format(date) : day.format(date);
}

/** The quantity that was typed, or null if that is none. */
export function parseQuantity(text) {
  const digits = text.trim();
  const quantity = Number(digits);
  return /^[0-9]+$/.test(digits) && quantity <= LARGEST_QUANTITY ? quantity : null;
}

export const QUANTITY_RULE = `A whole number from 0 to ${formatNumber(LARGEST_QUANTITY)}.`;
