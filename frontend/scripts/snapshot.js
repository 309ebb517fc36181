/** Loads the whole stock, and tries until it has one that is new enough. */

import { getStock } from "./api.js";
import { backoff } from "./backoff.js";

export function createSnapshot(store) {
  let current = null; // the load under way; a newer one ends it
  let timer;

  async function load(failures = 0) {
    clearTimeout(timer);
    current?.abort();
    const controller = (current = new AbortController());
    try {
      const { position, items } = await getStock(controller.signal);
      if (controller.signal.aborted) return;
      store.dispatch({ type: "snapshot", position, items });
    } catch (error) {
      if (controller.signal.aborted) return;
      store.dispatch({ type: "snapshot_failed", reason: error.message });
    }
    const { failure, stock } = store.state;
    if (failure || !stock.isComplete) timer = setTimeout(load, backoff(failures + 1), failures + 1);
  }

  return { load: () => load() };
}
