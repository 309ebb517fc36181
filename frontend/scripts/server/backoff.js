/** Delays before retries, with full jitter, so that many pages don't retry at the same time. */

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
const FULL_LEAST_MS = 5_000;
const BUSY_LEAST_MS = 1_000;
const BUSY_MS = 4_000; // maximum of the first delay
const BUSY_GROWTH = 1.3;
const BUSY_LONGEST_MS = 10_000;

/** @param {number} failures number of failed tries in a row, from 1 */
export function backoff(failures, random = Math.random) {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
}

/** For a server that is not ready yet. @param {number} times that it said so in a row, from 1 */
export function busyPause(times, random = Math.random) {
  const most = Math.min(BUSY_LONGEST_MS, BUSY_MS * BUSY_GROWTH ** (times - 1));
  return BUSY_LEAST_MS + random() * (most - BUSY_LEAST_MS);
}

/** For a server that is full. */
export function fullPause(random = Math.random) {
  return FULL_LEAST_MS + random() * (LONGEST_MS - FULL_LEAST_MS);
}
