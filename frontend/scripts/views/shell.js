/** What is around the list: the search on top, the filters, and the rail with the tasks and the locations. */

import { formatNumber } from "../state/formats.js";
import { areSeveral, editableLocations, scopeOf } from "../state/locations.js";
import { text } from "../state/messages.js";
import { mayEdit } from "../state/rights.js";
import { queryOf } from "../state/search.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { fromTemplate, setText } from "./text.js";

const SAY_AFTER_MS = 700; // when the person has paused

/** `onView` opens a view. `onBook` opens a task with the selected items. `onOpenFirst` opens the first result of the search. */
export function mountShell(store, listing, { onView, onBook, onOpenFirst }) {
  const find = (selector) => document.querySelector(selector);
  const search = find("#search");
  const said = find("#search-said");
  const sort = find(".stock-list-sort");
  const place = find(".stock-list-location");
  const places = find(".rail-locations");
  const order = find(".stock-tools-order");
  const low = find(".rail-low");
  const buttons = [...document.querySelectorAll("[data-shows]")];
  const counts = [...document.querySelectorAll("[data-count]")];
  const lines = [...document.querySelectorAll("[data-lines]")];
  const links = [...document.querySelectorAll(".rail-link[data-view]")];
  const verbs = [...document.querySelectorAll("[data-books], [data-view], [data-opens=add]")];
  let foundMessage = ""; // what is said of the search, or about to be
  let counted = {}; // for which the locations are shown
  let timer;

  /** Change what the list shows, and show the list. */
  const show = (change) => store.dispatch({ type: "view", view: "stock", ...change });

  search.addEventListener("input", () => show({ query: search.value }));
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show({ query: "" });
    if (event.key === "Enter" && !event.isComposing && queryOf(search.value)) onOpenFirst();
  });
  sort.addEventListener("change", () => show({ sort: sort.value }));
  place.addEventListener("change", () => show({ location: chosenLocation(place) }));
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    const { view, shows, books, location } = button?.dataset ?? {};
    if (view) onView(view);
    if (shows) show({ filter: button.ariaPressed === "true" ? "all" : shows });
    if (books) onBook(books);
    if (location) show({ location: location === "all" ? null : Number(location) });
  });

  function showFilters(state, { counts: found, low: here }) {
    setText(low, here ? formatNumber(here) : "");
    for (const count of counts) setText(count, found[count.dataset.count] ? formatNumber(found[count.dataset.count]) : "");
    for (const button of buttons) {
      const isShown = state.view === "stock" && button.dataset.shows === state.filter;
      if (button.ariaPressed !== null) button.ariaPressed = String(isShown);
      else button.ariaCurrent = isShown ? "page" : null;
    }
    for (const button of links) {
      button.ariaCurrent = button.dataset.view === state.view ? "page" : null;
    }
    for (const count of lines) {
      const started = state.lists[count.dataset.lines].lines.length;
      setText(count, started ? formatNumber(started) : "");
    }
    find('.chip[data-shows="low"]').hidden = found.low === 0 && state.filter !== "low";
    order.hidden = state.filter !== "low";
    order.href = `/api/low/export${state.location === null ? "" : `?location=${state.location}`}`;
  }

  function showLocations({ locations, location, view }, { items }) {
    place.hidden = places.hidden = !areSeveral(locations);
    offerLocations(place, locations.all, text("locations.all"));
    if (chosenLocation(place) !== location) place.value = String(location ?? "");
    const shown = view === "stock" ? location : undefined;
    if (places.hidden || (counted.items === items && counted.locations === locations && counted.shown === shown)) return;
    counted = { items, locations, shown };
    showRailLocations(places.querySelector("ul"), locations, shown, items);
  }

  /** Tell a screen reader how many were found, once the person has paused. */
  function sayFound({ query }, { counts: found }) {
    const message = queryOf(query) ? text("search.found", { count: found.all }) : "";
    if (message === foundMessage) return;
    foundMessage = message;
    clearTimeout(timer);
    timer = setTimeout(() => setText(said, message), SAY_AFTER_MS);
  }

  store.subscribe((state) => {
    const found = listing(state);
    if (search.value !== state.query) search.value = state.query;
    if (sort.value !== state.sort) sort.value = state.sort;
    showFilters(state, found);
    showLocations(state, found);
    sayFound(state, found);
    const mayMove = editableLocations(state.locations).length > 1;
    for (const verb of verbs) {
      const task = verb.dataset.books ?? verb.dataset.view;
      const isWrite = !["stock", "low", "journal", "past", "board"].includes(task);
      verb.hidden = isWrite && (!mayEdit(state.session) || (task === "move" && !mayMove));
    }
  });
}

/** The locations, each with the number of items at it and below it. */
function showRailLocations(list, locations, shown, items) {
  const options = [{ id: null, path: text("locations.all") }, ...locations.all];
  while (list.children.length > options.length) list.lastElementChild.remove();
  while (list.children.length < options.length) list.append(fromTemplate("rail-location"));
  const numbers = countItems(items);
  options.forEach(({ id, path }, index) => {
    const button = list.children[index].firstElementChild;
    const [name, count] = button.children;
    setText(name, path);
    setText(count, formatNumber(id === null ? items.size : sum(numbers, scopeOf(locations, id))));
    button.dataset.location = id ?? "all";
    button.ariaCurrent = id === shown ? "true" : null;
  });
}

function countItems(items) {
  const numbers = new Map();
  for (const { location } of items.values()) numbers.set(location, (numbers.get(location) ?? 0) + 1);
  return numbers;
}

const sum = (numbers, ids) => [...ids].reduce((total, id) => total + (numbers.get(id) ?? 0), 0);
