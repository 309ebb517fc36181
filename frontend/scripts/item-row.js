/** One item. What is being typed is left alone, whatever happens to the item meanwhile. */

import { formatMoment, formatNumber, formatTime, parseQuantity, QUANTITY_RULE } from "./formats.js";
import { cloneTemplate } from "./templates.js";
import { shownQuantity } from "./views.js";

export function mountItemRow({ onSetQuantity, onDelete }) {
  const element = cloneTemplate("item-row");
  const find = (name) => element.querySelector(`.item-row-${name}`);
  const row = { element, item: null, edit: null, draft: null, onSetQuantity };
  Object.assign(row, { name: find("name"), time: element.querySelector("time"), input: find("quantity") });
  Object.assign(row, { choices: find("choices"), note: find("note"), remove: find("delete") });
  listen(row, find("edit"), find("cancel"));
  row.remove.addEventListener("click", () => onDelete(row.item));
  return { element, update: (...news) => update(row, ...news), hasDraft: () => row.draft !== null };
}

function listen(row, form, cancel) {
  const { input } = row;
  input.addEventListener("focus", () => showQuantity(row, true));
  input.addEventListener("blur", () => showQuantity(row));
  input.addEventListener("input", () => draft(row));
  form.addEventListener("keydown", (event) => event.key === "Escape" && drop(row));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(row);
  });
  cancel.addEventListener("click", () => drop(row));
}

/** Idempotent: the same again costs nothing. `today` is there because a time of another day needs its date. */
function update(row, item, edit, { today, isFilled }) {
  if (row.item === item && row.edit === edit && row.today === today) return;
  if (isFilled && row.item?.version !== item.version) flash(row);
  Object.assign(row, { item, edit, today });
  showItem(row);
  showTime(row);
  showQuantity(row);
  showNote(row);
}

function showItem({ element, item, edit, name, input, note, remove }) {
  Object.assign(element.dataset, { id: item.id, version: item.version, busy: busyWith(edit) });
  note.id = `item-row-note-${item.id}`;
  if (name.textContent === item.name) return;
  name.textContent = item.name;
  input.ariaLabel = `Quantity of ${item.name}`;
  remove.ariaLabel = `Delete ${item.name}`;
}

function busyWith(edit) {
  if (!edit) return "";
  return edit.isRemoval ? "removal" : "change";
}

function showTime({ item, time, today }) {
  time.dateTime = item.updated_at;
  time.textContent = formatTime(item.updated_at, today);
  time.title = formatMoment(item.updated_at);
}

/** Plain digits while it has the focus. */
function showQuantity({ item, edit, draft: typed, input }, isFocusing = false) {
  if (typed) return;
  const quantity = shownQuantity(item, edit);
  const isFocused = document.activeElement === input;
  const text = isFocused ? String(quantity) : formatNumber(quantity);
  const isSelected = isFocusing || (isFocused && input.selectionEnd - input.selectionStart === input.value.length);
  if (input.value !== text) input.value = text;
  else if (!isFocusing) return;
  if (isSelected) input.select();
}

function showNote({ item, edit, draft: typed, note, choices, input }) {
  const text = typed ? draftNote(typed, shownQuantity(item, edit)) : editNote(edit);
  choices.hidden = !typed;
  input.ariaInvalid = typed?.problem ? "true" : null;
  if (note.textContent === text) return;
  note.textContent = text;
  note.hidden = !text;
  if (text) input.setAttribute("aria-describedby", note.id);
  else input.removeAttribute("aria-describedby");
}

function draftNote({ problem, quantity }, now) {
  if (problem || quantity === now) return problem;
  return `Changed meanwhile: it was ${formatNumber(quantity)} and is now ${formatNumber(now)}.`;
}

function editNote(edit) {
  if (!edit) return "";
  return edit.isRemoval ? "Deleting…" : "Saving…";
}

/** From the first key that makes a difference to Save or Cancel. */
function draft(row) {
  const quantity = shownQuantity(row.item, row.edit);
  const isUntouched = row.input.value === String(quantity);
  row.draft = isUntouched ? null : { quantity: row.draft?.quantity ?? quantity, problem: "" };
  showNote(row);
}

function drop(row) {
  row.draft = null;
  showNote(row);
  row.input.focus();
  showQuantity(row, true);
}

function save(row) {
  if (!row.draft) return;
  const quantity = parseQuantity(row.input.value);
  if (quantity === null) {
    row.draft.problem = QUANTITY_RULE;
    showNote(row);
    row.input.focus();
    return;
  }
  row.onSetQuantity(row.item, quantity);
  drop(row);
}

/** Two names for one animation: a change of name starts it again. */
function flash({ element }) {
  element.dataset.flash = element.dataset.flash === "a" ? "b" : "a";
}
