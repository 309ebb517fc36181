/** The filters of the list. Pure functions. */

import { isLow } from "./fields.js";

const isOut = ({ quantity }) => quantity === 0;

/** Which items a filter shows. `today` is when the day began, as a timestamp like those of items. */
export const FILTERS = Object.freeze({
  all: () => true,
  low: isLow,
  out: isOut,
  today: ({ updated_at: changed }, today) => changed >= today,
});

export const DEFAULT_FILTER = "all";

/** When this day began, where the reader is, as a timestamp like those of items. */
export function startOfDay(now) {
  return `${new Date(new Date(now).setHours(0, 0, 0, 0)).toISOString().slice(0, -1)}000Z`;
}
