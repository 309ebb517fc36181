/** The SharedWorker with the feed of all pages of this browser. Its name has the account, and the URL of the events. */

import { createFeed } from "./feed.js";

const [account, url] = self.name.split(" ");
const feed = createFeed(url, account !== "open");

self.addEventListener("connect", ({ ports: [port] }) => {
  const take = (message) => port.postMessage(message);
  port.addEventListener("message", ({ data: [call, argument] }) => CALLS[call](take, argument));
  port.start();
});

const CALLS = {
  join: (take, from) => feed.join(take, from),
  leave: (take) => feed.leave(take),
  answer: (take) => feed.answer(take),
  retry: () => feed.retry(),
  setOnline: (_, isOnline) => feed.setOnline(isOnline),
};
