/** The selected items, and the actions for them. */

import { formatNumber } from "../formats.js";
import { labelsAddress, MAX_LABELS } from "../label-sizes.js";
import { mayEditItem } from "../rights.js";
import { setText } from "./text.js";

export function mountSelection(section, store, listing, { onDelete, onBook, onMinimum }) {
  const bar = section.querySelector(".selection");
  const text = bar.querySelector(".selection-count");
  const all = section.querySelector(".stock-list-select-all");
  const labels = bar.querySelector(".selection-labels");

  /** The selected items that still exist and may be changed. */
  function selectedItems(state) {
    const { items } = listing(state);
    return [...state.selected].map((id) => items.get(id)).filter((item) => item && mayEditItem(state, item));
  }

  const shownItems = (state) => listing(state).shown.filter((item) => mayEditItem(state, item));

  const clear = () => store.dispatch({ type: "select", ids: store.state.selected, isSelected: false });

  all.addEventListener("change", () => {
    const ids = shownItems(store.state).map(({ id }) => id);
    store.dispatch({ type: "select", ids, isSelected: all.checked });
  });
  bar.querySelector(".selection-clear").addEventListener("click", () => {
    clear();
    all.focus();
  });
  for (const [name, act] of Object.entries({ book: onBook, minimum: onMinimum, delete: onDelete })) {
    bar.querySelector(`.selection-${name}`).addEventListener("click", () => act(selectedItems(store.state)));
  }

  /** A link without an address can't be followed. */
  function showLabels(items) {
    const isTooMany = items.length > MAX_LABELS;
    setText(labels, isTooMany ? `Labels: at most ${formatNumber(MAX_LABELS)}` : "Print labels");
    if (isTooMany) labels.removeAttribute("href");
    else labels.href = labelsAddress(items.map(({ id }) => id));
  }

  store.subscribe((state) => {
    const items = state.selected.size ? selectedItems(state) : [];
    const count = items.length;
    if (count > 0) showLabels(items);
    const isAll = count > 0 && shownItems(state).every(({ id }) => state.selected.has(id));
    bar.hidden = count === 0;
    setText(text, `${formatNumber(count)} selected`);
    all.checked = isAll;
    all.indeterminate = count > 0 && !isAll;
  });

  return { items: () => selectedItems(store.state) };
}
