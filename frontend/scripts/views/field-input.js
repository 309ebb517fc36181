/** The label, the input and the error message of a field. */

import { isRequired, labelOf } from "../state/fields.js";
import { text } from "../state/messages.js";
import { fromTemplate } from "./text.js";

/** @param {string} prefix of element ids, to make them unique in the page */
export function createFieldInput(field, prefix) {
  const element = fromTemplate(field.isLong ? "long-field" : "field");
  const [label, input, error] = element.children;
  element.classList.add(`field-${field.name}`);
  label.htmlFor = input.id = `${prefix}-${field.name}`;
  label.textContent = labelOf(field.name);
  error.id = `${input.id}-error`;
  Object.assign(input, { name: field.name, required: isRequired(field), ...field.input });
  showExample(input, field);
  input.setAttribute("aria-describedby", error.id);
  return element;
}

/** Shows an example in the empty input, unless it can't be changed. */
export function showExample(input, { example }) {
  const shown = example && !input.readOnly ? text(example) : "";
  if (input.placeholder !== shown) input.placeholder = shown;
}

/** Shows each error at its field, and focuses the first invalid one. @param {{field: string, message: string}[]} errors */
export function showErrors(inputs, errors) {
  for (const input of inputs) showError(input, errors.find(({ field }) => field === input.name)?.message);
  inputs.find((input) => input.ariaInvalid)?.focus();
}

/** Shows why a form was refused: at the fields that are wrong, or else at `said`. */
export function showRefusal(form, { errors, message }, said) {
  for (const { field, message: reason } of errors) if (form.elements[field]) showError(form.elements[field], reason);
  if (errors.length === 0) said.textContent = message;
}

export function showError(input, message) {
  const described = input.getAttribute("aria-describedby").split(" ");
  const place = described.map((id) => document.getElementById(id)).find((element) => element?.matches(".field-error"));
  place.textContent = message ?? "";
  place.hidden = !message;
  input.ariaInvalid = message ? "true" : null;
}
