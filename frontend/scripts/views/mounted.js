/** Shows a view at once, and whenever the state changes, until it is unmounted. */

/** @returns what views.js does with a view: focus it, and unmount it. `onUnmount` ends what the view has begun. */
export function mounted(view, store, show, onUnmount = () => {}) {
  const unsubscribe = store.subscribe(show);
  show(store.state);

  return {
    focus: () => view.querySelector("h1").focus(),
    unmount() {
      onUnmount();
      unsubscribe();
      view.remove();
    },
  };
}
