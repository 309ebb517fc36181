/** A row of the preview of an import: what would change, and the cells that are wrong, to be corrected in place. */

import { formatNumber } from "../state/formats.js";
import { cellOf, isNumber } from "../state/import-cells.js";
import { differs, shown } from "../state/import-plan.js";
import { text } from "../state/messages.js";
import { fieldLabel } from "./import-columns.js";
import { fromTemplate, isolated, setText } from "./text.js";

/**
 * The element of a planned row.
 * @param {object} importing see NO_IMPORT
 * @param {object} row see Planned
 * @param {string[]} fields the columns of the preview
 */
export function createImportRow(importing, row, fields) {
  const element = fromTemplate("import-row");
  const part = (name) => element.querySelector(`.import-${name}`);
  const { index, line, kind, faults, item } = row;
  element.dataset.row = index;
  element.classList.add(`is-${kind}`);
  setText(part("row-line"), formatNumber(line));
  part("row-line").dataset.head = text("import.line");
  setText(part("badge"), text(`import.kind_${kind}`));
  if (item && !fields.includes("name")) part("row-kind").append(" ", isolated(item.name));
  const elsewhere = faults.filter(({ field, column }) => column < 0 || !fields.includes(field));
  for (const { message } of elsewhere) part("row-kind").append(createFault(message));
  const cells = fields.map((field) => createCell(importing, row, field));
  part("row-leave").before(...cells);
  const leave = part("leave");
  leave.checked = kind === "left";
  leave.dataset.key = `${index}:leave`;
  leave.setAttribute("aria-label", text("import.leave", { line }));
  return element;
}

function createFault(message, id = "") {
  const fault = Object.assign(document.createElement("p"), { className: "import-fault", id });
  setText(fault, message);
  return fault;
}

function createCell(importing, row, field) {
  const cell = document.createElement("td");
  const column = importing.mapping.indexOf(field);
  const faults = row.faults.filter((fault) => fault.field === field && fault.column >= 0);
  cell.dataset.head = fieldLabel(field);
  cell.classList.toggle("is-number", isNumber(field));
  const isOpen = row.kind !== "left" && (faults.length > 0 || importing.fixed.has(`${row.index}:${column}`));
  if (isOpen) cell.append(...createInput(importing, row, field, column, faults));
  else cell.append(...contentOf(importing, row, field, column));
  return cell;
}

/** The value of a cell: "4 → 6" if it would change the item. */
function contentOf({ rows }, { index, item, values }, field, column) {
  const typed = cellOf(rows[index].cells, column);
  if (values[field] === undefined) return typed ? [isolated(typed)] : [];
  const value = shown(field, values[field]);
  if (!item || !differs(item, values, field)) return value ? [isolated(value)] : [];
  const from = shown(field, item[field]);
  const before = Object.assign(document.createElement("span"), { className: "import-from" });
  const after = Object.assign(document.createElement("strong"), { className: "import-to" });
  before.append(from ? isolated(from) : createUnseen(text("import.nothing_there")), " →\u00a0");
  after.append(isolated(value || text("import.nothing_there")));
  return [before, after];
}

/** A text for screen readers: others see that nothing is there. */
function createUnseen(content) {
  const element = Object.assign(document.createElement("span"), { className: "visually-hidden" });
  setText(element, content);
  return element;
}

function createInput({ rows }, { index, line }, field, column, faults) {
  const input = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", dir: "auto" });
  input.className = "import-cell";
  input.value = rows[index].cells[column] ?? "";
  input.dataset.key = `${index}:${column}`;
  if (isNumber(field)) input.inputMode = "decimal";
  input.setAttribute("aria-label", text("import.cell", { field: fieldLabel(field), line }));
  if (faults.length === 0) return [input];
  const id = `import-fault-${index}-${column}`;
  input.ariaInvalid = "true";
  input.setAttribute("aria-describedby", id);
  return [input, createFault(faults.map(({ message }) => message).join(" "), id)];
}
