/** Says whether what the page shows is live, and for how long it has not been. */

import { standing } from "../connection.js";
import { formatClock, formatSeconds } from "../formats.js";
import { setText } from "./text.js";

const TICK_MS = 500; // silence ages without a message

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  stale: "Stale",
  offline: "Offline",
};

const DETAILS = {
  reconnecting: "There is no connection for live changes. They appear when it is back; none is missed.",
  stale: "Nothing has been heard for a while. What is shown may be old; the connection is being renewed.",
  offline: "This device is offline. Changes made elsewhere appear when it is back; none is missed.",
};

const FULL = "The server has no free place for live updates. This page tries again by itself.";

const RELOADING = "The stock is being loaded anew. What is shown may be old.";

export function mountConnection(element, detail, store, { onRetry }) {
  const word = element.querySelector(".connection-word");
  const note = element.querySelector(".connection-note");
  const text = detail.querySelector(".connection-text");
  const retry = detail.querySelector("button");
  let state = store.state;

  function show() {
    const said = standing(state.connection, Date.now());
    const shown = isReloading(said, state.stock) ? "reconnecting" : said.word;
    element.dataset.state = shown;
    setText(word, WORDS[shown]);
    setText(note, shown === said.word ? noteOf(said) : "");
    setText(text, explain(said, state));
    detail.hidden = !text.textContent;
    retry.hidden = said.word !== "reconnecting" || said.seconds === null;
  }

  retry.addEventListener("click", onRetry);
  setInterval(show, TICK_MS);
  document.addEventListener("visibilitychange", show); // timers of a hidden page come late
  store.subscribe((next) => {
    state = next;
    show();
  });
}

function noteOf({ word, seconds }) {
  if (word === "stale") return `${formatSeconds(seconds)} behind`;
  return seconds === null ? "" : `in ${formatSeconds(seconds)}`;
}

function explain(said, { connection, stock }) {
  if (isReloading(said, stock)) return RELOADING;
  const text = connection.isFull ? FULL : DETAILS[said.word];
  if (!text) return "";
  return connection.heardAt ? `${text} Last heard at ${formatClock(connection.heardAt)}.` : text;
}

/** An open stream is not enough after a reset: what was missed comes with the next snapshot. */
function isReloading({ word }, stock) {
  return word === "live" && !stock.isComplete && stock.known.size > 0;
}
