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
    const text = explain(state);
    element.dataset.state = state.connection;
    setText(word, WORDS[state.connection]);
    setText(detail, text);
    detail.hidden = !text;
  });
}

function explain({ connection, isFull, stock }) {
  if (isFull) return FULL;
  if (DETAILS[connection]) return DETAILS[connection];
  return stock.known.size && !stock.isComplete ? RELOADING : "";
}
