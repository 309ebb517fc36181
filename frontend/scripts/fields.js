/**
 * The fields of an item that people write, in the order in which they are shown. One entry is all that the page needs to
 * know of a field. The server checks the same limits, and decides.
 *
 * A field that has a text for `missing` is required; of any other, null says that there is nothing. `fact` gives the text
 * that a row of the list shows below the name, if the item has one.
 */

import { formatNumber } from "./formats.js";

export const LARGEST_QUANTITY = 2_147_483_647;

/** @typedef {{value: string | number | null} | {error: string}} Read what a person typed, or what is wrong with it */

/** One line of text. Characters are code points, as on the server, not UTF-16 units. */
const line = (name, longest) => ({
  input: { dir: "auto" },
  format: (value) => value,
  read: (text) => ([...text].length > longest ? { error: `A ${name} has at most ${formatNumber(longest)} characters.` } : { value: text }),
});

const SHOWN_CHARACTERS = 60; // of a note in the history

/** Text in one or more lines. */
const lines = (name, longest) => ({
  ...line(name, longest),
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
    ...wholeNumber("quantity", LARGEST_QUANTITY),
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
    ...wholeNumber("minimum", LARGEST_QUANTITY),
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

/** What a row of the list says of an item besides its name and its quantity: first that it is low, if it is. */
export function factsOf(item) {
  const low = isLow(item) ? `Low: less than ${formatNumber(item.minimum)}` : null;
  return [low, ...FIELDS.map(({ fact }) => fact?.(item))].filter(Boolean);
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
