/** Writes CSV for spreadsheets. Pure functions. */

import { escapeFormula } from "./import-cells.js";

const quoted = (cell) => (/[",;\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** A line, without its end. A text that a spreadsheet would take for a formula is escaped. @param {(string | number | null)[]} cells */
export const csvLine = (cells) =>
  cells.map((cell) => quoted(typeof cell === "number" ? String(cell) : escapeFormula(cell ?? ""))).join(",");
