/**
 * Hears a hand scanner, wherever the focus is. Its keys must do nothing else: they are taken back from the field that they
 * were typed into, and shortcuts wait until it is clear that a key is not the beginning of a code.
 */

import { isPrintable, LONGEST_GAP_MS, NO_BURST, takeKey } from "../state/scanner.js";

const CHANGED_BY_KEYS = "input:not([type=checkbox], [type=radio], [type=file]), textarea, select";
const NEVER = "input[type=password], .sign-in *, .import-cell"; // password managers type as fast; a cell takes the code

/** `onScan` is called with each code. Returns `defer`: it calls a shortcut's action, unless its key belongs to a code. */
export function listenForScans({ onScan }) {
  let burst = NO_BURST;
  let fields = new Map(); // field → its value before the burst
  let deferred = [];
  let timer;

  function hear(event) {
    if (!event.isTrusted || event.target.matches?.(NEVER)) return;
    const { ctrlKey, altKey, metaKey, key, timeStamp: at, repeat: isRepeat } = event;
    const isShortcut = (ctrlKey || altKey || metaKey) && !event.getModifierState?.("AltGraph");
    const taken = takeKey(burst, { key, at, isRepeat, isShortcut });
    burst = taken.burst;
    if (taken.scanned !== null) return take(taken.scanned, event);
    if (taken.is === "first") fields = new Map();
    if (taken.is === "first" || taken.is === "last") act();
    else if (taken.is === "next") goOn(event);
    if (burst !== NO_BURST) remember(event.target);
  }

  /** Another key of what may be a code. */
  function goOn(event) {
    if (deferred.length) wait();
    if (event.key === " " && !event.target.matches?.(CHANGED_BY_KEYS)) event.preventDefault(); // it would press a button
  }

  function remember(target) {
    if (target.matches?.(CHANGED_BY_KEYS) && !fields.has(target)) fields.set(target, target.value);
  }

  function take(code, event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    clearTimeout(timer);
    deferred = [];
    for (const [field, value] of fields) putBack(field, value);
    onScan(code.trim());
  }

  /** Give the field its value from before the burst, and tell whoever listens to it. */
  function putBack(field, value) {
    if (field.value === value) return;
    field.value = value;
    for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
  }

  function act() {
    clearTimeout(timer);
    for (const action of deferred.splice(0)) action();
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(act, LONGEST_GAP_MS);
  }

  addEventListener("keydown", hear, true);

  return function defer({ key, repeat }, action) {
    if (repeat || !isPrintable(key)) return action();
    deferred.push(action);
    wait();
  };
}
