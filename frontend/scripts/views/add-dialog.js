/**
 * The dialog that adds items, one after the other. The next one can be typed before the server has answered. Errors are shown at
 * their fields.
 */

import { FIELDS, inputText, isRequired, readFields } from "../state/fields.js";
import { areSeveral, editableLocations, locationOfNewItem } from "../state/locations.js";
import { likelyTwin } from "../state/twins.js";
import { createFieldInput, showError, showErrors } from "./field-input.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { setMessage } from "./text.js";

/**
 * `onAdd` is called with the values of an item, and with a function that takes them back if they are refused: it is called with
 * the errors of fields, and returns whether the dialog shows the item again.
 */
export function mountAddDialog(dialog, store, listing, { onAdd, onOpen }) {
  const form = dialog.querySelector("form");
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
  let isSent = false; // whether an item was sent, and nothing typed since

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isSent) return inputs[0].focus(); // a double click
    const { values, errors } = readFields(inputs);
    if (errors.length) return tell(errors);
    const item = where.hidden ? values : { ...values, location: chosenLocation(place) };
    clear(); // but the location stays, for the next item
    isSent = true;
    inputs[0].focus();
    add(item);
  });
  form.addEventListener("input", ({ target }) => {
    isSent = false;
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

  function add(values) {
    onAdd(values, (errors) => {
      if (!dialog.open || !isEmpty()) return false;
      fill(values);
      tell(errors);
      return true;
    });
  }

  function clear() {
    for (const input of inputs) input.value = "";
    for (const input of [...inputs, place]) showError(input, null);
    showTwin();
  }

  function fill({ location, ...values }) {
    isSent = false;
    for (const [field, value] of Object.entries(values)) form.elements[field].value = inputText(value);
    if (FIELDS.some((field) => !isRequired(field) && values[field.name])) more.open = true;
    if (location !== undefined) {
      place.value = inputText(location);
      isChosen = true;
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

  /** Go on with what was typed before, unless it is of another item. @param {object} values to begin with, by field */
  function open(values = {}) {
    const isOther = Object.entries(values).some(([field, value]) => !["", value].includes(form.elements[field].value));
    if (isOther && !dialog.open) clear();
    fill(values);
    if (!dialog.open) dialog.showModal();
    const { name, quantity } = form.elements;
    (name.value && values.name ? quantity : name).focus();
  }

  return {
    open,
    get hasDraft() {
      return !isEmpty();
    },
    /** Show an item that was refused, to be corrected. If another one is being typed, send it again as it is. */
    tryAgain(values) {
      if (isEmpty()) open(values);
      else add(values);
    },
  };
}
