/** Writes that are sent and not answered yet: what they make of an item until then. Pure functions. */

/**
 * A write is one of
 * - `{kind: "edit", quantity}`
 * - `{kind: "delete"}`
 * - `{kind: "adjust", from, sent, queued}`: steps on the way to the server, and those made since
 */
export function quantityShown(item, write) {
  if (write?.kind === "edit") return write.quantity;
  if (write?.kind === "adjust") return write.from + write.sent + write.queued;
  return item.quantity;
}

/** A step goes at once, or after the answer to those before it. */
export function addStep(write, item, by) {
  if (write?.kind === "adjust") return { ...write, queued: write.queued + by };
  return { kind: "adjust", from: item.quantity, sent: 0, queued: by };
}

/** All steps made so far go now, on top of what the server has. */
export function sendSteps({ queued }, item) {
  return { kind: "adjust", from: item.quantity, sent: queued, queued: 0 };
}
