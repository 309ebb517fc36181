/** The form that adds an item. Errors are shown at their fields. Optional fields are in "More fields". */

import { FIELDS, isRequired, readFields } from "../fields.js";
import { areSeveral, editableLocations, locationOfNewItem } from "../locations.js";
import { createFieldInput, showError, showErrors } from "./field-input.js";
import { chosenLocation, offerLocations } from "./location-options.js";

export function mountAddForm(form, store, { onAdd }) {
  const button = form.querySelector("button");
  const more = form.querySelector(".add-form-more");
  const where = form.querySelector(".field-location");
  const place = form.elements.location;
  const create = (field) => createFieldInput(field, "add");
  where.before(...FIELDS.filter(isRequired).map(create));
  more.querySelector(".add-form-optional").append(...FIELDS.filter((field) => !isRequired(field)).map(create));
  const inputs = FIELDS.map(({ name }) => form.elements[name]);
  let isChosen = false; // whether the person has chosen the location of this item
  let shown = null; // the location that the list shows

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaDisabled === "true") return;
    const { values, errors } = readFields(inputs);
    if (errors.length) return tell(errors);
    await send(where.hidden ? values : { ...values, location: chosenLocation(place) });
  });

  form.addEventListener("input", ({ target }) => showError(target, null));
  place.addEventListener("change", () => (isChosen = true));

  async function send(values) {
    button.ariaDisabled = "true";
    const errors = await onAdd(values);
    button.ariaDisabled = null;
    if (errors) return tell(errors);
    for (const input of inputs) input.value = ""; // but the location stays, for the next item
    inputs[0].focus();
  }

  function tell(errors) {
    const isHidden = ({ field }) => more.contains(form.elements[field]);
    if (errors.some(isHidden)) more.open = true;
    showErrors([...inputs, place], errors);
  }

  const isEmpty = () => inputs.every(({ value }) => value === "");

  store.subscribe(({ locations, location }) => {
    where.hidden = !areSeveral(locations);
    offerLocations(place, editableLocations(locations));
    if (location !== shown && isEmpty()) isChosen = false; // the next item is added where the list is
    shown = location;
    const usual = locationOfNewItem(locations, location);
    if (!isChosen && usual !== null && chosenLocation(place) !== usual) place.value = String(usual);
  });
}
