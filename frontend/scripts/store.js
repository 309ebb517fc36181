/** Holds the state and lets the page be drawn, at most once for each frame of the screen. */
export function createStore(reduce, initialState) {
  let state = initialState;
  let isScheduled = false;
  const views = [];

  function draw() {
    isScheduled = false;
    for (const view of views) view(state);
  }

  /** Draw in the next frame. A page that nobody sees has none, and waits. */
  function redraw() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(draw);
  }

  /** Take a message in. */
  function dispatch(message) {
    const before = state;
    state = reduce(state, message);
    if (state !== before) redraw();
  }

  /** `view(state)` is called for each drawing; it must come to the same page from any page. */
  function subscribe(view) {
    views.push(view);
    redraw();
  }

  return {
    get state() {
      return state;
    },
    dispatch,
    redraw,
    subscribe,
  };
}
