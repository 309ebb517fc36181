/**
 * Searches names and codes as the server does, regardless of case, accents, width and typography. `fold` takes the same
 * steps as fold_text() in sql/functions/1_text.sql. The tests compare the two.
 */

const MAX_FOLDED_LENGTH = 400; // code points
const MAX_QUERY_LENGTH = 200; // code points; the server refuses more

const ASCII = /^[\0-\x7f]*$/;
const MARKS_AND_INVISIBLE =
  /[\u0300-\u036f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]/g;
const BEFORE_DECOMPOSITION = tableOf("´″‶", "'\"\"");
const AFTER_DECOMPOSITION = tableOf(
  "øɵłƚɫđðɖɗƌħŧƫƭʈⱦŋɲƞĸıɨȷɉƀɓƃƈȼɇƒǥɠƙⱥƥɋɍȿʉʋƴɏƶȥς" + "×✕✖⌀‐‒–—―−‘’‚‛ʹʻʼʽ′‵‹›“”„‟ʺ«»⁄∕",
  "oollldddddhtttttnnnqiijjbbbccefggkapqrsuvyyzzσ" + "xxxo------''''''''''''\"\"\"\"\"\"\"//",
  { ß: "ss", æ: "ae", œ: "oe", þ: "th" },
);

// What Python's str.strip() and trim_text() of the database remove. trim() differs slightly.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const WORD_GAP = new RegExp(`[${SPACE}]+`);
const OUTER_SPACE = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");

const texts = new WeakMap(); // item → its searched text, folded once and not at each key press

function tableOf(from, to, more = {}) {
  const targets = [...to];
  const table = new Map([...[...from].map((character, index) => [character, targets[index]]), ...Object.entries(more)]);
  return { pattern: new RegExp(`[${[...table.keys()].join("")}]`, "g"), replace: (character) => table.get(character) };
}

/** Fold a text for search. */
export function fold(text) {
  if (ASCII.test(text)) return text.toLowerCase().slice(0, MAX_FOLDED_LENGTH);
  const plain = text
    .replace(BEFORE_DECOMPOSITION.pattern, BEFORE_DECOMPOSITION.replace)
    .normalize("NFKD")
    .toLowerCase()
    .replace(MARKS_AND_INVISIBLE, "")
    .replace(AFTER_DECOMPOSITION.pattern, AFTER_DECOMPOSITION.replace);
  return firstCodePoints(plain, MAX_FOLDED_LENGTH);
}

/** The same as search_text() in sql/functions/1_text.sql: the name, and the code on a second line. */
export function searchText(item) {
  if (!texts.has(item)) texts.set(item, item.code ? `${fold(item.name)}\n${fold(item.code)}` : fold(item.name));
  return texts.get(item);
}

/** The value of `q` for what a person typed; "" if it would find everything. */
export function queryOf(text) {
  const query = firstCodePoints(text.replace(/[\p{Cc}\p{Cs}]/gu, " ").replace(OUTER_SPACE, ""), MAX_QUERY_LENGTH);
  return wantedBy(query) ? query : "";
}

/**
 * Finds items with all words of a text, in any order.
 * @returns {(item: {name: string, code?: string | null}) => boolean}
 */
export function matcher(text) {
  const words = wordsOf(text);
  return (item) => words.every((word) => searchText(item).includes(word));
}

/**
 * How well an item that was found fits: 0 if the text is its code, 1 if it begins with the first word, 2 if each word
 * begins one of its words, else 3.
 * @returns {(item: {name: string, code?: string | null}) => number}
 */
export function ranker(text) {
  const words = wordsOf(text);
  const whole = wantedBy(queryOf(text));
  return (item) => {
    const searched = searchText(item);
    if (item.code && fold(item.code) === whole) return 0;
    if (!words.every((word) => isStart(searched, word))) return 3;
    return searched.startsWith(words[0]) ? 1 : 2;
  };
}

/** Whether the text has this at the start of a word: not within letters, and not within digits. */
function isStart(text, wanted) {
  const inner = LETTER.test(wanted) ? LETTER : DIGIT.test(wanted) ? DIGIT : null;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (at === 0 || inner === null || !inner.test(text[at - 1])) return true;
  }
  return false;
}

const LETTER = /^\p{L}/u;
const DIGIT = /^\p{Nd}/u;

const wordsOf = (text) => wantedBy(queryOf(text)).split(WORD_GAP);
const wantedBy = (query) => fold(query).replace(OUTER_SPACE, "");

/** The first code points. A text has at most as many as UTF-16 units. */
function firstCodePoints(text, count) {
  return text.length <= count ? text : [...text].slice(0, count).join("");
}
