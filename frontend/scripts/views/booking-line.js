/** A line of a booking: an item, its amount, and its quantity before and after. */

import { quantityAfter } from "../booking.js";
import { formatNumber, formatQuantity } from "../formats.js";
import { pathShown } from "../locations.js";
import { REASONS } from "../reasons.js";
import { findItem } from "../stock.js";
import { quantityShown } from "../writes.js";
import { showError } from "./field-input.js";
import { setText } from "./text.js";

/** Where an item is, and its code, to tell it from others with its name. */
export const factsOfLine = (locations, { code, location }) => [code, pathShown(locations, location)].filter(Boolean).join(" · ");

export function createBookingLine(id, { onAmount, onRemove }) {
  const element = document.getElementById("booking-line").content.cloneNode(true).firstElementChild;
  const part = (name) => element.querySelector(`.booking-line-${name}`);
  const [name, facts, stock, input, remove, error] = ["name", "facts", "stock", "amount", "remove", "error"].map(part);
  error.id = `booking-error-${id}`;
  stock.id = `booking-stock-${id}`;
  input.setAttribute("aria-describedby", error.id);
  input.addEventListener("input", () => onAmount(id, input.value));
  remove.addEventListener("click", () => onRemove(id));

  /** The reason decides what the amount is. */
  function showReason({ sign, isCount }, what) {
    input.setAttribute("aria-label", `${isCount ? "Counted quantity" : "Amount"} of ${what}`);
    input.inputMode = sign === null ? "text" : "numeric"; // the keypads of phones lack the minus
    input.placeholder = sign === null ? "+5 or -5" : isCount ? "Counted" : "Amount";
  }

  function showStock({ reason }, line, item, write) {
    if (!item) return setText(stock, "Deleted");
    const now = quantityShown(item, write);
    const after = quantityAfter(reason, line.amount, now);
    setText(stock, after === null ? formatQuantity(now, item.unit) : `${formatNumber(now)} → ${formatQuantity(after, item.unit)}`);
    stock.classList.toggle("is-short", after !== null && after < 0);
  }

  return {
    element,
    input,
    update(state, line) {
      const { booking, pending, locations } = state;
      const item = findItem(state.stock, id);
      const { name: called } = item ?? line;
      const place = item ? pathShown(locations, item.location) : "";
      const what = place ? `${called} at ${place}` : called;
      setText(name, called);
      setText(facts, item ? factsOfLine(locations, item) : "");
      showReason(REASONS[booking.reason], what);
      remove.setAttribute("aria-label", `Remove ${what}`);
      showStock(booking, line, item, pending.get(id));
      if (input.value !== line.amount) input.value = line.amount;
      if (error.textContent !== line.error) showError(input, line.error);
    },
  };
}
