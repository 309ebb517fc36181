/**
 * Finds names and codes as the server does: case, accents, width and typography do not matter. `fold` takes the same steps as
 * fold_text() in sql/functions/1_text.sql, with the same characters; the tests compare the two.
 */

const LONGEST_FOLDED = 400; // code points
const LONGEST_QUERY = 200; // code points; the server refuses more

const ASCII = /^[\0-\x7f]*$/;
const MARKS_AND_INVISIBLE =
  /[\u0300-\u036f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]/g;
const BEFORE_DECOMPOSITION = tableOf("´″‶", "'\"\"");
const AFTER_DECOMPOSITION = tableOf(
  "øɵłƚɫđðɖɗƌħŧƫƭʈⱦŋɲƞĸıɨȷɉƀɓƃƈȼɇƒǥɠƙⱥƥɋɍȿʉʋƴɏƶȥς" + "×✕✖⌀‐‒–—―−‘’‚‛ʹʻʼʽ′‵‹›“”„‟ʺ«»⁄∕",
  "oollldddddhtttttnnnqiijjbbbccefggkapqrsuvyyzzσ" + "xxxo------''''''''''''\"\"\"\"\"\"\"//",
  { ß: "ss", æ: "ae", œ: "oe", þ: "th" },
);

// What str.strip() of Python and trim_text() of the database take away; trim() takes a little more, and less.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const OUTER_SPACE = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");

const texts = new WeakMap(); // item → what a search looks through: folded once, not once for each key pressed

function tableOf(from, to, more = {}) {
  const targets = [...to];
  const table = new Map([...[...from].map((character, index) => [character, targets[index]]), ...Object.entries(more)]);
  return { pattern: new RegExp(`[${[...table.keys()].join("")}]`, "g"), replace: (character) => table.get(character) };
}

/** The text as search compares it. */
export function fold(text) {
  if (ASCII.test(text)) return text.toLowerCase().slice(0, LONGEST_FOLDED);
  const plain = text
    .replace(BEFORE_DECOMPOSITION.pattern, BEFORE_DECOMPOSITION.replace)
    .normalize("NFKD")
    .toLowerCase()
    .replace(MARKS_AND_INVISIBLE, "")
    .replace(AFTER_DECOMPOSITION.pattern, AFTER_DECOMPOSITION.replace);
  return firstCodePoints(plain, LONGEST_FOLDED);
}

/** As search_text() in sql/functions/1_text.sql: the name, and on the next line the code. */
export function searchText(item) {
  if (!texts.has(item)) texts.set(item, item.code ? `${fold(item.name)}\n${fold(item.code)}` : fold(item.name));
  return texts.get(item);
}

/** What is searched for when a person types this: the value of `q`, and "" where that would find everything. */
export function queryOf(text) {
  const query = firstCodePoints(text.replace(/[\p{Cc}\p{Cs}]/gu, " ").replace(OUTER_SPACE, ""), LONGEST_QUERY);
  return wantedBy(query) ? query : "";
}

/** @returns {(item: {name: string, code?: string | null}) => boolean} */
export function matcher(text) {
  const wanted = wantedBy(queryOf(text));
  return (item) => searchText(item).includes(wanted);
}

const wantedBy = (query) => fold(query).replace(OUTER_SPACE, "");

/** What is short in UTF-16 units is short in code points. */
function firstCodePoints(text, count) {
  return text.length <= count ? text : [...text].slice(0, count).join("");
}
