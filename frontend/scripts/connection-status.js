/** Says in words how far the page can be trusted. */

const WORDS = {
  connecting: ["Connecting…", ""],
  live: ["Live", ""],
  reconnecting: ["Reconnecting…", "What you see may be out of date."],
  stale: ["Stale", "Nothing has been heard for a while. What you see may be out of date."],
  offline: ["Offline", "This device has no network. What you see may be out of date."],
};

export function mountConnectionStatus(element) {
  const word = element.querySelector(".connection-status-word");
  const detail = element.querySelector(".connection-status-detail");
  return {
    update(status) {
      if (element.dataset.status === status && word.textContent === WORDS[status][0]) return;
      element.dataset.status = status;
      [word.textContent, detail.textContent] = WORDS[status];
    },
  };
}
