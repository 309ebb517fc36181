/** Adds an item. What is wrong is said at the field it is wrong with. */

import { parseQuantity, QUANTITY_RULE } from "./formats.js";
import { nameProblem } from "./names.js";

/** `onAdd(name, quantity)` is a promise; its refusal may name fields. */
export function mountItemForm(element, { onAdd, onRefused }) {
  const form = { element, name: field(element, "name"), quantity: field(element, "quantity"), onAdd, onRefused };
  form.submit = element.querySelector(".item-form-submit");
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.submit.ariaDisabled !== "true") submit(form);
  });
  for (const { input, error } of [form.name, form.quantity]) {
    input.addEventListener("input", () => showError({ input, error }, null));
  }
}

function field(element, name) {
  const input = element.elements[name];
  return { input, error: element.querySelector(`#${input.id}-error`) };
}

function showError({ input, error }, text) {
  error.hidden = !text;
  error.textContent = text ?? "";
  input.ariaInvalid = text ? "true" : null;
}

async function submit(form) {
  const name = form.name.input.value;
  const quantity = parseQuantity(form.quantity.input.value);
  showError(form.name, nameProblem(name));
  showError(form.quantity, quantity === null ? QUANTITY_RULE : null);
  if (focusFirstError(form)) return;
  form.submit.ariaDisabled = "true"; // not `disabled`: that would take the focus away
  await form.onAdd(name, quantity).then(() => clear(form, name), (refusal) => refuse(form, refusal));
  form.submit.ariaDisabled = null;
}

/** Ready for the next one, unless someone has already begun to type it. */
function clear(form, name) {
  if (form.name.input.value !== name) return;
  form.element.reset();
  form.name.input.focus();
}

function refuse(form, refusal) {
  for (const { field: name, message } of refusal.errors ?? []) {
    if (form[name]?.input) showError(form[name], message);
  }
  if (!focusFirstError(form)) form.onRefused(refusal);
}

function focusFirstError({ name, quantity }) {
  const wrong = [name, quantity].find(({ error }) => !error.hidden);
  wrong?.input.focus();
  return Boolean(wrong);
}
