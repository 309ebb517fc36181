/** Short messages that go away by themselves; many of them fold into one line. */

import { cloneTemplate } from "./templates.js";

const MOST_SHOWN = 3;
const TELL_MS = 5_000;
const WARN_MS = 12_000;

export function mountNotices(element) {
  const notices = { element, folded: 0, fold: makeFold() };
  return {
    tell: (text) => add(notices, text, "information", TELL_MS),
    warn: (text) => add(notices, text, "warning", WARN_MS),
  };
}

function makeFold() {
  const fold = document.createElement("p");
  fold.className = "notices-fold";
  return fold;
}

function add(notices, text, kind, duration) {
  const notice = cloneTemplate("notice");
  notice.dataset.kind = kind;
  notice.querySelector(".notice-text").textContent = text;
  notice.querySelector(".notice-dismiss").addEventListener("click", () => drop(notices, notice));
  expire(notices, notice, duration);
  notices.element.append(notice);
  foldOldest(notices);
}

/** Whoever is reading it, by pointer or by focus, is given the time. */
function expire(notices, notice, duration) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  const start = () => {
    stop();
    timer = setTimeout(() => drop(notices, notice), duration);
  };
  for (const name of ["pointerenter", "focusin"]) notice.addEventListener(name, stop);
  for (const name of ["pointerleave", "focusout"]) notice.addEventListener(name, start);
  start();
}

function foldOldest(notices) {
  const shown = notices.element.getElementsByClassName("notice");
  while (shown.length > MOST_SHOWN) {
    shown[0].remove();
    notices.folded += 1;
  }
  if (notices.folded === 0) return;
  notices.fold.textContent = `and ${notices.folded} earlier`;
  notices.element.prepend(notices.fold);
}

function drop(notices, notice) {
  notice.remove();
  if (notices.element.getElementsByClassName("notice").length) return;
  notices.fold.remove();
  notices.folded = 0;
}
