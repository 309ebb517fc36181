/** The view that receives, picks, counts or moves: a list of items with amounts, booked together. */

import { effectOf, isUncertain, itemsToCount, matchesOf, readyLines } from "../state/lists.js";
import { areSeveral, editableLocations } from "../state/locations.js";
import { text } from "../state/messages.js";
import { reasonLabel, VERBS } from "../state/reasons.js";
import { queryOf } from "../state/search.js";
import { findItem } from "../state/stock.js";
import { createBookingLine, createMatch } from "./booking-line.js";
import { mountCamera } from "./camera.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { mounted } from "./mounted.js";
import { keepFocus } from "./rows.js";
import { fromTemplate, setMessage, setText } from "./text.js";

/**
 * @param {string} verb one of VERBS
 * @param {() => Promise<boolean>} actions.onBook books the list
 * @param {(code: string) => void} actions.onCode takes what the camera has read
 */
export function mountBooking(container, store, listing, verb, { onBook, onCode }) {
  const view = fromTemplate("booking");
  const part = (name) => view.querySelector(`.booking-${name}`);
  const [form, list, matches, said, failure, none] = ["form", "lines", "matches", "said", "failure", "none"].map(part);
  const [save, clear, print, filter] = ["save", "clear", "print", "filter"].map(part);
  const { reason, at, to, note, query, differences } = form.elements;
  const { isCount = false, isMove = false } = VERBS[verb];
  const rows = new Map(); // id → line
  let found = []; // the items that match what was typed
  let active = 0; // which of them Enter adds
  let shownFor = {}; // for which the matches are shown
  let drawn = []; // ids of the lines that are shown, in order

  container.append(view);
  setText(view.querySelector("h1"), text(`verb.${verb}`));
  part("why").hidden = VERBS[verb].reasons.length === 1;
  part("whither").hidden = !isMove;
  setText(part("where").querySelector("label"), text(VERBS[verb].sign > 0 ? "list.at" : "list.from"));
  filter.hidden = !isCount;
  reason.replaceChildren(...VERBS[verb].reasons.map((each) => new Option(reasonLabel(each), each)));
  const camera = mountCamera(part("camera"), { onCode });

  const tell = (act, values = {}) => store.dispatch({ type: "list", verb, act, ...values });
  const current = () => store.state.lists[verb];

  // Lines --------------------------------------------------------------------------------------------------------------

  /** Add the item, and let the person type its amount. */
  function add(item) {
    if (!item) return;
    tell("add", { item });
    show(store.state);
    focusAmount(item.id);
  }

  function focusAmount(id) {
    const row = rows.get(id);
    row?.element.scrollIntoView({ block: "nearest" });
    row?.input.focus({ preventScroll: true });
    row?.input.select();
  }

  /** Enter leads from an amount to the next one that is missing below it, and from the last to the next item. */
  function goOn(id) {
    const below = drawn.slice(drawn.indexOf(id) + 1);
    const amounts = new Map(current().lines.map((line) => [line.id, line.amount]));
    const next = below.find((each) => !amounts.get(each)?.trim()) ?? (isCount ? undefined : missingAbove(amounts));
    if (next === undefined) query.focus();
    else focusAmount(next);
  }

  const missingAbove = (amounts) => drawn.find((each) => !amounts.get(each)?.trim());

  function rowOf(id) {
    if (!rows.has(id)) {
      const onAmount = (of, amount) => {
        const item = findItem(store.state.stock, of);
        if (item) tell("amount", { item, amount });
      };
      rows.set(id, createBookingLine(id, { onAmount, onRemove: (of) => tell("remove", { id: of }) }));
    }
    return rows.get(id);
  }

  function showLines(state, { items }) {
    const { lines } = current();
    const byId = new Map(lines.map((line) => [line.id, line]));
    const expected = itemsToCount(state, current(), items) ?? [];
    const ids = [...new Set([...expected.map(({ id }) => id), ...lines.map(({ id }) => id)])];
    drawn = differences.checked && isCount ? ids.filter((id) => differs(state, byId.get(id))) : ids;
    for (const id of drawn) rowOf(id).update(state, current(), byId.get(id) ?? null);
    const elements = drawn.map((id) => rows.get(id).element);
    const isSame = elements.length === list.children.length && elements.every((element, n) => element === list.children[n]);
    if (!isSame) keepFocus(list, () => arrangeLines(elements));
    for (const id of rows.keys()) if (!drawn.includes(id)) rows.delete(id);
    showNone(ids.length);
    showProgress(expected, lines);
  }

  /** Elements that stay are not moved, which would take the focus from them. */
  function arrangeLines(elements) {
    const wanted = new Set(elements);
    for (const element of [...list.children]) if (!wanted.has(element)) element.remove();
    elements.forEach((element, index) => {
      if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
    });
  }

  function differs({ stock }, line) {
    const item = line && findItem(stock, line.id);
    const effect = item && effectOf(current(), line, item.quantity);
    return Boolean(effect && (effect.error || effect.by !== 0));
  }

  function showNone(count) {
    const isAllSame = count > 0 && drawn.length === 0;
    none.hidden = drawn.length > 0;
    const needsPlace = isCount && areSeveral(store.state.locations) && current().at === null;
    setText(none, text(isAllSame ? "list.no_differences" : needsPlace ? "list.choose_location" : "list.none"));
  }

  function showProgress(expected, lines) {
    const counted = lines.filter(({ amount }) => amount.trim() !== "").length;
    const isShown = isCount && expected.length > 0;
    setText(part("progress"), isShown ? text("list.progress", { done: counted, all: Math.max(expected.length, counted) }) : "");
  }

  // The search ---------------------------------------------------------------------------------------------------------

  function showMatches(state, { items }) {
    const { query: typed, at: place } = current();
    if (shownFor.items === items && shownFor.typed === typed && shownFor.place === place) return;
    if (shownFor.typed !== typed) active = 0;
    shownFor = { items, typed, place };
    found = matchesOf(state, current(), items);
    matches.replaceChildren(...found.map((item) => createMatch(state, item)));
    matches.hidden = found.length === 0;
    query.ariaExpanded = String(found.length > 0);
    part("unmatched").hidden = found.length > 0 || queryOf(typed) === "";
    markActive();
  }

  function markActive() {
    active = Math.max(0, Math.min(found.length - 1, active));
    [...matches.children].forEach((element, index) => (element.ariaSelected = String(index === active)));
    const id = matches.children[active]?.id;
    if (id) query.setAttribute("aria-activedescendant", id);
    else query.removeAttribute("aria-activedescendant");
  }

  // Keys and buttons -----------------------------------------------------------------------------------------------------

  async function send() {
    const isBooked = await onBook();
    if (!view.isConnected) return;
    show(store.state);
    const wrong = current().lines.find(({ error }) => error);
    if (wrong) focusAmount(wrong.id);
    else if (to.ariaInvalid === "true") to.focus();
    else if (isBooked) query.focus();
  }

  function onKey(event) {
    if (event.isComposing) return;
    const { key, target } = event;
    if (target === query) showMatches(store.state, listing(store.state)); // the last key may not be drawn yet
    const isAmount = target.matches(".booking-line-amount");
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) send();
    else if (key === "Enter" && target === query) add(found[active]);
    else if (key === "Enter" && isAmount) goOn(Number(target.dataset.id));
    else if (key in moves && target === query) {
      active += moves[key];
      markActive();
    } else if (key in moves && isAmount) {
      const next = drawn[drawn.indexOf(Number(target.dataset.id)) + moves[key]];
      if (next !== undefined) focusAmount(next);
    } else if (!(key === "Enter" && target === note)) return;
    event.preventDefault(); // Enter never books by the way
  }

  view.addEventListener("keydown", onKey);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (save.ariaDisabled !== "true") send();
  });
  query.addEventListener("input", () => tell("search", { query: query.value }));
  reason.addEventListener("change", () => tell("set", { values: { reason: reason.value } }));
  at.addEventListener("change", () => tell("set", { values: { at: chosenLocation(at) } }));
  to.addEventListener("change", () => tell("set", { values: { to: chosenLocation(to) } }));
  note.addEventListener("input", () => tell("set", { values: { note: note.value } }));
  differences.addEventListener("change", () => show(store.state));
  matches.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the search
  matches.addEventListener("click", ({ target }) => add(found[[...matches.children].indexOf(target.closest("li"))]));
  print.addEventListener("click", () => globalThis.print());
  clear.addEventListener("click", () => {
    tell("clear");
    query.focus();
  });

  // Showing --------------------------------------------------------------------------------------------------------------

  function show(state) {
    const items = listing(state);
    showForm(state);
    showLines(state, items);
    showMatches(state, items);
    setText(said, current().said);
    setText(failure, current().failure);
    showButtons(current());
  }

  function showForm({ locations }) {
    const own = current();
    if (reason.value !== own.reason) reason.value = own.reason;
    part("where").hidden = !areSeveral(locations);
    offerLocations(at, editableLocations(locations), text("locations.all"));
    offerLocations(to, editableLocations(locations), text("list.choose_destination"));
    if (chosenLocation(at) !== own.at) at.value = String(own.at ?? "");
    if (chosenLocation(to) !== own.to) to.value = String(own.to ?? "");
    to.ariaInvalid = own.failure && isMove && own.to === null ? "true" : null;
    if (note.value !== own.note) note.value = own.note;
    if (query.value !== own.query) query.value = own.query;
    for (const fieldset of view.querySelectorAll("fieldset")) fieldset.disabled = isUncertain(own);
  }

  function showButtons(own) {
    const count = readyLines(own).length;
    if (isUncertain(own)) setText(save, text("list.book_again"));
    else setMessage(save, count ? "list.book" : "list.book_none", { count });
    save.ariaDisabled = own.isSending || (count === 0 && !isUncertain(own)) ? "true" : null;
    clear.hidden = own.isSending || (own.lines.length === 0 && own.note === "");
    print.hidden = drawn.length === 0;
  }

  return {
    ...mounted(view, store, show, camera.stop),

    /** Let the person scan or type at once, where that needs no keyboard on the screen. */
    focus() {
      if (matchMedia("(pointer: coarse)").matches) view.querySelector("h1").focus();
      else query.focus();
    },
  };
}
