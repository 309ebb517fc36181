/**
 * What a scanned code does: one more in the list that is being booked, or else it opens its item, or begins a new one. While a
 * dialog waits for the person, it does nothing.
 */

import { itemWithCode } from "../state/lists.js";
import { text } from "../state/messages.js";
import { mayEdit, mayEditItem } from "../state/rights.js";

const MAY_CLOSE = ".menu, .shortcuts, .deleted-list, .add-dialog"; // with nothing in them that would be lost

/**
 * `onItem` is called with the id of the item that has the code, `onNew` with the code of an item to add: no item has it, or the
 * person is adding one already, as `isAdding` says.
 */
export function createScanned(store, listing, { say, isAdding, onItem, onNew }) {
  /** Count one more of the item in the list of this task, and say so. */
  function book(verb, code) {
    const { state } = store;
    const { items } = listing(state);
    const list = state.lists[verb];
    const editable = new Map([...items].filter(([, item]) => item.code === code && mayEditItem(state, item)));
    const item = itemWithCode(state, list, editable, code);
    if (item) return store.dispatch({ type: "list", verb, act: "scan", item });
    const isThere = itemWithCode(state, list, items, code) !== null;
    store.dispatch({ type: "list", verb, act: "say", said: text(isThere ? "scan.not_allowed" : "scan.unknown", { code }) });
  }

  /** Offer to add an item with this code, if no dialog is in the way. */
  function begin(code) {
    say({ tone: "info", message: "scan.unknown", values: { code } });
    if (document.querySelector("dialog:modal") && !document.querySelector(".add-dialog[open]")) return;
    store.dispatch({ type: "view", opened: null });
    if (mayEdit(store.state.session)) onNew(code);
  }

  return function take(code) {
    const { state } = store;
    if (document.querySelector(".sign-in[open]") || !state.stock.isComplete || !code) return;
    if (document.querySelector(`dialog:modal:not(${MAY_CLOSE})`)) return say({ tone: "info", message: "scan.ignored", values: { code } });
    if (state.lists[state.view] && !isAdding()) return book(state.view, code);
    const item = itemWithCode(state, null, listing(state).items, code);
    if (item && isAdding()) onNew(code); // the dialog says that there is such an item
    else if (item) onItem(item.id);
    else begin(code);
  };
}
