/** The selected items, by name, and the actions for them. */

import { formatNumber } from "../state/formats.js";
import { labelsAddress, MAX_LABELS } from "../state/label-sizes.js";
import { text } from "../state/messages.js";
import { mayEdit, mayEditItem } from "../state/rights.js";
import { setMessage, setText } from "./text.js";

const NAMES_SHOWN = 3;

export function mountSelection(section, store, listing, { onDelete, onMinimum }) {
  const bar = section.querySelector(".selection");
  const said = bar.querySelector(".selection-count");
  const all = section.querySelector(".stock-list-select-all");
  const toggle = section.querySelector(".stock-list-select");
  const labels = bar.querySelector(".selection-labels");
  let shownAs = "";

  /** The selected items that still exist and may be changed. */
  function selectedItems(state) {
    const { items } = listing(state);
    return [...state.selected].map((id) => items.get(id)).filter((item) => item && mayEditItem(state, item));
  }

  const shownItems = (state) => listing(state).shown.filter((item) => mayEditItem(state, item));

  /** How many of these items are not in the list, since they have changed. */
  function countHidden(state, items) {
    const shown = new Set(listing(state).rows);
    return items.filter((item) => !shown.has(item)).length;
  }

  const clear = () => store.dispatch({ type: "select", ids: store.state.selected, isSelected: false });

  /** On a phone, rows have checkboxes only while the person selects. */
  function setSelecting(isSelecting) {
    if (toggle.ariaPressed !== String(isSelecting)) toggle.ariaPressed = String(isSelecting);
    section.classList.toggle("is-selecting", isSelecting);
  }

  toggle.addEventListener("click", () => {
    clear();
    setSelecting(toggle.ariaPressed === "false");
  });
  all.addEventListener("change", () => {
    const ids = shownItems(store.state).map(({ id }) => id);
    store.dispatch({ type: "select", ids, isSelected: all.checked });
  });
  bar.querySelector(".selection-clear").addEventListener("click", () => {
    clear();
    setSelecting(false);
    all.focus();
  });
  const acts = {
    minimum: onMinimum,
    delete: (items) => onDelete(items, countHidden(store.state, items)),
  };
  for (const [name, act] of Object.entries(acts)) {
    bar.querySelector(`.selection-${name}`).addEventListener("click", () => act(selectedItems(store.state)));
  }

  function describe(state, items) {
    const names = items.slice(0, NAMES_SHOWN).map(({ name }) => name).join(", ");
    const more = items.length > NAMES_SHOWN ? ", …" : "";
    const hidden = countHidden(state, items);
    const values = { count: items.length, names: `${names}${more}`, hidden };
    const key = JSON.stringify(values);
    if (key !== shownAs) setMessage(said, hidden ? "selection.hidden" : "selection.count", values);
    shownAs = key;
  }

  /** A link without an address can't be followed. */
  function showLabels(items) {
    const isTooMany = items.length > MAX_LABELS;
    setText(labels, isTooMany ? text("selection.labels_at_most", { count: formatNumber(MAX_LABELS) }) : text("selection.labels"));
    if (isTooMany) labels.removeAttribute("href");
    else labels.href = labelsAddress(items.map(({ id }) => id));
  }

  store.subscribe((state) => {
    const items = state.selected.size ? selectedItems(state) : [];
    const count = items.length;
    if (count === 0 && bar.contains(document.activeElement)) section.querySelector("h1").focus({ preventScroll: true });
    bar.hidden = count === 0;
    if (count > 0) {
      showLabels(items);
      describe(state, items);
    }
    const isAll = count > 0 && shownItems(state).every(({ id }) => state.selected.has(id));
    all.checked = isAll;
    toggle.hidden = !mayEdit(state.session);
    if (state.view !== "stock") setSelecting(false);
    all.indeterminate = count > 0 && !isAll;
  });

  return { items: () => selectedItems(store.state) };
}
