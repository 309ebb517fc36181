/**
 * The known stock, and its position in the log. Pure functions.
 *
 * Only snapshots and events have a position, so only they decide which items exist. The answer to a write has just a
 * version: it is shown instead of a known item until the log has caught up, but it never adds an item that a snapshot
 * lacks. So every order of snapshots, events and answers leads to the same stock.
 */

export const EMPTY_STOCK = Object.freeze({
  epoch: null,
  floor: -1, // events up to here are included in a snapshot, or were skipped by a reset
  reached: -1, // the latest known position, where a new stream starts
  isComplete: false, // whether there was a snapshot at the floor or after it
  known: new Map(), // id → {item, version, number}; item is null if deleted, number is its last known event
  answers: new Map(), // id → {item, version}, newer than the known item
});

/** Apply a snapshot. It is complete: an id without an item in it or a later event is deleted. */
export function applySnapshot(stock, position, items) {
  if (isOutdated(stock, position)) return stock;
  const known = new Map();
  for (const item of items) {
    const before = stock.known.get(item.id);
    const isOld = before !== undefined && before.version >= item.version;
    known.set(item.id, isOld ? before : { item, version: item.version, number: position.number });
  }
  for (const [id, entry] of stock.known) {
    if (entry.number > position.number) known.set(id, known.get(id) ?? entry);
  }
  return {
    epoch: position.epoch,
    floor: position.number,
    reached: Math.max(stock.reached, position.number),
    isComplete: true,
    known,
    answers: unconfirmed(stock.answers, known),
  };
}

function isOutdated(stock, position) {
  if (stock.epoch !== null && position.epoch !== stock.epoch) return true; // the stream decides which epoch is current
  return stock.isComplete ? position.number <= stock.floor : position.number < stock.floor;
}

/** Apply events, in any order. Each is `{position, event, item}`. */
export function applyChanges(stock, changes) {
  const known = new Map(stock.known);
  let { epoch, reached } = stock;
  for (const { position, event, item } of changes) {
    epoch ??= position.epoch;
    if (position.epoch !== epoch) continue;
    reached = Math.max(reached, position.number);
    if (position.number > stock.floor) learn(known, position.number, event, item);
  }
  return { ...stock, epoch, reached, known, answers: unconfirmed(stock.answers, known) };
}

function learn(known, number, event, item) {
  const isDeletion = event === "DELETE";
  const version = item.version + (isDeletion ? 1 : 0); // a deletion has the document from before it, and the next version
  if ((known.get(item.id)?.version ?? -1) >= version) return;
  known.set(item.id, { item: isDeletion ? null : item, version, number });
}

/** Apply the answer to a write that was sent in this epoch. `item` is null after a deletion. */
export function applyAnswer(stock, { id, item, version, epoch }) {
  const newest = Math.max(stock.known.get(id)?.version ?? Infinity, stock.answers.get(id)?.version ?? -1);
  if (epoch !== stock.epoch || version <= newest) return stock;
  return { ...stock, answers: new Map(stock.answers).set(id, { item, version }) };
}

function unconfirmed(answers, known) {
  if (answers.size === 0) return answers;
  return new Map([...answers].filter(([id, { version }]) => version > (known.get(id)?.version ?? Infinity)));
}

/** Apply a reset: the stream continues from `head`. Until the next snapshot, the old items are shown. */
export function applyReset(stock, head) {
  const known = new Map();
  for (const [id, { item }] of stock.known) {
    if (item) known.set(id, { item, version: 0, number: -1 }); // everything from the new log is newer
  }
  return { ...EMPTY_STOCK, epoch: head.epoch, floor: head.number, reached: head.number, known };
}

/** Note that the stream has reached this position, with or without an event. */
export function applyProgress(stock, position) {
  const isFurther = position.epoch === stock.epoch && position.number > stock.reached;
  return isFurther ? { ...stock, reached: position.number } : stock;
}

/** The item to show, or null. */
export function findItem(stock, id) {
  return (stock.answers.get(id) ?? stock.known.get(id))?.item ?? null;
}

/** All items to show, by id. */
export function currentItems(stock) {
  const items = new Map();
  for (const [id, entry] of stock.known) {
    const item = stock.answers.size ? findItem(stock, id) : entry.item;
    if (item) items.set(id, item);
  }
  return items;
}
