/** The paper, the size of the labels and the number of copies. Valid ones take effect at once. */

import { PAPERS, readNumber, readSize } from "../state/label-sizes.js";
import { showError } from "./field-input.js";

/** `onChange` takes what was chosen, and null while something is wrong with it. */
export function mountLabelOptions(form, { paper, sizes }, { onChange, onPrint }) {
  const { paper: select, copies } = form.elements;
  const print = form.querySelector("[type=submit]");
  const inputs = [...form.querySelectorAll(".field input")].filter((input) => input !== copies);

  function showSize() {
    for (const element of form.querySelectorAll("[data-sheet]")) element.hidden = PAPERS[select.value].page === null;
    for (const input of inputs) input.value = sizes[select.value][input.name] ?? "";
  }

  function read() {
    const texts = Object.fromEntries(inputs.map(({ name, value }) => [name, value]));
    const { size, errors } = readSize(select.value, texts);
    for (const input of inputs) showError(input, errors.find(({ field }) => field === input.name)?.message);
    const count = readNumber("copies", copies.value);
    showError(copies, count.error);
    const isValid = errors.length === 0 && !count.error;
    print.disabled = !isValid;
    if (!isValid) return onChange(null);
    sizes = { ...sizes, [select.value]: size };
    onChange({ paper: select.value, sizes, size, copies: count.value });
  }

  select.addEventListener("change", showSize);
  form.addEventListener("change", read);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onPrint();
  });
  select.value = paper;
  showSize();
  read();
}
