/** An entry of an item's history: what changed, why, who changed it, and when. */

import { capitalized, FIELDS, fieldNamed, wordOf } from "../state/fields.js";
import { formatMoment, formatSigned } from "../state/formats.js";
import { partsOf, text } from "../state/messages.js";
import { reasonLabel } from "../state/reasons.js";
import { isRestore, personLabel } from "../state/reports.js";
import { fromTemplate, isolated, setMessage } from "./text.js";

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
  if (note) setMessage(element, "history.reason", { reason: reasonLabel(reason), note });
  else element.append(reasonLabel(reason));
}

function describe(entry) {
  const { operation, changes, after, before, reason } = entry;
  if (operation === "INSERT") return [text(isRestore(entry) ? "history.restored" : "history.added", { quantity: after.quantity })];
  if (operation === "DELETE") return [text("history.deleted", { quantity: before.quantity })];
  if (reason === "counted" && Object.keys(changes).length === 0) return [text("history.as_expected", { quantity: after.quantity })];
  const parts = [];
  for (const field of ORDER.filter(({ name }) => name in changes)) {
    if (parts.length) parts.push(", ");
    parts.push(...describeChange(field, changes[field.name]));
  }
  const [first, ...rest] = parts;
  return typeof first === "string" ? [capitalized(first), ...rest] : parts;
}

function describeChange({ name, format }, { from, to }) {
  if (name === "quantity") return [`${formatSigned(to - from)}: ${format(from)} → ${format(to)}`];
  const key = name === "name" ? "history.renamed" : to === null ? "history.removed" : from === null ? "history.set" : "history.changed";
  const shown = (value) => value !== null && isolated(format(value));
  const parts = partsOf(key, { field: wordOf(name), from: shown(from), to: shown(to) });
  return parts.map((part) => part.value ?? part).filter((part) => part !== "");
}
