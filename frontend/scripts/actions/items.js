/** Adds, changes, deletes and restores items. Writes are shown at once, and rolled back with the reason if refused. */

import { addItem, deleteItem, getHistory, restoreItem, setItem } from "../server/api.js";
import { createKeys } from "../server/keys.js";
import { changedFields } from "../state/fields.js";
import { findItem } from "../state/stock.js";
import { createTeller } from "./teller.js";

const NOT_FOUND = 404;
const CONFLICT = 409;
const CONCURRENT_REQUESTS = 4; // of a bulk action; a browser opens only six connections to a host, and others need some of them

export function createItemActions(store, { onOutdated }) {
  const sendOnce = createKeys();
  const { say, written, unanswered, answerOf } = createTeller(store, onOutdated);

  /**
   * Add an item. If it is refused, `onRefused` is called with the errors of its fields, and returns whether the person sees the
   * item again. Otherwise, a notice offers to try again.
   */
  async function add(values, onRefused) {
    const { name } = values;
    try {
      const item = await sendOnce(["add", values], (key) => addItem(values, key));
      say({ tone: "success", message: "item.added", values: { name }, action: { kind: "open", label: "item.open", id: item.id } });
      written();
    } catch (refusal) {
      const isShown = onRefused(refusal.errors);
      if (isShown && refusal.errors.length) return;
      sayRefused("item.not_added", { name }, refusal, isShown ? null : { kind: "add", label: "try_again", values });
      unanswered(refusal);
    }
  }

  /**
   * Set these fields of an item, which is passed as it was when the edit began: if others have changed it since, the person
   * decides. Errors of fields are passed to `onErrors` if there is one, and shown in a notice otherwise.
   * `withTwins`: give a new name to the same article at other locations, too.
   */
  async function edit(began, values, { onErrors = null, withTwins = false } = {}) {
    const wanted = changedFields(began, values);
    const { id } = began;
    if (Object.keys(wanted).length === 0 || !findItem(store.state.stock, id)) return;
    if (store.state.pending.has(id)) return say({ tone: "info", message: "edit.busy" });
    const { epoch } = store.state.stock;
    const { quantity } = { ...began, ...wanted };
    store.dispatch({ type: "write_sent", id, write: { kind: "edit", quantity } });
    try {
      const saved = await setItem(id, { ...wanted, quantity }, began.version, { withTwins });
      store.dispatch({ type: "write_ended", id, answer: answerOf(saved, epoch), notice: tellEdited(began, saved, wanted) });
      written();
    } catch (refusal) {
      const isWrong = refusal.errors.length > 0; // then `current`, if present, is another item
      if (isWrong && onErrors && refusal.errors.every(({ field }) => field in wanted)) {
        store.dispatch({ type: "write_ended", id });
        return onErrors(refusal.errors);
      }
      const current = isWrong ? null : refusal.current;
      await endRefused(refusal, { began, current, wanted, withTwins, onErrors }, answerOf(current, epoch));
      unanswered(refusal);
    }
  }

  async function endRefused(refusal, { began, current, wanted, withTwins, onErrors }, answer) {
    const { id, name } = began;
    if (isAlready(current, wanted)) return store.dispatch({ type: "write_ended", id, answer });
    if (!current) {
      const notice = refusal.status === NOT_FOUND ? gone(name) : refusedNotice("item.not_changed", { name }, refusal);
      return store.dispatch({ type: "write_ended", id, answer, notice });
    }
    if (!isContested(began, current, wanted)) {
      store.dispatch({ type: "write_ended", id, answer });
      return edit(current, wanted, { withTwins, onErrors });
    }
    const actor = await whoChanged(current);
    store.dispatch({ type: "write_ended", id, answer });
    store.dispatch({ type: "conflict", conflict: { began, current, wanted, actor, withTwins } });
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
    if (deleted.length) sayDeleted(deleted);
    if (refusals.length) explainDeletions(refusals);
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

  function sayDeleted(items) {
    const action = { kind: "restore", label: "undo", isUndo: true, items };
    say({ tone: "success", ...counted("item.deleted", "items.deleted", items), action });
  }

  function explainDeletions(refusals) {
    const uncertain = refusals.find(({ refusal }) => refusal.isUncertain)?.refusal;
    if (refusals.length > 1) {
      const values = { count: refusals.length, reason: uncertain?.message };
      return say({ tone: "error", message: uncertain ? "items.maybe_deleted" : "items.not_deleted", values });
    }
    const [{ item, refusal }] = refusals;
    const { name } = item;
    if (refusal.status === NOT_FOUND) return say({ tone: "error", message: "item.already_deleted", values: { name } });
    if (!refusal.current) return sayRefused("item.not_deleted", { name }, refusal);
    say({ tone: "error", message: "item.changed_not_deleted", values: { name, quantity: refusal.current.quantity } });
  }

  /** Restore these items. Returns whether all are back. */
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
    for (const { refusal } of refusals) unanswered(refusal);
    if (restored.length) say({ tone: "success", ...counted("item.restored", "items.restored", restored) });
    if (refusals.length) explainRestores(refusals);
    if (restored.length) written();
    return refusals.length === 0;
  }

  function explainRestores(refusals) {
    const uncertain = refusals.filter(({ refusal }) => refusal.isUncertain).map(({ item }) => item);
    const action = uncertain.length ? { kind: "restore", label: "try_again", items: uncertain } : null;
    const [{ item, refusal }] = refusals;
    const { name } = item;
    if (refusals.length > 1) {
      const values = { count: refusals.length, reason: refusal.message };
      return say({ tone: "error", message: uncertain.length ? "items.maybe_restored" : "items.not_restored", values, action });
    }
    if (refusal.status === CONFLICT) return say({ tone: "info", message: "item.is_back", values: { name } });
    sayRefused("item.not_restored", { name }, refusal, action);
  }

  const sayRefused = (message, values, refusal, action = null) => say(refusedNotice(message, values, refusal, action));

  return { add, edit, remove, restore };
}

