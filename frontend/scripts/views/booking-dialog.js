/** The dialog that books several items at once: what was received, sold, used, counted, moved. */

import { matchesOf, reasonsFor } from "../booking.js";
import { formatNumber, formatQuantity } from "../formats.js";
import { editableLocations } from "../locations.js";
import { REASONS } from "../reasons.js";
import { mayEdit } from "../rights.js";
import { createBookingLine, factsOfLine } from "./booking-line.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { keepFocus } from "./rows.js";
import { setText } from "./text.js";

/** `onBook` sends the booking, and resolves when it is answered. `onClosed` is called when the dialog closes. */
export function mountBookingDialog(dialog, store, listing, { onBook, onClosed }) {
  const part = (name) => dialog.querySelector(`.booking-${name}`);
  const [form, list, matches, said, failure] = ["form", "lines", "matches", "said", "failure"].map(part);
  const [save, clear, where] = ["save", "clear", "where"].map(part);
  const { reason, note, to, query } = form.elements;
  const lines = new Map(); // id → line
  let found = []; // the items that match what was typed
  let shownFor = {}; // for which the matches are shown

  const tell = (act, values = {}) => store.dispatch({ type: "booking", act, ...values });

  // Adding and removing lines ------------------------------------------------------------------------------------------

  /** Add the item, and let the person type its amount. */
  function add(item) {
    if (!item) return;
    tell("add", { item });
    show(store.state);
    const line = lines.get(item.id);
    line?.element.scrollIntoView({ block: "nearest" });
    line?.input.focus();
    line?.input.select();
  }

  function remove(id) {
    tell("remove", { id });
    show(store.state);
    if (lines.size === 0) query.focus();
  }

  /** Enter leads from an amount to the next one that is missing, and from the last to the next item. */
  function goOn() {
    const missing = store.state.booking.lines.find(({ amount }) => !amount.trim());
    const input = missing ? lines.get(missing.id).input : query;
    input.focus();
  }

  function lineOf(id) {
    if (!lines.has(id)) {
      lines.set(id, createBookingLine(id, { onAmount: (of, amount) => tell("amount", { id: of, amount }), onRemove: remove }));
    }
    return lines.get(id);
  }

  function showLines(state) {
    const shown = state.booking.lines;
    const kept = new Set(shown.map(({ id }) => id));
    for (const id of lines.keys()) if (!kept.has(id)) lines.delete(id);
    for (const line of shown) lineOf(line.id).update(state, line);
    const elements = shown.map(({ id }) => lines.get(id).element);
    const isSame = elements.length === list.children.length && elements.every((element, n) => element === list.children[n]);
    if (!isSame) keepFocus(list, () => reconcile(elements));
  }

  /** Lines are added at the end only, so those that stay need not be moved, which would take the focus from them. */
  function reconcile(elements) {
    for (const element of [...list.children]) if (!elements.includes(element)) element.remove();
    list.append(...elements.slice(list.children.length));
  }

  // The search ---------------------------------------------------------------------------------------------------------

  function showMatches(state) {
    const { items } = listing(state);
    const { query: typed } = state.booking;
    if (shownFor.items === items && shownFor.typed === typed && shownFor.locations === state.locations) return;
    shownFor = { items, typed, locations: state.locations };
    found = matchesOf(state, items);
    keepFocus(matches, () => matches.replaceChildren(...found.map((item) => createMatch(state, item))));
    matches.hidden = found.length === 0;
    part("unmatched").hidden = found.length > 0 || typed.trim() === "";
  }

  function createMatch({ locations }, item) {
    const element = document.getElementById("booking-match").content.cloneNode(true).firstElementChild;
    setText(element.querySelector(".booking-match-name"), item.name);
    setText(element.querySelector(".booking-match-facts"), factsOfLine(locations, item));
    setText(element.querySelector(".booking-match-stock"), formatQuantity(item.quantity, item.unit));
    element.querySelector("button").value = item.id;
    return element;
  }

  // Sending ------------------------------------------------------------------------------------------------------------

  async function send() {
    await onBook();
    if (!dialog.open) return;
    show(store.state);
    const wrong = store.state.booking.lines.find(({ error }) => error);
    if (wrong) lines.get(wrong.id).input.focus();
    else if (to.ariaInvalid === "true") to.focus();
  }

  function onKey(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    const isAmount = event.target.matches(".booking-line-amount");
    if (event.ctrlKey || event.metaKey) send();
    else if (event.target === query) add(found[0]);
    else if (isAmount) goOn();
    else if (event.target !== note) return;
    event.preventDefault(); // Enter never books by the way
  }

  dialog.addEventListener("keydown", onKey);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (save.ariaDisabled !== "true") send();
  });
  query.addEventListener("input", () => tell("search", { query: query.value }));
  reason.addEventListener("change", () => tell("set", { values: { reason: reason.value } }));
  to.addEventListener("change", () => tell("set", { values: { to: chosenLocation(to) } }));
  note.addEventListener("input", () => tell("set", { values: { note: note.value } }));
  matches.addEventListener("click", ({ target }) => {
    const id = Number(target.closest("button")?.value);
    add(found.find((item) => item.id === id));
  });
  clear.addEventListener("click", () => {
    tell("clear");
    show(store.state);
    query.focus();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (store.state.booking.isOpen) tell("close");
    onClosed();
  });

  function show(state) {
    const { booking, session } = state;
    if (dialog.open && (!booking.isOpen || !mayEdit(session))) dialog.close();
    if (!dialog.open) return;
    showForm(state);
    showLines(state);
    showMatches(state);
    setText(said, booking.said);
    setText(failure, booking.failure);
    showButtons(booking);
  }

  function showForm(state) {
    const { booking, locations } = state;
    offerReasons(reason, reasonsFor(state));
    if (reason.value !== booking.reason) reason.value = booking.reason;
    where.hidden = !REASONS[booking.reason].isMove;
    offerLocations(to, editableLocations(locations), "Choose a location");
    if (chosenLocation(to) !== booking.to) to.value = String(booking.to ?? "");
    to.ariaInvalid = booking.failure && !where.hidden && booking.to === null ? "true" : null;
    if (note.value !== booking.note) note.value = booking.note;
    if (query.value !== booking.query) query.value = booking.query;
    for (const fieldset of dialog.querySelectorAll("fieldset")) fieldset.disabled = booking.isUncertain;
  }

  function showButtons({ lines: all, isSending, isUncertain }) {
    const count = all.length === 1 ? "1 item" : `${formatNumber(all.length)} items`;
    setText(save, isUncertain ? "Try again" : all.length ? `Book ${count}` : "Book");
    save.ariaDisabled = isSending || all.length === 0 ? "true" : null;
    clear.hidden = all.length === 0 || isSending;
  }

  store.subscribe(show);

  return {
    /** Open the dialog, and add these items to what is in it. */
    open(items) {
      if (!mayEdit(store.state.session)) return;
      tell("open", { items });
      dialog.showModal();
      show(store.state);
      if (items.length) goOn();
      else query.focus();
    },
  };
}

function offerReasons(select, reasons) {
  const isSame = select.options.length === reasons.length && reasons.every((reason, n) => select.options[n].value === reason);
  if (!isSame) select.replaceChildren(...reasons.map((reason) => new Option(REASONS[reason].label, reason)));
}
