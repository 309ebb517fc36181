/** How long a stream may be silent before it is called late: told from the heartbeats that it has sent. */

const LONGEST_MS = 15_000; // what the server promises
const SHORTEST_MS = 2_000;
const GRACE = 1.3;
const RENEWAL = 2.5;

export function createPatience() {
  let interval = LONGEST_MS;
  let beats = []; // moments of the latest on this connection, at most three; the first comes out of turn

  return {
    connected() {
      beats = [];
    },
    beat(now) {
      beats = [...beats, now].slice(-3);
      const gaps = beats.slice(1).map((beat, index) => beat - beats[index]);
      if (gaps.length === 2) interval = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ...gaps));
    },
    /** After so long what is shown may be old. */
    get staleAfter() {
      return interval * GRACE;
    },
    /** After so long the connection is taken for dead. */
    get renewAfter() {
      return interval * RENEWAL;
    },
  };
}
