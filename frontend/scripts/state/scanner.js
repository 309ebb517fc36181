/**
 * Tells a hand scanner from a person. A scanner types a code faster than anybody can, and then Enter. Pure functions.
 */

export const LONGEST_GAP_MS = 50; // between two keys of a scanner
export const LEAST_CHARACTERS = 4; // of a code
const OUT_OF_VIEW_MS = 500; // a camera misses a code in some pictures
const COUNTED_AGAIN_MS = 2_000; // while a code stays in view

export const NO_BURST = Object.freeze({ text: "", at: -Infinity });

const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"]);

/**
 * Take a key. `scanned` is the code that it completes, or else null. `is` says what the key is for a burst of fast keys:
 * the `first`, the `next`, the `last`, which is not part of it, or `none`: a scanner presses Shift for capitals.
 *
 * @param {{text: string, at: number}} burst the fast keys before it
 * @param {{key?: string, at: number, isRepeat?: boolean, isShortcut?: boolean}} pressed at: its time in milliseconds;
 *   isRepeat: the key is held down; isShortcut: it is pressed with Ctrl, Alt or Meta
 */
export function takeKey(burst, { key = "", at, isRepeat = false, isShortcut = false }) {
  if (MODIFIERS.has(key)) return { burst, scanned: null, is: "none" };
  const isFast = at - burst.at <= LONGEST_GAP_MS;
  const isPlain = !isRepeat && !isShortcut;
  if (isPlain && isPrintable(key)) {
    return { burst: { text: isFast ? burst.text + key : key, at }, scanned: null, is: isFast ? "next" : "first" };
  }
  const isScan = isPlain && key === "Enter" && isFast && [...burst.text].length >= LEAST_CHARACTERS;
  return { burst: NO_BURST, scanned: isScan ? burst.text : null, is: "last" };
}

/** Whether the key types a character. Other keys have names, and those of autofill have none. */
export const isPrintable = (key) => [...key].length === 1;

/**
 * Take the codes that a camera sees. A code counts when it comes into view, and every two seconds while it stays there.
 *
 * @param {Map<string, {seenAt: number, countedAt: number}>} seen
 * @returns {{seen: Map, counted: string[]}}
 */
export function takeSight(seen, codes, at) {
  const next = new Map([...seen].filter(([, { seenAt }]) => at - seenAt <= OUT_OF_VIEW_MS));
  const counted = [];
  for (const code of new Set(codes)) {
    const countedAt = next.get(code)?.countedAt ?? -Infinity;
    const isDue = at - countedAt >= COUNTED_AGAIN_MS;
    if (isDue) counted.push(code);
    next.set(code, { seenAt: at, countedAt: isDue ? at : countedAt });
  }
  return { seen: next, counted };
}
