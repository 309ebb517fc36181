/** Do the work of these buttons, unless they are still at it. They keep the focus meanwhile, as disabled ones would not. */
export async function oneAtATime(work, ...buttons) {
  if (buttons.some(({ ariaDisabled }) => ariaDisabled === "true")) return;
  for (const button of buttons) button.ariaDisabled = "true";
  try {
    await work();
  } finally {
    for (const button of buttons) button.ariaDisabled = null;
  }
}
