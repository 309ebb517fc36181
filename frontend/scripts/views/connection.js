/** Shows whether the page is live, or for how long it has not been. */

import { RELOAD_MS } from "../server/reloading.js";
import { explain, isQuiet, standing } from "../state/connection.js";
import { formatClock, formatSeconds } from "../state/formats.js";
import { setText } from "./text.js";

const TICK_MS = 500; // the state depends on the time, also without a message

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  silent: "Not live",
  stale: "Stale",
  offline: "Offline",
  ended: "Signed out",
  unsaved: "Can't save",
};

const UNSAVED = "The server can't save now. What others do still arrives, and what you type is kept: try again soon.";

const RELOADING = "The stock is being loaded again. What is shown may be old.";

export function mountConnection(element, detail, store, { onRetry }) {
  const word = element.querySelector(".connection-word");
  const note = element.querySelector(".connection-note");
  const text = detail.querySelector(".connection-text");
  const retry = detail.querySelector("button");
  let state = store.state;

  function show() {
    const now = Date.now();
    const said = standing(state.connection, now);
    const shown = isReloading(said, state.stock) ? "reconnecting" : state.isUnsaved && said.word === "live" ? "unsaved" : said.word;
    element.dataset.state = shown;
    setText(word, WORDS[shown]);
    setText(note, shown === said.word ? noteOf(said) : "");
    setText(text, isReloading(said, state.stock) ? RELOADING : shown === "unsaved" ? UNSAVED : detailOf(said, state, now));
    detail.hidden = !text.textContent;
    retry.hidden = said.word !== "silent" && (said.word !== "reconnecting" || said.seconds === null);
  }

  retry.addEventListener("click", onRetry);
  setInterval(show, TICK_MS);
  document.addEventListener("visibilitychange", show); // timers of hidden pages are delayed
  store.subscribe((next) => {
    state = next;
    show();
  });
}

function noteOf({ word, seconds }) {
  if (word === "stale") return `${formatSeconds(seconds)} behind`;
  return seconds === null ? "" : `in ${formatSeconds(seconds)}`;
}

/** Why there are no live updates, since when, and what the page does. */
function detailOf(said, { connection, loadedAt }, now) {
  const sentences = [explain(connection, said)];
  if (sentences[0] && connection.heardAt) sentences.push(`Last heard at ${formatClock(connection.heardAt)}.`);
  if (isQuiet(connection, now)) {
    const last = loadedAt ? `, last at ${formatClock(loadedAt)}` : "";
    sentences.push(`Meanwhile the list is loaded again about every ${RELOAD_MS / 1_000} seconds${last}.`);
  }
  return sentences.filter(Boolean).join(" ");
}

/** Whether the stream is live but the stock is incomplete: after a reset, the stock must be loaded again. */
function isReloading({ word }, stock) {
  return word === "live" && !stock.isComplete && stock.known.size > 0;
}
