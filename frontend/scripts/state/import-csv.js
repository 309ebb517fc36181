/** Writes what is imported, and what is left out, as CSV. Pure functions. */

import { csvLine } from "./csv.js";
import { FIELDS } from "./fields.js";
import { pathOf } from "./locations.js";
import { text } from "./messages.js";

/**
 * The rows that are new or changed, for the server. A changed row has the version of its item that was compared, so that it
 * is refused if somebody has changed the item since, and all values, since a row without a value would clear it.
 * @param {object[]} rows planned
 * @returns {{csv: string, lines: Map<number, number>}} `lines` says which row begins on which line
 */
export function writeImport(rows, mapping, locations) {
  const fields = FIELDS.map(({ name }) => name).filter((name) => ["name", "quantity"].includes(name) || mapping.includes(name));
  const lines = new Map();
  const parts = [csvLine(["id", "version", ...fields, "location"])];
  let line = 2;
  for (const { index, kind, item, location, values } of rows) {
    if (kind !== "new" && kind !== "changed") continue;
    const valueOf = (field) => (values[field] === undefined ? (item?.[field] ?? null) : values[field]);
    const place = item ? "" : pathOf(locations, location);
    const part = csvLine([item?.id ?? "", item?.version ?? "", ...fields.map(valueOf), place]);
    parts.push(part);
    lines.set(line, index);
    line += part.split("\n").length;
  }
  return { csv: `${parts.join("\r\n")}\r\n`, lines };
}

/** The rows that are not imported, as they are in the file, and why, for a spreadsheet. */
export function writeLeftRows({ columns, rows }, planned) {
  const left = planned.filter(({ kind }) => kind === "wrong" || kind === "left");
  const lines = left.map(({ index, kind, faults }) => {
    const cells = columns.map((_, column) => rows[index].cells[column] ?? "");
    const reason = kind === "left" ? text("import.left_by_you") : faults.map(({ message }) => message).join(" ");
    return csvLine([...cells, reason]);
  });
  return `\ufeff${[csvLine([...columns, text("import.reason")]), ...lines].join("\r\n")}\r\n`;
}
