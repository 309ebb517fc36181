/** Item names: any text of 1 to 200 characters. */

export const LONGEST_NAME = 200;
const LONGEST_MENTION = 60;
const FIRST_STRONG_ISOLATE = "\u2068"; // keeps a name's direction and marks from spilling into the sentence
const POP_ISOLATE = "\u2069";

/** A name to mention in a sentence. Characters are counted as code points, as the API does. */
export function shortName(name) {
  const characters = [...name];
  const text = characters.length > LONGEST_MENTION ? `${characters.slice(0, LONGEST_MENTION).join("")}…` : name;
  return `“${FIRST_STRONG_ISOLATE}${text}${POP_ISOLATE}”`;
}

/** What is wrong with a name, or null. */
export function nameProblem(name) {
  const length = [...name.trim()].length;
  if (length === 0) return "Give it a name.";
  return length > LONGEST_NAME ? `At most ${LONGEST_NAME} characters; this has ${length}.` : null;
}
