/** Sends what a person books, undoes it, and sets minimums. */

import { errorsOf, explainLine, movementOf, refusedLines, tellBooked, transfersOf } from "./booking.js";
import { isLive } from "./connection.js";
import { formatNumber } from "./formats.js";
import { createKeys } from "./keys.js";
import { pathOf } from "./locations.js";
import { postMovement, postTransfer, putMinimums, undoMovement } from "./movements-api.js";
import { REASONS } from "./reasons.js";
import { findItem } from "./stock.js";

const NOTHING_CHANGED = "Nothing was booked: the quantities are what they were.";
const UNKNOWN = "It may have been booked, or not. Try again: it is booked only once.";

export function createBookingActions(store, { onOutdated }) {
  const sendOnce = createKeys();
  const say = (notice) => store.dispatch({ type: "notice", notice });
  const tell = (act, values = {}) => store.dispatch({ type: "booking", act, ...values });

  /** Load the stock after a write, if no live stream will report it. */
  function written() {
    if (!isLive(store.state.connection, Date.now())) onOutdated();
  }

  /** Show the answered quantities at once, and keep the stream from reporting them as news of others. */
  function showBooked({ lines, at }, epoch) {
    const answers = lines.flatMap(({ item: id, to, version }) => {
      const item = findItem(store.state.stock, id);
      return item && version ? [{ id, item: { ...item, quantity: to, version, updated_at: at }, version, epoch }] : [];
    });
    store.dispatch({ type: "answers", answers });
  }

  /** Book all lines. What can't be booked is said in the dialog, which closes after success. */
  async function book() {
    const { booking, stock } = store.state;
    if (booking.isSending || booking.lines.length === 0) return;
    if (!booking.isUncertain && isWrong(booking, stock)) return;
    tell("send");
    await (REASONS[booking.reason].isMove ? move(booking, stock.epoch) : bookTogether(booking, stock.epoch));
    written();
  }

  /** Say what is wrong before anything is sent. */
  function isWrong(booking, stock) {
    const errors = errorsOf(booking, (id) => findItem(stock, id));
    const needsPlace = REASONS[booking.reason].isMove && booking.to === null;
    if (errors.size === 0 && !needsPlace) return false;
    tell("complain", { errors, failure: needsPlace ? "Choose the location to move to." : "" });
    return true;
  }

  async function bookTogether(booking, epoch) {
    const movement = movementOf(booking);
    try {
      const booked = await sendOnce(["book", movement], (key) => postMovement(movement, key));
      showBooked(booked, epoch);
      tell("book", { isDone: true });
      if (booked.id === null) say({ tone: "info", text: NOTHING_CHANGED });
      else sayBooked(booking.reason, booking.lines, [booked.id]);
    } catch (refusal) {
      refuse(refusal, refusedLines(booking, refusal.errors));
    }
  }

  /** Each line is a movement of its own, so some may be made although others are refused. */
  async function move(booking, epoch) {
    const moved = [];
    const errors = new Map();
    let lost = null; // the refusal after which nothing more is sent
    for (const transfer of transfersOf(booking)) {
      try {
        const { id, ...answer } = await sendOnce(["move", transfer], (key) => postTransfer(transfer, key));
        showBooked(answer, epoch);
        moved.push({ id, item: transfer.item });
      } catch (refusal) {
        if (refusal.isUncertain || refusal.errors.length === 0 || refusal.errors.some(({ field }) => field === "to")) {
          lost = refusal;
          break;
        }
        const [{ field, message, current }] = refusal.errors;
        errors.set(transfer.item, explainLine(field, message, current));
      }
    }
    const lines = moved.map(({ item }) => booking.lines.find(({ id }) => id === item));
    const isDone = lost === null && errors.size === 0;
    tell("book", { ids: lines.map(({ id }) => id), isDone });
    if (!isDone) refuse(lost, errors);
    const place = pathOf(store.state.locations, booking.to);
    if (lines.length) sayBooked("moved", lines, moved.map(({ id }) => id), place);
  }

  function sayBooked(reason, lines, movements, place = "") {
    const told = tellBooked(reason, lines.map(({ name }) => name), place);
    say({ tone: "success", ...told, action: { kind: "unbook", label: "Undo", movements } });
  }

  /** @param {Refusal | null} refusal null if each refused line has its error */
  function refuse(refusal, errors) {
    const isUncertain = refusal?.isUncertain ?? false;
    const isExplained = errors.size > 0 && !isUncertain;
    const reason = refusal && (refusal.errors[0]?.message ?? refusal.message);
    const failure = isUncertain ? `${UNKNOWN} ${refusal.message}` : isExplained ? "" : reason;
    tell("refuse", { errors, failure, isUncertain });
    if (isUncertain) onOutdated();
  }

  /** Undo these movements, the last one first, up to the first that can't be undone. */
  async function undo(movements) {
    const left = [...movements];
    const { epoch } = store.state.stock;
    try {
      for (; left.length; left.pop()) {
        const id = left.at(-1);
        showBooked(await sendOnce(["undo", id], (key) => undoMovement(id, key)), epoch);
      }
      say({ tone: "success", text: "The booking was undone." });
    } catch (refusal) {
      const action = refusal.isUncertain ? { kind: "unbook", label: "Try again", movements: left } : null;
      say({ tone: "error", text: explainUndo(refusal), action });
      if (refusal.isUncertain) onOutdated();
    }
    written();
  }

  /** Set the minimum of these items; null removes it. Returns why that was refused, or "". */
  async function setMinimum(items, minimum) {
    const { epoch } = store.state.stock;
    try {
      const changed = await putMinimums(items.map(({ id }) => id), minimum);
      store.dispatch({ type: "answers", answers: changed.map((item) => ({ id: item.id, item, version: item.version, epoch })) });
      say(tellMinimum(items, minimum));
      written();
      return "";
    } catch (refusal) {
      if (refusal.isUncertain) onOutdated();
      return refusal.errors[0]?.message ?? refusal.message;
    }
  }

  return { book, undo, setMinimum };
}

function explainUndo({ errors, message, isUncertain }) {
  if (isUncertain) return `The booking may not have been undone. ${message}`;
  const [error] = errors;
  if (!error) return `The booking was not undone. ${message}`;
  const { current } = error;
  const reason = current ? `${current.name} has ${formatNumber(current.quantity)} now.` : `${error.message}.`;
  return `The booking was not undone: ${reason}`;
}

function tellMinimum(items, minimum) {
  const text = minimum === null ? "has no minimum now." : `has a minimum of ${formatNumber(minimum)} now.`;
  if (items.length === 1) return { tone: "success", name: items[0].name, text };
  const count = formatNumber(items.length);
  return { tone: "success", text: `${count} items ${text.replace("has", "have")}` };
}
