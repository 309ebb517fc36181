/** What each column of a file to import is, for the person to correct. */

import { fieldNamed, labelOf } from "../state/fields.js";
import { TARGETS } from "../state/import-columns.js";
import { text } from "../state/messages.js";
import { fromTemplate, setText } from "./text.js";

const SAMPLES = 3; // cells that are shown of each column

/** What people call a field. */
export const fieldLabel = (field) => (fieldNamed(field) ? labelOf(field) : text(`import.field_${field}`));

/** Show the columns of this import in the list, with a choice at each. Choices stay where they are, with the focus. */
export function showColumns(list, { columns, rows, mapping }) {
  const isSame = list.children.length === columns.length && columns.every((name, column) => nameOf(list, column) === name);
  if (!isSame) list.replaceChildren(...columns.map(createColumn));
  columns.forEach((_, column) => {
    const element = list.children[column];
    const select = element.querySelector("select");
    if (select.value !== mapping[column]) select.value = mapping[column];
    element.classList.toggle("is-ignored", mapping[column] === "");
    const cells = rows.slice(0, SAMPLES).map((row) => (row.cells[column] ?? "").trim()).filter(Boolean);
    setText(element.querySelector(".import-column-cells"), cells.join(" · "));
  });
}

const nameOf = (list, column) => list.children[column].dataset.name;

function createColumn(name, column) {
  const element = fromTemplate("import-column");
  const select = element.querySelector("select");
  element.dataset.name = name;
  select.id = `import-column-${column}`;
  select.dataset.column = column;
  element.querySelector("label").htmlFor = select.id;
  setText(element.querySelector(".import-column-name"), name || text("import.unnamed", { column: column + 1 }));
  select.replaceChildren(new Option(text("import.choose_column"), ""), ...TARGETS.map((field) => new Option(fieldLabel(field), field)));
  return element;
}
