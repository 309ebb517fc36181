/** Keeps the URL in step with the view, for bookmarks, links and the back button. */

import { formatAddress, parseAddress } from "../address.js";

const SETTLE_MS = 300; // browsers limit changes of the URL to a hundred in 30 seconds

export function mountAddressBar(store) {
  let opened = store.state.opened;
  let timer;

  function write() {
    timer = undefined;
    const wanted = formatAddress(store.state);
    if (wanted !== location.search) history.replaceState(history.state, "", location.pathname + wanted);
  }

  function stop() {
    clearTimeout(timer);
    timer = undefined;
  }

  /** Add an entry to the browser's history when an item is opened. */
  function push(state) {
    stop();
    history.pushState(null, "", location.pathname + formatAddress(state));
  }

  store.subscribe((state) => {
    const isOpening = state.opened !== null && opened === null && parseAddress(location.search).opened !== state.opened;
    opened = state.opened;
    if (isOpening) return push(state);
    if (formatAddress(state) !== location.search) timer ??= setTimeout(write, SETTLE_MS);
  });

  addEventListener("popstate", () => {
    stop();
    store.dispatch({ type: "view", ...parseAddress(location.search) });
  });
}
