/** Adds an item; what is wrong is said at the field. */

import { nameError, parseQuantity } from "../validation.js";

export function mountAddForm(form, { onAdd }) {
  const { name, quantity } = form.elements;
  const button = form.querySelector("button");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    const parsed = parseQuantity(quantity.value);
    const errors = [
      { field: "name", message: nameError(name.value) },
      { field: "quantity", message: parsed.error },
    ].filter(({ message }) => message);
    showErrors(form, errors);
    if (errors.length) return;
    await send(name.value.trim(), parsed.quantity);
  });

  form.addEventListener("input", ({ target }) => showError(target, null));

  async function send(itemName, itemQuantity) {
    button.setAttribute("aria-disabled", "true");
    const errors = await onAdd(itemName, itemQuantity);
    button.removeAttribute("aria-disabled");
    if (errors) return showErrors(form, errors);
    form.reset();
    name.focus();
  }
}

/** Says each error at its field and goes to the first. */
function showErrors(form, errors) {
  const fields = [form.elements.name, form.elements.quantity];
  for (const field of fields) {
    showError(field, errors.find((error) => error.field === field.name)?.message);
  }
  fields.find((field) => field.getAttribute("aria-invalid"))?.focus();
}

function showError(field, message) {
  const place = document.getElementById(field.getAttribute("aria-describedby"));
  place.textContent = message ?? "";
  place.hidden = !message;
  if (message) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}
