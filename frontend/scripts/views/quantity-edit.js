/** The quantity, being edited in its row. Live changes pass by it: they are told beside the input, never into it. */

import { formatNumber } from "../formats.js";
import { parseQuantity } from "../validation.js";

export function createQuantityEdit(item, { onSave, onCancel }) {
  const template = document.getElementById("quantity-edit");
  const form = template.content.cloneNode(true).firstElementChild;
  const input = form.querySelector("input");
  const [save] = form.querySelectorAll("button");
  const hint = form.querySelector("p");
  const startedFrom = item.quantity;
  input.value = String(item.quantity);
  input.setAttribute("aria-label", `Quantity of ${item.name}`);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (save.disabled) return;
    const { quantity, error } = parseQuantity(input.value);
    if (error) say(error, true);
    else onSave(quantity);
  });
  form.addEventListener("click", ({ target }) => target.value === "cancel" && target.type === "button" && onCancel());
  form.addEventListener("keydown", ({ key }) => key === "Escape" && onCancel());
  input.addEventListener("input", () => input.hasAttribute("aria-invalid") && say("", false));

  function say(text, isError) {
    if (hint.textContent !== text) hint.textContent = text;
    if (isError) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  return {
    element: form,
    focus() {
      input.focus();
      input.select();
    },
    /** The item as it is now, or null when it is gone. */
    update(current) {
      save.disabled = current === null;
      if (current === null) say("Deleted meanwhile", true);
      else if (current.quantity !== startedFrom) say(`Now ${formatNumber(current.quantity)}`, false);
      else if (!input.hasAttribute("aria-invalid")) say("", false);
    },
  };
}
