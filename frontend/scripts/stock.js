/**
 * What is known of the stock, and from where in the log: pure functions.
 *
 * Snapshots and events carry a position, so they alone say which items there are. The answer to a write carries only
 * a version: it can be shown on top of a known item until the log has caught up with it, but it can't bring back what
 * a snapshot no longer had. So every order of snapshots, events and answers ends in the same stock.
 */

export const EMPTY_STOCK = Object.freeze({
  epoch: null,
  floor: -1, // events up to here are settled: a snapshot held them, or a reset passed over them
  reached: -1, // the newest position heard of; where a new stream starts
  isComplete: false, // whether a snapshot at the floor or after it has been seen
  known: new Map(), // id → {item, version, number}; item null when deleted; number: its last known event
  answers: new Map(), // id → {item, version}, newer than what is known
});

/** A snapshot is complete: an id that is not in it, and has no event after it, is gone. */
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
  if (stock.epoch !== null && position.epoch !== stock.epoch) return true; // the stream says which log is the log
  return stock.isComplete ? position.number <= stock.floor : position.number < stock.floor;
}

/** Events in any order; each is `{position, event, item}`. */
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
  const version = item.version + (isDeletion ? 1 : 0); // a deletion shows the last document, and takes a version itself
  if ((known.get(item.id)?.version ?? -1) >= version) return;
  known.set(item.id, { item: isDeletion ? null : item, version, number });
}

/** What a write was answered, in the epoch in which it was sent: `item` is null after a deletion. */
export function applyAnswer(stock, { id, item, version, epoch }) {
  const newest = Math.max(stock.known.get(id)?.version ?? Infinity, stock.answers.get(id)?.version ?? -1);
  if (epoch !== stock.epoch || version <= newest) return stock;
  return { ...stock, answers: new Map(stock.answers).set(id, { item, version }) };
}

function unconfirmed(answers, known) {
  if (answers.size === 0) return answers;
  return new Map([...answers].filter(([id, { version }]) => version > (known.get(id)?.version ?? Infinity)));
}

/** The stream goes on from `head`, and what came before is to be had from a snapshot only: until then, show the old. */
export function applyReset(stock, head) {
  const known = new Map();
  for (const [id, { item }] of stock.known) {
    if (item) known.set(id, { item, version: 0, number: -1 }); // anything from the new log is newer
  }
  return { ...EMPTY_STOCK, epoch: head.epoch, floor: head.number, reached: head.number, known };
}

/** The stream is known to have come this far, with or without an event. */
export function applyProgress(stock, position) {
  const isFurther = position.epoch === stock.epoch && position.number > stock.reached;
  return isFurther ? { ...stock, reached: position.number } : stock;
}

/** The item as it is to be shown, or null. */
export function findItem(stock, id) {
  return (stock.answers.get(id) ?? stock.known.get(id))?.item ?? null;
}

/** All items as they are to be shown, by id. */
export function currentItems(stock) {
  const items = new Map();
  for (const [id, entry] of stock.known) {
    const item = stock.answers.size ? findItem(stock, id) : entry.item;
    if (item) items.set(id, item);
  }
  return items;
}
