/** The stock, newest change first. */

import { formatNumber } from "../formats.js";
import { findItem, listItems } from "../stock.js";
import { arrange, holdInPlace } from "./rows.js";
import { createStockRow } from "./stock-row.js";

const TICK_MS = 10_000; // "just now" grows old

export function mountStockList(section, store, { onEdit, onDelete, onRetry }) {
  const list = section.querySelector(".stock-list-rows");
  const summary = section.querySelector(".stock-list-summary");
  const filter = section.querySelector(".stock-list-filter");
  const rows = new Map(); // id → row

  function rowOf(id) {
    if (!rows.has(id)) rows.set(id, createStockRow(id, { onEdit, onEditEnded: () => store.redraw() }));
    return rows.get(id);
  }

  function updateRows({ stock, pending }, items) {
    const now = Date.now();
    const wanted = new Set(items.map(({ id }) => id));
    for (const [id, row] of rows) {
      if (wanted.has(id)) continue;
      if (row.isEditing) row.update(findItem(stock, id), pending.get(id), now);
      else rows.delete(id);
    }
    for (const item of items) rowOf(item.id).update(item, pending.get(item.id), now);
  }

  function placeRows(items) {
    const held = new Set([...rows.values()].map(({ element }) => element).filter(isInUse));
    for (const row of rows.values()) if (row.isEditing) held.add(row.element);
    const wanted = items.map(({ id }) => rows.get(id).element);
    arrange(list, holdInPlace(wanted, held, list), held);
  }

  store.subscribe((state) => {
    const all = state.stock.isComplete || state.stock.known.size ? listItems(state.stock) : [];
    const items = all.filter(matches(state.filter));
    updateRows(state, items);
    placeRows(items);
    summary.textContent = all.length ? summarise(all) : "";
    filter.hidden = all.length === 0;
    section.setAttribute("aria-busy", String(!state.stock.isComplete));
    showPanel(section, state, all, items);
  });

  list.addEventListener("click", ({ target }) => {
    const row = rows.get(Number(target.closest(".stock-row")?.dataset.id));
    if (target.closest(".stock-row-edit")) row.edit();
    else if (target.closest(".stock-row-delete") && target.ariaDisabled !== "true") onDelete(row.item);
  });
  list.addEventListener("pointerleave", () => store.redraw());
  list.addEventListener("focusout", () => store.redraw());
  filter.addEventListener("input", () => store.dispatch({ type: "filter", text: filter.value }));
  section.querySelector('[data-panel="failed"] button').addEventListener("click", onRetry);
  setInterval(() => store.redraw(), TICK_MS);
}

/** Under the pointer, or with the focus: a row that moves away would take the click of another. */
function isInUse(element) {
  return element.matches(":hover, :focus-within");
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
  section.querySelector('[data-panel="failed"] .panel-text').textContent = failure ?? "";
  section.querySelector(".stock-list-columns").hidden = shown !== null;
}
