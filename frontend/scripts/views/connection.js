/** Shows whether the page is live, or for how long it has not been. */

import { RELOAD_MS } from "../server/reloading.js";
import { explain, isQuiet, standing } from "../state/connection.js";
import { formatClock, formatSeconds, formatWhen } from "../state/formats.js";
import { text } from "../state/messages.js";
import { setText } from "./text.js";

const TICK_MS = 500; // the state depends on the time, also without a message

export function mountConnection(element, detail, store, { onRetry }) {
  const word = element.querySelector(".connection-word");
  const note = element.querySelector(".connection-note");
  const why = detail.querySelector(".connection-text");
  const retry = detail.querySelector("button");
  let state = store.state;

  function show() {
    const now = Date.now();
    const said = standing(state.connection, now);
    if (state.keptAt !== null) return showKept();
    const shown = isReloading(said, state.stock) ? "reconnecting" : state.isUnsaved && said.word === "live" ? "unsaved" : said.word;
    element.dataset.state = shown;
    setText(word, text(`connection.${shown}`));
    setText(note, shown === said.word ? noteOf(said) : "");
    setText(why, detailOf(said, shown, state, now));
    detail.hidden = !why.textContent;
    retry.hidden = said.word !== "silent" && (said.word !== "reconnecting" || said.seconds === null);
  }

  /** The server can't be reached, and the page shows what this browser has kept. */
  function showKept() {
    element.dataset.state = "kept";
    setText(word, text("connection.as_of", { time: formatWhen(state.keptAt, state.today) }));
    setText(note, "");
    setText(why, text("connection.kept"));
    detail.hidden = retry.hidden = false;
  }

  retry.addEventListener("click", onRetry);
  setInterval(() => store.isPaused || show(), TICK_MS);
  document.addEventListener("visibilitychange", show); // timers of hidden pages are delayed
  store.subscribe((next) => {
    state = next;
    show();
  });
}

function noteOf({ word, seconds }) {
  if (seconds === null) return "";
  return text(word === "stale" ? "connection.behind" : "connection.retry_in", { time: formatSeconds(seconds) });
}

/** Why there are no live updates, since when, and what the page does. */
function detailOf(said, shown, { connection, loadedAt, stock }, now) {
  if (isReloading(said, stock)) return text("connection.why_reloading");
  if (shown === "unsaved") return text("connection.why_unsaved");
  const sentences = [explain(connection, said)];
  if (sentences[0] && connection.heardAt) sentences.push(text("connection.last_heard", { time: formatClock(connection.heardAt) }));
  if (isQuiet(connection, now)) {
    const values = { seconds: RELOAD_MS / 1_000, time: loadedAt && formatClock(loadedAt) };
    sentences.push(text(loadedAt ? "connection.reloaded" : "connection.reloads", values));
  }
  return sentences.filter(Boolean).join(" ");
}

/** Whether the stream is live but the stock is incomplete: after a reset, the stock must be loaded again. */
function isReloading({ word }, stock) {
  return word === "live" && !stock.isComplete && stock.known.size > 0;
}
