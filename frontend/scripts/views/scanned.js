/** What a scanned code does: one more in the booking, or else it opens its item, or begins a new one. */

import { itemWithCode } from "../booking.js";
import { mayEditItem } from "../rights.js";

/** @param {{say: (notice: object) => void}} actions */
export function createScanned(store, listing, addForm, { say }) {
  /** Count one more of the item in the dialog, and say so. */
  function book(code) {
    const { state } = store;
    const { items } = listing(state);
    const lines = new Set(state.booking.lines.map(({ id }) => id));
    const editable = new Map([...items].filter(([, item]) => item.code === code && mayEditItem(state, item)));
    const item = itemWithCode(state, editable, code, lines);
    if (item) return store.dispatch({ type: "booking", act: "scan", item });
    const isThere = itemWithCode(state, items, code) !== null;
    const said = isThere ? `You may not change the item with the code ${code}.` : `No item has the code ${code}.`;
    store.dispatch({ type: "booking", act: "say", said });
  }

  /** Fill in the code of a new item, if the person may add one and no dialog is in the way. */
  function begin(code) {
    store.dispatch({ type: "view", opened: null });
    document.querySelector(".item-drawer[open]")?.close();
    const { name, quantity, code: input } = addForm.elements;
    const isFree = addForm.checkVisibility() && !document.querySelector("dialog[open]");
    say({ tone: "info", text: `No item has the code ${code}.` });
    if (!isFree) return;
    addForm.querySelector("details").open = true;
    input.value = code;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    (name.value ? (quantity.value ? input : quantity) : name).focus();
  }

  return function take(code) {
    const { state } = store;
    if (document.querySelector(".sign-in[open]") || !state.stock.isComplete || !code) return;
    if (state.booking.isOpen) return book(code);
    const item = itemWithCode(state, listing(state).items, code);
    if (item) store.dispatch({ type: "view", opened: item.id });
    else begin(code);
  };
}
