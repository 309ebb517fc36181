/** An entry of an item's history: what changed, why, who changed it, and when. */

import { FIELDS, fieldNamed } from "../state/fields.js";
import { formatMoment, formatNumber, formatSigned } from "../state/formats.js";
import { reasonLabel } from "../state/reasons.js";
import { isRestore, personLabel } from "../state/reports.js";
import { fromTemplate } from "./text.js";

const ORDER = [fieldNamed("quantity"), ...FIELDS.filter(({ name }) => name !== "quantity")];

export function createHistoryEntry(entry) {
  const element = fromTemplate("history-entry");
  const time = element.querySelector("time");
  element.querySelector(".history-entry-what").append(...describe(entry));
  showReason(element.querySelector(".history-entry-why"), entry);
  element.querySelector(".history-entry-who").textContent = personLabel(entry.actor);
  time.dateTime = entry.changed_at;
  time.textContent = formatMoment(entry.changed_at);
  return element;
}

/** Changes without a booking have no reason. */
function showReason(element, { reason, note }) {
  if (!reason) return element.remove();
  element.append(reasonLabel(reason), ...(note ? [": ", isolated(note)] : []));
}

function describe(entry) {
  const { operation, changes, after, before, reason } = entry;
  if (operation === "INSERT") return [`${isRestore(entry) ? "Restored" : "Added"} with ${formatNumber(after.quantity)}`];
  if (operation === "DELETE") return [`Deleted, with ${formatNumber(before.quantity)} in stock`];
  if (reason === "counted" && Object.keys(changes).length === 0) return [`Counted: ${formatNumber(after.quantity)}, as expected`];
  const parts = [];
  for (const field of ORDER.filter(({ name }) => name in changes)) {
    if (parts.length) parts.push(", ");
    parts.push(...describeChange(field, changes[field.name]));
  }
  const [first, ...rest] = parts;
  return typeof first === "string" ? [first[0].toUpperCase() + first.slice(1), ...rest] : parts;
}

function describeChange({ name, label, format }, { from, to }) {
  if (name === "quantity") return [`${formatSigned(to - from)}: ${format(from)} → ${format(to)}`];
  if (name === "name") return ["renamed from ", isolated(from), " to ", isolated(to)];
  if (to === null) return [`${label.toLowerCase()} `, isolated(format(from)), " removed"];
  return [`${label.toLowerCase()} `, ...(from === null ? [] : [isolated(format(from)), " → "]), isolated(format(to))];
}

/** Text in a <bdi>, so that its direction does not affect the text around it. */
function isolated(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}
