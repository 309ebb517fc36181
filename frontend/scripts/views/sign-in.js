/** The dialog to sign in, or to create the first admin. The page behind it shows nothing. */

import { text } from "../state/messages.js";
import { explainEnd, mustSignIn } from "../state/rights.js";
import { showError } from "./field-input.js";
import { oneAtATime } from "./one-at-a-time.js";
import { setText } from "./text.js";

const SETUP = "/setup";

export function mountSignIn(dialog, store, session) {
  const form = dialog.querySelector("form");
  const { name, password } = form.elements;
  const button = form.querySelector("button");
  const said = dialog.querySelector(".sign-in-said");
  const isSetup = location.pathname === SETUP;
  const token = location.hash.slice(1);

  if (store.state.session.auth === "proxy") {
    form.hidden = true;
    dialog.querySelector(".sign-in-proxy").hidden = false;
    dialog.querySelector(".sign-in-proxy button").addEventListener("click", () => location.reload());
  }
  if (isSetup) {
    setText(dialog.querySelector("h2"), text("setup.title"));
    setText(button, text("setup.create"));
    password.autocomplete = "new-password";
    password.minLength = 10;
    dialog.querySelector(".sign-in-hint").hidden = false;
    if (!token) said.textContent = text("setup.no_token");
  }

  async function send() {
    said.textContent = "";
    try {
      if (isSetup) await session.setUp(token, name.value, password.value);
      else await session.signIn(name.value, password.value);
      if (isSetup) history.replaceState(null, "", "/");
      form.reset();
    } catch (refusal) {
      tell(refusal);
    }
  }

  function tell({ errors, message }) {
    const wrong = errors.filter(({ field }) => form.elements[field]);
    for (const { field, message: reason } of wrong) showError(form.elements[field], reason);
    if (wrong.length === 0) said.textContent = message;
    (form.elements[wrong[0]?.field] ?? password).focus();
    password.select();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const input of [name, password]) showError(input, input.value ? null : text("required"));
    if (name.value && password.value) oneAtATime(send, button);
    else (name.value ? password : name).focus();
  });
  form.addEventListener("input", ({ target }) => showError(target, null));
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => show(store.state)); // browsers close a dialog at the second Escape

  function show(state) {
    const isNeeded = mustSignIn(state.session);
    if (!isNeeded && dialog.open) dialog.close();
    if (!isNeeded || dialog.open) return;
    setText(dialog.querySelector(".sign-in-why"), explainEnd(state.session));
    if (state.session.principal) name.value = state.session.principal.name;
    dialog.showModal();
    (name.value ? password : name).focus();
  }

  store.subscribe(show);
}
