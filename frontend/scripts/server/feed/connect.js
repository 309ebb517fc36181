/** Connects to the feed that all pages share, or to a feed of this page if there is no SharedWorker. */

import { createFeed } from "./feed.js";

// Its address has the version of the page's files, so pages of different versions don't share a worker.
const WORKER = new URL("worker.js", import.meta.url).href;

/**
 * `account` is the id of whoever is signed in, or "open" without accounts. Pages of different accounts share no feed.
 * Both functions return `call(name, argument)` and `end()`. `onBroken` is called if the worker can't be started.
 */
export function connectFeed(url, account, take, onBroken) {
  if (typeof SharedWorker !== "function") return connectOwn(url, account, take);
  const worker = new SharedWorker(trusted(WORKER), { type: "module", name: `${account} ${url}` });
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

/** The URL as the page's Trusted Types policy requires it. It allows this script only. */
function trusted(url) {
  const { trustedTypes } = globalThis;
  if (!trustedTypes) return url;
  const createScriptURL = (text) => {
    if (text !== WORKER) throw new TypeError(`not a worker of this page: ${text}`);
    return text;
  };
  policy ??= trustedTypes.createPolicy("stockstream-worker", { createScriptURL });
  return policy.createScriptURL(url);
}

let policy;
