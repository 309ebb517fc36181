/**
 * What an import would do with each row: matches it to an item, and compares the two. Pure functions.
 *
 * A row is for the item with its id; without an id, for the item with its code at its location; without such an item, for
 * the item with its name there, if that has no other code.
 */

import { fieldNamed } from "./fields.js";
import { cellOf, isNumber, mappedFields, readCell, readId } from "./import-cells.js";
import { placeFinder } from "./import-places.js";
import { locationOfNewItem, pathOf } from "./locations.js";
import { text } from "./messages.js";
import { guessDecimal } from "./numbers.js";
import { mayEditItem } from "./rights.js";

/** @typedef {{field: string, column: number, message: string}} Fault `column` is -1 if no cell can be corrected */
/**
 * @typedef {object} Planned what would be done with a row
 * @property {"new" | "changed" | "unchanged" | "wrong" | "left"} kind "left": the person leaves it out
 * @property {object | null} item which it changes
 * @property {number | null} location
 * @property {object} values of the fields that it has
 * @property {Fault[]} faults
 */

export const KINDS = ["new", "changed", "unchanged", "wrong", "left"];

/**
 * @param {object} importing see NO_IMPORT
 * @param {Map<number, object>} items by id
 * @returns {{rows: Planned[], counts: object, decimal: "." | "," | null}}
 */
export function planImport(importing, state, items) {
  const { mapping, rows } = importing;
  const decimal = decimalOf(importing);
  const find = createFinder(items);
  const place = placeReader(importing, state);
  const context = { importing, state, items, decimal, find, place, fields: mappedFields(mapping) };
  const planned = rows.map((row, index) => planRow(context, row, index));
  refuseRepeated(planned, rows, mapping);
  refuseTakenCodes(planned, find, mapping);
  for (const each of planned) each.kind = kindOf(each);
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (const { kind } of planned) counts[kind] += 1;
  return { rows: planned, counts, decimal };
}

/** The decimal separator of the file: as the person says, as the file says, or as its numbers look. */
export function decimalOf({ decimal, written, mapping, rows }) {
  if (decimal || written) return decimal || written;
  const columns = mapping.flatMap((field, column) => (isNumber(field) ? [column] : []));
  return guessDecimal(columns.flatMap((column) => rows.map(({ cells }) => cellOf(cells, column))).filter(Boolean));
}

/** Finds items by code and by name, at a location. */
function createFinder(items) {
  const [byCode, byName] = [new Map(), new Map()];
  for (const item of items.values()) {
    if (item.code) byCode.set(`${item.location}\n${item.code}`, item);
    const key = `${item.location}\n${item.name.toLowerCase()}`;
    if (byName.has(key)) byName.get(key).push(item);
    else byName.set(key, [item]);
  }
  return {
    byCode: (location, code) => byCode.get(`${location}\n${code}`) ?? null,
    byName: (location, name) => byName.get(`${location}\n${name.toLowerCase()}`) ?? [],
  };
}

/** Reads where a row is: `{places}`, or an error. Without a cell, it is where the person has chosen. */
function placeReader({ mapping, at }, { locations, location }) {
  const column = mapping.indexOf("location");
  const usual = at ?? locationOfNewItem(locations, location);
  const find = placeFinder(locations);
  return (cells) => {
    const cell = column < 0 ? "" : cellOf(cells, column);
    if (!cell) return { cell, places: [usual] };
    const places = find(cell);
    return places.length > 0 ? { cell, places } : { cell, places, error: text("import.wrong.location", { cell }) };
  };
}

function planRow(context, { line, cells }, index) {
  const { importing, decimal, fields } = context;
  const { mapping } = importing;
  const faults = [];
  const refuse = (field, message) => faults.push({ field, column: mapping.indexOf(field), message });
  const values = {};
  for (const field of fields) {
    const { value, error } = readCell(field, cellOf(cells, mapping.indexOf(field)), decimal);
    if (error) refuse(field, error);
    else values[field] = value;
  }
  const row = { index, line, item: null, location: null, values, faults, isLeft: importing.left.has(index) };
  Object.assign(row, matchRow(context, cells, values, refuse));
  if (row.item === null && faults.length === 0) checkNew(context, row, refuse);
  if (row.item) checkMatched(context, row, refuse, cells);
  const refused = importing.refused.get(index);
  if (refused && refused.version === (row.item?.version ?? null)) refuse(refused.field, refused.message);
  return row;
}

