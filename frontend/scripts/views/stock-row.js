/** A row of the list. `update` changes only what differs. */

import { factsOf, isLow } from "../fields.js";
import { formatAgo, formatMoment, formatNumber, formatQuantity } from "../formats.js";
import { quantityShown } from "../writes.js";
import { createQuantityEdit } from "./quantity-edit.js";
import { createSparkline } from "./sparkline.js";
import { setText } from "./text.js";

export function createStockRow(id, { onEdit, onEditEnded }) {
  const element = document.getElementById("stock-row").content.cloneNode(true).firstElementChild;
  const part = (name) => element.querySelector(`.stock-row-${name}`);
  const [select, name, place, time, stepper] = ["select", "name", "place", "time", "quantity"].map(part);
  const [less, editButton, more, deleteButton] = ["less", "edit", "more", "delete"].map(part);
  const [value, unit] = editButton.children;
  const sparkline = createSparkline(part("trend"));
  let item = null;
  let pending;
  let shownAt;
  let spot = null; // its place in the list
  let edit = null;
  element.dataset.id = id;

  function show(next, write) {
    const shown = quantityShown(next, write);
    if (item && (item.version !== next.version || value.value !== String(shown))) flash(element);
    if (next.name !== item?.name) showName(next.name);
    setText(part("facts"), factsOf(next).join(" · "));
    setText(unit, next.unit ?? "");
    setText(value, formatNumber(shown));
    value.value = shown;
    element.dataset.version = next.version;
    element.classList.toggle("is-pending", write !== undefined);
    element.classList.toggle("is-low", isLow(next));
    editButton.setAttribute("aria-label", `Quantity of ${next.name}: ${formatQuantity(shown, next.unit)}. Edit`);
    editButton.ariaDisabled = deleteButton.ariaDisabled = write ? "true" : null;
    less.ariaDisabled = shown === 0 ? "true" : null;
    time.dateTime = next.updated_at;
    time.title = formatMoment(next.updated_at);
  }

  function showName(text) {
    setText(name, text);
    name.title = text;
    select.setAttribute("aria-label", `Select ${text}`);
    less.setAttribute("aria-label", `One less of ${text}`);
    more.setAttribute("aria-label", `One more of ${text}`);
    deleteButton.setAttribute("aria-label", `Delete ${text}`);
  }

  function endEdit() {
    const hadFocus = edit.element.contains(document.activeElement);
    edit.element.remove();
    edit = null;
    stepper.hidden = false;
    element.classList.remove("is-edited");
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
    get index() {
      return spot?.index;
    },

    /** Show this item (null if it is gone) and its pending write. */
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

    /** Take away what changes the item, from people who may not. */
    lock(isLocked) {
      editButton.disabled = isLocked;
      for (const control of [select, less, more, deleteButton]) control.classList.toggle("is-locked", isLocked);
    },

    /** Show where the item is; "" if there is only one location. */
    showLocation(path) {
      setText(place, path);
      if (place.title !== path) place.title = path;
    },

    mark(isSelected, trend) {
      if (select.checked !== isSelected) select.checked = isSelected;
      element.classList.toggle("is-selected", isSelected);
      sparkline.update(trend, item.quantity);
    },

    /** Set the place of the row in the whole list, of which only a part is drawn. */
    put(index, count, rowHeight) {
      if (spot?.index !== index) element.setAttribute("aria-posinset", index + 1);
      if (spot?.count !== count) element.setAttribute("aria-setsize", count);
      const top = index * rowHeight;
      if (spot?.top !== top) element.style.transform = `translateY(${top}px)`;
      spot = { index, count, top };
    },

    edit() {
      if (edit || pending) return;
      const save = (amount) => {
        endEdit();
        onEdit(id, { quantity: amount });
      };
      edit = createQuantityEdit(item, { onSave: save, onCancel: endEdit });
      stepper.hidden = true;
      element.classList.add("is-edited");
      stepper.after(edit.element);
      edit.focus();
    },
  };
}

/** Restart the animation by switching between two names for it, which needs no layout in between. */
function flash(element) {
  element.dataset.flash = element.dataset.flash === "a" ? "b" : "a";
}
