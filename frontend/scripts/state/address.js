/** Converts the view (search, order, filters, opened item) to and from the query of the page's URL. Pure functions. */

import { DEFAULT_FILTER, FILTERS } from "./filters.js";
import { DEFAULT_SORT, SORTS } from "./order.js";
import { parseReport } from "./reports.js";
import { queryOf } from "./search.js";
import { DEFAULT_VIEW, VIEWS } from "./views.js";

/** The filters of the reports that are in the address. */
const FILTERS_OF = { journal: ["person", "reason", "from", "until"], past: ["day", "compared"] };

export function parseAddress(search) {
  const parameters = new URLSearchParams(search);
  const [sort, filter] = [parameters.get("sort"), parameters.get("show")];
  return {
    view: viewOf(parameters),
    query: parameters.get("q") ?? "",
    sort: Object.hasOwn(SORTS, sort) ? sort : DEFAULT_SORT,
    location: idOf(parameters.get("location")),
    filter: Object.hasOwn(FILTERS, filter) ? filter : parameters.get("low") === "1" ? "low" : DEFAULT_FILTER,
    opened: idOf(parameters.get("item")),
    report: parseReport(parameters),
  };
}

/** `?board` is short for the board. */
function viewOf(parameters) {
  if (parameters.has("board")) return "board";
  const view = parameters.get("view");
  return VIEWS.includes(view) ? view : DEFAULT_VIEW;
}

function idOf(text) {
  const id = Number(text);
  return Number.isSafeInteger(id) && id > 0 ? id : null;
}

export function formatAddress({ view, query, sort, location, filter, opened, report }) {
  const parameters = new URLSearchParams();
  if (view === "board") parameters.set("board", "");
  else if (view !== DEFAULT_VIEW) parameters.set("view", view);
  if (queryOf(query)) parameters.set("q", queryOf(query));
  if (sort !== DEFAULT_SORT) parameters.set("sort", sort);
  if (location !== null) parameters.set("location", location);
  if (filter !== DEFAULT_FILTER) parameters.set("show", filter);
  if (opened !== null) parameters.set("item", opened);
  for (const name of FILTERS_OF[view] ?? []) if (report[name]) parameters.set(name, report[name]);
  const text = parameters.toString().replace(/^board=/, "board");
  return text && `?${text}`;
}
