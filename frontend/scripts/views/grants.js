/** The roles of an account at single locations: a list, and a form that adds to it. */

import { areSeveral, pathOf } from "../state/locations.js";
import { text } from "../state/messages.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { keepFocus } from "./rows.js";
import { fromTemplate, setText } from "./text.js";

/** `onChange` takes a function that changes the list of grants, and what to say when it is saved. */
export function mountGrants(section, { onChange }) {
  const list = section.querySelector(".grants-list");
  const more = section.querySelector("details");
  const [summary, form] = more.children;
  const { location, role } = form.elements;
  const rows = new Map(); // id of the location → row
  let locations;

  const nameOf = (id) => pathOf(locations, id) || text("accounts.location", { id: String(id) });

  function createRow(id) {
    const element = fromTemplate("grant");
    const [path, choice, remove] = element.children;
    choice.addEventListener("change", () => onChange(granting(id, choice.value)));
    remove.addEventListener("click", () => onChange(without(id), text("accounts.role_removed", { place: nameOf(id) })));
    return {
      element,
      update(account, current) {
        setText(path, nameOf(id));
        choice.value = current;
        choice.setAttribute("aria-label", text("accounts.role_at", { account, place: nameOf(id) }));
        remove.setAttribute("aria-label", text("accounts.remove_role", { account, place: nameOf(id) }));
      },
    };
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = chosenLocation(location);
    onChange(granting(id, role.value), text("accounts.role_added", { place: nameOf(id) }));
  });

  function showForm(account, given) {
    offerLocations(location, locations.all.filter(({ id }) => !given.has(id)));
    more.hidden = !areSeveral(locations) || location.options.length === 0;
    if (more.hidden) return;
    summary.setAttribute("aria-label", text("accounts.add_role_at_to", { account }));
    location.setAttribute("aria-label", text("accounts.location_of_role", { account }));
    role.setAttribute("aria-label", text("accounts.other_role", { account }));
    form.querySelector("button").setAttribute("aria-label", text("accounts.add_role_of", { account }));
  }

  /** Keep the focus here, even if what had it is gone. */
  function holdFocus() {
    const { activeElement: focused } = document;
    if (section.contains(focused) && focused.checkVisibility()) return;
    (more.hidden ? list.querySelector("select") : summary)?.focus();
  }

  return {
    /** Show the grants of this account at single locations, and offer it the other locations. */
    update(account, grants, all) {
      locations = all;
      const hadFocus = section.contains(document.activeElement);
      const given = new Set(grants.map((grant) => grant.location));
      for (const id of rows.keys()) if (!given.has(id)) rows.delete(id);
      for (const grant of grants) {
        if (!rows.has(grant.location)) rows.set(grant.location, createRow(grant.location));
        rows.get(grant.location).update(account, grant.role);
      }
      const order = (a, b) => nameOf(a).localeCompare(nameOf(b), undefined, { numeric: true });
      const elements = [...given].sort(order).map((id) => rows.get(id).element);
      keepFocus(list, () => list.replaceChildren(...elements));
      showForm(account, given);
      section.hidden = more.hidden && grants.length === 0;
      if (hadFocus) holdFocus();
    },
  };
}

const without = (id) => (grants) => grants.filter(({ location }) => location !== id);
const granting = (id, role) => (grants) => [...without(id)(grants), { location: id, role }];
