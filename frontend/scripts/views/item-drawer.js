/** The drawer with one item and its history. It is updated live while it is open. */

import { getHistory } from "../api.js";
import { FIELDS, inputText, lowText, readFields } from "../fields.js";
import { formatMoment, formatQuantity } from "../formats.js";
import { labelsAddress } from "../label-sizes.js";
import { pathShown } from "../locations.js";
import { mayEditItem } from "../rights.js";
import { findItem } from "../stock.js";
import { quantitiesOf } from "../steps.js";
import { quantityShown } from "../writes.js";
import { createFieldInput, showError, showErrors } from "./field-input.js";
import { createHistoryEntry } from "./history-entry.js";
import { createRenameTwins } from "./rename-twins.js";
import { createStepChart } from "./step-chart.js";
import { setText } from "./text.js";

const NOT_FOUND = 404;
const DETAILS = FIELDS.filter(({ name }) => name !== "quantity"); // quantity has its own buttons
const SETTLE_MS = 400; // wait this long after a change before the history is loaded again

export function mountItemDrawer(dialog, store, listing, { onEdit, onStep, onRestore }) {
  const part = (name) => dialog.querySelector(`.item-drawer-${name}`);
  const [title, quantity, facts, list, more, failure] = ["title", "quantity", "facts", "history", "more", "failure"].map(part);
  const [details, restore, place, low] = ["details", "restore", "place", "low"].map(part);
  const twins = createRenameTwins(part("twins"), listing);
  const chart = createStepChart(part("chart"));
  let id = null;
  let entries = [];
  let hasMore = false;
  let loadedFor; // version of the item when the history was loaded; undefined before that
  let shownItem;
  let timer;

  function open(next) {
    id = next;
    [entries, hasMore, loadedFor, shownItem] = [[], false, undefined, undefined];
    list.replaceChildren();
    part("fields").replaceChildren(...DETAILS.map((field) => createFieldInput(field, "drawer")));
    setText(title, "Loading…");
    for (const text of [place, low]) setText(text, "");
    part("chart").hidden = true;
    failure.textContent = "";
    if (!dialog.open) dialog.showModal();
  }

  function close() {
    id = null;
    clearTimeout(timer);
    part("fields").replaceChildren();
    if (dialog.open) dialog.close();
  }

  async function load(after = null) {
    const asked = id;
    try {
      const page = await getHistory(asked, after);
      if (asked !== id) return;
      entries = after === null ? page.entries : [...entries, ...page.entries];
      hasMore = page.hasMore;
      failure.textContent = "";
      showHistory();
    } catch (refusal) {
      if (asked !== id) return;
      if (refusal.status === NOT_FOUND) forget();
      failure.textContent = refusal.message;
      if (!shownItem) setText(title, "No such item");
    }
  }

  /** The item was never there, or is at a location that may not be seen any more. */
  function forget() {
    const asked = loadedFor;
    open(id);
    loadedFor = asked;
    more.hidden = true;
  }

  function showHistory() {
    list.replaceChildren(...entries.map(createHistoryEntry));
    more.hidden = !hasMore;
    const points = quantitiesOf(entries);
    part("chart").hidden = points.length === 0;
    if (points.length) chart.update(points, Math.max(Date.now(), points.at(-1).at));
    showItem(store.state);
  }

  function showItem(state) {
    const { stock, pending, locations } = state;
    const item = findItem(stock, id);
    const last = item ?? entries[0]?.before ?? null;
    if (last && last !== shownItem) {
      setText(title, last.name);
      for (const input of inputs()) showValue(input, last);
    }
    shownItem = last ?? shownItem;
    setText(quantity, item ? formatQuantity(quantityShown(item, pending.get(id)), item.unit) : "Deleted");
    setText(facts, last ? `Added ${formatMoment(last.created_at)}` : "");
    setText(place, last ? pathShown(locations, last.location) : "");
    setText(low, item ? lowText(item) : "");
    const isLocked = !last || !mayEditItem(state, last);
    details.hidden = !item;
    part("label").hidden = !item;
    part("label").href = labelsAddress([id]);
    for (const element of dialog.querySelectorAll(".item-drawer-step")) element.hidden = !item || isLocked;
    for (const input of inputs()) input.readOnly = isLocked;
    details.querySelector("button").hidden = isLocked;
    twins.show(state, isLocked ? null : item, details.elements.name.value);
    restore.hidden = isLocked || item !== null || !stock.isComplete || entries[0]?.operation !== "DELETE";
  }

  const inputs = () => DETAILS.map(({ name }) => details.elements[name]);

  /** Shows the item's value, unless the person has changed the input. */
  function showValue(input, item) {
    const isUntouched = !shownItem || input.value === inputText(shownItem[input.name]);
    if (isUntouched) input.value = inputText(item[input.name]);
  }

  function reloadWhenChanged({ stock }) {
    const version = stock.known.get(id)?.version ?? null;
    if (version === loadedFor) return;
    const isFirst = loadedFor === undefined;
    loadedFor = version;
    clearTimeout(timer);
    timer = setTimeout(load, isFirst ? 0 : SETTLE_MS);
  }

  dialog.addEventListener("close", () => id !== null && store.dispatch({ type: "view", opened: null }));
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".item-drawer-close")) dialog.close();
    const step = target.closest(".item-drawer-step");
    if (step) onStep(id, Number(step.value));
  });
  more.addEventListener("click", () => load(entries.at(-1).event_id));
  restore.addEventListener("click", () => onRestore([entries[0].before]));
  details.addEventListener("input", ({ target }) => {
    if (inputs().includes(target)) showError(target, null);
    showItem(store.state);
  });
  details.addEventListener("submit", (event) => {
    event.preventDefault();
    const { values, errors } = readFields(inputs());
    showErrors(inputs(), errors);
    if (errors.length === 0) onEdit(id, values, (refused) => showErrors(inputs(), refused), twins.choice());
  });

  store.subscribe((state) => {
    if (state.opened !== id) {
      if (state.opened === null) return close();
      open(state.opened);
    }
    if (id === null) return;
    showItem(state);
    if (state.stock.isComplete) reloadWhenChanged(state);
  });
}