async function eachOf(items, send) {
  const waiting = [...items];
  const work = async () => {
    for (let item; (item = waiting.shift()); ) await send(item);
  };
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, work));
}

/** The message for one item, or else for several. */
const counted = (one, several, items) =>
  items.length === 1 ? { message: one, values: { name: items[0].name } } : { message: several, values: { count: items.length } };

/** Without an answer the outcome is unknown: the message for that has the same key, with `maybe` for `not`. */
function refusedNotice(message, values, { isUncertain, message: reason }, action = null) {
  const key = isUncertain ? message.replace(".not_", ".maybe_") : message;
  return { tone: "error", message: key, values: { ...values, reason }, action };
}

const gone = (name) => ({ tone: "error", message: "item.gone", values: { name } });

/** Say what was saved, with an undo. */
function tellEdited(began, saved, wanted) {
  const { id, name } = saved;
  const by = saved.quantity - began.quantity;
  const isQuantity = Object.keys(wanted).length === 1 && "quantity" in wanted;
  if (isQuantity) {
    const action = { kind: "adjust", label: "undo", isUndo: true, id, by: -by };
    return { tone: "success", message: "quantity.set", values: { name, from: began.quantity, to: saved.quantity }, action };
  }
  const former = Object.fromEntries(Object.keys(wanted).map((field) => [field, began[field] ?? null]));
  const action = { kind: "edit", label: "undo", isUndo: true, began: saved, values: former };
  const isRenamed = "name" in wanted;
  const values = { name, former: began.name };
  return { tone: "success", message: isRenamed ? "item.renamed" : "item.saved", values, action };
}

/** Whether the item already has these values: the first try was made, and its answer lost. */
const isAlready = (current, wanted) => current !== null && Object.keys(changedFields(current, wanted)).length === 0;

/** Whether others have changed any of these fields. */
const isContested = (began, current, wanted) =>
  Object.keys(wanted).some((field) => (began[field] ?? null) !== (current[field] ?? null));

/** The name of whoever changed the item last; "" if it is unknown. */
async function whoChanged({ id }) {
  try {
    const { entries } = await getHistory(id, null, 1);
    return entries[0]?.actor ?? "";
  } catch {
    return ""; // the conflict is shown without the name
  }
}
