/** Notices when the server can't save, although live updates arrive, and when it can again. */

import { getLocations, onUncertain } from "./api.js";

const ASK_MS = 3_000;

export function watchSaving(store) {
  let timer;

  const tell = (isUnsaved) => store.dispatch({ type: "saving", isUnsaved });

  async function ask() {
    timer = undefined;
    try {
      await getLocations();
      tell(false);
    } catch {
      timer = setTimeout(ask, ASK_MS);
    }
  }

  onUncertain(() => {
    if (timer !== undefined) return;
    tell(true);
    timer = setTimeout(ask, ASK_MS);
  });
}
