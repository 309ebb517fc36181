/** The stock that the browser keeps, for when the server can't be reached. Pure functions. */

import { applyLocations, locationToShow, NO_LOCATIONS } from "./locations.js";
import { isReading } from "./rights.js";
import { applySnapshot, currentItems, EMPTY_STOCK } from "./stock.js";

/** Whether what the page shows is worth keeping: the stock as the server has sent it. */
export const canKeep = ({ session, stock, keptAt }) => isReading(session) && stock.isComplete && keptAt === null;

/** What to keep of this state. `at` is when the server last confirmed it. */
export function toKeep({ session, stock, locations, connection, loadedAt }) {
  const { auth, principal, grants } = session;
  return {
    session: { auth, principal, grants },
    position: { epoch: stock.epoch, number: stock.reached },
    items: [...currentItems(stock).values()],
    locations: locations.all,
    at: Math.max(loadedAt, connection.heardAt),
  };
}

/** Whether the kept stock may be shown to whoever uses the page. If the server can't say who that is, it was them. */
export function isKeptFor({ session: former }, { auth, principal, isKnown }) {
  return former.auth === auth && (isKnown ? former.principal?.id === principal?.id : true);
}

/** Show the kept stock. The next snapshot replaces it. */
export function showKept(state, { session, position, items, locations: all, at }) {
  const locations = applyLocations(NO_LOCATIONS, all);
  return {
    ...state,
    session: state.session.isKnown ? state.session : { ...state.session, ...session, isKnown: true, isKept: true },
    stock: applySnapshot(EMPTY_STOCK, position, items),
    locations,
    location: locationToShow(locations, state.location),
    keptAt: at,
  };
}
