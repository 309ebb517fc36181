/** Connects to the feed that all pages share, or to a feed of this page if there is no SharedWorker. */

import { FEED, trusted } from "../workers.js";
import { createFeed } from "./feed.js";

/**
 * `account` is the id of whoever is signed in, or "open" without accounts. Pages of different accounts share no feed.
 * Both functions return `call(name, argument)` and `end()`. `onBroken` is called if the worker can't be started.
 */
export function connectFeed(url, account, take, onBroken) {
  if (typeof SharedWorker !== "function") return connectOwn(url, account, take);
  const worker = new SharedWorker(trusted(FEED), { type: "module", name: `${account} ${url}` });
  worker.addEventListener("error", onBroken);
  worker.port.addEventListener("message", ({ data }) => take(data));
  worker.port.start();
  return {
    call: (name, argument) => worker.port.postMessage([name, argument]),
    end: () => worker.port.close(),
  };
}

export function connectOwn(url, account, take) {
  const feed = createFeed(url, account !== "open");
  const calls = {
    join: (from) => feed.join(take, from),
    leave: () => feed.leave(take),
    answer: () => feed.answer(take),
    retry: feed.retry,
    setOnline: feed.setOnline,
  };
  return { call: (name, argument) => calls[name](argument), end: () => feed.leave(take) };
}
