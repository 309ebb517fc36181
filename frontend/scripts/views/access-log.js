/** Who signed in, and who created, changed, granted or revoked what. */

import { getAccessLog } from "../server/accounts-api.js";
import { formatMoment } from "../state/formats.js";
import { NO_LOCATIONS, pathOf } from "../state/locations.js";
import { hasText, text } from "../state/messages.js";

export function mountAccessLog(section) {
  const body = section.querySelector("tbody");
  const more = section.querySelector(".access-log-more");
  let last = null; // id of the last entry that is shown
  let locations = NO_LOCATIONS;

  async function load(after = null) {
    const { entries, hasMore } = await getAccessLog(after);
    const rows = entries.map((entry) => createRow(entry, (id) => pathOf(locations, id) || text("access.location", { id: String(id) })));
    if (after === null) body.replaceChildren(...rows);
    else body.append(...rows);
    last = entries.at(-1)?.id ?? last;
    more.hidden = !hasMore;
  }

  more.addEventListener("click", () => load(last));
  return {
    load: () => load(),
    /** Take the names of these locations, which the entries have only by their ids. */
    name: (next) => (locations = next),
  };
}

function createRow({ at, actor, action, subject, detail }, nameOf) {
  const row = document.createElement("tr");
  const cells = [formatMoment(at), actor, describe(action, detail, nameOf), subject];
  for (const cell of cells) row.insertCell().textContent = cell;
  return row;
}

/** What was done, and with which details. The server may know actions and roles that the page does not. */
function describe(action, { token, grants, active, password, name, parent }, nameOf) {
  const details = [];
  if (token) details.push(token);
  if (grants) details.push(describeGrants(grants, nameOf));
  if (active !== undefined) details.push(text(active ? "access.active" : "access.deactivated"));
  if (password === "changed") details.push(text("access.new_password"));
  if (name) details.push(text("access.name", { name }));
  if (parent !== undefined) details.push(parent === null ? text("access.at_top") : text("access.at", { place: nameOf(parent) }));
  const done = textOr(`access_action.${action}`, action);
  return details.length ? text("access.with_details", { action: done, details: details.join(", ") }) : done;
}

function describeGrants(grants, nameOf) {
  const roles = grants.map(({ location, role: name }) => {
    const role = textOr(`access_role.${name}`, name);
    return location === null ? role : text("access.role_at", { role, place: nameOf(location) });
  });
  return roles.length ? text("access.roles", { roles: roles.join(", ") }) : text("access.no_role");
}

const textOr = (key, other) => (hasText(key) ? text(key) : other);
