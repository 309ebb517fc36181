/** The list of items. Only the rows on the screen are in the document. */

import { areSeveral, pathShown } from "../locations.js";
import { mayEditItem } from "../rights.js";
import { queryOf } from "../search.js";
import { holdInPlace, rowsOnScreen } from "../viewport.js";
import { arrange, keepFocus } from "./rows.js";
import { createStockRow } from "./stock-row.js";
import { setText } from "./text.js";

const POINTER_RESTS_MS = 3_000; // a pointer that rests longer no longer holds a row
const TICK_MS = 10_000; // updates texts like "just now"
const ROOM_ABOVE = 4; // rows that are covered by the sticky header

export function mountStockList(section, store, listing, trends, actions) {
  const list = section.querySelector(".stock-list-rows");
  const rows = new Map(); // id → row
  let order = [];
  let rowHeight = 0;
  let now = Date.now();
  let pointedAt = 0;
  let hasPlaces = false; // whether rows show where their items are

  function rowOf(id) {
    if (!rows.has(id)) rows.set(id, createStockRow(id, { onEdit: actions.edit, onEditEnded: store.redraw }));
    return rows.get(id);
  }

  /**
   * Rows that the person is using keep their places, even if their items are not low any more, so that the next click hits
   * no other item. While a quantity is edited, its item may even be gone, or no longer match the search.
   */
  function orderOf({ items, found, shown }) {
    const held = new Map();
    for (const [id, row] of rows) {
      const item = items.get(id) ?? row.item;
      if (row.isEditing || (isHeld(row.element) && found.includes(item))) held.set(id, { index: row.index, item });
    }
    return holdInPlace(shown, held);
  }

  const isHeld = (element) => isPointedAt(element) || isFocused(element);
  const isPointedAt = (element) => Date.now() - pointedAt < POINTER_RESTS_MS && element.matches(":hover");
  const isFocused = (element) => element.matches(":focus-within") && document.activeElement.matches(":focus-visible");
  const isInUse = (row) => row.isEditing || row.element.matches(":focus-within");

  function draw(state) {
    showPlaces(state);
    const found = listing(state);
    const { top } = list.getBoundingClientRect();
    order = orderOf(found);
    const { first, end } = rowsOnScreen({ top, screenHeight: innerHeight, rowHeight, count: order.length });
    const drawn = indexesToDraw(first, end);
    list.style.height = `${order.length * rowHeight}px`;
    for (const index of drawn) drawRow(state, found.items, index);
    place(drawn.map((index) => rows.get(order[index].id)));
    trends.show(order.slice(first, end).map(({ id }) => id));
  }

  /** On a phone, rows that show a location are higher. */
  function showPlaces({ locations }) {
    if (hasPlaces === areSeveral(locations)) return;
    hasPlaces = !hasPlaces;
    section.classList.toggle("has-places", hasPlaces);
    readRowHeight();
  }

  /** The rows on the screen, and the one with the focus. */
  function indexesToDraw(first, end) {
    const indexes = new Set();
    for (let index = first; index < end; index += 1) indexes.add(index);
    for (const [id, row] of rows) {
      if (!isInUse(row)) continue;
      const index = order.findIndex((item) => item.id === id);
      if (index >= 0) indexes.add(index);
    }
    return [...indexes].sort((a, b) => a - b);
  }

  function drawRow(state, items, index) {
    const { pending, selected, clockAhead, locations } = state;
    const { id, location } = order[index];
    const row = rowOf(id);
    row.lock(!mayEditItem(state, order[index]));
    row.update(items.get(id) ?? null, pending.get(id), now + clockAhead);
    row.showLocation(pathShown(locations, location));
    row.mark(selected.has(id), trends.of(id));
    row.put(index, order.length, rowHeight);
  }

  function place(drawn) {
    const elements = drawn.map(({ element }) => element);
    const held = new Set(drawn.filter(isInUse).map(({ element }) => element));
    keepFocus(list, () => arrange(list, elements, held));
    for (const [id, row] of rows) if (row.element.parentNode !== list) rows.delete(id);
  }

  function readRowHeight() {
    rowHeight = parseFloat(getComputedStyle(list).getPropertyValue("--row-height"));
  }

  function measure() {
    readRowHeight();
    store.redraw();
  }

  store.subscribe((state) => {
    draw(state);
    section.ariaBusy = String(!state.stock.isComplete);
    showPanel(section, state, listing(state));
  });

  const rowAt = (target) => rows.get(Number(target.closest(".stock-row")?.dataset.id));

  list.addEventListener("click", ({ target }) => {
    const row = rowAt(target);
    const control = target.closest("button");
    if (!row || !control || control.ariaDisabled === "true") return;
    for (const [name, act] of Object.entries(CLICKS)) {
      if (control.classList.contains(`stock-row-${name}`)) act(row, actions);
    }
  });
  list.addEventListener("change", ({ target }) => {
    if (!target.matches(".stock-row-select")) return;
    store.dispatch({ type: "select", ids: [rowAt(target).item.id], isSelected: target.checked });
  });
  for (const moved of ["pointermove", "pointerdown"]) {
    list.addEventListener(moved, () => {
      pointedAt = Date.now();
    });
  }
  list.addEventListener("pointerleave", () => {
    pointedAt = 0;
    store.redraw();
  });
  list.addEventListener("focusout", store.redraw);
  section.querySelector('[data-panel="failed"] button').addEventListener("click", actions.reload);
  addEventListener("scroll", store.redraw, { passive: true });
  new ResizeObserver(measure).observe(list);
  addEventListener("resize", measure);
  measure();
  setInterval(() => {
    now = Date.now();
    store.redraw();
  }, TICK_MS);

  function scrollTo(index) {
    const place = list.getBoundingClientRect().top + index * rowHeight;
    const [least, most] = [ROOM_ABOVE * rowHeight, innerHeight - 2 * rowHeight];
    if (place < least) scrollBy(0, place - least);
    if (place > most) scrollBy(0, place - most);
  }

  return {
    /** Focus the same control in the row at this place, which is drawn first if necessary. */
    focus(index, control) {
      const item = order[Math.max(0, Math.min(order.length - 1, index))];
      if (!item) return;
      const place = order.indexOf(item);
      scrollTo(place);
      draw(store.state);
      rows.get(item.id)?.element.querySelector(`.${control}`)?.focus({ preventScroll: true });
    },
    get count() {
      return order.length;
    },
  };
}

