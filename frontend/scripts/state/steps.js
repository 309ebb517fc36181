/** Quantities over time, and the ticks of their axis. Pure functions. */

/**
 * The quantity after each change, oldest first, from the entries of an item's history (newest first).
 * @returns {{at: number, quantity: number | null, entry: object}[]} null while the item is deleted
 */
export function quantitiesOf(entries) {
  return entries
    .map((entry) => ({ at: Date.parse(entry.changed_at), quantity: entry.after?.quantity ?? null, entry }))
    .reverse();
}

/** Round numbers for the ticks of an axis that includes all values. */
export function ticks(least, most, count = 4) {
  const span = Math.max(1, most - least);
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= count));
  const marks = [];
  for (let mark = Math.floor(least / step) * step; mark < most + step; mark += step) marks.push(mark);
  return marks.length > 1 ? marks : [...marks, marks[0] + step];
}

const END_SHARE = 0.12; // of the axis, which its end takes up

/** The beginnings of days between these times, where the reader is: at most this many, evenly spaced. */
export function dayTicks(start, end, count) {
  const first = new Date(start);
  first.setHours(24, 0, 0, 0);
  const days = [];
  for (const day = first; day.getTime() < end - (end - start) * END_SHARE; day.setDate(day.getDate() + 1)) days.push(day.getTime());
  const step = Math.max(1, Math.ceil(days.length / Math.max(1, count)));
  return days.filter((_, index) => index % step === 0);
}
