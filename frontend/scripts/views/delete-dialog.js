/** Asks before an item is deleted, and shows it as it is now, not as it was when the question was put. */

import { formatNumber } from "../formats.js";
import { findItem } from "../stock.js";

export function mountDeleteDialog(dialog, store, { onConfirm }) {
  const name = dialog.querySelector(".delete-dialog-name");
  const quantity = dialog.querySelector(".delete-dialog-quantity");
  let shown = null; // the item in the question

  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.value === "cancel") dialog.close();
    if (target.value !== "delete") return;
    dialog.close();
    onConfirm(shown);
  });

  function show(item) {
    shown = item;
    name.textContent = item.name;
    quantity.textContent = `has ${formatNumber(item.quantity)} in stock.`;
  }

  function giveUp() {
    dialog.close();
    store.dispatch({ type: "notice", notice: { tone: "info", name: shown.name, text: "was deleted meanwhile." } });
  }

  store.subscribe(({ stock }) => {
    if (!dialog.open) return;
    const item = findItem(stock, shown.id);
    if (item && item !== shown) show(item);
    if (!item) giveUp();
  });

  return {
    open(item) {
      show(item);
      dialog.showModal();
    },
  };
}
