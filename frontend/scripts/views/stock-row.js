/** One item. `update` may be called with anything at any time and touches only what differs. */

import { formatAgo, formatMoment, formatNumber } from "../formats.js";
import { createQuantityEdit } from "./quantity-edit.js";
import { setText } from "./text.js";

export function createStockRow(id, { onEdit, onEditEnded }) {
  const element = document.getElementById("stock-row").content.cloneNode(true).firstElementChild;
  const [name, quantity, time, deleteButton] = element.children;
  const editButton = quantity.firstElementChild;
  const value = editButton.firstElementChild;
  let item = null;
  let pending;
  let shownAt;
  let edit = null;
  element.dataset.id = id;

  function show(next, write) {
    const shown = write?.kind === "edit" ? write.quantity : next.quantity;
    if (item && (item.version !== next.version || value.value !== String(shown))) flash(element);
    setText(name, next.name);
    setText(value, formatNumber(shown));
    value.value = shown;
    element.dataset.version = next.version;
    element.classList.toggle("is-pending", write !== undefined);
    editButton.setAttribute("aria-label", `Quantity of ${next.name}: ${formatNumber(shown)}. Edit`);
    deleteButton.setAttribute("aria-label", `Delete ${next.name}`);
    editButton.ariaDisabled = deleteButton.ariaDisabled = write ? "true" : null;
    time.dateTime = next.updated_at;
    time.title = formatMoment(next.updated_at);
  }

  function endEdit() {
    const hadFocus = edit.element.contains(document.activeElement);
    edit.element.replaceWith(editButton);
    edit = null;
    if (hadFocus) editButton.focus();
    onEditEnded();
  }

  return {
    element,
    get isEditing() {
      return edit !== null;
    },
    get item() {
      return item;
    },

    /** The item as it is to be shown (null when it is gone) and the write that is under way. */
    update(next, write, now) {
      const isOther = next !== null && (next !== item || write !== pending);
      if (isOther) show(next, write);
      edit?.update(next);
      element.classList.toggle("is-gone", next === null);
      item = next ?? item;
      pending = write;
      if (isOther || now !== shownAt) setText(time, formatAgo(item.updated_at, now));
      shownAt = now;
    },

    edit() {
      if (edit || pending) return;
      const save = (amount) => {
        endEdit();
        onEdit(id, amount);
      };
      edit = createQuantityEdit(item, { onSave: save, onCancel: endEdit });
      editButton.replaceWith(edit.element);
      edit.focus();
    },
  };
}

/** Two names for one animation: changing the name starts it again, and needs no layout in between. */
function flash(element) {
  element.dataset.flash = element.dataset.flash === "a" ? "b" : "a";
}
