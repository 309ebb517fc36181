/** What is to be seen of the state: derived, never stored. */

/** The items, newest change first, each with the edit that is under way: `[{item, edit}]`. */
export function listItems(state) {
  const list = [];
  for (const [id, { item }] of state.records) {
    if (item) list.push({ item, edit: state.edits.get(id) });
  }
  return list.sort(byLatestChange);
}

/** As the API orders them. The times are text of one length, in UTC. */
function byLatestChange({ item: a }, { item: b }) {
  if (a.updated_at !== b.updated_at) return a.updated_at < b.updated_at ? 1 : -1;
  return b.id - a.id;
}

export function findItem(state, id) {
  return state.records.get(id)?.item ?? null;
}

/** What an item's quantity will be if the edit that is under way succeeds. */
export function shownQuantity(item, edit) {
  return edit?.quantity ?? item.quantity;
}

/** Whether what an answer said of this item has not been seen in the log yet. */
export function isUnconfirmed(state, id) {
  return state.records.get(id)?.eventId === null;
}

/** A stream that is open after events were missed is not live before the stock is loaded again. */
export function connectionStatus(state) {
  return state.isLost && state.connection === "live" ? "reconnecting" : state.connection;
}
