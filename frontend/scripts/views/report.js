/** What the reports share: their filters, their locations, and tables whose rows open their items. */

import { areSeveral, pathShown } from "../state/locations.js";
import { text } from "../state/messages.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { fromTemplate, setText } from "./text.js";

/** Mount the template of a report. The filters of its form are kept in the state, and so in the address. */
export function mountReport(container, store, name, { onOpen }) {
  const view = fromTemplate(name);
  const form = view.querySelector("form");
  const rows = view.querySelector("tbody");
  const heads = [...view.querySelectorAll("th")];
  container.append(view);

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target.name === "location") store.dispatch({ type: "view", location: chosenLocation(target) });
    else if (target.name in store.state.report) store.dispatch({ type: "report", values: { [target.name]: target.value } });
  });
  rows.addEventListener("click", ({ target }) => {
    const id = Number(target.closest(".report-item")?.dataset.id);
    if (id) onOpen(id);
  });

  return {
    view,
    form,
    rows,
    part: (part) => view.querySelector(`.report-${part}`),

    /** A row of the table. Its cells have the heads of their columns with them, which small screens show instead of a head. */
    createRow(cells) {
      const row = createRow(cells);
      heads.forEach((head, column) => (row.children[column].dataset.head = head.textContent));
      return row;
    },

    /** Show the filters as the state has them. */
    showFilters({ report, locations, location }) {
      for (const [filter, value] of Object.entries(report)) {
        const input = form.elements[filter];
        if (input && input.value !== value && input !== document.activeElement) input.value = value;
      }
      const { location: place } = form.elements;
      view.querySelector(".report-where").hidden = !areSeveral(locations);
      offerLocations(place, locations.all, text("locations.all"));
      if (chosenLocation(place) !== location) place.value = String(location ?? "");
      view.classList.toggle("has-places", areSeveral(locations));
    },
  };
}

/** A row of a table. A cell is a text, an element, or `{text, isNumber, className}`. */
function createRow(cells) {
  const row = document.createElement("tr");
  for (const cell of cells) {
    const element = document.createElement("td");
    const { text: content = cell, isNumber = false, className = "" } = cell instanceof Node ? {} : Object(cell);
    if (isNumber) element.className = "is-number";
    if (className) element.classList.add(className);
    element.append(content ?? "");
    row.append(element);
  }
  return row;
}

/** The button with the name of an item, which opens it. */
export function createItemButton({ id, name }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "report-item";
  button.dir = "auto";
  button.dataset.id = id;
  setText(button, name);
  return button;
}

/** The location of an item, where there are several. */
export const placeCell = ({ locations }, { location }) => ({ text: pathShown(locations, location), className: "report-place" });
