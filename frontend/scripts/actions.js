/** What the person does: sent to the server, shown at once, taken back with the reason if it is refused. */

import { addItem, deleteItem, setQuantity } from "./api.js";
import { formatNumber } from "./formats.js";
import { findItem } from "./stock.js";

const NOT_FOUND = 404;

export function createActions(store, { onWritten }) {
  /** Send a write and take its answer in, whichever it is. `send` gives the answer; `explain` the notice of a refusal. */
  async function write(item, pending, send, explain) {
    const { epoch } = store.state.stock;
    const end = (result) => store.dispatch({ type: "write_ended", id: item.id, ...result });
    store.dispatch({ type: "write_sent", id: item.id, write: pending });
    try {
      const { answer, notice } = await send();
      end({ answer: { ...answer, epoch }, notice });
      onWritten();
    } catch (refusal) {
      const { current } = refusal;
      end({
        answer: current && { item: current, version: current.version, epoch },
        notice: { tone: "error", name: item.name, text: explain(refusal) },
      });
    }
  }

  return {
    /** Returns the field errors, or null when the item was added. */
    async add(name, quantity) {
      try {
        const item = await addItem(name, quantity);
        store.dispatch({ type: "notice", notice: { tone: "success", name: item.name, text: "was added." } });
        onWritten();
        return null;
      } catch (refusal) {
        if (refusal.errors.length) return refusal.errors;
        store.dispatch({ type: "notice", notice: { tone: "error", name, text: `was not added. ${refusal.message}` } });
        return [];
      }
    },

    edit(id, quantity) {
      const item = findItem(store.state.stock, id);
      if (!item || store.state.pending.has(id) || item.quantity === quantity) return;
      const send = async () => {
        const saved = await setQuantity(id, quantity, item.version);
        return { answer: { item: saved, version: saved.version } };
      };
      write(item, { kind: "edit", quantity }, send, (refusal) => explainEdit(refusal, item, quantity));
    },

    remove(item) {
      if (store.state.pending.has(item.id)) return;
      const send = async () => {
        await deleteItem(item.id, item.version);
        const notice = { tone: "success", name: item.name, text: "was deleted." };
        return { answer: { item: null, version: item.version + 1 }, notice };
      };
      write(item, { kind: "delete" }, send, explainDeletion);
    },
  };
}

function explainEdit({ status, current, message }, item, quantity) {
  const wanted = formatNumber(quantity);
  if (status === NOT_FOUND) return `was deleted meanwhile, so it was not set to ${wanted}.`;
  if (current) return `changed to ${formatNumber(current.quantity)} meanwhile, so it was not set to ${wanted}.`;
  return `was not set to ${wanted}. ${message}`;
}

function explainDeletion({ status, current, message }) {
  if (status === NOT_FOUND) return "had been deleted already.";
  if (current) return `changed to ${formatNumber(current.quantity)} meanwhile, so it was not deleted.`;
  return `was not deleted. ${message}`;
}