const CLICKS = {
  name: (row, { open }) => open(row.item.id),
  less: (row, { step }) => step(row.item.id, -1),
  more: (row, { step }) => step(row.item.id, +1),
  edit: (row) => row.edit(),
  delete: (row, { remove }) => remove([row.item]),
};

/** The panel that is shown instead of rows. */
function showPanel(section, state, { count, shown }) {
  const { stock, failure } = state;
  let panel = null;
  if (count === 0 && !stock.isComplete) panel = failure ? "failed" : "loading";
  else if (count === 0) panel = "empty";
  else if (shown.length === 0) panel = "unmatched";
  for (const element of section.querySelectorAll(".panel")) element.hidden = element.dataset.panel !== panel;
  setText(section.querySelector('[data-panel="failed"] .panel-text'), failure ?? "");
  if (panel === "unmatched") showUnmatched(section.querySelector('[data-panel="unmatched"]'), state);
  section.querySelector(".stock-list-columns").hidden = panel !== null;
}

/** Why nothing is shown, though there are items: the search, or else a filter. */
function showUnmatched(panel, state) {
  const { query, location, isLow } = state;
  const [title, text] = [panel.querySelector(".panel-title"), panel.querySelector(".panel-text")];
  const isFiltered = location !== null || isLow;
  if (queryOf(query)) {
    setText(title, isFiltered ? "No item here has that name or code" : "No item has that name or code");
    setText(text, isFiltered ? "Change the search or the filters to see others." : "Change the search to see the others.");
  } else {
    setText(title, isLow ? "Nothing is low" : "Nothing is at this location yet");
    const mayAdd = !isLow && mayEditItem(state, { location });
    setText(text, mayAdd ? "Add the first item above." : "Change the filters to see the others.");
  }
}
