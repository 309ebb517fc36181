/** The form that adds an item. Errors are shown at their fields. Optional fields are in "More fields". */

import { FIELDS, isRequired, readFields } from "../fields.js";
import { createFieldInput, showError, showErrors } from "./field-input.js";

export function mountAddForm(form, { onAdd }) {
  const button = form.querySelector("button");
  const more = form.querySelector(".add-form-more");
  const create = (field) => createFieldInput(field, "add");
  button.before(...FIELDS.filter(isRequired).map(create));
  more.querySelector(".add-form-optional").append(...FIELDS.filter((field) => !isRequired(field)).map(create));
  const inputs = FIELDS.map(({ name }) => form.elements[name]);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaDisabled === "true") return;
    const { values, errors } = readFields(inputs);
    if (errors.length) return tell(errors);
    await send(values);
  });

  form.addEventListener("input", ({ target }) => showError(target, null));

  async function send(values) {
    button.ariaDisabled = "true";
    const errors = await onAdd(values);
    button.ariaDisabled = null;
    if (errors) return tell(errors);
    form.reset();
    inputs[0].focus();
  }

  function tell(errors) {
    const isHidden = ({ field }) => more.contains(form.elements[field]);
    if (errors.some(isHidden)) more.open = true;
    showErrors(inputs, errors);
  }
}
