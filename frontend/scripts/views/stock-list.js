/** The stock, newest change first. */

import { formatNumber } from "../formats.js";
import { findItem, listItems } from "../stock.js";
import { arrange, holdInPlace, keepFocus } from "./rows.js";
import { createStockRow } from "./stock-row.js";
import { setText } from "./text.js";

const POINTER_RESTS_MS = 3_000; // left lying on a row, it means nothing
const TICK_MS = 10_000; // "just now" grows old

export function mountStockList(section, store, { onEdit, onDelete, onRetry }) {
  const list = section.querySelector(".stock-list-rows");
  const summary = section.querySelector(".stock-list-summary");
  const filter = section.querySelector(".stock-list-filter");
  const rows = new Map(); // id → row
  let now = Date.now();
  let pointedAt = 0;

  function rowOf(id) {
    if (!rows.has(id)) rows.set(id, createStockRow(id, { onEdit, onEditEnded: store.redraw }));
    return rows.get(id);
  }

  function updateRows({ stock, pending, clockAhead }, items) {
    const wanted = new Set(items.map(({ id }) => id));
    const update = (row, id, item) => row.update(item, pending.get(id), now + clockAhead);
    for (const [id, row] of rows) {
      if (wanted.has(id)) continue;
      if (row.isEditing) update(row, id, findItem(stock, id));
      else rows.delete(id);
    }
    for (const item of items) update(rowOf(item.id), item.id, item);
  }

  function placeRows(items) {
    const held = rowsInUse();
    const wanted = items.map(({ id }) => rows.get(id).element);
    keepFocus(list, () => arrange(list, holdInPlace(wanted, held, list), held));
  }

  /** Those being edited, the one under the pointer, the one with the keyboard's focus. */
  function rowsInUse() {
    const elements = [...rows.values()].filter(({ isEditing }) => isEditing).map(({ element }) => element);
    if (Date.now() - pointedAt < POINTER_RESTS_MS) elements.push(list.querySelector(":scope > :hover"));
    if (document.activeElement.matches(":focus-visible")) elements.push(document.activeElement.closest(".stock-row"));
    return new Set(elements.filter((element) => rows.has(Number(element?.dataset.id))));
  }

  store.subscribe((state) => {
    const all = listItems(state.stock);
    const items = all.filter(matches(state.filter));
    updateRows(state, items);
    placeRows(items);
    setText(summary, all.length ? summarise(all) : "");
    filter.hidden = all.length === 0;
    section.ariaBusy = String(!state.stock.isComplete);
    showPanel(section, state, all, items);
  });

  list.addEventListener("click", ({ target }) => {
    const row = rows.get(Number(target.closest(".stock-row")?.dataset.id));
    if (target.closest(".stock-row-edit")) row.edit();
    else if (target.closest(".stock-row-delete") && target.ariaDisabled !== "true") onDelete(row.item);
  });
  list.addEventListener("pointermove", () => {
    pointedAt = Date.now();
  });
  list.addEventListener("pointerleave", () => {
    pointedAt = 0;
    store.redraw();
  });
  list.addEventListener("focusout", store.redraw);
  filter.addEventListener("input", () => store.dispatch({ type: "filter", text: filter.value }));
  section.querySelector('[data-panel="failed"] button').addEventListener("click", onRetry);
  setInterval(() => {
    now = Date.now();
    store.redraw();
  }, TICK_MS);
}

function matches(filter) {
  const wanted = filter.trim().toLocaleLowerCase();
  return wanted ? ({ name }) => name.toLocaleLowerCase().includes(wanted) : () => true;
}

function summarise(items) {
  const total = items.reduce((sum, { quantity }) => sum + quantity, 0);
  return `${formatNumber(items.length)} ${items.length === 1 ? "item" : "items"}, ${formatNumber(total)} in stock`;
}

/** What is said where there are no rows to show. */
function showPanel(section, { stock, failure }, all, items) {
  let shown = null;
  if (all.length === 0 && !stock.isComplete) shown = failure ? "failed" : "loading";
  else if (all.length === 0) shown = "empty";
  else if (items.length === 0) shown = "unmatched";
  for (const panel of section.querySelectorAll(".panel")) panel.hidden = panel.dataset.panel !== shown;
  setText(section.querySelector('[data-panel="failed"] .panel-text'), failure ?? "");
  section.querySelector(".stock-list-columns").hidden = shown !== null;
}
