/** Adds an item. An error is shown at its field. */

import { FIELDS, readFields } from "../fields.js";
import { createFieldInput, showError, showErrors } from "./field-input.js";

export function mountAddForm(form, { onAdd }) {
  const button = form.querySelector("button");
  button.before(...FIELDS.map((field) => createFieldInput(field, "add")));
  const inputs = FIELDS.map(({ name }) => form.elements[name]);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaDisabled === "true") return;
    const { values, errors } = readFields(inputs);
    showErrors(inputs, errors);
    if (errors.length === 0) await send(values);
  });

  form.addEventListener("input", ({ target }) => showError(target, null));

  async function send(values) {
    button.ariaDisabled = "true";
    const errors = await onAdd(values);
    button.ariaDisabled = null;
    if (errors) return showErrors(inputs, errors);
    form.reset();
    inputs[0].focus();
  }
}
