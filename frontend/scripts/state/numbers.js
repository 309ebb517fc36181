/** Reads whole numbers as people write them, and changes of a quantity. Pure functions. */

import { groupSeparator } from "./formats.js";

const MINUS = /^[−–]/; // as people, phones and spreadsheets write it
const SPACES = /[\s\u00a0\u202f'’]/g; // between groups of digits, in many countries

/**
 * The whole number that was typed; null if it is none. Groups of three digits may be separated as the page shows them, or
 * by spaces and apostrophes, which have no other meaning: so a displayed number can be pasted back.
 */
export function readNumber(typed) {
  const plain = typed.trim().replace(MINUS, "-").replace(/^([+-])\s+/, "$1");
  const separator = groupSeparator();
  const spaced = plain.replaceAll(separator, " ").replace(SPACES, " ");
  if (/^[+-]?\d+$/.test(spaced)) return Number(spaced);
  return /^[+-]?\d{1,3}( \d{3})+$/.test(spaced) ? Number(spaced.replaceAll(" ", "")) : null;
}

/**
 * What a person wants of a quantity: `+20` and `−20` change it, `=74` and `74` set it.
 * @returns {{by: number} | {to: number} | null} null if it is none of these
 */
export function readChange(typed) {
  const plain = typed.trim();
  const isExact = plain.startsWith("=");
  const number = readNumber(isExact ? plain.slice(1) : plain);
  if (number === null) return null;
  const hasSign = /^[+−–-]/.test(plain);
  if (hasSign) return number === 0 ? null : { by: number };
  return number < 0 ? null : { to: number };
}

/**
 * The decimal separator of these numbers, as a file has them; null if it can't be told. `1.234` alone may be a whole number
 * or a fraction. `1,234.50`, `12.5`, `0.750` and `1.234.567` are clear, and so is `1.234` beside `12` but not beside `1234`.
 * @returns {"." | "," | null}
 */
export function guessDecimal(texts) {
  const clear = new Set();
  const unclear = new Set(); // separators that three digits follow
  let [hasShort, hasLong] = [false, false]; // numbers of up to three digits, and longer ones, without any separator
  for (const typed of texts) {
    const number = typed.replace(SPACES, "").replace(/^[+\-−–]/, "");
    if (/^\d+$/.test(number)) [hasShort, hasLong] = [hasShort || number.length < 4, hasLong || number.length > 3];
    else for (const decimal of [".", ","]) judge(number, decimal, clear, unclear);
  }
  if (clear.size === 1) return [...clear][0];
  if (clear.size > 1 || unclear.size !== 1 || hasLong === hasShort) return null;
  const [separator] = unclear;
  return hasLong ? separator : otherThan(separator);
}

const otherThan = (separator) => (separator === "." ? "," : ".");

/** Note what a number says of this separator: that it is the decimal one, that it is not, or that it may be either. */
function judge(number, decimal, clear, unclear) {
  const [whole, ...parts] = number.split(decimal);
  const group = otherThan(decimal);
  if (parts.length === 0 || !/^[\d.,]+$/.test(number)) return;
  if (parts.length > 1) {
    if (!number.includes(group) && parts.every(isGroup)) clear.add(group);
  } else if (whole.includes(group)) {
    if (whole.split(group).slice(1).every(isGroup)) clear.add(decimal);
  } else if (!parts[0].includes(group)) {
    if (isGroup(parts[0]) && /^[1-9]\d{0,2}$/.test(whole)) unclear.add(decimal);
    else clear.add(decimal);
  }
}

const isGroup = (digits) => /^\d{3}$/.test(digits);

/** The number in a cell of a file with this decimal separator, which may have a fraction; null if it is none. */
export function readDecimal(typed, decimal) {
  if (decimal === null) return readNumber(typed);
  const plain = typed.trim().replace(MINUS, "-").replaceAll(otherThan(decimal), " ").replace(SPACES, " ");
  const [whole, fraction = "0", ...more] = plain.split(decimal);
  const isNumber = /^[+-]?(\d+|\d{1,3}( \d{3})+)$/.test(whole) && /^\d+$/.test(fraction) && more.length === 0;
  return isNumber ? Number(`${whole.replaceAll(" ", "")}.${fraction}`) : null;
}
