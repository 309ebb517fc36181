/** The dialog that adds items, one after the other. Errors are shown at their fields. */

import { FIELDS, isRequired, readFields } from "../state/fields.js";
import { areSeveral, editableLocations, locationOfNewItem } from "../state/locations.js";
import { likelyTwin } from "../state/twins.js";
import { createFieldInput, showError, showErrors } from "./field-input.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { setMessage } from "./text.js";

export function mountAddDialog(dialog, store, listing, { onAdd, onOpen }) {
  const form = dialog.querySelector("form");
  const button = form.querySelector('[type="submit"]');
  const more = form.querySelector(".add-more");
  const where = form.querySelector(".field-location");
  const twin = form.querySelector(".add-twin");
  const place = form.elements.location;
  const create = (field) => createFieldInput(field, "add");
  where.before(...FIELDS.filter(isRequired).map(create));
  more.querySelector(".add-optional").append(...FIELDS.filter((field) => !isRequired(field)).map(create));
  const inputs = FIELDS.map(({ name }) => form.elements[name]);
  let isChosen = false; // whether the person has chosen the location of this item
  let shown = null; // the location that the list shows
  let found = null; // an item that may be the same

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaDisabled === "true") return;
    const { values, errors } = readFields(inputs);
    if (errors.length) return tell(errors);
    await send(where.hidden ? values : { ...values, location: chosenLocation(place) });
  });
  form.addEventListener("input", ({ target }) => {
    showError(target, null);
    showTwin();
  });
  place.addEventListener("change", () => {
    isChosen = true;
    showTwin();
  });
  twin.querySelector("button").addEventListener("click", () => {
    dialog.close();
    onOpen(found.id);
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });

  async function send(values) {
    button.ariaDisabled = "true";
    const errors = await onAdd(values);
    button.ariaDisabled = null;
    if (errors) return tell(errors);
    clear(); // but the location stays, for the next item
    inputs[0].focus();
  }

  function clear() {
    for (const input of inputs) {
      input.value = "";
      showError(input, null);
    }
    showTwin();
  }

  function tell(errors) {
    const isHidden = ({ field }) => more.contains(form.elements[field]);
    if (errors.some(isHidden)) more.open = true;
    showErrors([...inputs, place], errors);
  }

  /** Say that there is such an item already, before another one is added. */
  function showTwin() {
    const { name, code } = form.elements;
    const location = where.hidden ? null : chosenLocation(place);
    found = likelyTwin(listing(store.state).items, { name: name.value.trim(), code: code.value.trim(), location });
    twin.hidden = found === null;
    if (found) setMessage(twin.querySelector("span"), "add.exists", { name: found.name, quantity: found.quantity });
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

  return {
    get hasDraft() {
      return !isEmpty();
    },
    /** Go on with what was typed before, unless it is of another item. @param {{name?: string, code?: string}} values to begin with */
    open(values = {}) {
      const isOther = Object.entries(values).some(([field, value]) => !["", value].includes(form.elements[field].value));
      if (isOther && !dialog.open) clear();
      for (const [field, value] of Object.entries(values)) form.elements[field].value = value;
      if (values.code) more.open = true;
      showTwin();
      if (!dialog.open) dialog.showModal();
      const { name, quantity } = form.elements;
      (name.value && values.name ? quantity : name).focus();
    },
  };
}
