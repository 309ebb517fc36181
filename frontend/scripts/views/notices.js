/** The notice about the person's latest action. It disappears by itself; its undo stays, with a key. */

import { text } from "../state/messages.js";
import { fromTemplate, setMessage, setText } from "./text.js";

const STAY_MS = { success: 6_000, info: 8_000, error: 12_000 };
const STAY_TO_ACT_MS = 20_000; // for notices with a button

/** `onAction` is called with the notice of a button that was pressed. */
export function mountNotices(element, store, { onAction }) {
  let shown = null; // {key, element}

  const dismiss = (key) => store.dispatch({ type: "dismiss", key });

  function create(notice) {
    const { key, tone, message, values, action } = notice;
    const created = fromTemplate("notice");
    created.dataset.tone = tone;
    setMessage(created.querySelector(".notice-text"), message, values);
    offer(created.querySelector(".notice-action"), notice);
    created.querySelector(".notice-dismiss").addEventListener("click", () => dismiss(key));
    dismissLater(created, action ? STAY_TO_ACT_MS : STAY_MS[tone], () => dismiss(key));
    return created;
  }

  function offer(button, notice) {
    if (!notice.action) return button.remove();
    setText(button, text(notice.action.label));
    button.addEventListener("click", () => onAction(notice));
  }

  /** Move the notice into an open dialog, since the rest of the page is inert. */
  function follow() {
    const host = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
    if (element.parentNode !== host) host.append(element);
  }

  document.addEventListener("close", follow, true);
  store.subscribe(({ notices }) => {
    follow();
    if ((notices.shown?.key ?? null) === (shown?.key ?? null)) return;
    shown = notices.shown && { key: notices.shown.key, element: create(notices.shown) };
    const hadFocus = element.contains(document.activeElement);
    element.replaceChildren(...(shown ? [shown.element] : []));
    if (hadFocus) document.querySelector("h1").focus({ preventScroll: true });
  });
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
