/** Loads the locations: when told to, and when an item is at one that the page does not know. */

import { isReading } from "../state/rights.js";
import { getLocations } from "./api.js";
import { backoff } from "./backoff.js";

const PAUSE_MS = 300; // before the locations are loaded again: a new one may come with many items

export function createLocationList(store) {
  let current = null; // the current load; a new one aborts it
  let timer;
  let sightings = 0; // as of the last load

  async function load(failures = 0) {
    clearTimeout(timer);
    timer = undefined;
    current?.abort();
    const controller = (current = new AbortController());
    sightings = store.state.locations.sightings;
    try {
      const locations = await getLocations(controller.signal);
      if (!controller.signal.aborted) store.dispatch({ type: "locations", locations });
    } catch {
      if (!controller.signal.aborted && isReading(store.state.session)) loadIn(backoff(failures + 1), failures + 1);
    }
    if (current === controller) current = null;
  }

  const loadIn = (milliseconds, failures = 0) => (timer = setTimeout(load, milliseconds, failures));

  store.subscribe(({ locations, session }) => {
    const isDue = locations.sightings !== sightings && current === null && timer === undefined;
    if (isDue && isReading(session)) loadIn(PAUSE_MS);
  });

  return { load: () => load() };
}
