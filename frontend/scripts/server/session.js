/**
 * Whoever is signed in, in all tabs of this browser.
 *
 * If the session ends, the page keeps what was typed, shows nothing of the stock, and asks to sign in again. After the
 * same account has signed in, the page goes on. After a sign-out, or for another account, it starts from nothing.
 */

import { text } from "../state/messages.js";
import { isReading } from "../state/rights.js";
import { getSession, onUnauthorized, postSession, postSetup, removeSession } from "./api.js";
import { backoff } from "./backoff.js";
import { forgetKeptStock } from "./kept-stock.js";

const NO_ROLE_MS = 15_000; // between two questions whether there is a role by now
const CHANNEL = "stockstream.session"; // between the tabs

/** `onSignedIn` is called when the page may read, at the beginning and after signing in again. */
export function createSession(auth, store, { onSignedIn }) {
  const tabs = new BroadcastChannel(CHANNEL);
  let timer;

  /** Ask who is signed in. @param {string} reason why the session may have ended */
  async function load(reason = "signed out", failures = 0) {
    clearTimeout(timer);
    if (auth === "open") return take({ auth, principal: null, grants: [] });
    try {
      take(await getSession(), reason);
    } catch (error) {
      store.dispatch({ type: "snapshot_failed", reason: error.message });
      timer = setTimeout(load, backoff(failures + 1), reason, failures + 1);
    }
  }

  function take(session, reason) {
    const { session: former } = store.state;
    if (isOther(session.principal)) return startOver();
    if (session.principal === null && former.principal !== null) return store.dispatch({ type: "signed_out", reason });
    store.dispatch({ type: "session", session });
    if (isReading(store.state.session)) {
      if (!isReading(former) || former.isKept) onSignedIn();
    } else if (session.principal !== null) {
      store.dispatch({ type: "role_lost", reason: text("session.no_role") });
      timer = setTimeout(load, NO_ROLE_MS);
    }
  }

  /** The stream has ended, or a request was refused. If the session is still valid, go on with it. */
  async function check(reason) {
    if (auth === "open" || store.state.session.ended !== null) return;
    const wasReading = isReading(store.state.session);
    await load(reason);
    if (wasReading && isReading(store.state.session)) onSignedIn();
  }

  /** Whether this is another account than the one whose stock the page has shown. */
  function isOther(principal) {
    const { principal: former } = store.state.session;
    return former !== null && principal !== null && former.id !== principal.id;
  }

  const startOver = () => location.replace(location.pathname + location.search);

  async function enter(session) {
    tabs.postMessage({ signedIn: session.principal.id });
    take(session);
  }

  tabs.addEventListener("message", ({ data }) => {
    if (data.signedOut || isOther({ id: data.signedIn })) startOver();
    else load();
  });
  addEventListener("pageshow", ({ persisted }) => persisted && load()); // it may be another account's by now
  onUnauthorized(() => check("signed out"));

  return {
    load: () => load(),
    check,
    signIn: async (name, password) => enter(await postSession(name, password)),
    setUp: async (token, name, password) => enter(await postSetup(token, name, password)),
    async signOut() {
      await removeSession();
      await forgetKeptStock();
      tabs.postMessage({ signedOut: true });
      startOver();
    },
  };
}
