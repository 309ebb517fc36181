/** The form that edits a quantity in its row. Live changes are shown beside the input, and don't change it. */

import { fieldNamed, readField } from "../fields.js";
import { formatNumber } from "../formats.js";
import { setText } from "./text.js";

export function createQuantityEdit(item, { onSave, onCancel }) {
  const form = document.getElementById("quantity-edit").content.cloneNode(true).firstElementChild;
  const [input, save, cancel] = form.elements;
  const hint = form.querySelector("p");
  const startedFrom = item.quantity;
  let current = item; // null if the item is gone
  let error = "";
  hint.id = `quantity-hint-${item.id}`;
  input.value = String(item.quantity);
  input.setAttribute("aria-label", `Quantity of ${item.name}`);
  input.setAttribute("aria-describedby", hint.id);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!current) return;
    const read = readField(fieldNamed("quantity"), input.value);
    if (read.error) complain(read.error);
    else onSave(read.value);
  });
  form.addEventListener("keydown", ({ key }) => key === "Escape" && onCancel());
  cancel.addEventListener("click", onCancel);
  input.addEventListener("input", () => complain(""));

  function complain(text) {
    error = text;
    show();
  }

  function show() {
    const hasChanged = current && current.quantity !== startedFrom;
    const news = hasChanged ? `Now ${formatNumber(current.quantity)}` : "";
    setText(hint, current ? error || news : "Deleted");
    input.ariaInvalid = error ? "true" : null;
    save.disabled = !current;
  }

  return {
    element: form,
    focus() {
      input.focus();
      input.select();
    },
    /** The current item, or null if it is gone. */
    update(next) {
      current = next;
      show();
    },
  };
}
