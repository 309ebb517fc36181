/** Notices about the results of actions. They disappear by themselves. */

import { formatNumber } from "../formats.js";

const STAY_MS = { success: 5_000, info: 8_000, error: 12_000 };
const STAY_TO_ACT_MS = 20_000; // for notices with a button

export function mountNotices(element, store, { onAction }) {
  const template = document.getElementById("notice");
  const shown = new Map(); // key → element
  const folded = document.createElement("p");
  folded.className = "notices-folded";

  const dismiss = (key) => store.dispatch({ type: "dismiss", key });

  function create({ key, tone, name, text, action }) {
    const notice = template.content.cloneNode(true).firstElementChild;
    const label = document.createElement("bdi");
    label.dir = "auto";
    label.textContent = name ?? "";
    notice.dataset.tone = tone;
    notice.classList.add("is-new"); // animate only once, and not again when it moves into a dialog
    notice.addEventListener("animationend", () => notice.classList.remove("is-new"));
    notice.querySelector(".notice-text").append(...(name === null ? [] : [label, " "]), text);
    offer(notice.querySelector(".notice-action"), action, key);
    notice.querySelector(".notice-dismiss").addEventListener("click", () => dismiss(key));
    dismissLater(notice, action ? STAY_TO_ACT_MS : STAY_MS[tone], () => dismiss(key));
    return notice;
  }

  function offer(button, action, key) {
    if (!action) return button.remove();
    button.textContent = action.label;
    button.addEventListener("click", () => {
      dismiss(key);
      onAction(action);
    });
  }

  /** Move the notices into an open dialog, since the rest of the page is inert. */
  function follow() {
    const host = document.querySelector("dialog[open]") ?? document.body;
    if (element.parentNode !== host) host.append(element);
  }

  document.addEventListener("close", follow, true);
  store.subscribe(({ notices }) => {
    follow();
    const keys = new Set(notices.shown.map(({ key }) => key));
    for (const [key, notice] of shown) {
      if (keys.has(key)) continue;
      notice.remove();
      shown.delete(key);
    }
    for (const notice of notices.shown) {
      if (shown.has(notice.key)) continue;
      shown.set(notice.key, create(notice));
      element.append(shown.get(notice.key));
    }
    fold(element, folded, notices.folded);
  });
}

function fold(element, folded, count) {
  if (!count) return folded.remove();
  folded.textContent = `${formatNumber(count)} earlier`;
  if (element.firstElementChild !== folded) element.prepend(folded);
}

/** Dismiss the notice after a time, which restarts when the pointer and the focus have left it. */
function dismissLater(notice, milliseconds, dismiss) {
  let timer = setTimeout(dismiss, milliseconds);
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = setTimeout(dismiss, milliseconds);
  };
  notice.addEventListener("pointerenter", hold);
  notice.addEventListener("focusin", hold);
  notice.addEventListener("pointerleave", release);
  notice.addEventListener("focusout", release);
}
