/** The dialog with deleted items, which can be restored. */

import { getDeleted } from "../server/api.js";
import { formatMoment } from "../state/formats.js";
import { pathShown } from "../state/locations.js";
import { partsOf, text } from "../state/messages.js";
import { personLabel } from "../state/reports.js";
import { mayEditItem } from "../state/rights.js";
import { oneAtATime } from "./one-at-a-time.js";
import { fromTemplate, isolated, setMessage } from "./text.js";

export function mountDeletedList(dialog, store, { onRestore }) {
  const list = dialog.querySelector(".deleted-list-items");
  const said = dialog.querySelector(".deleted-list-said");
  const more = dialog.querySelector(".deleted-list-more");
  let last = null; // event id of the last loaded entry

  async function load() {
    said.textContent = list.childElementCount ? "" : text("loading");
    try {
      const { entries, hasMore } = await getDeleted(last);
      list.append(...entries.map(createRow));
      last = entries.at(-1)?.event_id ?? last;
      more.hidden = !hasMore;
      said.textContent = list.childElementCount ? "" : text("deleted.none");
    } catch (refusal) {
      said.textContent = refusal.message;
    }
  }

  function createRow({ before, actor, changed_at }) {
    const row = fromTemplate("deleted-item");
    const button = row.querySelector("button");
    row.querySelector(".deleted-item-name").textContent = before.name;
    showWhatWas(row.querySelector(".deleted-item-quantity"), before, store.state);
    row.querySelector(".deleted-item-when").replaceChildren(...whenAndWho(changed_at, actor));
    button.hidden = !mayEditItem(store.state, before);
    button.setAttribute("aria-label", text("deleted.restore", { name: before.name }));
    button.addEventListener("click", () => oneAtATime(() => restore(row, before), button));
    return row;
  }

  /** Remove the row, and move the focus to the next one. */
  async function restore(row, item) {
    if (!(await onRestore([item]))) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next ?? dialog).querySelector("button").focus();
    if (!list.childElementCount) said.textContent = text("deleted.none");
  }

  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });
  more.addEventListener("click", load);

  return {
    open() {
      last = null;
      list.replaceChildren();
      more.hidden = true;
      dialog.showModal();
      load();
    },
  };
}

function showWhatWas(element, { quantity, location }, { locations }) {
  const place = pathShown(locations, location);
  setMessage(element, place ? "deleted.stock_at" : "deleted.stock", { quantity, place });
}

function whenAndWho(changedAt, actor) {
  const time = document.createElement("time");
  time.dateTime = changedAt;
  time.textContent = formatMoment(changedAt);
  const values = { time, person: isolated(personLabel(actor)) };
  return partsOf("deleted.when", values).map((part) => part.value ?? part);
}
