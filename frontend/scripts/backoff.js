/** How long to wait before the next try: full jitter, so that many pages do not come back in step. */

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
const FULL_LEAST_MS = 5_000;
const BUSY_LEAST_MS = 1_000;
const BUSY_MS = 4_000; // at most, at first
const BUSY_GROWTH = 1.3;
const BUSY_LONGEST_MS = 10_000;

/** @param {number} failures how many tries have failed in a row, from 1 */
export function backoff(failures, random = Math.random) {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
}

/** A server that is not ready for this page yet will be soon. @param {number} times that it said so in a row, from 1 */
export function busyPause(times, random = Math.random) {
  const most = Math.min(BUSY_LONGEST_MS, BUSY_MS * BUSY_GROWTH ** (times - 1));
  return BUSY_LEAST_MS + random() * (most - BUSY_LEAST_MS);
}

/** A server that said it is full is left in peace for longer. */
export function fullPause(random = Math.random) {
  return FULL_LEAST_MS + random() * (LONGEST_MS - FULL_LEAST_MS);
}
