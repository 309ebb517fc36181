/**
 * The fields of an item that people write, in the order in which they are shown. One entry is all that the page needs to
 * know of a field. The server checks the same limits, and decides.
 */

import { formatNumber } from "./formats.js";

export const LARGEST_QUANTITY = 2_147_483_647;

/** @typedef {{value: string | number | null} | {error: string}} Read what a person typed, or what is wrong with it */

/** One line of text. Characters are code points, as on the server, not UTF-16 units. */
const line = (name, longest) => ({
  input: { dir: "auto" },
  format: (value) => value,
  read: (text) => ([...text].length > longest ? { error: `A ${name} has at most ${longest} characters.` } : { value: text }),
});

const wholeNumber = (name, largest) => ({
  input: { inputMode: "numeric" },
  format: formatNumber,
  read(text) {
    if (!/^\d+$/.test(text)) return { error: WHOLE_NUMBER };
    const value = Number(text);
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
    name: "quantity",
    label: "Quantity",
    placeholder: "0",
    missing: WHOLE_NUMBER,
    ...wholeNumber("quantity", LARGEST_QUANTITY),
  },
];

export const fieldNamed = (name) => FIELDS.find((field) => field.name === name);

/** An optional field has no text for `missing`: empty means null. @returns {Read} */
export function readField(field, typed) {
  const text = typed.trim();
  if (text) return field.read(text);
  return field.missing ? { error: field.missing } : { value: null };
}

/** The text of an input that holds this value. */
export const inputText = (value) => String(value ?? "");

/** @returns {{values: object, errors: {field: string, message: string}[]}} of all inputs that belong to fields */
export function readFields(inputs) {
  const [values, errors] = [{}, []];
  for (const { name, value } of inputs) {
    const read = readField(fieldNamed(name), value);
    if (read.error) errors.push({ field: name, message: read.error });
    else values[name] = read.value;
  }
  return { values, errors };
}

/** What differs, as the body of a request. */
export function changedFields(item, values) {
  const entries = Object.entries(values).filter(([name, value]) => value !== (item[name] ?? null));
  return Object.fromEntries(entries);
}
