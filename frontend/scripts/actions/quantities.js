/** Adds to quantities and takes from them. What is typed during a request is summed up in the next one. */

import { adjustItem } from "../server/api.js";
import { createKeys } from "../server/keys.js";
import { MAX_QUANTITY } from "../state/fields.js";
import { findItem } from "../state/stock.js";
import { quantityShown } from "../state/writes.js";
import { createTeller } from "./teller.js";

const NOT_FOUND = 404;
const CONFLICT = 409;

export function createQuantityActions(store, { onOutdated }) {
  const sendOnce = createKeys();
  const { say, written, unanswered, answerOf } = createTeller(store, onOutdated);

  /** Change the quantity by this much. Says so if that is impossible. `isUndo`: it takes back an earlier change. */
  async function adjust(id, by, { isUndo = false } = {}) {
    const item = findItem(store.state.stock, id);
    const write = store.state.pending.get(id);
    if (!item) return;
    if (write && write.kind !== "adjust") return say({ tone: "info", message: "edit.busy" });
    const now = quantityShown(item, write);
    if (now + by < 0 || now + by > MAX_QUANTITY) {
      const message = by < 0 ? "quantity.too_little" : "quantity.too_much";
      return say({ tone: "error", message, values: { name: item.name, quantity: now, amount: Math.abs(by) } });
    }
    store.dispatch({ type: "step", id, by });
    if (!write) await sendSteps(id, { isUndo });
  }

  /** Send an unanswered change again. It is made only once. */
  async function adjustAgain({ id, by, key }) {
    if (!findItem(store.state.stock, id) || store.state.pending.has(id)) return;
    store.dispatch({ type: "step", id, by });
    await sendSteps(id, { key });
  }

  /** @param {{key?: string}} options key: Idempotency-Key of the first request, if it was sent before */
  async function sendSteps(id, { key, isUndo = false }) {
    const { epoch } = store.state.stock;
    for (let write; (write = store.state.pending.get(id)); key = undefined) {
      const item = findItem(store.state.stock, id);
      if (!item || write.queued === 0) return store.dispatch({ type: "write_ended", id });
      const by = write.queued;
      try {
        store.dispatch({ type: "steps_sent", id });
        const send = (sentKey) => adjustItem(id, by, sentKey);
        // If the version has changed, the outcome of the last try is known, and this is a new change.
        const saved = await (key ? send(key) : sendOnce(["adjust", id, item.version, by], send));
        store.dispatch({ type: "steps_answered", id, answer: answerOf(saved, epoch) });
        if (isUndo) say({ tone: "success", message: "quantity.undone", values: saved });
        else sayAdjusted(saved, by);
        written();
      } catch (refusal) {
        const action = refusal.isUncertain ? { kind: "adjust_again", label: "try_again", id, by, key: key ?? refusal.key } : null;
        const notice = { tone: "error", ...explain(refusal, item, by), action };
        store.dispatch({ type: "write_ended", id, answer: answerOf(refusal.current, epoch), notice });
        unanswered(refusal);
      }
    }
  }

  /** Say what was taken or added, with an undo. What is taken of one item in a row is summed up, and what is added, too. */
  function sayAdjusted({ id, name, quantity }, by) {
    const { shown } = store.state.notices;
    const message = by < 0 ? "quantity.taken" : "quantity.added";
    const isNext = shown?.message === message && shown.action?.id === id;
    const sum = isNext ? by - shown.action.by : by;
    const action = { kind: "adjust", label: "undo", isUndo: true, id, by: -sum };
    say({ tone: "success", message, values: { name, quantity, amount: Math.abs(sum) }, action, replaces: isNext ? shown.key : null });
  }

  return { adjust, adjustAgain };
}

function explain({ status, current, message, isUncertain }, { name }, by) {
  const values = { name, amount: Math.abs(by), quantity: current?.quantity, reason: message };
  const done = by < 0 ? "taken" : "added";
  if (status === NOT_FOUND) return { message: "item.gone", values };
  if (status === CONFLICT && current) return { message: by < 0 ? "quantity.too_little" : "quantity.too_much", values };
  return { message: isUncertain ? `quantity.maybe_${done}` : `quantity.not_${done}`, values };
}
