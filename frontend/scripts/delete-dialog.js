/** Asks before an item is deleted, and shows the item as it is while it asks. */

import { formatNumber } from "./formats.js";

export function mountDeleteDialog(element, { onConfirm, onGone }) {
  const find = (name) => element.querySelector(`.delete-dialog-${name}`);
  const dialog = { element, name: find("name"), quantity: find("quantity"), item: null, onGone };
  find("cancel").addEventListener("click", () => element.close());
  find("confirm").addEventListener("click", () => confirm(dialog, onConfirm));
  element.addEventListener("click", (event) => event.target === element && element.close());
  element.addEventListener("close", () => (dialog.item = null));
  return { ask: (item) => ask(dialog, item), update: (findItem) => update(dialog, findItem) };
}

function ask(dialog, item) {
  show(dialog, item);
  dialog.element.showModal();
}

/** What is confirmed is the item as it was shown: the API refuses if that is no longer true. */
function confirm(dialog, onConfirm) {
  const { item } = dialog;
  dialog.element.close();
  onConfirm(item);
}

function update(dialog, findItem) {
  if (dialog.item === null) return;
  const item = findItem(dialog.item.id);
  if (item) show(dialog, item);
  else dismiss(dialog);
}

function dismiss(dialog) {
  const { item } = dialog;
  dialog.element.close();
  dialog.onGone(item);
}

function show(dialog, item) {
  if (dialog.item === item) return;
  dialog.item = item;
  dialog.name.textContent = item.name;
  dialog.quantity.textContent = `· ${formatNumber(item.quantity)} in stock`;
}
