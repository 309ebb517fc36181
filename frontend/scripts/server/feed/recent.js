/** Keeps the latest changes, for pages that join after them. */

const KEPT = 5_000; // changes

export function createRecent(kept = KEPT) {
  let changes = [];
  let since = null; // position after which every change is kept

  return {
    /** Start at this position, without changes. */
    startAt(position) {
      changes = [];
      since = position;
    },

    forget() {
      changes = [];
      since = null;
    },

    add(more) {
      changes.push(...more);
      if (changes.length < 2 * kept) return;
      const dropped = changes.length - kept;
      since = changes[dropped - 1].position;
      changes = changes.slice(dropped);
    },

    /** The changes after this position, or null if they are not all known. */
    after(position) {
      if (since === null || position.epoch !== since.epoch || position.number < since.number) return null;
      return changes.filter((change) => change.position.number > position.number);
    },
  };
}
