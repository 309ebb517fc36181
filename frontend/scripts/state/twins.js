/** The same article at other locations. Pure functions. */

import { mayEditItem } from "./rights.js";

/** The items at other locations, that may be changed, with the same code, or else without codes and with the same name. */
export function twinsOf(state, items, item) {
  const name = item.name.toLowerCase();
  const isSame = (other) => (item.code ? other.code === item.code : !other.code && other.name.toLowerCase() === name);
  const isTwin = (other) => other.location !== item.location && isSame(other) && mayEditItem(state, other);
  return [...items.values()].filter(isTwin);
}

/** The item at this location that a new one with this name and code would repeat; null without one. Null stands for any. */
export function likelyTwin(items, { name, code, location }) {
  const wanted = name.toLowerCase();
  if (!wanted && !code) return null;
  const isHere = (item) => location === null || item.location === location;
  const isSame = (item) => (code ? item.code === code : item.name.toLowerCase() === wanted);
  return [...items.values()].find((item) => isHere(item) && isSame(item)) ?? null;
}
