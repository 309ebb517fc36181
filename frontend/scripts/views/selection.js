/** The selected items, and the actions for them. */

import { formatNumber } from "../formats.js";
import { setText } from "./text.js";

export function mountSelection(section, store, listing, { onDelete }) {
  const bar = section.querySelector(".selection");
  const text = bar.querySelector(".selection-count");
  const all = section.querySelector(".stock-list-select-all");

  /** The selected items that still exist. */
  function selectedItems(state) {
    const { items } = listing(state);
    return [...state.selected].map((id) => items.get(id)).filter(Boolean);
  }

  const clear = () => store.dispatch({ type: "select", ids: store.state.selected, isSelected: false });

  all.addEventListener("change", () => {
    const ids = listing(store.state).shown.map(({ id }) => id);
    store.dispatch({ type: "select", ids, isSelected: all.checked });
  });
  bar.querySelector(".selection-clear").addEventListener("click", () => {
    clear();
    all.focus();
  });
  bar.querySelector(".selection-delete").addEventListener("click", () => onDelete(selectedItems(store.state)));

  store.subscribe((state) => {
    const count = state.selected.size ? selectedItems(state).length : 0;
    const { shown } = listing(state);
    const isAll = count > 0 && shown.every(({ id }) => state.selected.has(id));
    bar.hidden = count === 0;
    setText(text, `${formatNumber(count)} selected`);
    all.checked = isAll;
    all.indeterminate = count > 0 && !isAll;
  });
}
