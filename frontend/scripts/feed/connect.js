/** Reaches the feed: the one that all pages share, or where there is no SharedWorker, one of this page's own. */

import { createFeed } from "./feed.js";

const PROTOCOL = "2"; // raised when the messages change, so that pages of two versions do not share a worker
const WORKER = "/static/scripts/feed/worker.js";

/** Each gives `call(name, argument)` and `end()`; `onBroken` is told that this way is none. */
export function connectFeed(url, take, onBroken) {
  if (typeof SharedWorker !== "function") return connectOwn(url, take);
  const worker = new SharedWorker(trusted(WORKER), { type: "module", name: `${PROTOCOL} ${url}` });
  worker.addEventListener("error", onBroken);
  worker.port.addEventListener("message", ({ data }) => take(data));
  worker.port.start();
  return {
    call: (name, argument) => worker.port.postMessage([name, argument]),
    end: () => worker.port.close(),
  };
}

export function connectOwn(url, take) {
  const feed = createFeed(url);
  const calls = {
    join: (from) => feed.join(take, from),
    leave: () => feed.leave(take),
    answer: () => feed.answer(take),
    retry: feed.retry,
    setOnline: feed.setOnline,
  };
  return { call: (name, argument) => calls[name](argument), end: () => feed.leave(take) };
}

/** The page's policy lets one script be run this way, and no other. */
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
