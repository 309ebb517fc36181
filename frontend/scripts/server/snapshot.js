/** Loads the whole stock, and retries until it is recent enough. */

import { getStock } from "./api.js";
import { backoff } from "./backoff.js";

/** `onLoaded` is called after each complete load. */
export function createSnapshot(store, { onLoaded }) {
  let current = null; // the current load; a new one aborts it
  let timer;

  async function load(failures = 0) {
    clearTimeout(timer);
    current?.abort();
    const controller = (current = new AbortController());
    try {
      const { position, items } = await getStock(controller.signal);
      if (controller.signal.aborted) return;
      store.dispatch({ type: "snapshot", position, items, loadedAt: Date.now() });
    } catch (error) {
      if (controller.signal.aborted) return;
      store.dispatch({ type: "snapshot_failed", reason: error.message });
    }
    const { failure, stock } = store.state;
    if (failure || !stock.isComplete) timer = setTimeout(load, backoff(failures + 1), failures + 1);
    else onLoaded();
  }

  return { load: () => load() };
}
