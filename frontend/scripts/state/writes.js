/** Pending writes, and how they change what is shown of an item until they are answered. Pure functions. */

/**
 * A write is one of
 * - `{kind: "edit", quantity}`
 * - `{kind: "delete"}`
 * - `{kind: "adjust", from, sent, queued}`: the sum of the steps that were sent, and of those made since
 */
export function quantityShown(item, write) {
  if (write?.kind === "edit") return write.quantity;
  if (write?.kind === "adjust") return write.from + write.sent + write.queued;
  return item.quantity;
}

/** Add a step. It is sent at once, or after the answer to the previous steps. */
export function addStep(write, item, by) {
  if (write?.kind === "adjust") return { ...write, queued: write.queued + by };
  return { kind: "adjust", from: item.quantity, sent: 0, queued: by };
}

/** Mark all queued steps as sent. */
export function sendSteps({ queued }, item) {
  return { kind: "adjust", from: item.quantity, sent: queued, queued: 0 };
}
