/**
 * The fields of an item that people write, in display order. An entry is all that the page needs to know about a field. The
 * server checks the same limits.
 *
 * A field with a text for `missing` is required. Other fields are null if they have no value. `fact` returns the text that
 * a row of the list shows below the name, if any.
 */

import { formatNumber } from "./formats.js";
import { readNumber } from "./numbers.js";

export const MAX_QUANTITY = 2_147_483_647;

/** @typedef {{value: string | number | null} | {error: string}} Read the value of what a person typed, or an error message */

/** A line of text. Its length is counted in code points, as on the server, and not in UTF-16 units. */
const line = (name, maxLength) => ({
  input: { dir: "auto" },
  format: (value) => value,
  read: (text) => ([...text].length > maxLength ? { error: `A ${name} has at most ${formatNumber(maxLength)} characters.` } : { value: text }),
});

const SHOWN_CHARACTERS = 60; // of a note, in the history

/** A text of one or more lines. */
const lines = (name, maxLength) => ({
  ...line(name, maxLength),
  isLong: true,
  format(value) {
    const text = value.replace(/\s+/g, " ");
    return [...text].length > SHOWN_CHARACTERS ? `${[...text].slice(0, SHOWN_CHARACTERS).join("")}…` : text;
  },
});

const wholeNumber = (name, largest) => ({
  input: { inputMode: "numeric" },
  format: formatNumber,
  read(text) {
    const value = readNumber(text);
    if (value === null || value < 0) return { error: WHOLE_NUMBER };
    return value > largest ? { error: `A ${name} is at most ${formatNumber(largest)}.` } : { value };
  },
});

const WHOLE_NUMBER = "Enter a whole number, 0 or more.";

export const FIELDS = [
  {
    name: "name",
    label: "Name",
    placeholder: "For example: Pallet jack",
    missing: "Give the item a name.",
    ...line("name", 200),
  },
  {
    name: "code",
    label: "Code",
    placeholder: "Article number or barcode",
    fact: ({ code }) => code,
    ...line("code", 100),
  },
  {
    name: "quantity",
    label: "Quantity",
    placeholder: "0",
    missing: WHOLE_NUMBER,
    ...wholeNumber("quantity", MAX_QUANTITY),
  },
  {
    name: "unit",
    label: "Unit",
    placeholder: "For example: pcs, m, g",
    ...line("unit", 20),
  },
  {
    name: "minimum",
    label: "Minimum",
    placeholder: "Low when there is less",
    ...wholeNumber("minimum", MAX_QUANTITY),
  },
  {
    name: "note",
    label: "Note",
    ...lines("note", 2_000),
  },
];

export const isLow = ({ quantity, minimum }) => typeof minimum === "number" && quantity < minimum;

export const isRequired = ({ missing }) => Boolean(missing);

export const fieldNamed = (name) => FIELDS.find((field) => field.name === name);

/** @returns {Read} */
export function readField(field, typed) {
  const text = typed.trim();
  if (text) return field.read(text);
  return isRequired(field) ? { error: field.missing } : { value: null };
}

/** Says that the item is low; "" if it is not. */
export const lowText = (item) => (isLow(item) ? `Low: less than ${formatNumber(item.minimum)}` : "");

/** The texts that a row of the list shows below the name. The first says that the item is low. */
export const factsOf = (item) => [lowText(item), ...FIELDS.map(({ fact }) => fact?.(item))].filter(Boolean);

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
