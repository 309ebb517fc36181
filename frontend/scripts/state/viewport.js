/** Decides which rows of a long list are drawn. Pure functions. */

const OVERSCAN_ROWS = 6; // rows drawn above and below the screen, for scrolling and the Tab key

/**
 * @param {number} top of the list, relative to the screen's
 * @returns {{first: number, end: number}} rows from `first` to before `end`
 */
export function rowsOnScreen({ top, screenHeight, rowHeight, count }) {
  const first = Math.floor(-top / rowHeight) - OVERSCAN_ROWS;
  const end = Math.ceil((screenHeight - top) / rowHeight) + OVERSCAN_ROWS;
  return { first: clamp(first, 0, count), end: clamp(end, 0, count) };
}

const clamp = (number, least, most) => Math.max(least, Math.min(most, number));
