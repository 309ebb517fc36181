/** Why quantities are changed, as the API names it, in display order. Pure functions. */

/**
 * `sign` is that of the change; null if the person writes it. A reason with `isCount` sets the quantity, and one with
 * `isMove` takes it to another location. `done` follows "3 items" or the name of one.
 */
export const REASONS = {
  received: { label: "Received", sign: +1, done: "received" },
  sold: { label: "Sold", sign: -1, done: "sold" },
  used: { label: "Used", sign: -1, done: "used" },
  counted: { label: "Counted", isCount: true, done: "counted" },
  damaged: { label: "Damaged", sign: -1, done: "booked as damaged" },
  lost: { label: "Lost", sign: -1, done: "booked as lost" },
  returned: { label: "Returned", sign: +1, done: "returned" },
  corrected: { label: "Corrected", sign: null, done: "corrected" },
  moved: { label: "Moved", sign: -1, isMove: true, done: "moved" },
};

/** The word for a reason; the reason itself if a newer server has added it. */
export const reasonLabel = (reason) => REASONS[reason]?.label ?? reason;
