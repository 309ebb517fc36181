/** The options of a select with locations. */

/**
 * Offer these locations, by their paths. The value stays as it is, if it is still offered.
 * @param {string | null} first text of the option for no location, if there is one
 */
export function offerLocations(select, locations, first = null) {
  const options = locations.map(({ id, path }) => ({ text: path, value: String(id) }));
  if (first !== null) options.unshift({ text: first, value: "" });
  if (isOffered(select, options)) return;
  const { value } = select;
  select.replaceChildren(...options.map(({ text, value: id }) => new Option(text, id)));
  if (options.some((option) => option.value === value)) select.value = value;
}

function isOffered({ options: shown }, options) {
  return shown.length === options.length && options.every(({ text, value }, n) => shown[n].textContent === text && shown[n].value === value);
}

/** The id of the chosen location, or null. */
export const chosenLocation = ({ value }) => (value === "" ? null : Number(value));
