/** The stock as it was at the end of a day, compared with another day, or with now. */

import { getStockAt } from "../server/api.js";
import { formatDate, formatNumber, formatSigned } from "../state/formats.js";
import { text } from "../state/messages.js";
import { compareStocks, dayOf, endOf } from "../state/reports.js";
import { mounted } from "./mounted.js";
import { createItemButton, mountReport, placeCell } from "./report.js";
import { setMessage, setText } from "./text.js";

const ROWS_AT_ONCE = 200;
const SETTLE_MS = 500; // after a change, before the present stock is compared again
const YESTERDAY_MS = 86_400_000;

export function mountPast(container, store, listing, actions) {
  const report = mountReport(container, store, "past", actions);
  const { form, rows, part, view } = report;
  const { differences } = form.elements;
  const loaded = new Map(); // day → its items, or a refusal
  let shown = {};
  let count = ROWS_AT_ONCE;
  let timer;

  /** The items at the end of this day; null while they are loaded. */
  function itemsAt(day, location) {
    const name = `${day} ${location}`;
    if (!loaded.has(name)) {
      loaded.set(name, null);
      getStockAt(endOf(day), location)
        .catch((refusal) => refusal)
        .then((answer) => {
          loaded.set(name, answer);
          if (view.isConnected) draw(store.state);
        });
    }
    return loaded.get(name);
  }

  function draw(state) {
    const { report: filters, location } = state;
    const { day, compared } = filters;
    form.elements.day.max = form.elements.compared.max = dayOf(Date.now());
    setText(view.querySelector(".past-then"), day && formatDate(day));
    setText(view.querySelector(".past-now"), compared ? formatDate(compared) : text("past.now"));
    part("export").hidden = !day;
    if (!day) return say(text("past.choose"));
    part("export").href = `/api/inventories/export?bom=1&as_of=${endOf(day)}${location === null ? "" : `&location=${location}`}`;
    setMessage(view.querySelector(".past-mark"), "past.mark", { day: formatDate(day) });
    const before = itemsAt(day, location);
    const after = compared ? itemsAt(compared, location) : listing(state).found;
    const refused = [before, after].find((items) => items instanceof Error);
    if (refused) return say(refused.message);
    if (before === null || after === null) return say(text("loading"));
    const all = compareStocks(before, after);
    drawRows(state, differences.checked ? all.filter(({ by }) => by !== 0) : all);
  }

  function say(sentence) {
    rows.replaceChildren();
    part("more").hidden = true;
    setText(part("said"), sentence);
  }

  function drawRows(state, all) {
    const quantity = (value) => ({ text: value === null ? "–" : formatNumber(value), isNumber: true });
    rows.replaceChildren(
      ...all.slice(0, count).map(({ item, then, now, by }) =>
        report.createRow([
          createItemButton(item),
          item.code ?? "",
          placeCell(state, item),
          quantity(then),
          quantity(now),
          { text: by === 0 ? "" : formatSigned(by), isNumber: true },
        ]),
      ),
    );
    part("more").hidden = all.length <= count;
    setText(part("said"), all.length ? "" : text("past.none"));
  }

  function show(state) {
    report.showFilters(state);
    const { stock, report: filters, location, locations } = state;
    const isOther = filters !== shown.filters || location !== shown.location || locations !== shown.locations;
    const isChanged = stock !== shown.stock && !filters.compared;
    shown = { filters, location, locations, stock };
    if (isOther) {
      count = ROWS_AT_ONCE;
      draw(state);
    } else if (isChanged) timer ??= setTimeout(redraw, SETTLE_MS);
  }

  function redraw() {
    timer = undefined;
    draw(store.state);
  }

  differences.addEventListener("change", redraw);
  part("more").addEventListener("click", () => {
    count += ROWS_AT_ONCE;
    redraw();
  });
  if (!store.state.report.day) store.dispatch({ type: "report", values: { day: dayOf(Date.now() - YESTERDAY_MS) } });
  return mounted(view, store, show, () => clearTimeout(timer));
}
