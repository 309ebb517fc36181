/** Writes texts into elements. */

import { partsOf, textOf } from "../state/messages.js";

/** Sets the text only if it differs: setting the same text again would cost a layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets the message with this key. Texts in it, such as names, keep their own direction. */
export function setMessage(element, key, values) {
  const nodes = partsOf(key, values).map((part) => (typeof part === "string" ? part : valueNode(part.value)));
  element.replaceChildren(...nodes);
}

const valueNode = (value) => (typeof value === "string" ? isolated(value) : textOf(value));

/** Text in a <bdi>, so that its direction does not affect the text around it. */
export function isolated(text) {
  const element = document.createElement("bdi");
  element.dir = "auto";
  element.textContent = text;
  return element;
}

/** A new element from the template with this id. */
export const fromTemplate = (id) => document.getElementById(id).content.cloneNode(true).firstElementChild;
