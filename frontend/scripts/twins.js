/** The same article at other locations. Pure functions. */

import { mayEditItem } from "./rights.js";

/** The items at other locations, that may be changed, with the same code, or else without codes and with the same name. */
export function twinsOf(state, items, item) {
  const name = item.name.toLowerCase();
  const isSame = (other) => (item.code ? other.code === item.code : !other.code && other.name.toLowerCase() === name);
  const isTwin = (other) => other.location !== item.location && isSame(other) && mayEditItem(state, other);
  return [...items.values()].filter(isTwin);
}
