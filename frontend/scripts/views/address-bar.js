/** Keeps the URL in step with the view, for bookmarks, links and the back button. */

import { formatAddress, parseAddress } from "../state/address.js";

const SETTLE_MS = 300; // browsers limit changes of the URL to a hundred in 30 seconds

export function mountAddressBar(store) {
  let { opened, view } = store.state;
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

  /** Add an entry to the browser's history when an item is opened, or another view. */
  function push(state) {
    stop();
    history.pushState(null, "", location.pathname + formatAddress(state));
  }

  store.subscribe((state) => {
    const shown = parseAddress(location.search);
    const isOpening = state.opened !== null && opened === null && shown.opened !== state.opened;
    const isOther = state.view !== view && shown.view !== state.view;
    ({ opened, view } = state);
    if (isOpening || isOther) return push(state);
    if (formatAddress(state) !== location.search) timer ??= setTimeout(write, SETTLE_MS);
  });

  addEventListener("popstate", () => {
    stop();
    store.dispatch({ type: "view", ...parseAddress(location.search) });
  });
}
