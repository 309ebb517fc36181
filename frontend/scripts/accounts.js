/** Composes the page with the accounts, for admins. */

import { getLocations, getSession, onUnauthorized } from "./server/api.js";
import { loadMessages } from "./server/messages.js";
import { applyLocations, NO_LOCATIONS } from "./state/locations.js";
import { text } from "./state/messages.js";
import { mayAdminister } from "./state/rights.js";
import { mountAccessLog } from "./views/access-log.js";
import { mountPeople } from "./views/people.js";
import { mountTokens } from "./views/tokens.js";

const find = (selector) => document.querySelector(selector);
const said = find(".page-said");

await loadMessages();
onUnauthorized(() => location.assign("/")); // which asks to sign in
new BroadcastChannel("stockstream.session").addEventListener("message", () => location.reload()); // signed in or out elsewhere
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

const accessLog = mountAccessLog(find(".access-log"));
const tokens = mountTokens(find(".tokens"), find(".new-token"), { onChanged: accessLog.load });
const hasPasswords = find('meta[name="auth"]').content === "login"; // otherwise a proxy has them
const people = mountPeople(find(".people"), find(".new-password"), {
  hasPasswords,
  onLoaded: tokens.offer,
  onChanged: () => {
    tokens.load();
    accessLog.load();
  },
});

async function open() {
  const session = await getSession();
  if (session.auth !== "open" && session.principal === null) return location.assign("/");
  if (session.auth === "open") said.textContent = text("accounts.none");
  else if (!mayAdminister(session)) said.textContent = text("accounts.not_allowed");
  else {
    const locations = applyLocations(NO_LOCATIONS, await getLocations());
    people.offerLocations(locations);
    accessLog.name(locations);
    await Promise.all([people.load(), tokens.load(), accessLog.load()]);
    said.textContent = "";
    for (const section of document.querySelectorAll("main > section")) section.hidden = false;
  }
}

open().catch((refusal) => (said.textContent = refusal.message));
