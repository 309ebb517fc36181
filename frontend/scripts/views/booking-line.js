/** A line of a list: an item, its amount, and its quantity before and after. And an item that may become one. */

import { formatNumber, formatQuantity, formatSigned } from "../state/formats.js";
import { effectOf } from "../state/lists.js";
import { pathShown } from "../state/locations.js";
import { text } from "../state/messages.js";
import { VERBS } from "../state/reasons.js";
import { findItem } from "../state/stock.js";
import { quantityShown } from "../state/writes.js";
import { fromTemplate, setText } from "./text.js";

/** Where an item is, and its code, to tell it from others with its name. */
const factsOf = (locations, { code, location }) => [code, pathShown(locations, location)].filter(Boolean).join(" · ");

export function createBookingLine(id, { onAmount, onRemove }) {
  const element = fromTemplate("booking-line");
  const part = (name) => element.querySelector(`.booking-line-${name}`);
  const [name, facts, stock, input, remove] = ["name", "facts", "stock", "amount", "remove"].map(part);
  const [news, error] = [part("news"), part("error")];
  error.id = `booking-error-${id}`;
  stock.id = `booking-stock-${id}`;
  input.dataset.id = id;
  input.setAttribute("aria-describedby", `${stock.id} ${error.id}`);
  input.addEventListener("input", () => onAmount(id, input.value));
  remove.addEventListener("click", () => onRemove(id));

  /** What the line does: "746 → 726", or how many are short. */
  function showStock(list, line, item, now) {
    if (!item) return setText(stock, text("item.is_deleted"));
    const effect = line && effectOf(list, line, now);
    const isPlain = !effect || effect.error;
    const after = isPlain ? "" : ` → ${formatQuantity(effect.after, item.unit)}`;
    const change = VERBS[list.verb].isCount && !isPlain && effect.by !== 0 ? ` (${formatSigned(effect.by)})` : "";
    setText(stock, isPlain ? formatQuantity(now, item.unit) : `${formatNumber(now)}${after}${change}`);
    const short = effect?.short ?? 0;
    stock.classList.toggle("is-short", short > 0);
    element.classList.toggle("is-different", Boolean(effect?.by));
    setText(news, short > 0 ? text("line.short", { there: now, short }) : newsOf(line, now));
  }

  /** What others have changed since the amount was typed. */
  function newsOf(line, now) {
    if (!line || line.amount.trim() === "" || line.seen === now) return "";
    return text("line.since", { from: line.seen, to: now });
  }

  return {
    element,
    input,
    /** @param {object | null} line null: the item is in the list to be counted, but has no amount yet */
    update(state, list, line) {
      const item = findItem(state.stock, id);
      const called = item?.name ?? line?.name ?? "";
      const place = item ? pathShown(state.locations, item.location) : "";
      const what = place ? text("line.at", { name: called, place }) : called;
      setText(name, called);
      setText(facts, item ? factsOf(state.locations, item) : "");
      input.setAttribute("aria-label", text(VERBS[list.verb].isCount ? "line.counted_of" : "line.amount_of", { name: what }));
      remove.setAttribute("aria-label", text("line.remove", { name: what }));
      remove.classList.toggle("is-hidden", line === null);
      showStock(list, line, item, item ? quantityShown(item, state.pending.get(id)) : 0);
      const amount = line?.amount ?? "";
      if (input.value !== amount) input.value = amount;
      setText(error, line?.error ?? "");
      error.hidden = !line?.error;
      input.ariaInvalid = line?.error ? "true" : null;
    },
  };
}

/** An item that was found, to be chosen. */
export function createMatch({ locations }, item) {
  const element = fromTemplate("booking-match");
  element.id = `booking-match-${item.id}`;
  setText(element.querySelector(".booking-match-name"), item.name);
  setText(element.querySelector(".booking-match-facts"), factsOf(locations, item));
  setText(element.querySelector(".booking-match-stock"), formatQuantity(item.quantity, item.unit));
  return element;
}
