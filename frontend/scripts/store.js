/** Holds the state and redraws the page, at most once per animation frame. */
export function createStore(reduce, initialState) {
  let state = initialState;
  let isScheduled = false;
  let isPaused = false;
  const views = new Set();

  function draw() {
    if (isPaused || !isScheduled) return;
    isScheduled = false;
    for (const view of views) view(state);
  }

  /** Redraw in the next frame. A hidden page has no frames, so it waits. */
  function redraw() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(draw);
  }

  /** Draw nothing until resume(). */
  function pause() {
    isPaused = true;
  }

  function resume() {
    isPaused = false;
    if (isScheduled) requestAnimationFrame(draw);
  }

  /** Apply a message to the state. */
  function dispatch(message) {
    const before = state;
    state = reduce(state, message);
    if (state !== before) redraw();
  }

  /** Call `view(state)` at each redraw. Its result must depend on the state only. Returns a function that ends it. */
  function subscribe(view) {
    views.add(view);
    redraw();
    return () => views.delete(view);
  }

  return {
    get state() {
      return state;
    },
    get isPaused() {
      return isPaused;
    },
    dispatch,
    pause,
    redraw,
    resume,
    subscribe,
  };
}
