/**
 * The texts of the page, by key, in the language of the page. They are in frontend/messages, one file for each language.
 * A message may have `{values}`, and a form for each plural category of the value `count`.
 */

const PLACEHOLDER = /\{(\w+)\}/;

let messages = {};
let tag = "en";
let plurals = new Intl.PluralRules("en");

/**
 * Use these messages from now on.
 * @param {string} language of the messages, for example "de"
 * @param {readonly string[]} preferred languages of the reader, which say how numbers and dates are written
 */
export function setMessages(language, texts, preferred = []) {
  messages = texts;
  tag = preferred.find((each) => each === language || each.startsWith(`${language}-`)) ?? language;
  plurals = new Intl.PluralRules(language);
}

/** The language of the page as a tag for Intl, for example "en-GB". */
export const languageTag = () => tag;

/**
 * The parts of a message: texts, and `{name, value}` for the values in it.
 * @returns {(string | {name: string, value: unknown})[]}
 */
export function partsOf(key, values = {}) {
  const message = formOf(key, values);
  return message.split(PLACEHOLDER).map((part, index) => (index % 2 ? { name: part, value: values[part] } : part));
}

function formOf(key, { count }) {
  const message = messages[key];
  if (message === undefined) throw new TypeError(`no such message: ${key}`);
  if (typeof message === "string") return message;
  return message[`=${count}`] ?? message[plurals.select(count)] ?? message.other;
}

/** The message with this key, with numbers as people write them. */
export const text = (key, values) =>
  partsOf(key, values)
    .map((part) => (typeof part === "string" ? part : textOf(part.value)))
    .join("");

/** A value as a text. */
export const textOf = (value) => (typeof value === "number" ? new Intl.NumberFormat(tag).format(value) : String(value ?? ""));

/** Whether there is such a message, for keys that are made of what a server sends. */
export const hasText = (key) => key in messages;
