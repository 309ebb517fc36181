/** The table of the rows to import, in which wrong cells are corrected. */

import { isNumber } from "../state/import-cells.js";
import { text } from "../state/messages.js";
import { fieldLabel } from "./import-columns.js";
import { createImportRow } from "./import-row.js";
import { setText } from "./text.js";

const rowOf = (key) => Number(key.split(":")[0]);

export function createImportTable(table) {
  const [head, body] = [table.querySelector("thead tr"), table.querySelector("tbody")];
  let drawn = new Map(); // row → {element, signature}

  function drawHead(fields) {
    const titles = [text("import.line"), text("import.kind"), ...fields.map(fieldLabel), text("import.kind_left")];
    if (head.dataset.titles === titles.join()) return;
    head.dataset.titles = titles.join();
    head.replaceChildren(...titles.map((title, column) => createHead(title, fields[column - 2])));
  }

  /** A row that is as before, or that the person is typing into, keeps its element. */
  function rowFor(importing, planned, index, fields) {
    const before = drawn.get(index);
    const open = importing.columns.map((_, column) => importing.fixed.has(`${index}:${column}`));
    const signature = JSON.stringify([planned, importing.rows[index], fields, importing.mapping, open]);
    if (before && (before.signature === signature || isTypedIn(before.element, importing))) return before;
    return { signature, element: createImportRow(importing, planned, fields) };
  }

  /** Whether what the person has typed into a cell of this row is not yet part of it. */
  function isTypedIn(element, { rows }) {
    const input = document.activeElement;
    if (!input.matches(".import-cell") || !element.contains(input)) return false;
    const [row, column] = input.dataset.key.split(":").map(Number);
    return (rows[row]?.cells[column] ?? "") !== input.value;
  }

  /** Put the focus back into a cell that was drawn again, or to what is left of its row. */
  function focusCell(key) {
    const same = body.querySelector(`[data-key="${key}"]`) ?? body.querySelector(`[data-key="${rowOf(key)}:leave"]`);
    same?.focus({ preventScroll: true });
  }

  return {
    /** Show these rows of a plan. @param {number[]} indexes of the rows @param {string[]} fields the columns */
    draw(importing, plan, indexes, fields) {
      const focused = document.activeElement;
      const key = body.contains(focused) ? focused.dataset.key : null;
      drawHead(fields);
      drawn = new Map(indexes.map((index) => [index, rowFor(importing, plan.rows[index], index, fields)]));
      const elements = [...drawn.values()].map(({ element }) => element);
      const isSame = elements.length === body.children.length && elements.every((element, n) => element === body.children[n]);
      if (!isSame) body.replaceChildren(...elements);
      if (key && document.activeElement !== focused) focusCell(key);
    },

    /** The wrong cell to correct after this one: the same if it is still wrong, else the next below, else the first. */
    nextWrong(key) {
      const wrong = [...body.querySelectorAll('.import-cell[aria-invalid="true"]')];
      return wrong.find(({ dataset }) => dataset.key === key || rowOf(dataset.key) > rowOf(key)) ?? wrong[0] ?? null;
    },
  };
}

function createHead(title, field) {
  const cell = document.createElement("th");
  cell.scope = "col";
  cell.classList.toggle("is-number", isNumber(field));
  setText(cell, title);
  return cell;
}
