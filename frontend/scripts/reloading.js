/** While nothing live arrives, the list is loaded again now and then, so that what is shown does not grow old. */

import { isQuiet } from "./connection.js";

export const RELOAD_MS = 15_000;
const JITTER = 0.2; // so that many pages do not come in step
const CHECK_MS = 1_000;

/** @returns {(connection, now: number, random?: () => number) => boolean} whether to load now; called again and again */
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
