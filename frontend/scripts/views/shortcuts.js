/**
 * Keyboard shortcuts: those of a row, and global ones, which can be switched off. `defer` calls their actions, as soon as
 * it is clear that their keys were not typed by a scanner.
 */

const KEY = "stockstream.shortcuts";

export function mountShortcuts(dialog, list, { defer, onSearch, onStock, onAdd, onBook, onDelete, onUndo }) {
  const toggle = dialog.querySelector("input");
  let isOn = readStored();
  toggle.checked = isOn;

  const ANYWHERE = { "/": onSearch, n: onAdd, s: onStock, r: onBook("receive"), p: onBook("pick"), c: onBook("count"), m: onBook("move"), u: onUndo, "?": () => dialog.showModal() };

  toggle.addEventListener("change", () => {
    isOn = toggle.checked;
    store(isOn);
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
  });

  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target)) return;
    const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z" && !document.querySelector("dialog:modal");
    if (isUndo) {
      event.preventDefault();
      return onUndo();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = ofRow(event) ?? (isOn && !document.querySelector("dialog:modal") && ANYWHERE[event.key]);
    if (!act) return;
    event.preventDefault();
    defer(event, act);
  });

  function ofRow({ target, key }) {
    const element = target.closest?.(".stock-row");
    if (!element) return null;
    const index = Number(element.ariaRowIndex) - 2;
    const control = target.classList[0];
    const go = (to) => () => list.focus(to, control);
    const press = (name) => () => {
      const control = element.querySelector(`.stock-row-${name}`);
      if (control.checkVisibility({ visibilityProperty: true })) control.click();
    };
    const type = (typed) => () => list.edit(element, typed);
    const sideways = (by) => () => stepSideways(element, target, by);
    const moves = { ArrowUp: index - 1, ArrowDown: index + 1, PageUp: index - 10, PageDown: index + 10 };
    const ends = { Home: 0, End: list.count - 1 };
    if (key in moves || key in ends) return go(moves[key] ?? ends[key]);
    const acts = {
      "+": type("+"),
      "-": type("-"),
      "=": type("="),
      e: type(null),
      h: press("name"),
      x: press("select"),
      Delete: () => onDelete(Number(element.dataset.id)),
      ArrowLeft: sideways(-1),
      ArrowRight: sideways(1),
    };
    return acts[key] ?? null;
  }
}

/** Move the focus to the next control of the row. */
function stepSideways(row, control, by) {
  const controls = [...row.querySelectorAll(".stock-row-select, .stock-row-name, .stock-row-edit")].filter(
    (element) => !element.disabled && element.checkVisibility({ visibilityProperty: true }),
  );
  controls[controls.indexOf(control) + by]?.focus();
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
