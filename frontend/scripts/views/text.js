/** Sets the text only if it differs: setting the same text again would cost a layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
