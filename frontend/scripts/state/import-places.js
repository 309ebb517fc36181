/** The locations that the rows of a file name, as the server finds them. Pure functions. */

/** A form of a path in which case and the white space around slashes do not count. */
const keyOf = (path) =>
  path
    .split("/")
    .map((part) => part.trim())
    .join("/")
    .toLowerCase();

/** @returns {(text: string) => number[]} the ids of the locations with this path or, without one, with this name */
export function placeFinder({ all }) {
  const [byPath, byName] = [new Map(), new Map()];
  const note = (map, key, id) => map.set(key, [...(map.get(key) ?? []), id]);
  for (const { id, path, name } of all) {
    note(byPath, keyOf(path), id);
    note(byName, keyOf(name), id);
  }
  return (text) => byPath.get(keyOf(text)) ?? byName.get(keyOf(text)) ?? [];
}
