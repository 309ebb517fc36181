/** How long to wait before the next attempt, with full jitter: those who fail together do not come back together. */

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export function backoff(attempt) {
  return Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
}
