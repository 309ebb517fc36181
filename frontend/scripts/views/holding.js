/**
 * Holds the list while somebody uses it: a pointer is over it, a finger has touched it, or the focus is in it, and not long
 * ago something moved. Then no row moves, so that no click hits another item.
 */

const LEAVE_MS = 400; // after the pointer or the focus has left, which may be on its way to `button`
const TOUCH_MS = 20_000; // after a touch
const IDLE_MS = 60_000; // after the last move of the pointer and the last key, unless a quantity is being edited

/**
 * @param {Element} options.button the one that updates the order: whoever is about to press it still uses the list
 * @param {() => object[]} options.items the items in their shown order
 */
export function createHolding(grid, store, { button, items }) {
  let isPointedAt = false;
  let usedAt = -Infinity;
  let touchedAt = -Infinity;
  let timer;

  const isEdited = () => grid.querySelector(".quantity-edit") !== null;
  const isPresent = () => isPointedAt || button.matches(":is(:hover, :focus)") || grid.contains(document.activeElement);

  function isUsed() {
    const now = performance.now();
    return isEdited() || now - touchedAt < TOUCH_MS || (isPresent() && now - usedAt < IDLE_MS);
  }

  function hold() {
    if (store.state.held === null) store.dispatch({ type: "hold", items: items() });
  }

  /** Somebody has moved the pointer, pressed a key, or touched the list. */
  function use({ pointerType }) {
    usedAt = performance.now();
    if (pointerType === "touch") touchedAt = usedAt;
    else if (pointerType) isPointedAt = true;
    check();
  }

  /** Hold the list or release it, and look again when its use may have ended. */
  function check() {
    clearTimeout(timer);
    if (!isUsed()) return store.dispatch({ type: "release" });
    hold();
    timer = setTimeout(check, isPresent() ? IDLE_MS : TOUCH_MS);
  }

  for (const type of ["pointerenter", "pointermove", "pointerdown", "keydown", "focusin"]) grid.addEventListener(type, use);
  function leave({ pointerType }) {
    if (pointerType === "touch") return;
    if (pointerType) isPointedAt = false;
    clearTimeout(timer);
    timer = setTimeout(check, LEAVE_MS);
  }

  for (const element of [grid, button]) {
    element.addEventListener("pointerleave", leave);
    element.addEventListener("focusout", leave);
  }
  store.subscribe(({ held }) => {
    if (held === null && isUsed()) hold(); // another list is in use
  });

  return {
    /** Show the present order, and hold that. */
    renew() {
      store.dispatch({ type: "release" });
      if (isUsed()) hold();
    },
  };
}
