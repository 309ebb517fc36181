/** Actions of the person. They are shown at once, sent to the server, and rolled back with the reason if refused. */

import { addItem, adjustItem, deleteItem, getHistory, restoreItem, setItem } from "./api.js";
import { isLive } from "./connection.js";
import { changedFields, MAX_QUANTITY } from "./fields.js";
import { formatNumber } from "./formats.js";
import { createKeys } from "./keys.js";
import { findItem } from "./stock.js";
import { quantityShown } from "./writes.js";

const NOT_FOUND = 404;
const CONFLICT = 409;
const CONCURRENT_REQUESTS = 4; // of a bulk action; a browser opens only six connections to a host, and others need some of them

export function createActions(store, { onOutdated }) {
  const sendOnce = createKeys();
  const say = (notice) => store.dispatch({ type: "notice", notice });

  /** Load the stock after a write, if no live stream will report it. */
  function written() {
    if (!isLive(store.state.connection, Date.now())) onOutdated();
  }

  /** Load the stock after a write whose outcome is unknown. */
  function unanswered({ isUncertain }) {
    if (isUncertain) onOutdated();
  }

  function answerOf(item, epoch) {
    return item && { item, version: item.version, epoch };
  }

  /** Returns the errors of fields, or null if the item was added. */
  async function add(values) {
    const { name } = values;
    try {
      await sendOnce(["add", values], (key) => addItem(values, key));
      say({ tone: "success", name, text: "was added." });
      written();
      return null;
    } catch (refusal) {
      if (refusal.errors.length) return refusal.errors;
      say({ tone: "error", name, text: `${wasNot("added", refusal)} ${refusal.message}` });
      unanswered(refusal);
      return [];
    }
  }

  /**
   * Set these fields. Errors of fields are passed to `onErrors` if there is one, and shown in a notice otherwise.
   * `withTwins`: give a new name to the same article at other locations, too.
   */
  async function edit(id, values, onErrors = null, { withTwins = false } = {}) {
    const item = findItem(store.state.stock, id);
    const wanted = item && changedFields(item, values);
    if (item && Object.keys(wanted).length) await change(item, wanted, onErrors, withTwins);
  }

  async function change(item, wanted, onErrors, withTwins) {
    const { id } = item;
    const { epoch } = store.state.stock;
    if (store.state.pending.has(id)) return;
    const { quantity } = { ...item, ...wanted };
    store.dispatch({ type: "write_sent", id, write: { kind: "edit", quantity } });
    try {
      const saved = await setItem(id, { ...wanted, quantity }, item.version, { withTwins });
      store.dispatch({ type: "write_ended", id, answer: answerOf(saved, epoch) });
      written();
    } catch (refusal) {
      const isWrong = refusal.errors.length > 0; // then `current`, if present, is another item
      if (isWrong && onErrors && refusal.errors.every(({ field }) => field in wanted)) {
        store.dispatch({ type: "write_ended", id });
        return onErrors(refusal.errors);
      }
      const current = isWrong ? null : refusal.current;
      const notice = isAlready(current, wanted) ? null : await explainEdit(refusal, current, item, wanted, withTwins);
      store.dispatch({ type: "write_ended", id, answer: answerOf(current, epoch), notice });
      unanswered(refusal);
    }
  }

  /** Change the quantity by one. Clicks during a request are summed up in the next request. */
  async function step(id, by) {
    const item = findItem(store.state.stock, id);
    const write = store.state.pending.get(id);
    if (!item || (write && write.kind !== "adjust")) return;
    const wanted = quantityShown(item, write) + by;
    if (wanted < 0 || wanted > MAX_QUANTITY) return;
    store.dispatch({ type: "step", id, by });
    if (!write) await sendSteps(id);
  }

  /** Send unanswered steps again. They are applied only once. */
  async function stepAgain({ id, by, key }) {
    if (!findItem(store.state.stock, id) || store.state.pending.has(id)) return;
    store.dispatch({ type: "step", id, by });
    await sendSteps(id, key);
  }

  /** @param {string} [key] Idempotency-Key of the first request, if it was sent before */
  async function sendSteps(id, key) {
    const { epoch } = store.state.stock;
    for (let write; (write = store.state.pending.get(id)); key = undefined) {
      const item = findItem(store.state.stock, id);
      if (!item || write.queued === 0) return store.dispatch({ type: "write_ended", id });
      const by = write.queued;
      try {
        store.dispatch({ type: "steps_sent", id });
        const send = (sentKey) => adjustItem(id, by, sentKey);
        // If the version has changed, the outcome of the last try is known, and this is a new step.
        const saved = await (key ? send(key) : sendOnce(["adjust", id, item.version, by], send));
        const answer = answerOf(saved, epoch);
        store.dispatch({ type: "steps_answered", id, answer });
        written();
      } catch (refusal) {
        const action = refusal.isUncertain ? { kind: "step", label: "Try again", id, by, key: key ?? refusal.key } : null;
        const notice = { tone: "error", name: item.name, text: explainStep(refusal, by), action };
        store.dispatch({ type: "write_ended", id, answer: answerOf(refusal.current, epoch), notice });
        unanswered(refusal);
      }
    }
  }

  /** Delete these items. They can be restored. */
  async function remove(items) {
    const deleted = [];
    const refusals = [];
    const send = async (item) => {
      const refusal = await removeOne(item);
      if (refusal) refusals.push({ item, refusal });
      else deleted.push(item);
    };
    const free = items.filter(({ id }) => !store.state.pending.has(id)); // items with pending writes stay selected
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
      unanswered(refusal);
      return refusal;
    }
  }

  /** Restore these items. */
  async function restore(items) {
    const refusals = [];
    const restored = [];
    const { epoch } = store.state.stock;
    const send = async (item) => {
      try {
        const back = await sendOnce(["restore", item.id, item.version], (key) => restoreItem(item.id, key));
        store.dispatch({ type: "write_ended", id: item.id, answer: answerOf(back, epoch) });
        restored.push(item);
      } catch (refusal) {
        refusals.push({ item, refusal });
      }
    };
    await eachOf(items, send);
    if (refusals.length) say(explainRestores(refusals));
    for (const { refusal } of refusals) unanswered(refusal);
    if (restored.length) say({ tone: "success", ...nameOf(restored), text: `${wereOf(restored)} restored.` });
    if (restored.length) written();
    return refusals.length === 0;
  }

  return { add, edit, step, stepAgain, remove, restore, say };
}

