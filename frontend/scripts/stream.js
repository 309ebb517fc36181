/** Brings what the feed says into the store, from the position of the snapshot on. */

import { connectFeed, connectOwn } from "./feed/connect.js";

const ASK_MS = 5_000;
const UNANSWERED_AT_MOST = 3; // a worker that is only slow, or just awake again, is not dead

export function createStream(address, store, { onReset }) {
  const url = new URL(address, location.href).href;
  let feed = null;
  let unanswered = 0;

  const position = () => ({ epoch: store.state.stock.epoch, number: store.state.stock.reached });

  function take(message) {
    unanswered = 0;
    store.dispatch(message);
    if (message.type === "reset") onReset();
  }

  const connectAlone = () => connect(connectOwn(url, take));

  function open() {
    try {
      connect(connectFeed(url, take, connectAlone));
    } catch {
      connectAlone(); // a page that may not have a worker
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

  /** A worker that has died says nothing: without this, the page would wait for it for ever. */
  function ask() {
    if (feed === null) return;
    if (unanswered >= UNANSWERED_AT_MOST) return open();
    unanswered += 1;
    feed.call("answer");
  }

  const join = () => feed?.call("join", position());

  setInterval(ask, ASK_MS);
  addEventListener("offline", () => feed?.call("setOnline", false));
  addEventListener("online", () => feed?.call("setOnline", true));
  addEventListener("pagehide", () => feed?.call("leave"));
  addEventListener("pageshow", ({ persisted }) => persisted && join()); // back from the browser's cache
  document.addEventListener("resume", join); // back from being frozen

  return { open, retry: () => feed?.call("retry") };
}
