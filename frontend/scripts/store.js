/** Holds the state. Whatever happens between two frames costs one `onFrame`, and all its events one pass. */

import { initialState, reduce } from "./state.js";

const MOST_WAITING = 1_000; // a hidden page has no frames

export function createStore(onFrame) {
  let state = initialState;
  let waiting = [];
  let isScheduled = false;

  function current() {
    if (waiting.length) state = reduce(state, { type: "changes", changes: waiting });
    waiting = [];
    return state;
  }

  function dispatch(message) {
    state = reduce(current(), message);
    schedule();
  }

  function receive(change) {
    waiting.push(change);
    if (waiting.length >= MOST_WAITING) current();
    schedule();
  }

  function schedule() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      onFrame(current());
    });
  }

  return { current, dispatch, receive };
}
