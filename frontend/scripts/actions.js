/** What a person can do to the stock. Changes show at once and go back, with the reason, when they are refused. */

import * as api from "./api.js";
import { formatNumber } from "./formats.js";
import { shortName } from "./names.js";

export function createActions({ store, sync, notices }) {
  const context = { store, sync, notices, edits: 0, last: new Map() };
  return {
    add: (name, quantity) => add(context, name, quantity),
    setQuantity: (item, quantity) => enqueue(context, item, { quantity }, change),
    remove: (item) => enqueue(context, item, { isRemoval: true }, remove),
  };
}

/** Throws a Refusal, for the form to show at its fields. */
async function add({ store, sync, notices }, name, quantity) {
  const item = await api.addItem(name, quantity);
  store.dispatch({ type: "answer", id: item.id, version: item.version, item });
  sync.confirm(item.id);
  notices.tell(`${shortName(item.name)} was added.`);
}

/** Edits of one item go out one after the other, each upon the version that the one before has made. */
function enqueue(context, item, intent, work) {
  const { store, last } = context;
  const edit = ++context.edits;
  store.dispatch({ type: "begun", id: item.id, edit, ...intent });
  const job = run(context, last.get(item.id), item, { edit, ...intent }, work);
  last.set(item.id, job);
  job.finally(() => last.get(item.id) === job && last.delete(item.id));
}

async function run({ store, sync, notices }, earlier, item, intent, work) {
  const version = (await earlier) ?? item.version;
  const { edit } = intent;
  try {
    const outcome = await work(item, intent, version);
    store.dispatch({ type: "settled", id: item.id, edit, ...outcome });
    return outcome.version;
  } catch (error) {
    store.dispatch({ type: "failed", id: item.id, edit, current: error.current });
    notices.warn(`${shortName(item.name)} ${whatFailed(intent)}: ${reason(error)}`);
    return null;
  } finally {
    sync.confirm(item.id);
  }
}

async function change(item, { quantity }, version) {
  const changed = await api.setQuantity(item.id, quantity, version);
  return { version: changed.version, item: changed };
}

async function remove(item, _intent, version) {
  await api.deleteItem(item.id, version);
  return { version: version + 1, item: null };
}

function whatFailed({ isRemoval, quantity }) {
  return isRemoval ? "was not deleted" : `was not set to ${formatNumber(quantity)}`;
}

function reason({ status, current, message }) {
  const isChanged = status === 412 && current;
  return isChanged ? `someone else changed it, to ${formatNumber(current.quantity)}.` : message;
}
