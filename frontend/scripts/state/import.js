/** What the person does with a file to import: its table, what its columns are, and corrections. Pure functions. */

import { guessColumns } from "./import-columns.js";

/** @typedef {{line: number, cells: string[]}} Row a row of the file; `line` is its number there */

export const NO_IMPORT = Object.freeze({
  name: "", // of the file; "" without one
  columns: [], // their names in the file
  rows: [], // Row
  isNamed: true, // whether the first row of the file has the names of the columns
  firstLine: 2, // number of the row below it
  mapping: [], // what each column is: one of TARGETS, or ""
  decimal: "", // the decimal separator that the person has chosen: ".", ",", or "" to guess it
  written: null, // the decimal separator, if the file itself says it
  at: null, // id of the location of rows that name none; null: the usual one
  left: new Set(), // numbers of the rows that the person leaves out
  fixed: new Set(), // "row:column" of the cells that the person has changed
  refused: new Map(), // row → {field, message, version}: what the server found, for this version of its item
  sent: null, // {csv, key, lines, left, versions}: what was sent, as long as its outcome is not known
  isSending: false,
  reading: "", // name of the file that is being read
  progress: null, // how much of what is being sent has been sent, from 0 to 1
  said: "", // what has come of it
  failure: "", // why it has failed
});

const ACTS = {
  read: (_, { name }) => ({ ...NO_IMPORT, reading: name, progress: 0 }),
  progress: (state, { progress }) => ({ ...state, progress }),
  table: (_, { name, table }) => ({ ...NO_IMPORT, name, ...readTable(table) }),
  column: setColumn,
  names: takeNames,
  decimal: (state, { decimal }) => changed(state, { decimal }),
  at: (state, { location }) => changed(state, { at: location }),
  fix: fixCell,
  leave: leaveOut,
  send: (state, { sent }) => ({ ...state, sent, isSending: true, progress: 0, said: "", failure: "" }),
  uncertain: (state, { failure }) => ({ ...state, isSending: false, progress: null, failure }),
  refused: (state, { failure, refused }) => ({ ...state, sent: null, isSending: false, progress: null, failure, refused }),
  imported: keepLeftRows,
  failed: (_, { failure }) => ({ ...NO_IMPORT, failure }),
  clear: () => NO_IMPORT,
};

/** Change the import. While the outcome of what was sent is not known, it stays as it was sent. */
export function reduceImport(state, message) {
  const isLocked = state.sent !== null && ["column", "names", "decimal", "at", "fix", "leave"].includes(message.act);
  return isLocked ? state : ACTS[message.act](state, message);
}

const changed = (state, values) => ({ ...state, ...values, refused: new Map(), said: "", failure: "" });

function readTable({ columns, rows, first_line: firstLine, decimal }) {
  const numbered = rows.map((cells, index) => ({ line: firstLine + index, cells }));
  const width = Math.max(columns.length, ...widths(numbered));
  const names = Array.from({ length: width }, (_, column) => columns[column] ?? "");
  const filled = numbered.filter(({ cells }) => cells.length > 0);
  return { columns: names, rows: filled, firstLine, mapping: guessColumns(names), written: decimal };
}

/** The widths that occur, of which there are few: Math.max() takes no hundred thousand arguments. */
const widths = (rows) => new Set(rows.map(({ cells }) => cells.length));

/** A column is this from now on, and no other column is. */
function setColumn(state, { column, field }) {
  const mapping = state.mapping.map((current, index) => (index === column ? field : current === field ? "" : current));
  return changed(state, { mapping });
}

/** Take the first row as the names of the columns, or as a row like the others. */
function takeNames(state, { isNamed }) {
  if (isNamed === state.isNamed) return state;
  const { columns, rows, firstLine } = state;
  const names = columns.map((_, column) => (isNamed ? (rows[0].cells[column] ?? "") : ""));
  const others = isNamed ? rows.slice(1) : [{ line: firstLine - 1, cells: columns }, ...rows];
  return changed(state, { isNamed, columns: names, rows: others, mapping: guessColumns(names), left: new Set(), fixed: new Set() });
}

/** Whether the first row can still be taken as the other: it is gone once it has been imported. */
export const canTakeNames = ({ isNamed, rows, firstLine, sent }) => sent === null && (isNamed || rows[0]?.line === firstLine - 1);

function fixCell(state, { row, column, value }) {
  const { line, cells } = state.rows[row];
  const padded = Array.from({ length: Math.max(cells.length, column + 1) }, (_, index) => cells[index] ?? "");
  const rows = state.rows.with(row, { line, cells: padded.with(column, value) });
  const refused = new Map(state.refused);
  refused.delete(row);
  return { ...state, rows, refused, fixed: new Set(state.fixed).add(`${row}:${column}`), said: "", failure: "" };
}

function leaveOut(state, { row, isLeft }) {
  const left = new Set(state.left);
  if (isLeft) left.add(row);
  else left.delete(row);
  return { ...state, left, said: "", failure: "" };
}

/** After an import, only the rows that were left out are still there, to be corrected and imported. */
function keepLeftRows(state, { left, said }) {
  if (left.length === 0) return { ...NO_IMPORT, said };
  const places = new Map(left.map((row, index) => [row, index]));
  const fixed = [...state.fixed].map((cell) => cell.split(":").map(Number)).filter(([row]) => places.has(row));
  return {
    ...state,
    rows: left.map((row) => state.rows[row]),
    left: new Set([...state.left].filter((row) => places.has(row)).map((row) => places.get(row))),
    fixed: new Set(fixed.map(([row, column]) => `${places.get(row)}:${column}`)),
    refused: new Map(),
    sent: null,
    isSending: false,
    progress: null,
    said,
    failure: "",
  };
}
