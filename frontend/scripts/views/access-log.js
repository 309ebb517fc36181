/** Who signed in, and who created, changed, granted or revoked what. */

import { getAccessLog } from "../server/accounts-api.js";
import { formatMoment } from "../state/formats.js";
import { NO_LOCATIONS, pathOf } from "../state/locations.js";

const ACTIONS = {
  set_up: "created the first admin",
  sign_in: "signed in",
  sign_out: "signed out",
  change_password: "changed the password",
  end_sessions: "ended sessions",
  create_account: "created the account",
  change_account: "changed the account",
  delete_account: "deleted the account",
  create_token: "created a token",
  create_location: "created the location",
  change_location: "changed the location",
  delete_location: "deleted the location",
  revoke_token: "revoked a token",
};

export function mountAccessLog(section) {
  const body = section.querySelector("tbody");
  const more = section.querySelector(".access-log-more");
  let last = null; // id of the last entry that is shown
  let locations = NO_LOCATIONS;

  async function load(after = null) {
    const { entries, hasMore } = await getAccessLog(after);
    const rows = entries.map((entry) => createRow(entry, (id) => pathOf(locations, id) || `location ${id}`));
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
  for (const text of cells) row.insertCell().textContent = text;
  return row;
}

function describe(action, { token, grants, active, password, name, parent }, nameOf) {
  const facts = [];
  if (token) facts.push(token);
  const describeGrant = ({ location, role }) => (location === null ? role : `${role} at ${nameOf(location)}`);
  if (grants) facts.push(grants.length ? `role ${grants.map(describeGrant).join(", ")}` : "no role");
  if (active !== undefined) facts.push(active ? "active" : "deactivated");
  if (password === "changed") facts.push("new password");
  if (name) facts.push(`name ${name}`);
  if (parent !== undefined) facts.push(parent === null ? "at the top" : `in ${nameOf(parent)}`);
  return (ACTIONS[action] ?? action) + (facts.length ? `: ${facts.join(", ")}` : "");
}
