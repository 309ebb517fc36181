/** Says whether what the page shows is live. */

import { setText } from "./text.js";

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  stale: "Stale",
  offline: "Offline",
};

const DETAILS = {
  reconnecting: "The connection was lost. Changes made elsewhere appear when it is back; none is missed.",
  stale: "Nothing has been heard for a while. What is shown may be old; the connection is being renewed.",
  offline: "This device is offline. What is shown is as it was when the connection ended.",
};

const FULL = "The server has no free place for live updates. This page tries again by itself.";

const RELOADING = "The stock is being loaded anew. What is shown may be old.";

export function mountConnection(element, detail, store) {
  const word = element.querySelector(".connection-word");

  store.subscribe((state) => {
    const shown = isReloading(state) ? "reconnecting" : state.connection;
    const text = explain(state);
    element.dataset.state = shown;
    setText(word, WORDS[shown]);
    setText(detail, text);
    detail.hidden = !text;
  });
}

function explain({ connection, isFull, stock }) {
  if (isFull) return FULL;
  if (DETAILS[connection]) return DETAILS[connection];
  return isReloading({ connection, stock }) ? RELOADING : "";
}

/** An open stream is not enough after a reset: what was missed comes with the next snapshot. */
function isReloading({ connection, stock }) {
  return connection === "live" && !stock.isComplete && stock.known.size > 0;
}
