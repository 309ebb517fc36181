/** The calls of the REST API that only the page with labels makes. */

import { call, read } from "./api.js";

const AT_ONCE = 50; // items of a request, so that its answer is drawn well before the page loses patience

/** The labels of these items, in this order, without those that do not exist or may not be seen. */
export async function getLabels(ids) {
  const labels = [];
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const query = ids.slice(start, start + AT_ONCE).map((id) => `item=${id}`);
    labels.push(...(await read(await call("GET", `/api/labels?${query.join("&")}`))));
  }
  return labels;
}
