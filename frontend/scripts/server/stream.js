/** Passes messages of the feed to the store, from the position of the snapshot on. */

import { connectFeed, connectOwn } from "./feed/connect.js";

const ASK_MS = 5_000;
const MAX_UNANSWERED = 3; // a slow worker, or one that just woke up, is not dead

export function createStream(address, store, { onReset, onSignedOut }) {
  const url = new URL(address, location.href).href;
  let feed = null;
  let unanswered = 0;

  const position = () => ({ epoch: store.state.stock.epoch, number: store.state.stock.reached });

  function take(message) {
    unanswered = 0;
    if (message.type === "signed_out") return onSignedOut(message.reason);
    store.dispatch(message);
    if (message.type === "reset") onReset();
  }

  const account = () => store.state.session.principal?.id ?? "open";
  const connectAlone = () => connect(connectOwn(url, account(), take));

  function open() {
    try {
      connect(connectFeed(url, account(), take, connectAlone));
    } catch {
      connectAlone(); // this page may not start workers
    }
  }

  function connect(next) {
    feed?.end();
    feed = next;
    unanswered = 0;
    const { connection } = store.state;
    store.dispatch({ type: "connection", connection: { ...connection, since: connection.since ?? Date.now() } });
    feed.call("setOnline", navigator.onLine);
    feed.call("join", position());
  }

  /** Ask the worker for an answer, and replace it after several without one: a dead worker sends nothing. */
  function ask() {
    if (feed === null) return;
    if (unanswered >= MAX_UNANSWERED) return open();
    unanswered += 1;
    feed.call("answer");
  }

  /** Join again with the current position. */
  const join = () => feed?.call("join", position());

  setInterval(ask, ASK_MS);
  addEventListener("offline", () => feed?.call("setOnline", false));
  addEventListener("online", () => feed?.call("setOnline", true));
  addEventListener("pagehide", () => feed?.call("leave"));
  addEventListener("pageshow", ({ persisted }) => persisted && join()); // restored from the back/forward cache
  document.addEventListener("resume", join); // resumed after being frozen

  return { open, join, retry: () => feed?.call("retry") };
}
