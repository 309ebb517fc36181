/** Writing the text that is there already would cost a layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
