/** The search, the filters, the order, and the number of items found. */

import { formatAddress } from "../address.js";
import { formatNumber } from "../formats.js";
import { areSeveral } from "../locations.js";
import { DEFAULT_SORT } from "../order.js";
import { queryOf } from "../search.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { setText } from "./text.js";

export function mountToolbar(section, store, listing) {
  const search = section.querySelector(".stock-list-search");
  const sort = section.querySelector(".stock-list-sort");
  const place = section.querySelector(".stock-list-location");
  const low = section.querySelector(".stock-list-low");
  const summary = section.querySelector(".stock-list-summary");
  const exported = section.querySelector(".stock-tools-export");

  search.addEventListener("input", () => store.dispatch({ type: "view", query: search.value }));
  search.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") store.dispatch({ type: "view", query: "" });
  });
  sort.addEventListener("change", () => store.dispatch({ type: "view", sort: sort.value }));
  place.addEventListener("change", () => store.dispatch({ type: "view", location: chosenLocation(place) }));
  low.addEventListener("click", () => store.dispatch({ type: "view", isLow: !store.state.isLow }));

  store.subscribe((state) => {
    const found = listing(state);
    if (search.value !== state.query) search.value = state.query;
    if (sort.value !== state.sort) sort.value = state.sort;
    showLocations(state);
    showLow(state, found);
    setText(summary, state.stock.isComplete || found.count ? summarise(found, isNarrowed(state)) : "");
    exported.href = exportAddress(state);
  });

  function showLocations({ locations, location }) {
    place.hidden = !areSeveral(locations);
    offerLocations(place, locations.all, "All locations");
    if (chosenLocation(place) !== location) place.value = String(location ?? "");
  }

  function showLow({ isLow }, { low: items, hasMinimums }) {
    low.hidden = !hasMinimums && !isLow;
    low.ariaPressed = String(isLow);
    low.classList.toggle("has-low", items.length > 0);
    setText(low, `Low: ${formatNumber(items.length)}`);
  }
}

const isNarrowed = ({ query, location, isLow }) => queryOf(query) !== "" || location !== null || isLow;

function summarise({ shown, count }, isPart) {
  const all = `${formatNumber(count)} ${count === 1 ? "item" : "items"}`;
  return isPart ? `${formatNumber(shown.length)} of ${all}` : all;
}

/** The URL of the export of what is shown, with a byte order mark so that spreadsheets detect UTF-8. */
function exportAddress(state) {
  const filters = formatAddress({ ...state, sort: DEFAULT_SORT, opened: null });
  return `/api/inventories/export?bom=1${filters.replace("?", "&")}`;
}