/** The item that a row is for, and where it is. */
function matchRow(context, cells, values, refuse) {
  const { importing, items, find, place } = context;
  const { mapping } = importing;
  const { cell, places, error } = place(cells);
  const id = cellOf(cells, mapping.indexOf("id"));
  if (id) {
    const item = items.get(readId(id)) ?? null;
    if (!item) refuse("id", text("import.wrong.id", { cell: id }));
    else if (cell && !places.includes(item.location)) refuse("location", movesText(context, item));
    return { item, location: item?.location ?? null };
  }
  if (error || places.length > 1) {
    refuse("location", error ?? text("import.wrong.places", { cell }));
    return {};
  }
  const [location] = places;
  const item = (values.code && find.byCode(location, values.code)) || matchByName(find, location, values, refuse);
  return { item: item || null, location };
}

const movesText = ({ state }, item) => text("import.wrong.moves", { name: item.name, place: pathOf(state.locations, item.location) });

function matchByName(find, location, { name, code }, refuse) {
  if (!name) return null;
  const called = find.byName(location, name).filter((item) => !code || !item.code);
  if (called.length > 1) refuse("name", text("import.wrong.several", { count: called.length, name }));
  return called.length === 1 ? called[0] : null;
}

function checkNew({ state }, { values, location }, refuse) {
  if (values.name === undefined) refuse("name", text("import.wrong.needs_name"));
  if (values.quantity === undefined) refuse("quantity", text("import.wrong.needs_quantity"));
  if (!mayEditItem(state, { location })) refuse("location", text("import.wrong.not_allowed", { place: pathOf(state.locations, location) }));
}

function checkMatched({ importing, state }, { item }, refuse, cells) {
  const version = cellOf(cells, importing.mapping.indexOf("version"));
  if (version && readId(version) !== item.version) refuse("version", text("import.wrong.version", { name: item.name }));
  if (!mayEditItem(state, item)) refuse("location", text("import.wrong.not_allowed", { place: pathOf(state.locations, item.location) }));
}

/** Two rows for the same item, or with the same code or, without codes, the same name, can't both be imported. */
function refuseRepeated(planned, rows, mapping) {
  const groups = new Map(); // what must occur once → rows
  const note = (key, row) => {
    if (groups.has(key)) groups.get(key).push(row);
    else groups.set(key, [row]);
  };
  for (const row of planned) {
    const { item, location, values, isLeft } = row;
    if (isLeft) continue;
    if (item) note(`item ${item.id}`, row);
    if (values.code && location !== null) note(`code ${location} ${values.code}`, row);
    else if (!item && values.name && location !== null) note(`name ${location} ${values.name.toLowerCase()}`, row);
  }
  for (const [key, group] of groups) {
    if (group.length > 1) group.forEach((row, index) => refuseAsRepeated(key.split(" ")[0], row, group[index === 0 ? 1 : 0], mapping));
  }
}

const REPEATED = { item: "import.wrong.item_twice", code: "import.wrong.code_twice", name: "import.wrong.name_twice" };

function refuseAsRepeated(kind, { faults }, { line }, mapping) {
  const field = kind === "item" ? ["id", "code", "name"].find((each) => mapping.includes(each)) : kind;
  if (faults.some((fault) => fault.field === field)) return;
  faults.push({ field, column: mapping.indexOf(field), message: text(REPEATED[kind], { line }) });
}

/** A code that is that of another item can't be given, unless the file gives that item another one. */
function refuseTakenCodes(planned, find, mapping) {
  const given = new Map(planned.filter(({ item, isLeft }) => item && !isLeft).map(({ item, values }) => [item.id, values.code]));
  for (const { item, location, values, faults } of planned) {
    const owner = item && values.code ? find.byCode(location, values.code) : null;
    if (!owner || owner.id === item.id || (given.get(owner.id) ?? values.code) !== values.code) continue;
    faults.push({ field: "code", column: mapping.indexOf("code"), message: text("import.wrong.code_taken", { name: owner.name }) });
  }
}

function kindOf({ isLeft, faults, item, values }) {
  if (isLeft) return "left";
  if (faults.length > 0) return "wrong";
  if (!item) return "new";
  return Object.keys(values).some((field) => differs(item, values, field)) ? "changed" : "unchanged";
}

export const differs = (item, values, field) => values[field] !== undefined && values[field] !== (item[field] ?? null);

/** A value as people see it; "" without one. */
export const shown = (field, value) => (value === null || value === undefined ? "" : fieldNamed(field).format(value));
