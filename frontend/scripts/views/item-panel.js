/** The panel with one item: its quantity, what changes it, its fields and its history. The list beside it stays live. */

import { getHistory } from "../server/api.js";
import { FIELDS, inputText, lowText, readFields } from "../state/fields.js";
import { formatMoment, formatQuantity } from "../state/formats.js";
import { labelsAddress } from "../state/label-sizes.js";
import { pathShown } from "../state/locations.js";
import { text } from "../state/messages.js";
import { readChange, readNumber } from "../state/numbers.js";
import { mayEditItem } from "../state/rights.js";
import { quantitiesOf } from "../state/steps.js";
import { findItem } from "../state/stock.js";
import { quantityShown } from "../state/writes.js";
import { createFieldInput, showError, showErrors, showExample } from "./field-input.js";
import { createHistoryEntry } from "./history-entry.js";
import { complaintOf } from "./quantity-edit.js";
import { createRenameTwins } from "./rename-twins.js";
import { createStepChart } from "./step-chart.js";
import { setText } from "./text.js";

const NOT_FOUND = 404;
const DETAILS = FIELDS.filter(({ name }) => name !== "quantity"); // quantity has its own form
const SETTLE_MS = 400; // wait this long after a change before the history is loaded again

export function mountItemPanel(panel, store, listing, { onAdjust, onEdit, onRemove, onRestore, onClosed }) {
  const part = (name) => panel.querySelector(`.item-panel-${name}`);
  const [title, quantity, facts, list, more, failure] = ["title", "quantity", "facts", "history", "more", "failure"].map(part);
  const [change, details, restore, place, low, menu] = ["change", "details", "restore", "place", "low", "menu"].map(part);
  const { amount } = change.elements;
  const twins = createRenameTwins(part("twins"), listing);
  const chart = createStepChart(part("chart"));
  let id = null;
  let entries = [];
  let hasMore = false;
  let loadedFor; // version of the item when the history was loaded; undefined before that
  let shownItem;
  let began = null; // the item as it was when the person began to change its fields
  let timer;

  function open(next) {
    id = next;
    [entries, hasMore, loadedFor, shownItem, began] = [[], false, undefined, undefined, null];
    list.replaceChildren();
    part("fields").replaceChildren(...DETAILS.map((field) => createFieldInput(field, "item")));
    setText(title, text("loading"));
    for (const element of [place, low, quantity, failure]) setText(element, "");
    part("chart").hidden = true;
    menu.open = false;
    amount.value = "";
    showError(amount, null);
    panel.hidden = false;
    document.documentElement.classList.add("has-item");
    panel.scrollTop = 0;
  }

  function close() {
    if (id === null) return;
    const closed = id;
    const hadFocus = panel.contains(document.activeElement);
    id = null;
    clearTimeout(timer);
    part("fields").replaceChildren();
    panel.hidden = true;
    document.documentElement.classList.remove("has-item");
    if (hadFocus) onClosed(closed);
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
      if (!shownItem) setText(title, text("item.none"));
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
    const { minimum = null } = findItem(store.state.stock, id) ?? {};
    if (points.length) chart.update(points, Math.max(Date.now(), points.at(-1).at), minimum);
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
    setText(quantity, item ? formatQuantity(quantityShown(item, pending.get(id)), item.unit) : text("item.is_deleted"));
    setText(facts, last ? text("item.added_at", { time: formatMoment(last.created_at) }) : "");
    setText(place, last ? pathShown(locations, last.location) : "");
    setText(low, item ? lowText(item) : "");
    const isLocked = !last || !mayEditItem(state, last);
    part("about").hidden = !item;
    part("label").href = labelsAddress([id]);
    menu.hidden = !item;
    part("delete").hidden = isLocked;
    change.hidden = !item || isLocked;
    for (const field of DETAILS) {
      details.elements[field.name].readOnly = isLocked;
      showExample(details.elements[field.name], field);
    }
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

  // Changing it -------------------------------------------------------------------------------------------------------

  /** What the person wants: the button says what a plain number means. Without a number, it is one. */
  function wanted(verb) {
    const typed = amount.value.trim();
    if (verb === "set") return readChange(typed);
    const number = typed === "" ? 1 : readNumber(typed);
    return number === null || number <= 0 ? null : { by: verb === "take" ? -number : number };
  }

  function changeQuantity(verb) {
    const item = findItem(store.state.stock, id);
    if (!item) return;
    const next = wanted(verb);
    const write = store.state.pending.get(id);
    const complaint = complaintOf(next, quantityShown(item, write)) || (mayFollow(write, next) ? "" : text("edit.busy"));
    showError(amount, complaint || null);
    if (complaint) return amount.focus();
    if ("by" in next) onAdjust(id, next.by);
    else onEdit(item, { quantity: next.to });
    amount.value = "";
  }

  /** Whether the change can be sent although there is a pending write: what is taken and added is summed up. */
  const mayFollow = (write, next) => write === undefined || (write.kind === "adjust" && "by" in next);

  change.addEventListener("click", ({ target }) => {
    const verb = target.closest("button")?.value;
    if (verb) changeQuantity(verb);
  });
  change.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = readNumber(amount.value);
    const isPlain = number !== null && /^\s*\d/.test(amount.value);
    if (isPlain) return showError(amount, text("edit.press", { number }));
    changeQuantity("set");
  });
  amount.addEventListener("input", () => showError(amount, null));

  part("close").addEventListener("click", () => store.dispatch({ type: "view", opened: null }));
  part("delete").addEventListener("click", () => {
    const item = findItem(store.state.stock, id);
    menu.open = false;
    if (item) onRemove([item]);
    panel.querySelector("h2").focus();
  });
  document.addEventListener("keydown", ({ key, target, defaultPrevented }) => {
    if (key !== "Escape" || defaultPrevented || id === null || document.querySelector("dialog:modal")) return;
    if (!panel.contains(target) && target !== document.body) return; // the body has the focus after a click on a text
    if (menu.open) menu.open = false;
    else store.dispatch({ type: "view", opened: null });
  });
  more.addEventListener("click", () => load(entries.at(-1).event_id));
  restore.addEventListener("click", () => onRestore([entries[0].before]));
  details.addEventListener("input", ({ target }) => {
    began ??= findItem(store.state.stock, id);
    if (inputs().includes(target)) showError(target, null);
    showItem(store.state);
  });
  details.addEventListener("submit", (event) => {
    event.preventDefault();
    const { values, errors } = readFields(inputs());
    showErrors(inputs(), errors);
    if (errors.length > 0) return;
    const from = began ?? findItem(store.state.stock, id);
    began = null;
    if (from) onEdit(from, changedBy(from, values), { ...twins.choice(), onErrors: (refused) => showErrors(inputs(), refused) });
  });

  /** Only what the person has changed: the other inputs may show what others have changed since. */
  const changedBy = (from, values) => {
    const now = findItem(store.state.stock, id) ?? from;
    return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== (now[name] ?? null)));
  };

  store.subscribe((state) => {
    if (state.opened !== id) {
      if (state.opened === null) return close();
      open(state.opened);
    }
    if (id === null) return;
    showItem(state);
    if (state.stock.isComplete) reloadWhenChanged(state);
  });

  return {
    /** Let the person type at once, where that needs no keyboard on the screen. */
    focus() {
      const isTouched = matchMedia("(pointer: coarse)").matches;
      if (isTouched || change.hidden) panel.querySelector("h2").focus({ preventScroll: true });
      else amount.focus({ preventScroll: true });
    },
    contains: (element) => panel.contains(element),
  };
}
