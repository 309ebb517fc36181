/** The stock, newest change first: a row for each item, kept as long as the item is there. */

import { formatNumber } from "./formats.js";
import { mountItemRow } from "./item-row.js";
import { shownQuantity } from "./views.js";

/** `handlers` are the rows' own, `onRetry`, and `onDraftLost(item)`. */
export function mountItemList(element, handlers) {
  const find = (name) => element.querySelector(`.item-list-${name}`);
  const list = { element, handlers, rows: new Map(), holder: find("rows"), title: element.querySelector("h2") };
  Object.assign(list, { summary: find("summary"), reason: find("reason"), isFilled: false });
  list.messages = { loading: find("loading"), failed: find("error"), empty: find("empty") };
  find("retry").addEventListener("click", handlers.onRetry);
  return { update: (phase, reason, items) => update(list, phase, reason, items) };
}

function update(list, phase, reason, items) {
  showPhase(list, phase === "ready" && items.length === 0 ? "empty" : phase, reason);
  dropRows(list, new Set(items.map(({ item }) => item.id)));
  const context = { today: new Date().toDateString(), isFilled: list.isFilled };
  arrange(list.holder, items.map((shown) => updateRow(list, shown, context)));
  setText(list.summary, phase === "ready" && items.length ? summary(items) : "");
  list.isFilled = phase === "ready";
}

function showPhase({ element, messages, holder, reason: line }, phase, reason) {
  setText(line, reason);
  if (element.dataset.phase === phase) return;
  element.dataset.phase = phase;
  element.ariaBusy = String(phase === "loading");
  for (const [name, message] of Object.entries(messages)) message.hidden = name !== phase;
  holder.hidden = phase !== "ready";
}

function summary(items) {
  const units = items.reduce((sum, { item, edit }) => sum + shownQuantity(item, edit), 0);
  const noun = items.length === 1 ? "item" : "items";
  return `${formatNumber(items.length)} ${noun} · ${formatNumber(units)} in stock`;
}

function updateRow({ rows, handlers }, { item, edit }, context) {
  if (!rows.has(item.id)) rows.set(item.id, { ...mountItemRow(handlers), item });
  const row = rows.get(item.id);
  row.item = item;
  row.update(item, edit, context);
  return row.element;
}

function dropRows({ rows, title, handlers }, present) {
  for (const [id, row] of rows) {
    if (present.has(id)) continue;
    if (row.element.contains(document.activeElement)) title.focus();
    if (row.hasDraft()) handlers.onDraftLost(row.item);
    row.element.remove();
    rows.delete(id);
  }
}

/**
 * Put the rows into this order with few moves, when most changes go to the top. The row with the focus never moves,
 * since it would lose it: those that stand before it wrongly go behind, to be put in place when their turn comes.
 */
function arrange(holder, elements) {
  const focused = elements.find((element) => element.contains(document.activeElement));
  let cursor = holder.firstElementChild;
  for (const element of elements) {
    while (element === focused && cursor !== focused) cursor = moveToEnd(holder, cursor);
    if (element === cursor) cursor = cursor.nextElementSibling;
    else holder.insertBefore(element, cursor);
  }
}

function moveToEnd(holder, element) {
  const next = element.nextElementSibling;
  holder.append(element);
  return next;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
