/**
 * Keyboard shortcuts: those of a row, and global ones, which can be switched off. `defer` calls their actions, as soon as
 * it is clear that their keys were not typed by a scanner.
 */

const KEY = "stockstream.shortcuts";

export function mountShortcuts(dialog, list, { defer, onSearch, onAdd, onBook, onUndo }) {
  const toggle = dialog.querySelector("input");
  let isOn = readStored();
  toggle.checked = isOn;

  const ANYWHERE = { "/": onSearch, n: onAdd, b: onBook, u: onUndo, "?": () => dialog.showModal() };

  toggle.addEventListener("change", () => {
    isOn = toggle.checked;
    store(isOn);
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const act = ofRow(event) ?? (isOn && !document.querySelector("dialog[open]") && ANYWHERE[event.key]);
    if (!act) return;
    event.preventDefault();
    defer(event, act);
  });

  function ofRow({ target, key }) {
    const element = target.closest?.(".stock-row");
    if (!element) return null;
    const index = Number(element.getAttribute("aria-posinset")) - 1;
    const control = target.classList[0];
    const go = (to) => () => list.focus(to, control);
    const press = (name) => () => {
      const control = element.querySelector(`.stock-row-${name}`);
      if (control.checkVisibility({ visibilityProperty: true })) control.click();
    };
    const moves = { ArrowUp: index - 1, ArrowDown: index + 1, PageUp: index - 10, PageDown: index + 10 };
    const ends = { Home: 0, End: list.count - 1 };
    if (key in moves || key in ends) return go(moves[key] ?? ends[key]);
    const presses = { "+": "more", "=": "more", "-": "less", e: "edit", h: "name", x: "select", Delete: "delete" };
    return presses[key] ? press(presses[key]) : null;
  }
}

/** Whether the element uses typed keys itself. A checkbox does not. */
function isTyping(target) {
  return target.matches?.("input:not([type=checkbox]), select, textarea");
}

function readStored() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true; // storage may be blocked
  }
}

function store(isOn) {
  try {
    localStorage.setItem(KEY, isOn ? "on" : "off");
  } catch {
    // then the setting lasts until the page is closed
  }
}
