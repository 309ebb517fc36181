/** Finds names as the server does: case and accents do not matter. */

const FOLDED = new WeakMap(); // item → its name, folded: a name is folded once, not once for each key pressed

export function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
}

function foldedName(item) {
  if (!FOLDED.has(item)) FOLDED.set(item, fold(item.name));
  return FOLDED.get(item);
}

/** @returns {(item: {name: string}) => boolean} */
export function matcher(query) {
  const wanted = fold(query);
  return (item) => foldedName(item).includes(wanted);
}
