/** Sorts rows, without moving those that the person is using. */

/** Set the children of `parent`, in this order. A held row is never moved, since it would lose the focus. */
export function arrange(parent, order, held) {
  const wanted = new Set(order);
  for (const element of [...parent.children]) {
    if (!wanted.has(element)) element.remove();
  }
  let cursor = parent.firstElementChild;
  for (const element of order) {
    if (held.has(element)) cursor = passOver(parent, cursor, element);
    if (element === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(element, cursor);
  }
}

/** Move rows that are wrongly before the held one to the end. */
function passOver(parent, cursor, held) {
  while (cursor !== held && held.parentNode === parent) {
    const next = cursor.nextElementSibling;
    parent.append(cursor);
    cursor = next;
  }
  return cursor;
}

/** Keep the focus in its row, or move it to the next row if that is gone. */
export function keepFocus(parent, change) {
  const focused = document.activeElement;
  if (!parent.contains(focused)) return change();
  const index = [...parent.children].findIndex((element) => element.contains(focused));
  change();
  if (document.activeElement === focused) return;
  if (focused.isConnected) return focused.focus({ preventScroll: true });
  const row = parent.children[Math.min(index, parent.children.length - 1)];
  row?.querySelector(`.${focused.classList[0]}`)?.focus();
}
