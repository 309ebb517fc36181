/** Learns from the heartbeats how long a stream may send nothing before it counts as stale. */

const MAX_INTERVAL_MS = 15_000; // maximum between two heartbeats, as the server guarantees
const MIN_INTERVAL_MS = 2_000;
const GRACE = 1.3;
const RENEWAL = 2.5;

export function createPatience() {
  let interval = MAX_INTERVAL_MS;
  let times = []; // of the latest three heartbeats on this connection; the first may come earlier than its interval

  return {
    connected() {
      times = [];
    },
    heartbeat(now) {
      times = [...times, now].slice(-3);
      const gaps = times.slice(1).map((time, index) => time - times[index]);
      if (gaps.length === 2) interval = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, ...gaps));
    },
    /** After this time without a frame, the page may be outdated. */
    get staleAfter() {
      return interval * GRACE;
    },
    /** After this time without a frame, the connection is replaced. */
    get renewAfter() {
      return interval * RENEWAL;
    },
  };
}
