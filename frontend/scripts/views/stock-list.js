/** The list of items. Only the rows on the screen are in the document. */

import { areSeveral, pathShown } from "../state/locations.js";
import { text } from "../state/messages.js";
import { mayEdit, mayEditItem } from "../state/rights.js";
import { queryOf } from "../state/search.js";
import { rowsOnScreen } from "../state/viewport.js";
import { createHolding } from "./holding.js";
import { arrange, keepFocus } from "./rows.js";
import { createStockRow } from "./stock-row.js";
import { setMessage, setText } from "./text.js";

const NARROW_PX = 1_000; // of the window; rows have two lines then
const LIST_NARROW_PX = 480; // of the list, beside an open item
const TICK_MS = 10_000; // updates texts like "2 min ago"

export function mountStockList(section, store, listing, trends, actions) {
  const grid = section.querySelector(".stock-list-grid");
  const list = section.querySelector(".stock-list-rows");
  const head = section.querySelector(".stock-list-columns");
  const waiting = section.querySelector(".stock-list-waiting");
  const rows = new Map(); // id → row
  let order = [];
  let rowHeight = 0;
  let isStacked = false; // whether rows have two lines, so that a tap on a quantity opens the item
  let now = Date.now();
  let current = null; // id of the item whose row had the focus last, to which Tab leads, if it is drawn
  let shownFor = {}; // the search and the order that are shown

  const holding = createHolding(grid, store, { button: waiting, items: () => listing(store.state).rows });

  function rowOf(id) {
    if (!rows.has(id)) {
      const { adjust: onAdjust, edit: onEdit } = actions;
      rows.set(id, createStockRow(id, { onAdjust, onEdit, onEditEnded: store.redraw }));
    }
    return rows.get(id);
  }

  const isInUse = (row) => row.isEditing || row.element.matches(":focus-within");

  function draw(state) {
    const found = listing(state);
    const { top } = list.getBoundingClientRect();
    order = found.rows;
    const { first, end } = rowsOnScreen({ top, screenHeight: innerHeight, rowHeight, count: order.length });
    const drawn = indexesToDraw(first, end);
    list.style.height = `${order.length * rowHeight}px`;
    grid.ariaRowCount = String(order.length + 1);
    for (const index of drawn) drawRow(state, found.items, index);
    place(drawn.map((index) => rows.get(order[index].id)));
    markCurrent();
    trends.show(order.slice(first, end).map(({ id }) => id));
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
    const { pending, selected, clockAhead, locations, opened } = state;
    const { id, location } = order[index];
    const row = rowOf(id);
    row.lock(!mayEditItem(state, order[index]));
    const isNewOfGone = !row.item && !items.has(id); // a new row shows the item as it was, and then that it is gone
    if (isNewOfGone) row.update(order[index], undefined, now + clockAhead);
    row.update(items.get(id) ?? null, pending.get(id), now + clockAhead);
    row.showLocation(pathShown(locations, location));
    row.mark(selected.has(id), opened === id);
    row.showToday(trends.of(id));
    row.put(index, rowHeight);
  }

  function place(drawn) {
    const elements = drawn.map(({ element }) => element);
    const held = new Set(drawn.filter(isInUse).map(({ element }) => element));
    keepFocus(list, () => arrange(list, elements, held));
    for (const [id, row] of rows) if (row.element.parentNode !== list) rows.delete(id);
  }

  /** Tab leads to one row, and from there out of the list. The arrow keys lead from row to row. */
  function markCurrent() {
    const target = rows.has(current) ? current : order.find(({ id }) => rows.has(id))?.id;
    for (const [id, { element }] of rows) {
      const index = id === target ? "0" : "-1";
      const name = element.querySelector(".stock-row-name");
      if (name.getAttribute("tabindex") !== index) name.setAttribute("tabindex", index);
    }
  }

  function showPlaces({ locations }) {
    section.classList.toggle("has-places", areSeveral(locations));
  }

  function showWaiting({ waiting: count }) {
    waiting.hidden = count === 0;
    if (count > 0) setText(waiting, text("list.waiting", { count }));
  }

  /** A new search, filter or order is read from its beginning. */
  function returnToTop({ query, sort, filter, location }) {
    const isOther = query !== shownFor.query || sort !== shownFor.sort || filter !== shownFor.filter || location !== shownFor.location;
    const isFirst = shownFor.sort === undefined;
    shownFor = { query, sort, filter, location };
    if (isOther && !isFirst && scrollY > 0) scrollTo(0, 0);
  }

  function measure() {
    isStacked = innerWidth <= NARROW_PX || section.clientWidth < LIST_NARROW_PX;
    section.classList.toggle("is-stacked", isStacked);
    rowHeight = parseFloat(getComputedStyle(list).getPropertyValue("--row-height"));
    store.redraw();
  }

  store.subscribe((state) => {
    returnToTop(state);
    showPlaces(state);
    draw(state);
    showWaiting(listing(state));
    section.ariaBusy = String(!state.stock.isComplete);
    showPanel(section, state, listing(state));
  });

  const rowAt = (target) => rows.get(Number(target.closest(".stock-row")?.dataset.id));

  list.addEventListener("click", ({ target }) => {
    const row = rowAt(target);
    if (!row || row.isEditing) return;
    if (target.matches(".stock-row-select")) return;
    if (target.closest(".stock-row-check") || section.matches(".is-stacked.is-selecting")) return row.select();
    const isQuantity = target.closest(".stock-row-edit") !== null;
    if (isQuantity && !isStacked) row.edit();
    else actions.open(row.item.id);
  });
  list.addEventListener("change", ({ target }) => {
    if (!target.matches(".stock-row-select")) return;
    store.dispatch({ type: "select", ids: [rowAt(target).item.id], isSelected: target.checked });
  });
  list.addEventListener("focusin", ({ target }) => {
    const row = rowAt(target);
    if (row) current = row.item.id;
    markCurrent();
  });
  list.addEventListener("focusout", store.redraw);
  waiting.addEventListener("click", () => {
    holding.renew();
    section.querySelector("h1").focus({ preventScroll: true }); // the button disappears
  });
  section.querySelector('[data-panel="failed"] button').addEventListener("click", actions.reload);
  section.querySelector(".panel-add").addEventListener("click", () => actions.add(store.state.query));
  addEventListener("scroll", store.redraw, { passive: true });
  new ResizeObserver(measure).observe(section);
  addEventListener("resize", measure);
  measure();
  setInterval(() => {
    now = Date.now();
    store.redraw();
  }, TICK_MS);

  function scrollToRow(index) {
    const place = list.getBoundingClientRect().top + index * rowHeight;
    const [least, most] = [head.getBoundingClientRect().bottom + rowHeight, innerHeight - 3 * rowHeight];
    if (place < least) scrollBy(0, place - least);
    if (place > most) scrollBy(0, place - most);
  }

  return {
    /** Focus the same control in the row at this place, which is drawn first if necessary. */
    focus(index, control) {
      const item = order[Math.max(0, Math.min(order.length - 1, index))];
      if (!item) return;
      scrollToRow(order.indexOf(item));
      draw(store.state);
      rows.get(item.id)?.element.querySelector(`.${control}`)?.focus({ preventScroll: true });
    },
    /** Focus the row of this item, or else the heading. */
    focusItem(id) {
      const index = order.findIndex((item) => item.id === id);
      if (index >= 0) this.focus(index, "stock-row-name");
      else section.querySelector("h1").focus({ preventScroll: true });
    },
    /** Begin to edit the quantity of the item in this row. */
    edit: (element, typed) => rows.get(Number(element.dataset.id))?.edit(typed),
    get count() {
      return order.length;
    },
  };
}

