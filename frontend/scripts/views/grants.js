/** The roles of an account at single locations: a list, and a form that adds to it. */

import { areSeveral, pathOf } from "../state/locations.js";
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

  const nameOf = (id) => pathOf(locations, id) || `Location ${id}`;

  function createRow(id) {
    const element = fromTemplate("grant");
    const [path, choice, remove] = element.children;
    choice.addEventListener("change", () => onChange(granting(id, choice.value)));
    remove.addEventListener("click", () => onChange(without(id), `The role at ${nameOf(id)} was removed.`));
    return {
      element,
      update(account, current) {
        setText(path, nameOf(id));
        choice.value = current;
        choice.setAttribute("aria-label", `Role of ${account} at ${nameOf(id)}`);
        remove.setAttribute("aria-label", `Remove the role of ${account} at ${nameOf(id)}`);
      },
    };
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = chosenLocation(location);
    onChange(granting(id, role.value), `The role at ${nameOf(id)} was added.`);
  });

  function showForm(account, given) {
    offerLocations(location, locations.all.filter(({ id }) => !given.has(id)));
    more.hidden = !areSeveral(locations) || location.options.length === 0;
    if (more.hidden) return;
    summary.setAttribute("aria-label", `Add a role at a location to ${account}`);
    location.setAttribute("aria-label", `Location of another role of ${account}`);
    role.setAttribute("aria-label", `Another role of ${account}`);
    form.querySelector("button").setAttribute("aria-label", `Add role of ${account}`);
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
