/** The tasks of booking, and why quantities are changed, as the API names it. Pure functions. */

import { hasText, text } from "./messages.js";

/**
 * The tasks, in display order. `reasons` are those to choose from, and `sign` is that of the change. A task with `isCount`
 * sets quantities, and one with `isMove` takes them to another location.
 */
export const VERBS = Object.freeze({
  receive: { reasons: ["received", "returned", "corrected"], sign: +1 },
  pick: { reasons: ["used", "sold", "damaged", "lost", "corrected"], sign: -1 },
  count: { reasons: ["counted"], sign: +1, isCount: true },
  move: { reasons: ["moved"], sign: -1, isMove: true },
});

/** All reasons, in display order. */
export const REASONS = [...new Set(Object.values(VERBS).flatMap(({ reasons }) => reasons))];

/** The word for a reason; the reason itself if a newer server has added it. */
export const reasonLabel = (reason) => (hasText(`reason.${reason}`) ? text(`reason.${reason}`) : reason);
