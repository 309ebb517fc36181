/** Keeps the address true to the page: it can be kept, sent, and gone back from. */

import { formatAddress, parseAddress } from "../address.js";

const SETTLE_MS = 300; // browsers take a hundred changes in half a minute, and no more

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

  /** An item that is opened is a page to come back from. */
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
