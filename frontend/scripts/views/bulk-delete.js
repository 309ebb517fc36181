/** Asks for confirmation before several items are deleted. A single item is deleted at once, with an undo. */

import { formatNumber } from "../formats.js";
import { setText } from "./text.js";

export function mountBulkDelete(dialog, { onConfirm }) {
  const title = dialog.querySelector("h2");
  const confirm = dialog.querySelector('[value="delete"]');
  let asked = [];

  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.value === "cancel") dialog.close();
    if (target.value !== "delete") return;
    dialog.close();
    onConfirm(asked);
  });

  return {
    open(items) {
      if (items.length < 2) return onConfirm(items);
      asked = items;
      setText(title, `Delete ${formatNumber(items.length)} items?`);
      setText(confirm, `Delete ${formatNumber(items.length)} items`);
      dialog.showModal();
    },
  };
}
