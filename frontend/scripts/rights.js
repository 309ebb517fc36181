/** Who uses the page, and what they may do. Pure functions. */

export const INITIAL_SESSION = Object.freeze({
  auth: "open", // open: everybody may do everything; login: people sign in
  principal: null, // {id, name, kind} of whoever is signed in
  grants: [], // {location, role}; a location of null stands for all
  isKnown: false, // whether the server was asked
  ended: null, // why the session ended, if it did while the page was open
});

const ROLES = ["viewer", "editor", "admin"];

/** The role at all locations; null without one. Without accounts, everybody may edit. */
export function roleOf({ auth, grants }) {
  if (auth === "open") return "editor";
  return grants.find(({ location }) => location === null)?.role ?? null;
}

/** Whether the role is this one or a higher one. */
const hasRole = (session, role) => ROLES.indexOf(roleOf(session)) >= ROLES.indexOf(role);

export const mayRead = (session) => hasRole(session, "viewer");
export const mayEdit = (session) => hasRole(session, "editor");
export const mayAdminister = (session) => session.auth !== "open" && hasRole(session, "admin");

/** Whether somebody has to sign in before the page can be used. */
export const mustSignIn = ({ auth, principal, isKnown, ended }) =>
  auth !== "open" && isKnown && (principal === null || ended !== null);

/** Whether the page can load the stock now. */
export const isReading = (session) => session.isKnown && !mustSignIn(session) && mayRead(session);

const REASONS = {
  "signed out": "You were signed out.",
  expired: "Your session has expired.",
  deactivated: "This account was deactivated.",
  revoked: "You were signed out.",
};

/** Why the page asks to sign in; "" at the beginning. */
export const explainEnd = ({ ended }) => (ended === null ? "" : (REASONS[ended] ?? "You were signed out."));
