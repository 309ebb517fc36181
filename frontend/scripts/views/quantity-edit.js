/** The form that changes a quantity in its row. Live changes are shown beside the input, and don't change it. */

import { MAX_QUANTITY } from "../state/fields.js";
import { formatNumber } from "../state/formats.js";
import { text } from "../state/messages.js";
import { readChange } from "../state/numbers.js";
import { fromTemplate, setText } from "./text.js";

/**
 * @param {string | null} options.typed what the person has begun to type; null: they edit the present quantity
 * @param {(change: {by: number} | {to: number}) => void} options.onSave
 */
export function createQuantityEdit(item, { typed, onSave, onCancel }) {
  const form = fromTemplate("quantity-edit");
  const [input, save, cancel] = form.elements;
  const hint = form.querySelector("p");
  const startedFrom = item.quantity;
  let current = item; // null if the item is gone
  let error = "";
  hint.id = `quantity-hint-${item.id}`;
  input.value = typed ?? String(item.quantity);
  input.setAttribute("aria-label", text("edit.quantity", { name: item.name }));
  input.setAttribute("aria-describedby", hint.id);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!current) return;
    const change = readChange(input.value);
    const complaint = complaintOf(change, current.quantity);
    if (complaint) complain(complaint);
    else onSave(change);
  });
  form.addEventListener("keydown", ({ key }) => key === "Escape" && onCancel());
  cancel.addEventListener("click", onCancel);
  input.addEventListener("input", () => complain(""));

  function complain(reason) {
    error = reason;
    show();
  }

  /** Changes of others come first, since the person has to know them; else what the typed change leads to. */
  function hintText() {
    if (!current) return text("edit.deleted");
    if (error) return error;
    if (current.quantity !== startedFrom) return text("edit.now", { quantity: current.quantity });
    const change = readChange(input.value);
    return change?.by ? `→ ${formatNumber(current.quantity + change.by)}` : text("edit.hint");
  }

  function show() {
    setText(hint, hintText());
    hint.classList.toggle("is-news", Boolean(current && current.quantity !== startedFrom));
    input.ariaInvalid = error ? "true" : null;
    save.disabled = !current;
  }

  show();
  return {
    element: form,
    focus() {
      input.focus();
      if (typed === null) input.select();
    },
    /** The current item, or null if it is gone. */
    update(next) {
      if (next === current) return;
      current = next;
      show();
    },
  };
}

/** Why this change of a quantity can't be saved; "" if it can. */
export function complaintOf(change, quantity) {
  if (change === null) return text("edit.not_a_number");
  const after = change.to ?? quantity + change.by;
  if (after < 0) return text("edit.too_little", { quantity });
  return after > MAX_QUANTITY ? text("edit.at_most", { quantity: MAX_QUANTITY }) : "";
}
