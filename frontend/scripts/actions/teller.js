/** What all actions do after a write: say what happened, and load the stock if nothing else will report the change. */

import { isLive } from "../state/connection.js";

/** `onOutdated` loads the stock. */
export function createTeller(store, onOutdated) {
  return {
    say: (notice) => store.dispatch({ type: "notice", notice }),

    /** Load the stock after a write, if no live stream will report it. */
    written() {
      if (!isLive(store.state.connection, Date.now())) onOutdated();
    },

    /** Load the stock after a write whose outcome is unknown. */
    unanswered({ isUncertain }) {
      if (isUncertain) onOutdated();
    },

    /** The answer to a write that was sent in this epoch, for the state. */
    answerOf: (item, epoch) => item && { item, version: item.version, epoch },
  };
}