/** The panel that is shown instead of rows. */
function showPanel(section, state, { count, rows }) {
  const { stock, failure } = state;
  let panel = null;
  if (count === 0 && !stock.isComplete) panel = failure ? "failed" : "loading";
  else if (count === 0 && rows.length === 0) panel = "empty";
  else if (rows.length === 0) panel = "unmatched";
  for (const element of section.querySelectorAll(".panel")) element.hidden = element.dataset.panel !== panel;
  setText(section.querySelector('[data-panel="failed"] .panel-text'), failure ?? "");
  if (panel === "unmatched") showUnmatched(section.querySelector('[data-panel="unmatched"]'), state);
  section.querySelector(".stock-list-grid").hidden = panel !== null;
}

/** Why nothing is shown, though there are items: the search, or else a filter. Something that is not there can be added. */
function showUnmatched(panel, state) {
  const { query, location, filter } = state;
  const [title, hint, add] = ["title", "text", "add"].map((name) => panel.querySelector(`.panel-${name}`));
  const isFiltered = location !== null || filter !== "all";
  const searched = queryOf(query);
  const key = searched ? "none.found" : filter === "all" ? "none.here" : `none.${filter}`;
  setMessage(title, key, { query: searched });
  setText(hint, text(searched && isFiltered ? "none.try_filters" : searched ? "none.try_search" : "none.try_others"));
  add.hidden = !mayEdit(state.session) || !(searched || filter === "all");
  setMessage(add, searched ? "none.add" : "none.add_first", { query: searched });
}
