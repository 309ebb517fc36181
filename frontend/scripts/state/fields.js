/**
 * The fields of an item that people write, in display order. An entry is all that the page needs to know about a field. The
 * server checks the same limits.
 *
 * What a field is called is the message `field.<name>`. `example` and `missing` are keys of messages. A field with `missing` is
 * required. Other fields are null if they have no value.
 */

import { formatNumber } from "./formats.js";
import { text } from "./messages.js";
import { readNumber } from "./numbers.js";

export const MAX_QUANTITY = 2_147_483_647;

/** @typedef {{value: string | number | null} | {error: string}} Read the value of what a person typed, or an error message */

/** A line of text. Its length is counted in code points, as on the server, and not in UTF-16 units. */
const line = (name, maxLength) => ({
  input: { dir: "auto" },
  format: (value) => value,
  read(typed) {
    const isTooLong = [...typed].length > maxLength;
    return isTooLong ? { error: text("invalid.too_long", { field: wordOf(name), count: maxLength }) } : { value: typed };
  },
});

const SHOWN_CHARACTERS = 60; // of a note, in the history

/** A text of one or more lines. */
const lines = (name, maxLength) => ({
  ...line(name, maxLength),
  isLong: true,
  format(value) {
    const characters = [...value.replace(/\s+/g, " ")];
    return characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS).join("")}…` : characters.join("");
  },
});

const wholeNumber = (name, largest) => ({
  input: { inputMode: "numeric" },
  format: formatNumber,
  read(typed) {
    const value = readNumber(typed);
    if (value === null || value < 0) return { error: text("invalid.number") };
    return value > largest ? { error: text("invalid.too_large", { field: wordOf(name), largest }) } : { value };
  },
});

export const FIELDS = [
  {
    name: "name",
    example: "field.name.example",
    missing: "field.name.missing",
    ...line("name", 200),
  },
  {
    name: "code",
    example: "field.code.example",
    ...line("code", 100),
  },
  {
    name: "quantity",
    example: "field.quantity.example",
    missing: "invalid.number",
    ...wholeNumber("quantity", MAX_QUANTITY),
  },
  {
    name: "unit",
    example: "field.unit.example",
    ...line("unit", 20),
  },
  {
    name: "minimum",
    example: "field.minimum.example",
    ...wholeNumber("minimum", MAX_QUANTITY),
  },
  {
    name: "note",
    ...lines("note", 2_000),
  },
];

export const isLow = ({ quantity, minimum }) => typeof minimum === "number" && quantity < minimum;

export const isRequired = ({ missing }) => Boolean(missing);

export const fieldNamed = (name) => FIELDS.find((field) => field.name === name);

/** What the field with this name is called within a sentence. */
export const wordOf = (name) => text(`field.${name}`);

/** What the field with this name is called. */
export const labelOf = (name) => capitalized(wordOf(name));

/** The text as the beginning of a sentence. */
export const capitalized = ([first = "", ...rest]) => first.toUpperCase() + rest.join("");

/** @returns {Read} */
export function readField(field, typed) {
  const trimmed = typed.trim();
  if (trimmed) return field.read(trimmed);
  return isRequired(field) ? { error: text(field.missing) } : { value: null };
}

/** Says that the item is low; "" if it is not. */
export const lowText = (item) => (isLow(item) ? text("item.low", { minimum: item.minimum }) : "");

/** The text of an input with this value. */
export const inputText = (value) => String(value ?? "");

/** @returns {{values: object, errors: {field: string, message: string}[]}} of these inputs */
export function readFields(inputs) {
  const [values, errors] = [{}, []];
  for (const { name, value } of inputs) {
    const read = readField(fieldNamed(name), value);
    if (read.error) errors.push({ field: name, message: read.error });
    else values[name] = read.value;
  }
  return { values, errors };
}

/** The fields whose values differ from those of the item, as the body of a request. */
export function changedFields(item, values) {
  const entries = Object.entries(values).filter(([name, value]) => value !== (item[name] ?? null));
  return Object.fromEntries(entries);
}
