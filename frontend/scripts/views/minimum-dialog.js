/** The dialog that sets the minimum of the selected items. */

import { fieldNamed, inputText, readField } from "../state/fields.js";
import { text } from "../state/messages.js";
import { showError } from "./field-input.js";
import { oneAtATime } from "./one-at-a-time.js";
import { setText } from "./text.js";

/** `onSet` is called with the items and the minimum. It returns why that was refused, or "". */
export function mountMinimumDialog(dialog, { onSet }) {
  const [form, title] = [dialog.querySelector("form"), dialog.querySelector("h2")];
  const save = form.querySelector('[type="submit"]');
  const input = form.elements.minimum;
  let asked = [];

  async function send(minimum) {
    const refused = await onSet(asked, minimum);
    showError(input, refused);
    if (refused) input.focus();
    else dialog.close();
  }

  input.addEventListener("input", () => showError(input, null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { value, error } = readField(fieldNamed("minimum"), input.value);
    showError(input, error);
    if (error) input.focus();
    else oneAtATime(() => send(value), save);
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });

  return {
    open(items) {
      asked = items;
      const present = new Set(items.map(({ minimum }) => minimum ?? null));
      setText(title, text("minimum.title", { count: items.length }));
      input.value = present.size === 1 ? inputText([...present][0]) : "";
      showError(input, null);
      dialog.showModal();
      input.select();
    },
  };
}
