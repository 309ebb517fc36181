/** What is low, and what to order of it. Pure functions. */

import { csvLine } from "./csv.js";
import { isLow } from "./fields.js";
import { scopeOf } from "./locations.js";

/** The items that are out or below their minimum: first those that are out, then those of which most is missing. */
export function shortagesOf({ locations, location }, items) {
  const scope = scopeOf(locations, location);
  const isShort = (item) => isLow(item) || item.quantity === 0;
  const found = [...items.values()].filter((item) => isShort(item) && (scope === null || scope.has(item.location)));
  const rank = ({ quantity }) => (quantity === 0 ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b) || missingOf(b) - missingOf(a) || a.name.localeCompare(b.name) || a.id - b.id);
}

/** How much is missing to the minimum. */
export const missingOf = ({ quantity, minimum }) => Math.max(0, (minimum ?? 0) - quantity);

/** What to order: up to the minimum, and what is used in the weeks until the next order. */
export const WEEKS_TO_COVER = 2;
export const suggestedOrder = (item, usedPerWeek) => missingOf(item) + Math.ceil((usedPerWeek ?? 0) * WEEKS_TO_COVER);

/** An order list as CSV. @param {{item: object, amount: string, place: string}[]} rows */
export function orderList(rows) {
  const head = ["code", "name", "location", "order", "unit", "have", "minimum", "id"];
  const lines = rows.map(({ item, amount, place }) =>
    csvLine([item.code, item.name, place, amount, item.unit, item.quantity, item.minimum, item.id]),
  );
  return `\ufeff${[csvLine(head), ...lines].join("\r\n")}\r\n`;
}
