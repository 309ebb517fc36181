/** Keeps the state equal to the table: first a snapshot, then the stream from its position, and again when it must. */

import * as api from "./api.js";
import { backoff } from "./backoff.js";
import { formatPosition } from "./position.js";
import { createStream } from "./stream.js";
import { isUnconfirmed } from "./views.js";

const CONFIRM_MS = 3_000;

export function createSync(store, eventsUrl) {
  const position = () => formatPosition(store.current().position);
  const sync = { store, isLoading: false, isAskedAgain: false, attempt: 0, timer: 0 };
  sync.stream = createStream(eventsUrl, position, {
    change: store.receive,
    reset: ({ head }) => restart(sync, head),
    status: (status) => store.dispatch({ type: "connection", status }),
  });
  addEventListener("online", () => sync.timer && load(sync));
  addEventListener("pageshow", (event) => event.persisted && wake(sync));
  document.addEventListener("resume", () => wake(sync));
  return { load: () => load(sync), confirm: (id) => confirmLater(sync, id) };
}

function restart(sync, head) {
  sync.store.dispatch({ type: "reset", head });
  load(sync);
}

/** The page was put aside, and for how long nobody knows: a snapshot is cheaper than what may have happened since. */
function wake(sync) {
  sync.stream.close();
  load(sync);
}

/** One at a time; whoever asks while one is under way gets another one after it. */
async function load(sync) {
  sync.isAskedAgain = sync.isLoading;
  if (sync.isLoading) return;
  sync.isLoading = true;
  clearTimeout(sync.timer);
  sync.timer = 0;
  await fetchSnapshot(sync);
  sync.isLoading = false;
  if (sync.isAskedAgain) load(sync);
}

async function fetchSnapshot(sync) {
  const number = sync.store.current().asked + 1;
  sync.store.dispatch({ type: "asked", number });
  try {
    sync.store.dispatch({ type: "snapshot", number, ...(await api.listItems()) });
    sync.attempt = 0;
    if (!sync.stream.isOpen()) sync.stream.open();
  } catch (error) {
    sync.store.dispatch({ type: "unavailable", reason: error.message });
    sync.timer = setTimeout(() => load(sync), backoff(sync.attempt++));
  }
}

/**
 * An answer has no place in the log. Its event follows in a moment, unless a snapshot has already gone past it;
 * what then became of the item, only a snapshot asked for after the answer can say.
 */
function confirmLater(sync, id) {
  setTimeout(() => isUnconfirmed(sync.store.current(), id) && load(sync), CONFIRM_MS);
}
