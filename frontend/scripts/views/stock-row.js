/** A row of the list. `update` changes only what differs. */

import { isLow } from "../state/fields.js";
import { formatAgo, formatMoment, formatNumber, formatQuantity, formatSigned } from "../state/formats.js";
import { text } from "../state/messages.js";
import { quantityShown } from "../state/writes.js";
import { createQuantityEdit } from "./quantity-edit.js";
import { fromTemplate, setText } from "./text.js";

export function createStockRow(id, { onAdjust, onEdit, onEditEnded }) {
  const element = fromTemplate("stock-row");
  const part = (name) => element.querySelector(`.stock-row-${name}`);
  const [select, name, code, place, time] = ["select", "name", "code", "place", "time"].map(part);
  const [cell, editButton, minimum, today] = ["quantity", "edit", "minimum", "today"].map(part);
  const [value, unit] = editButton.children;
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
    setText(code, next.code ?? "");
    setText(unit, next.unit ?? "");
    setText(value, formatNumber(shown));
    setText(minimum, next.minimum === null || next.minimum === undefined ? "" : formatNumber(next.minimum));
    value.value = shown;
    element.dataset.version = next.version;
    element.classList.toggle("is-pending", write !== undefined);
    element.classList.toggle("is-low", isLow(next));
    element.classList.toggle("is-out", next.quantity === 0);
    const standing = next.quantity === 0 ? "row.out" : isLow(next) ? "row.low" : "row.quantity";
    editButton.setAttribute("aria-label", text(standing, { name: next.name, quantity: formatQuantity(shown, next.unit) }));
    editButton.ariaDisabled = write ? "true" : null;
    time.dateTime = next.updated_at;
    time.title = formatMoment(next.updated_at);
  }

  function showGone() {
    editButton.setAttribute("aria-label", text("row.gone", { name: item.name }));
  }

  function showName(shown) {
    setText(name, shown);
    name.title = shown;
    select.setAttribute("aria-label", text("row.select", { name: shown }));
  }

  function endEdit() {
    const hadFocus = edit.element.contains(document.activeElement);
    edit.element.remove();
    edit = null;
    editButton.hidden = false;
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
      if (next === null && !element.classList.contains("is-gone")) showGone();
      element.classList.toggle("is-gone", next === null);
      item = next ?? item;
      pending = write;
      if (isOther || now !== shownAt) setText(time, formatAgo(item.updated_at, now));
      shownAt = now;
    },

    /** Take away what changes the item, from people who may not. */
    lock(isLocked) {
      editButton.disabled = isLocked;
      select.classList.toggle("is-locked", isLocked);
    },

    /** Show where the item is; "" if there is only one location. */
    showLocation(path) {
      setText(place, path);
      if (place.title !== path) place.title = path;
    },

    /** Press the checkbox, which is smaller than what is tapped for it. */
    select: () => select.classList.contains("is-locked") || select.click(),

    mark(isSelected, isOpened) {
      if (select.checked !== isSelected) select.checked = isSelected;
      element.classList.toggle("is-selected", isSelected);
      element.classList.toggle("is-opened", isOpened);
    },

    /** Show the change since the day began. @param {number | null | undefined} before null: it did not exist */
    showToday(before) {
      const shown = item.quantity;
      if (before === undefined || before === shown) return setText(today, "");
      setText(today, before === null ? text("row.new") : formatSigned(shown - before));
    },

    /** Set the place of the row in the whole list, of which only a part is drawn. The heads of the columns are row 1. */
    put(index, rowHeight) {
      if (spot?.index !== index) element.ariaRowIndex = String(index + 2);
      const top = index * rowHeight;
      if (spot?.top !== top) element.style.transform = `translateY(${top}px)`;
      spot = { index, top };
    },

    /** @param {string} [typed] what the person has begun to type */
    edit(typed = null) {
      if (edit || pending || editButton.disabled) return;
      const began = item;
      const save = (change) => {
        endEdit();
        if ("by" in change) onAdjust(id, change.by);
        else onEdit(began, { quantity: change.to });
      };
      edit = createQuantityEdit(item, { typed, onSave: save, onCancel: endEdit });
      editButton.hidden = true;
      element.classList.add("is-edited");
      cell.append(edit.element);
      edit.focus();
    },
  };
}

/** Restart the animation by switching between two names for it, which needs no layout in between. */
function flash(element) {
  element.dataset.flash = element.dataset.flash === "a" ? "b" : "a";
}
