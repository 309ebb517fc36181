/** Reports the changes of others in one line, at most every few seconds. Many changes are summed up. */

import { setMessage } from "./text.js";

const GATHER_MS = 1_000; // from the first change to its report
const PAUSE_MS = 5_000; // between two reports
const STAY_MS = 8_000;

export function mountActivity(element, store) {
  let timer;
  let clearing;
  let toldAt = -Infinity;

  function tell() {
    timer = undefined;
    toldAt = Date.now();
    showNews(element, store.state.news);
    store.dispatch({ type: "news_told" });
    clearTimeout(clearing);
    clearing = setTimeout(() => element.replaceChildren(), STAY_MS);
  }

  store.subscribe(({ news }) => {
    if (news.size === 0 || timer !== undefined) return;
    timer = setTimeout(tell, Math.max(GATHER_MS, toldAt + PAUSE_MS - Date.now()));
  });
}

function showNews(element, news) {
  const count = news.size;
  if (count === 0) return element.replaceChildren();
  const [{ name, quantity }] = news.values();
  const isDeletion = count === 1 && quantity === null;
  setMessage(element, isDeletion ? "activity.deleted" : "activity.changed", { count, name, quantity });
}
