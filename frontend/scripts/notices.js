/** Notices to the person, oldest first. A few are shown, older ones are only counted. Pure functions. */

export const NOTICES_SHOWN = 3;

export const INITIAL_NOTICES = Object.freeze({
  shown: [], // {key, tone, name, text, action}, oldest first; action: {label, kind, …arguments}
  folded: 0, // number of older ones that are not shown
  last: 0,
});

export function addNotice({ shown, folded, last }, notice) {
  const key = last + 1;
  const all = [...shown, { key, name: null, action: null, ...notice }];
  const kept = all.slice(-NOTICES_SHOWN);
  return { last: key, shown: kept, folded: folded + all.length - kept.length };
}

export function dismissNotice(notices, key) {
  const shown = notices.shown.filter((notice) => notice.key !== key);
  return { ...notices, shown, folded: shown.length ? notices.folded : 0 };
}
