/**
 * Draws nothing while something is pressed. If a press moved, or what is above it grew, there would be no click: press and release
 * must hit the same element.
 */

const MAIN_BUTTON = 0;
const LONGEST_MS = 2_000; // after which the page is live again, even if nobody lets go

export function drawNothingDuringPresses(store) {
  let timer = null; // while something is pressed

  function release() {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    store.resume();
  }

  document.addEventListener("pointerdown", ({ button }) => {
    if (button !== MAIN_BUTTON) return;
    clearTimeout(timer);
    timer = setTimeout(release, LONGEST_MS);
    store.pause();
  });
  for (const type of ["pointerup", "pointercancel"]) document.addEventListener(type, release);
}
