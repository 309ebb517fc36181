/** Says whether what the page shows is live. */

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  stale: "Stale",
  offline: "Offline",
};

const DETAILS = {
  reconnecting: "The connection was lost. Changes made elsewhere appear when it is back; none is missed.",
  stale: "Nothing has been heard for a while. What is shown may be old; the connection is being renewed.",
  offline: "This device is offline. What is shown is as it was when the connection ended.",
};

const FULL = "The server has no free place for live updates. This page tries again by itself.";

export function mountConnection(element, detail, store) {
  const word = element.querySelector(".connection-word");

  store.subscribe(({ connection, isFull }) => {
    if (element.dataset.state !== connection) element.dataset.state = connection;
    if (word.textContent !== WORDS[connection]) word.textContent = WORDS[connection];
    const text = isFull ? FULL : (DETAILS[connection] ?? "");
    if (detail.textContent !== text) detail.textContent = text;
    detail.hidden = !text;
  });
}
