/** The search, the order, and the number of items found. */

import { formatNumber } from "../formats.js";
import { queryOf } from "../search.js";
import { setText } from "./text.js";

export function mountToolbar(section, store, listing) {
  const search = section.querySelector(".stock-list-search");
  const sort = section.querySelector(".stock-list-sort");
  const summary = section.querySelector(".stock-list-summary");
  const exported = section.querySelector(".stock-tools-export");

  search.addEventListener("input", () => store.dispatch({ type: "view", query: search.value }));
  search.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") store.dispatch({ type: "view", query: "" });
  });
  sort.addEventListener("change", () => store.dispatch({ type: "view", sort: sort.value }));

  store.subscribe((state) => {
    const { shown, count } = listing(state);
    if (search.value !== state.query) search.value = state.query;
    if (sort.value !== state.sort) sort.value = state.sort;
    setText(summary, state.stock.isComplete || count ? summarise(shown.length, count, state.query) : "");
    exported.href = exportAddress(state.query);
  });
}

function summarise(found, count, query) {
  const all = `${formatNumber(count)} ${count === 1 ? "item" : "items"}`;
  return queryOf(query) ? `${formatNumber(found)} of ${all}` : all;
}

/** The URL of the export, with a byte order mark so that spreadsheets detect UTF-8. */
function exportAddress(query) {
  const parameters = new URLSearchParams({ bom: "1" });
  if (queryOf(query)) parameters.set("q", queryOf(query));
  return `/api/inventories/export?${parameters}`;
}
