/** What may be said of the connection at this moment: silence ages, whatever was said last. */

export const INITIAL_CONNECTION = Object.freeze({
  phase: "connecting", // connecting, live, reconnecting, offline
  isFull: false, // the server had no place for this page
  retryAt: null, // when the next try begins, in milliseconds since 1970
  heardAt: null, // when something was last heard
  staleAfter: 20_000, // silence that long is no pause between two heartbeats
});

/** @returns {{word: string, seconds: number | null}} seconds behind when stale, to wait when reconnecting */
export function standing({ phase, retryAt, heardAt, staleAfter }, now) {
  const silence = now - heardAt;
  if (phase === "live" && silence > staleAfter) return { word: "stale", seconds: Math.floor(silence / 1_000) };
  if (phase === "reconnecting" && retryAt !== null) {
    return { word: "reconnecting", seconds: Math.max(0, Math.ceil((retryAt - now) / 1_000)) };
  }
  return { word: phase, seconds: null };
}

/** Whether what is shown is what the server has, as far as anyone can tell. */
export const isLive = (connection, now) => standing(connection, now).word === "live";
