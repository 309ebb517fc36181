/** What the person does: sent to the server, shown at once, taken back with the reason if it is refused. */

import { addItem, adjustItem, deleteItem, getHistory, restoreItem, setItem } from "./api.js";
import { isLive } from "./connection.js";
import { formatNumber } from "./formats.js";
import { findItem } from "./stock.js";
import { LARGEST_QUANTITY } from "./validation.js";
import { quantityShown } from "./writes.js";

const NOT_FOUND = 404;
const CONFLICT = 409;
const AT_ONCE = 4; // requests of one bulk write under way; a browser has six connections, and others need some

export function createActions(store, { onUnheard }) {
  const say = (notice) => store.dispatch({ type: "notice", notice });

  /** Without a live stream no event will tell what became of the write. */
  function written() {
    if (!isLive(store.state.connection, Date.now())) onUnheard();
  }

  function answerOf(item, epoch) {
    return item && { item, version: item.version, epoch };
  }

  /** Returns the field errors, or null when the item was added. */
  async function add(name, quantity) {
    try {
      const item = await addItem(name, quantity);
      say({ tone: "success", name: item.name, text: "was added." });
      written();
      return null;
    } catch (refusal) {
      if (refusal.errors.length) return refusal.errors;
      say({ tone: "error", name, text: `was not added. ${refusal.message}` });
      return [];
    }
  }

  function edit(id, quantity) {
    const item = findItem(store.state.stock, id);
    if (item && item.quantity !== quantity) return change(item, { quantity });
  }

  function rename(id, name) {
    const item = findItem(store.state.stock, id);
    if (item && item.name !== name) return change(item, { quantity: item.quantity, name });
  }

  async function change(item, wanted) {
    const { id } = item;
    const { epoch } = store.state.stock;
    if (store.state.pending.has(id)) return;
    store.dispatch({ type: "write_sent", id, write: { kind: "edit", quantity: wanted.quantity } });
    try {
      const saved = await setItem(id, wanted, item.version);
      store.dispatch({ type: "write_ended", id, answer: answerOf(saved, epoch) });
      written();
    } catch (refusal) {
      const notice = await explainEdit(refusal, item, wanted);
      store.dispatch({ type: "write_ended", id, answer: answerOf(refusal.current, epoch), notice });
    }
  }

  /** One more or one less. What is clicked while a request is under way goes together in the next. */
  async function step(id, by) {
    const item = findItem(store.state.stock, id);
    const write = store.state.pending.get(id);
    if (!item || (write && write.kind !== "adjust")) return;
    const wanted = quantityShown(item, write) + by;
    if (wanted < 0 || wanted > LARGEST_QUANTITY) return;
    store.dispatch({ type: "step", id, by });
    if (!write) await sendSteps(id);
  }

  async function sendSteps(id) {
    const { epoch } = store.state.stock;
    for (let write; (write = store.state.pending.get(id)); ) {
      const item = findItem(store.state.stock, id);
      if (!item || write.queued === 0) return store.dispatch({ type: "write_ended", id });
      try {
        store.dispatch({ type: "steps_sent", id });
        const answer = answerOf(await adjustItem(id, write.queued), epoch);
        store.dispatch({ type: "steps_answered", id, answer });
        written();
      } catch (refusal) {
        const notice = { tone: "error", name: item.name, text: explainStep(refusal, write.queued) };
        store.dispatch({ type: "write_ended", id, answer: answerOf(refusal.current, epoch), notice });
      }
    }
  }

  /** Delete these at once; what went can be brought back. */
  async function remove(items) {
    const deleted = [];
    const refusals = [];
    const send = async (item) => {
      const refusal = await removeOne(item);
      if (refusal) refusals.push({ item, refusal });
      else deleted.push(item);
    };
    const free = items.filter(({ id }) => !store.state.pending.has(id)); // the others stay selected
    await eachOf(free, send);
    store.dispatch({ type: "select", ids: free.map(({ id }) => id), isSelected: false });
    if (refusals.length) say(explainDeletions(refusals));
    if (deleted.length) say(tellDeleted(deleted));
    if (deleted.length) written();
  }

  async function removeOne(item) {
    const { id } = item;
    const { epoch } = store.state.stock;
    store.dispatch({ type: "write_sent", id, write: { kind: "delete" } });
    try {
      await deleteItem(id, item.version);
      store.dispatch({ type: "write_ended", id, answer: { item: null, version: item.version + 1, epoch } });
      return null;
    } catch (refusal) {
      store.dispatch({ type: "write_ended", id, answer: answerOf(refusal.current, epoch) });
      return refusal;
    }
  }

  /** Bring these back. */
  async function restore(items) {
    const refusals = [];
    const restored = [];
    const { epoch } = store.state.stock;
    const send = async (item) => {
      try {
        const back = await restoreItem(item.id);
        store.dispatch({ type: "write_ended", id: item.id, answer: answerOf(back, epoch) });
        restored.push(item);
      } catch (refusal) {
        refusals.push({ item, refusal });
      }
    };
    await eachOf(items, send);
    if (refusals.length) say(explainRestores(refusals));
    if (restored.length) say({ tone: "success", ...nameOf(restored), text: `${wereOf(restored)} restored.` });
    if (restored.length) written();
    return refusals.length === 0;
  }

  return { add, edit, rename, step, remove, restore, say };
}

