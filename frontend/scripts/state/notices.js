/** What the page says about the person's own actions: one notice at a time, and what can be undone. Pure functions. */

const KEPT_UNDOS = 20;

export const INITIAL_NOTICES = Object.freeze({
  shown: null, // {key, tone, message, values, action}; action: {kind, label, …arguments}
  undoable: [], // {key, action}, oldest first; also after their notices are gone
  last: 0,
});

/**
 * Show a notice instead of the one before. `message` is the key of its text. An action with `isUndo` can be called later,
 * too, with the key for Undo. With `replaces`, the notice sums up an earlier one.
 */
export function addNotice({ undoable, last }, { replaces = null, ...notice }) {
  const key = last + 1;
  const kept = undoable.filter((undo) => undo.key !== replaces);
  const { action = null } = notice;
  const next = action?.isUndo ? [...kept, { key, action }].slice(-KEPT_UNDOS) : kept;
  return { last: key, shown: { values: {}, action, ...notice, key }, undoable: next };
}

/** The notice is not shown any more, but can still be undone. */
export function dismissNotice(notices, key) {
  return notices.shown?.key === key ? { ...notices, shown: null } : notices;
}

/** The action of this notice, or of the latest one, is being undone. */
export function takeUndo(notices, key = notices.undoable.at(-1)?.key) {
  return { ...dismissNotice(notices, key), undoable: notices.undoable.filter((undo) => undo.key !== key) };
}
