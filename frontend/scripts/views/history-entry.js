/** One change of an item: what, who, when. */

import { formatMoment, formatNumber } from "../formats.js";

export function createHistoryEntry(entry) {
  const element = document.getElementById("history-entry").content.cloneNode(true).firstElementChild;
  const time = element.querySelector("time");
  element.querySelector(".history-entry-what").append(...describe(entry));
  element.querySelector(".history-entry-who").textContent = entry.actor;
  time.dateTime = entry.changed_at;
  time.textContent = formatMoment(entry.changed_at);
  return element;
}

function describe({ operation, changes, after, before }) {
  if (operation === "INSERT") return [`Added with ${formatNumber(after.quantity)}`];
  if (operation === "DELETE") return [`Deleted, with ${formatNumber(before.quantity)} in stock`];
  const { quantity, name } = changes;
  const parts = [];
  if (quantity) parts.push(`${formatNumber(quantity.from)} → ${formatNumber(quantity.to)}`);
  if (name) parts.push(parts.length ? ", renamed from " : "Renamed from ", nameOf(name.from), " to ", nameOf(name.to));
  return parts;
}

function nameOf(text) {
  const name = document.createElement("bdi");
  name.textContent = text;
  return name;
}
