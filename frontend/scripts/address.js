/** Converts the view (search, order, opened item) to and from the query of the page's URL. Pure functions. */

import { DEFAULT_SORT, SORTS } from "./order.js";
import { queryOf } from "./search.js";

export function parseAddress(search) {
  const parameters = new URLSearchParams(search);
  const sort = parameters.get("sort");
  const opened = Number(parameters.get("item"));
  return {
    query: parameters.get("q") ?? "",
    sort: Object.hasOwn(SORTS, sort) ? sort : DEFAULT_SORT,
    opened: Number.isSafeInteger(opened) && opened > 0 ? opened : null,
  };
}

export function formatAddress({ query, sort, opened }) {
  const parameters = new URLSearchParams();
  if (queryOf(query)) parameters.set("q", queryOf(query));
  if (sort !== DEFAULT_SORT) parameters.set("sort", sort);
  if (opened !== null) parameters.set("item", opened);
  const text = parameters.toString();
  return text && `?${text}`;
}
