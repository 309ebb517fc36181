/** The link to the order list: what is missing of the items that are low. It is shown with them. */

export function mountOrderLink(link, store) {
  store.subscribe(({ isLow, location }) => {
    link.hidden = !isLow;
    link.href = `/api/low/export${location === null ? "" : `?location=${location}`}`;
  });
}
