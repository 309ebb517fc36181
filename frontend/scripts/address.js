/** Converts the view (search, order, filters, opened item) to and from the query of the page's URL. Pure functions. */

import { DEFAULT_SORT, SORTS } from "./order.js";
import { queryOf } from "./search.js";

export function parseAddress(search) {
  const parameters = new URLSearchParams(search);
  const sort = parameters.get("sort");
  return {
    query: parameters.get("q") ?? "",
    sort: Object.hasOwn(SORTS, sort) ? sort : DEFAULT_SORT,
    location: idOf(parameters.get("location")),
    isLow: parameters.get("low") === "1",
    opened: idOf(parameters.get("item")),
  };
}

function idOf(text) {
  const id = Number(text);
  return Number.isSafeInteger(id) && id > 0 ? id : null;
}

export function formatAddress({ query, sort, location, isLow, opened }) {
  const parameters = new URLSearchParams();
  if (queryOf(query)) parameters.set("q", queryOf(query));
  if (sort !== DEFAULT_SORT) parameters.set("sort", sort);
  if (location !== null) parameters.set("location", location);
  if (isLow) parameters.set("low", "1");
  if (opened !== null) parameters.set("item", opened);
  const text = parameters.toString();
  return text && `?${text}`;
}
