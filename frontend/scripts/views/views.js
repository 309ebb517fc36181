/** Shows one view at a time: the list of items, or another one, which is mounted when it is opened. */

import { VERBS } from "../state/reasons.js";
import { mayEdit, mayRead } from "../state/rights.js";
import { mountBoard } from "./board.js";
import { mountBooking } from "./booking.js";
import { mountImport } from "./import.js";
import { mountJournal } from "./journal.js";
import { mountLow } from "./low.js";
import { mountPast } from "./past.js";

const REPORTS = { low: mountLow, journal: mountJournal, past: mountPast, board: mountBoard, import: mountImport };

/**
 * @param {(verb: string) => Promise<boolean>} actions.onBook books the list of a task
 * @param {{read: (file: File) => void, send: () => void, clear: () => void}} actions.imports reads and imports files
 * @param {(code: string) => void} actions.onCode takes what a camera has read
 * @param {(id: number) => void} actions.onOpen opens an item
 * @param {(lines: {item: object, amount: string}[]) => void} actions.onReceive puts lines into the list to receive
 */
export function mountViews(main, section, store, listing, { imports, onBook, onCode, onOpen, onReceive }) {
  let shown = "stock";
  let view = null; // the mounted one

  function mount() {
    if (VERBS[shown]) return mountBooking(main, store, listing, shown, { onBook: () => onBook(shown), onCode });
    return REPORTS[shown]?.(main, store, listing, { imports, onOpen, onReceive }) ?? null;
  }

  store.subscribe(({ view: wanted, session, stock }) => {
    const isAllowed = VERBS[wanted] || wanted === "import" ? mayEdit(session) : mayRead(session);
    const next = isAllowed && (stock.isComplete || wanted === shown) ? wanted : "stock";
    if (next === shown) return;
    view?.unmount();
    shown = next;
    section.hidden = shown !== "stock";
    view = mount();
    if (view) view.focus();
    else if (document.activeElement === document.body) section.querySelector("h1").focus({ preventScroll: true });
    scrollTo(0, 0);
  });
}
