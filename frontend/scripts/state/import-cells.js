/** Reads the cells of a row to import. Pure functions. */

import { fieldNamed, FIELDS, readField } from "./fields.js";
import { text } from "./messages.js";
import { readDecimal } from "./numbers.js";

export const isNumber = (field) => field === "quantity" || field === "minimum";

const LOOKS_LIKE_A_FORMULA = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
const CONTROL = /[\0-\x1f\x7f-\x9f]/;
const CONTROL_IN_LINES = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;
const EITHER = /^\d{1,3}[.,]\d{3}$/; // a whole number with a separator, or a fraction

/** An export writes an apostrophe before a text that a spreadsheet would take for a formula. */
export const escapeFormula = (cell) => (LOOKS_LIKE_A_FORMULA.test(cell) ? `'${cell}` : cell);
const unescapeFormula = (cell) => (cell.startsWith("'") && LOOKS_LIKE_A_FORMULA.test(cell) ? cell.slice(1) : cell);

/** The text of a cell without what does not count; "" if it is missing. */
export const cellOf = (cells, column) => (cells[column] ?? "").trim();

/** The value of a cell for a field of an item, or an error. @returns {{value: string | number | null} | {error: string}} */
export function readCell(field, cell, decimal) {
  const { isLong = false } = fieldNamed(field);
  if (isNumber(field)) return cell === "" ? readField(fieldNamed(field), "") : readAmount(field, cell, decimal);
  const plain = unescapeFormula(cell).trim().replace(/\r\n?/g, isLong ? "\n" : "$&");
  if ((isLong ? CONTROL_IN_LINES : CONTROL).test(plain)) return { error: text("import.wrong.control") };
  return readField(fieldNamed(field), plain);
}

function readAmount(field, cell, decimal) {
  const number = readDecimal(cell, decimal);
  if (number === null) return { error: text(EITHER.test(cell) ? "import.wrong.either" : "import.wrong.number", { cell }) };
  if (!Number.isInteger(number)) return { error: text("import.wrong.fraction", { cell }) };
  if (number < 0) return { error: text("import.wrong.negative", { cell }) };
  return fieldNamed(field).read(String(number));
}

/** The id or version in a cell; null if it is none. */
export const readId = (cell) => (/^[1-9]\d{0,15}$/.test(cell) ? Number(cell) : null);

/** The names of the fields that the columns of a file are. */
export const mappedFields = (mapping) => FIELDS.map(({ name }) => name).filter((name) => mapping.includes(name));
