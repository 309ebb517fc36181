/** The latest changes of the log, so that a page that joins late gets what came after its snapshot. */

const KEPT = 5_000; // changes

export function createRecent(kept = KEPT) {
  let changes = [];
  let since = null; // position: every change after it is here

  return {
    /** Nothing after this position is known yet. */
    startAt(position) {
      changes = [];
      since = position;
    },

    add(more) {
      changes.push(...more);
      if (changes.length < 2 * kept) return;
      const dropped = changes.length - kept;
      since = changes[dropped - 1].position;
      changes = changes.slice(dropped);
    },

    /** What came after this position, or null where that is not known. */
    after(position) {
      if (since === null || position.epoch !== since.epoch || position.number < since.number) return null;
      return changes.filter((change) => change.position.number > position.number);
    },
  };
}
