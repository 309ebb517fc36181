/** The button with the account's name, and its dialog: password, sessions, sign out. */

import { deleteOwnSession, getSessions, putPassword } from "../server/api.js";
import { formatMoment } from "../state/formats.js";
import { text } from "../state/messages.js";
import { mayAdminister, mayEdit, roleOf } from "../state/rights.js";
import { showError, showRefusal } from "./field-input.js";
import { oneAtATime } from "./one-at-a-time.js";
import { fromTemplate, setText } from "./text.js";

export function mountAccount(button, dialog, store, session) {
  const form = dialog.querySelector("form");
  const save = form.querySelector("button");
  const list = dialog.querySelector(".account-sessions");
  const said = dialog.querySelector(".account-said");
  const { old, new: chosen } = form.elements;
  const isProxied = store.state.session.auth === "proxy"; // which has the passwords and the sessions

  for (const part of dialog.querySelectorAll(".account-own, .account-sign-out")) part.hidden = isProxied;

  async function load() {
    try {
      list.replaceChildren(...(await getSessions()).map(createRow));
    } catch (refusal) {
      said.textContent = refusal.message;
    }
  }

  function createRow({ id, current, address, user_agent, used_at }) {
    const row = fromTemplate("account-session");
    const end = row.querySelector("button");
    setText(row.querySelector(".account-session-what"), current ? text("account.this_browser") : browserOf(user_agent));
    setText(row.querySelector(".account-session-when"), text("account.session_used", { address, time: formatMoment(used_at) }));
    end.hidden = current;
    end.setAttribute("aria-label", text("account.sign_out_session", { browser: browserOf(user_agent), address }));
    end.addEventListener("click", async () => {
      try {
        await deleteOwnSession(id);
        await load();
        said.textContent = text("account.session_ended");
      } catch (refusal) {
        said.textContent = refusal.message;
      }
    });
    return row;
  }

  async function change() {
    said.textContent = "";
    try {
      await putPassword(old.value, chosen.value);
      form.reset();
      said.textContent = text("account.password_changed");
      await load();
    } catch (refusal) {
      showRefusal(form, refusal, said);
    }
  }

  button.addEventListener("click", () => {
    said.textContent = "";
    dialog.showModal();
    if (!isProxied) load();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".dialog-close")) dialog.close();
    if (target.closest(".account-sign-out")) session.signOut().catch((refusal) => (said.textContent = refusal.message));
  });
  form.addEventListener("input", ({ target }) => showError(target, null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const input of [old, chosen]) showError(input, input.value ? null : text("required"));
    if (old.value && chosen.value) oneAtATime(change, save);
  });

  store.subscribe(({ session: shown, locations }) => {
    button.hidden = shown.principal === null;
    form.elements.username.value = shown.principal?.name ?? ""; // for password managers
    for (const name of document.querySelectorAll(".account-name")) setText(name, shown.principal?.name ?? "");
    setText(dialog.querySelector(".account-role"), describeRole(shown, locations));
    dialog.querySelector(".account-manage").hidden = !mayAdminister(shown);
    document.documentElement.dataset.role = roleOf(shown) ?? "none";
  });
}

function describeRole(session, { all }) {
  const isPartial = mayEdit(session) && all.some(({ editable }) => !editable);
  if (isPartial) return text("account_role.editor_of_some");
  const role = roleOf(session);
  return text(role === null ? "account.no_role" : `account_role.${role}`);
}

/** A browser's own name for itself, shortened to what people recognise. */
export function browserOf(agent) {
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`));
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"].find((name) => agent.includes(name));
  const names = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  const nameOf = (name) => names[name] ?? name;
  if (browser && system) return text("account.browser_on", { browser: nameOf(browser), system: nameOf(system) });
  return nameOf(browser ?? system) || agent || text("account.some_browser");
}
