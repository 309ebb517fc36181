/** The button with the account's name, and its dialog: password, sessions, sign out. */

import { deleteOwnSession, getSessions, putPassword } from "../server/api.js";
import { formatMoment } from "../state/formats.js";
import { mayAdminister, mayEdit, roleOf } from "../state/rights.js";
import { showError, showRefusal } from "./field-input.js";
import { fromTemplate, setText } from "./text.js";

const ROLES = { viewer: "You can read the stock.", editor: "You can change the stock.", admin: "You manage the accounts." };
const EDITOR_OF_A_PART = "You can change the stock at some locations, and read it at the others.";
const NO_ROLE = "You have no role yet. Ask an admin for one.";

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
    setText(row.querySelector(".account-session-what"), current ? "This browser" : browserOf(user_agent));
    setText(row.querySelector(".account-session-when"), `${address}, last used ${formatMoment(used_at)}`);
    end.hidden = current;
    end.setAttribute("aria-label", `Sign out ${browserOf(user_agent)} at ${address}`);
    end.addEventListener("click", async () => {
      try {
        await deleteOwnSession(id);
        await load();
        said.textContent = "It was signed out.";
      } catch (refusal) {
        said.textContent = refusal.message;
      }
    });
    return row;
  }

  async function change() {
    save.ariaDisabled = "true";
    said.textContent = "";
    try {
      await putPassword(old.value, chosen.value);
      form.reset();
      said.textContent = "The password was changed, and your other sessions have ended.";
      await load();
    } catch (refusal) {
      showRefusal(form, refusal, said);
    }
    save.ariaDisabled = null;
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
    for (const input of [old, chosen]) showError(input, input.value ? null : "is required");
    if (old.value && chosen.value && save.ariaDisabled !== "true") change();
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
  return isPartial ? EDITOR_OF_A_PART : (ROLES[roleOf(session)] ?? NO_ROLE);
}

/** A browser's own name for itself, shortened to what people recognise. */
export function browserOf(agent) {
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`));
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"].find((name) => agent.includes(name));
  const names = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  return [browser, system].filter(Boolean).map((name) => names[name] ?? name).join(" on ") || agent || "A browser";
}
