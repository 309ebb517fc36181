/** Books the started lists, undoes what was booked, and sets minimums. */

import { createKey, createKeys } from "../server/keys.js";
import { postMovement, postTransfer, putMinimums, undoMovement } from "../server/movements-api.js";
import { formatNumber } from "../state/formats.js";
import { errorsOf, isUncertain, movementOf, readyLines, refusedLines, transferOf } from "../state/lists.js";
import { pathOf } from "../state/locations.js";
import { text } from "../state/messages.js";
import { VERBS } from "../state/reasons.js";
import { findItem } from "../state/stock.js";
import { createTeller } from "./teller.js";

const KEY_LASTS_MS = 20 * 60 * 60 * 1_000; // the server knows a key for a day

/** `onSent` is called before a list is sent and after its answer: what it stands at must be kept at once. */
export function createListActions(store, { onOutdated, onSent }) {
  const sendOnce = createKeys();
  const { say, written } = createTeller(store, onOutdated);
  const find = (id) => findItem(store.state.stock, id);

  /** Show the answered quantities at once, and keep the stream from reporting them as news of others. */
  function showBooked({ lines, at }, epoch) {
    const answers = lines.flatMap(({ item: id, to, version }) => {
      const item = find(id);
      return item && version ? [{ id, item: { ...item, quantity: to, version, updated_at: at }, version, epoch }] : [];
    });
    store.dispatch({ type: "answers", answers });
  }

  /** Book a list. What can't be booked is said in it. Returns whether it was booked. */
  async function book(verb) {
    const tell = (act, values = {}) => store.dispatch({ type: "list", verb, act, ...values });
    const list = store.state.lists[verb];
    if (list.isSending) return false;
    const sent = isUncertain(list) ? list.sent : prepare(list, tell);
    if (sent === null) return false;
    if (Date.now() - sent.at > KEY_LASTS_MS) {
      tell("refuse", { failure: text("list.too_old") });
      return false;
    }
    const { epoch } = store.state.stock;
    tell("send", { sent });
    onSent();
    try {
      const booked = await (VERBS[verb].isMove ? postTransfer(sent.body, sent.key) : postMovement(sent.body, sent.key));
      showBooked(booked, epoch);
      tell("book");
      sayBooked(list, sent, booked);
      written();
      return true;
    } catch (refusal) {
      refuse(list, refusal, tell);
      return false;
    } finally {
      onSent();
    }
  }

  /** Check a list, and return what to send; null if something is wrong, which is said in the list. */
  function prepare(list, tell) {
    const errors = errorsOf(list, find);
    const isMove = VERBS[list.verb].isMove === true;
    const failure = isMove && list.to === null ? text("list.no_destination") : readyLines(list).length ? "" : text("list.is_empty");
    if (errors.size > 0 || failure) {
      tell("complain", { errors, failure });
      return null;
    }
    const body = isMove ? transferOf(list, find) : movementOf(list, find);
    if (body.lines.length > 0) return { key: createKey(), body, at: Date.now() };
    tell("complain", { errors, failure: text("list.nothing_there") });
    return null;
  }

  function refuse(list, refusal, tell) {
    if (refusal.isUncertain) {
      tell("lose", { failure: `${text("list.unknown")} ${refusal.message}` });
      return onOutdated();
    }
    const refused = refusedLines(store.state.lists[list.verb], refusal.errors);
    const failure = refused.errors.size > 0 ? "" : (refusal.errors[0]?.message ?? refusal.message);
    tell("refuse", { ...refused, failure });
  }

  function sayBooked({ verb, lines, to }, { body }, { id }) {
    const place = VERBS[verb].isMove ? pathOf(store.state.locations, to) : "";
    const count = body.lines.length;
    const { name = "" } = lines.find((line) => line.id === body.lines[0].item) ?? {};
    const action = id === null ? null : { kind: "unbook", label: "undo", isUndo: true, movement: id };
    say({ tone: "success", message: `booked.${verb}`, values: { count, name, place }, action });
  }

  /** Undo a movement. */
  async function undo(movement) {
    const { epoch } = store.state.stock;
    try {
      showBooked(await sendOnce(["undo", movement], (key) => undoMovement(movement, key)), epoch);
      say({ tone: "success", message: "booking.undone" });
    } catch (refusal) {
      const action = refusal.isUncertain ? { kind: "unbook", label: "try_again", movement } : null;
      const message = refusal.isUncertain ? "booking.maybe_undone" : "booking.not_undone";
      say({ tone: "error", message, values: { reason: reasonOf(refusal) }, action });
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
      const message = minimum === null ? "minimum.removed" : "minimum.set";
      say({ tone: "success", message, values: { name: items[0].name, count: items.length, minimum } });
      written();
      return "";
    } catch (refusal) {
      if (refusal.isUncertain) onOutdated();
      return refusal.errors[0]?.message ?? refusal.message;
    }
  }

  return { book, undo, setMinimum };
}

/** Why a movement was not undone, with what is in stock now. */
function reasonOf({ errors: [error], message, isUncertain }) {
  if (isUncertain || !error) return message;
  return error.current ? text("booking.has_now", { name: error.current.name, quantity: formatNumber(error.current.quantity) }) : `${error.message}.`;
}