async function eachOf(items, send) {
  const waiting = [...items];
  const work = async () => {
    for (let item; (item = waiting.shift()); ) await send(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

const nameOf = (items) => (items.length === 1 ? { name: items[0].name } : { name: null });
const wereOf = (items) => (items.length === 1 ? "was" : `${formatNumber(items.length)} items were`);

function tellDeleted(items) {
  const action = { kind: "undo", label: "Undo", items };
  return { tone: "success", ...nameOf(items), text: `${wereOf(items)} deleted.`, action };
}

/** Who was faster, and what can be done about it now. */
async function explainEdit({ status, current, message }, item, wanted) {
  const isRename = wanted.name !== undefined;
  const goal = isRename ? `renamed to ${wanted.name}` : `set to ${formatNumber(wanted.quantity)}`;
  const notice = { tone: "error", name: item.name };
  if (status === NOT_FOUND) return { ...notice, text: `was deleted meanwhile, so it was not ${goal}.` };
  if (!current) return { ...notice, text: `was not ${goal}. ${message}` };
  const by = await whoChanged(current);
  const text = `changed to ${formatNumber(current.quantity)} meanwhile${by}, so it was not ${goal}.`;
  const label = isRename ? "Rename it all the same" : `Set to ${formatNumber(wanted.quantity)} all the same`;
  return { ...notice, text, action: { kind: "retry", label, id: item.id, wanted } };
}

async function whoChanged({ id }) {
  try {
    const { entries } = await getHistory(id, null, 1);
    return entries[0]?.actor ? ` by ${entries[0].actor}` : "";
  } catch {
    return ""; // the reason matters more than the name
  }
}

function explainStep({ status, current, message }, by) {
  const wanted = by < 0 ? `${formatNumber(-by)} less` : `${formatNumber(by)} more`;
  if (status === NOT_FOUND) return `was deleted meanwhile, so there is not ${wanted} of it.`;
  if (status === CONFLICT && current) return `has ${formatNumber(current.quantity)} now, so there can't be ${wanted} of it.`;
  return `was not changed to ${wanted}. ${message}`;
}

function explainDeletions(refusals) {
  if (refusals.length > 1) return { tone: "error", text: `${formatNumber(refusals.length)} items were not deleted: they had changed, or were gone.` };
  const [{ item, refusal }] = refusals;
  return { tone: "error", name: item.name, text: explainDeletion(refusal) };
}

function explainDeletion({ status, current, message }) {
  if (status === NOT_FOUND) return "had been deleted already.";
  if (current) return `changed to ${formatNumber(current.quantity)} meanwhile, so it was not deleted.`;
  return `was not deleted. ${message}`;
}

function explainRestores(refusals) {
  const [{ item, refusal }] = refusals;
  if (refusals.length > 1) return { tone: "error", text: `${formatNumber(refusals.length)} items were not restored. ${refusal.message}` };
  if (refusal.status === CONFLICT) return { tone: "info", name: item.name, text: "is there already." };
  return { tone: "error", name: item.name, text: `was not restored. ${refusal.message}` };
}
