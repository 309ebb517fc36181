/** Loads the list again from time to time while there are no live updates. */

import { isQuiet } from "../state/connection.js";

export const RELOAD_MS = 15_000;
const JITTER = 0.2; // so that many pages don't load at the same time
const CHECK_MS = 1_000;

/** @returns {(connection, now: number, random?: () => number) => boolean} whether to load now; polled */
export function createSchedule() {
  let dueAt = null;

  return function isDue(connection, now, random = Math.random) {
    if (!isQuiet(connection, now)) {
      dueAt = null;
      return false;
    }
    dueAt ??= now + random() * RELOAD_MS * JITTER;
    if (now < dueAt) return false;
    dueAt = now + RELOAD_MS * (1 - JITTER + 2 * JITTER * random());
    return true;
  };
}

export function reloadWhileQuiet(store, { onDue }) {
  const isDue = createSchedule();
  const check = () => {
    if (!document.hidden && isDue(store.state.connection, Date.now())) onDue();
  };
  setInterval(check, CHECK_MS);
  document.addEventListener("visibilitychange", check);
}
