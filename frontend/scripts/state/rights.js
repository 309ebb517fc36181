/** Who uses the page, and what they may do. Pure functions. */

import { text } from "./messages.js";

export const INITIAL_SESSION = Object.freeze({
  auth: "open", // open: everybody may do everything; login: people sign in
  principal: null, // {id, name, kind} of whoever is signed in
  grants: [], // {location, role}; a location of null stands for all
  isKnown: false, // whether the server was asked
  isKept: false, // whether this is who was signed in last, because the server can't be asked
  ended: null, // why the session ended, if it did while the page was open
});

const ROLES = ["viewer", "editor", "admin"];

/** The role at all locations; null without one. */
export const roleEverywhere = (grants) => grants.find(({ location }) => location === null)?.role ?? null;

/** The highest role at any location; null without one. Without accounts, everybody may edit. */
export function roleOf({ auth, grants }) {
  if (auth === "open") return "editor";
  return ROLES.findLast((role) => grants.some((grant) => grant.role === role)) ?? null;
}

/** Whether this role is the other one or a higher one. */
const includes = (role, other) => ROLES.indexOf(role) >= ROLES.indexOf(other);

const hasRole = (session, role) => includes(roleOf(session), role);

/** Whether they may read or edit at all, at some location. */
export const mayRead = (session) => hasRole(session, "viewer");
export const mayEdit = (session) => hasRole(session, "editor");
export const mayAdminister = (session) => session.auth !== "open" && hasRole(session, "admin");

/** Whether they may add, change and delete locations: admins, and without accounts everybody. */
export const mayManageLocations = (session) => session.auth === "open" || mayAdminister(session);

/** Whether they may change this item. The server says at which locations; who may everywhere need not wait for that. */
export function mayEditItem({ session, locations }, { location }) {
  const isEditor = session.auth === "open" || includes(roleEverywhere(session.grants), "editor");
  return isEditor || locations.byId.get(location)?.editable === true;
}

/** Whether somebody has to sign in before the page can be used. */
export const mustSignIn = ({ auth, principal, isKnown, ended }) =>
  auth !== "open" && isKnown && (principal === null || ended !== null);

/** Whether the page can load the stock now. */
export const isReading = (session) => session.isKnown && !mustSignIn(session) && mayRead(session);

const REASONS = { expired: "session.expired", deactivated: "session.deactivated" };

/** Why the page asks to sign in; "" at the beginning. */
export const explainEnd = ({ ended }) => (ended === null ? "" : text(REASONS[ended] ?? "session.signed_out"));
