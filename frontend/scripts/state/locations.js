/** The locations that the account may see. Pure functions. As long as there is only one, the page says nothing of locations. */

/** @typedef {{id: number, name: string, parent: number | null, path: string, editable: boolean}} Location */

export const NO_LOCATIONS = Object.freeze({
  all: [], // in the order of their paths; empty until they are loaded
  byId: new Map(),
  sightings: 0, // how often items were at a location that is not known
});

/** @param {Location[]} all as the server lists them */
export const applyLocations = (locations, all) => ({ ...locations, all, byId: new Map(all.map((each) => [each.id, each])) });

/** Note whether one of these items is at a location that is not known, so that the locations are loaded again. */
export function sight(locations, items) {
  const isUnknown = ({ location }) => location !== undefined && !locations.byId.has(location);
  return items.some(isUnknown) ? { ...locations, sightings: locations.sightings + 1 } : locations;
}

/** Whether there are several, so that it matters where an item is. */
export const areSeveral = ({ all }) => all.length > 1;

/** The path to show for an item at this location; "" if there is nothing to tell apart. */
export const pathShown = (locations, id) => (areSeveral(locations) ? pathOf(locations, id) : "");

export const pathOf = ({ byId }, id) => byId.get(id)?.path ?? "";

/** The ids of a location and of everything below it; null, which stands for all, without a location. */
export function scopeOf({ all }, id) {
  if (id === null) return null;
  const scope = new Set([id]);
  for (let size = 0; size < scope.size; ) {
    size = scope.size;
    for (const { id: below, parent } of all) if (scope.has(parent)) scope.add(below);
  }
  return scope;
}

/** The location to show, if there is a choice and it is one of these. Before they are loaded, any may be. */
export function locationToShow({ all, byId }, id) {
  if (all.length === 0) return id;
  return all.length > 1 && byId.has(id) ? id : null;
}

/** Where an item can be added. */
export const editableLocations = ({ all }) => all.filter(({ editable }) => editable);

/** Where an item is added unless the person chooses: at the location that is shown, or else the first possible one. */
export function locationOfNewItem(locations, shown) {
  const possible = editableLocations(locations);
  return (possible.find(({ id }) => id === shown) ?? possible[0])?.id ?? null;
}
