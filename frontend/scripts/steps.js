/** Computes the points of step lines from quantities over time. Pure functions. */

/**
 * An SVG path for evenly spaced values; null is a gap.
 * @param {(number | null)[]} values
 */
export function stepPath(values, { width, height, padding = 0 }) {
  const scale = scaleOf(values.filter((value) => value !== null));
  const x = (index) => round(padding + (index / Math.max(1, values.length - 1)) * (width - 2 * padding));
  const y = (value) => round(height - padding - scale(value) * (height - 2 * padding));
  let path = "";
  values.forEach((value, index) => {
    if (value === null) return;
    const isStart = index === 0 || values[index - 1] === null;
    path += isStart ? `M${x(index)} ${y(value)}` : `H${x(index)}V${y(value)}`;
  });
  return path;
}

/** A scale from values to 0…1. A constant line is in the middle. */
export function scaleOf(values) {
  const least = Math.min(...values);
  const most = Math.max(...values);
  return most === least ? () => 0.5 : (value) => (value - least) / (most - least);
}

const round = (number) => Math.round(number * 10) / 10;

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