async function eachOf(items, send) {
  const waiting = [...items];
  const work = async () => {
    for (let item; (item = waiting.shift()); ) await send(item);
  };
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, work));
}

const nameOf = (items) => (items.length === 1 ? { name: items[0].name } : { name: null });
const wereOf = (items) => (items.length === 1 ? "was" : `${formatNumber(items.length)} items were`);

function tellDeleted(items) {
  const action = { kind: "undo", label: "Undo", items };
  return { tone: "success", ...nameOf(items), text: `${wereOf(items)} deleted.`, action };
}

/** Without an answer the outcome is unknown. */
const wasNot = (done, { isUncertain }) => (isUncertain ? `may not have been ${done}.` : `was not ${done}.`);
const wereNot = (done, { isUncertain }) => (isUncertain ? `may not have been ${done}.` : `were not ${done}.`);

/** Whether the item already has these values: the first try was made, and its answer lost. */
const isAlready = (current, wanted) => current !== null && Object.keys(changedFields(current, wanted)).length === 0;

/** Explain why an edit was refused, and offer to try again. */
async function explainEdit(refusal, current, item, wanted, withTwins) {
  const { status } = refusal;
  const { goal, label } = wordsFor(wanted);
  const notice = { tone: "error", name: item.name };
  if (status === NOT_FOUND) return { ...notice, text: `was deleted, so it was not ${goal}.` };
  if (!current) return { ...notice, text: `${wasNot(goal, refusal)} ${refusal.message}` };
  const by = await whoChanged(current);
  const text = `was changed to ${formatNumber(current.quantity)}${by}, so it was not ${goal}.`;
  return { ...notice, text, action: { kind: "retry", label, id: item.id, wanted, withTwins } };
}

function wordsFor({ quantity, name }) {
  if (name !== undefined) return { goal: `renamed to ${name}`, label: "Rename anyway" };
  if (quantity === undefined) return { goal: "changed", label: "Change anyway" };
  return { goal: `set to ${formatNumber(quantity)}`, label: `Set to ${formatNumber(quantity)} anyway` };
}

async function whoChanged({ id }) {
  try {
    const { entries } = await getHistory(id, null, 1);
    return entries[0]?.actor ? ` by ${entries[0].actor}` : "";
  } catch {
    return ""; // the reason is shown without the name
  }
}

function explainStep({ status, current, message, isUncertain }, by) {
  const [amount, done] = [formatNumber(Math.abs(by)), by < 0 ? "taken away" : "added"];
  if (status === NOT_FOUND) return `was deleted, so ${amount} could not be ${done}.`;
  if (status === CONFLICT && current) return `has ${formatNumber(current.quantity)} now, so ${amount} can't be ${done}.`;
  if (isUncertain) return `may not have changed: ${amount} may not have been ${done}. ${message}`;
  return `did not change: ${amount} could not be ${done}. ${message}`;
}

function explainDeletions(refusals) {
  if (refusals.length > 1) return { tone: "error", text: explainManyDeletions(refusals) };
  const [{ item, refusal }] = refusals;
  return { tone: "error", name: item.name, text: explainDeletion(refusal) };
}

function explainManyDeletions(refusals) {
  const unanswered = refusals.find(({ refusal }) => refusal.isUncertain)?.refusal;
  const count = formatNumber(refusals.length);
  if (unanswered) return `${count} items ${wereNot("deleted", unanswered)} ${unanswered.message}`;
  return `${count} items were not deleted: they had changed, or were gone.`;
}

function explainDeletion(refusal) {
  const { status, current, message } = refusal;
  if (status === NOT_FOUND) return "had been deleted already.";
  if (current) return `was changed to ${formatNumber(current.quantity)}, so it was not deleted.`;
  return `${wasNot("deleted", refusal)} ${message}`;
}

function explainRestores(refusals) {
  const unanswered = refusals.filter(({ refusal }) => refusal.isUncertain).map(({ item }) => item);
  const action = unanswered.length ? { kind: "undo", label: "Try again", items: unanswered } : null;
  const [{ item, refusal }] = refusals;
  if (refusals.length > 1) {
    const text = `${formatNumber(refusals.length)} items ${wereNot("restored", refusal)} ${refusal.message}`;
    return { tone: "error", text, action };
  }
  if (refusal.status === CONFLICT) return { tone: "info", name: item.name, text: "has not been deleted, or is back already." };
  return { tone: "error", name: item.name, text: `${wasNot("restored", refusal)} ${refusal.message}`, action };
}
