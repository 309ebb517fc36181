/** Which rows of a long list are to be drawn, and where: pure functions. */

const BEYOND = 6; // rows above and below the screen, so that scrolling and the Tab key find them there

/**
 * @param {number} top of the list, relative to the screen's
 * @returns {{first: number, end: number}} rows from `first` to before `end`
 */
export function rowsOnScreen({ top, screenHeight, rowHeight, count }) {
  const first = Math.floor(-top / rowHeight) - BEYOND;
  const end = Math.ceil((screenHeight - top) / rowHeight) + BEYOND;
  return { first: clamp(first, 0, count), end: clamp(end, 0, count) };
}

const clamp = (number, least, most) => Math.max(least, Math.min(most, number));

/** The order wanted, but with those that are held where they were: one that moved would take another's click. */
export function holdInPlace(items, held) {
  if (held.size === 0) return items;
  const order = items.filter(({ id }) => !held.has(id));
  const places = [...held].sort(([, a], [, b]) => a.index - b.index);
  for (const [, { index, item }] of places) order.splice(index, 0, item);
  return order;
}
