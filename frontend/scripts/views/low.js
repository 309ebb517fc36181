/** What is out and what is low, and the order list that is made of it. */

import { getUse } from "../server/api.js";
import { formatNumber, formatQuantity } from "../state/formats.js";
import { pathShown } from "../state/locations.js";
import { text } from "../state/messages.js";
import { readNumber } from "../state/numbers.js";
import { dayOf } from "../state/reports.js";
import { orderList, shortagesOf, suggestedOrder } from "../state/shortages.js";
import { mounted } from "./mounted.js";
import { createItemButton, mountReport, placeCell } from "./report.js";
import { saveFile } from "./save-file.js";
import { setText } from "./text.js";

export function mountLow(container, store, listing, actions) {
  const report = mountReport(container, store, "low", actions);
  const { rows, part, view } = report;
  const all = view.querySelector(".low-all");
  const wanted = new Map(); // id → {isTicked, amount}: what the person has changed
  let used = new Map(); // id → used per week
  let shown = [];
  let shownFor = {};

  getUse()
    .then((found) => {
      used = found;
      shownFor = {};
      if (view.isConnected) show(store.state);
    })
    .catch(() => {}); // then nothing is suggested but what is missing

  /** Whether to order an item, and how many. What has no minimum is not suggested. */
  function choiceOf(item) {
    const suggested = suggestedOrder(item, used.get(item.id));
    return { isTicked: suggested > 0, amount: String(suggested), ...wanted.get(item.id) };
  }

  const choose = (id, values) => wanted.set(id, { ...wanted.get(id), ...values });

  function createLine(state, item) {
    const { isTicked, amount } = choiceOf(item);
    const tick = Object.assign(document.createElement("input"), { type: "checkbox" });
    tick.className = "low-tick";
    tick.dataset.id = item.id;
    tick.setAttribute("aria-label", text("low.order", { name: item.name }));
    const input = Object.assign(document.createElement("input"), { type: "text", inputMode: "numeric", value: amount });
    input.className = "low-amount";
    input.dataset.id = item.id;
    input.setAttribute("aria-label", text("low.amount", { name: item.name }));
    const row = report.createRow([
      tick,
      createItemButton(item),
      placeCell(state, item),
      { text: formatQuantity(item.quantity, item.unit), isNumber: true },
      { text: typeof item.minimum === "number" ? formatNumber(item.minimum) : "", isNumber: true },
      { text: used.has(item.id) ? formatNumber(used.get(item.id)) : "", isNumber: true },
      { text: input, isNumber: true },
    ]);
    row.classList.toggle("is-out", item.quantity === 0);
    showTick(row, isTicked);
    return row;
  }

  function show(state) {
    report.showFilters(state);
    const { items } = listing(state);
    const isSame = items === shownFor.items && state.location === shownFor.location && state.locations === shownFor.locations;
    if (isSame || view.contains(document.activeElement?.closest?.(".low-amount"))) return;
    shownFor = { items, location: state.location, locations: state.locations };
    shown = shortagesOf(state, items);
    rows.replaceChildren(...shown.map((item) => createLine(state, item)));
    setText(part("said"), shown.length ? "" : text("none.low"));
    showButtons();
  }

  function showTick(row, isTicked) {
    row.querySelector(".low-tick").checked = isTicked;
    row.classList.toggle("is-left-out", !isTicked);
  }

  function showButtons() {
    const ticked = shown.filter((item) => choiceOf(item).isTicked).length;
    all.checked = ticked === shown.length && ticked > 0;
    all.indeterminate = ticked > 0 && ticked < shown.length;
    for (const name of ["print", "export", "receive"]) view.querySelector(`.low-${name}`).hidden = ticked === 0;
  }

  /** The ticked items, with what to order of each. */
  const ordered = () => shown.map((item) => ({ item, ...choiceOf(item) })).filter(({ isTicked }) => isTicked);

  function save() {
    const rowsOf = ordered().map(({ item, amount }) => ({ item, amount, place: pathShown(store.state.locations, item.location) }));
    saveFile(`order-${dayOf(Date.now())}.csv`, orderList(rowsOf));
  }

  view.addEventListener("change", ({ target }) => {
    if (target === all) for (const { id } of shown) choose(id, { isTicked: all.checked });
    if (target.matches(".low-tick")) choose(Number(target.dataset.id), { isTicked: target.checked });
    if (target.matches(".low-amount")) choose(Number(target.dataset.id), { amount: target.value });
    shown.forEach((item, index) => showTick(rows.children[index], choiceOf(item).isTicked));
    showButtons();
  });
  view.querySelector(".low-print").addEventListener("click", () => globalThis.print());
  view.querySelector(".low-export").addEventListener("click", save);
  view.querySelector(".low-receive").addEventListener("click", () => {
    actions.onReceive(ordered().filter(({ amount }) => readNumber(amount) > 0).map(({ item, amount }) => ({ item, amount })));
  });
  return mounted(view, store, show);
}
