/** An entry of an item's history: what changed, why, who changed it, and when. */

import { FIELDS, fieldNamed } from "../fields.js";
import { formatMoment, formatNumber } from "../formats.js";
import { reasonLabel } from "../reasons.js";

const ORDER = [fieldNamed("quantity"), ...FIELDS.filter(({ name }) => name !== "quantity")];

export function createHistoryEntry(entry) {
  const element = document.getElementById("history-entry").content.cloneNode(true).firstElementChild;
  const time = element.querySelector("time");
  element.querySelector(".history-entry-what").append(...describe(entry));
  showReason(element.querySelector(".history-entry-why"), entry);
  element.querySelector(".history-entry-who").textContent = entry.actor;
  time.dateTime = entry.changed_at;
  time.textContent = formatMoment(entry.changed_at);
  return element;
}

/** Changes without a booking have no reason. */
function showReason(element, { reason, note }) {
  if (!reason) return element.remove();
  element.append(reasonLabel(reason), ...(note ? [": ", isolated(note)] : []));
}

function describe({ operation, changes, after, before }) {
  if (operation === "INSERT") return [`Added with ${formatNumber(after.quantity)}`];
  if (operation === "DELETE") return [`Deleted, with ${formatNumber(before.quantity)} in stock`];
  const parts = [];
  for (const field of ORDER.filter(({ name }) => name in changes)) {
    if (parts.length) parts.push(", ");
    parts.push(...describeChange(field, changes[field.name]));
  }
  const [first, ...rest] = parts;
  return typeof first === "string" ? [first[0].toUpperCase() + first.slice(1), ...rest] : parts;
}

function describeChange({ name, label, format }, { from, to }) {
  if (name === "quantity") return [`${format(from)} → ${format(to)}`];
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
