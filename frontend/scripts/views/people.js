/**
 * The accounts: their roles, and whether they are active. Each change is saved at once.
 *
 * With several locations, an account can have a role at all of them, and others at single ones.
 */

import { addAccount, changeAccount, endSessions, getAccounts } from "../server/accounts-api.js";
import { areSeveral, NO_LOCATIONS } from "../state/locations.js";
import { text } from "../state/messages.js";
import { roleEverywhere } from "../state/rights.js";
import { showError, showRefusal } from "./field-input.js";
import { mountGrants } from "./grants.js";
import { chosenLocation, offerLocations } from "./location-options.js";
import { oneAtATime } from "./one-at-a-time.js";
import { fromTemplate, setMessage, setText } from "./text.js";

const MIN_PASSWORD = 10; // characters, as on the server

const everywhere = (role) => (role ? [{ location: null, role }] : []);
const atLocations = (grants) => grants.filter(({ location }) => location !== null);

/** `onLoaded` takes the accounts, `onChanged` is called after each change. */
export function mountPeople(section, passwordDialog, { hasPasswords, onLoaded, onChanged }) {
  const list = section.querySelector(".people-list");
  const form = section.querySelector(".people-add");
  const button = form.querySelector('[type="submit"]');
  const said = section.querySelector(".people-said");
  const passwordForm = passwordDialog.querySelector("form");
  let rows = new Map(); // id → row
  let chosen = null; // the account whose password is set
  let locations = NO_LOCATIONS;

  async function load() {
    const accounts = await getAccounts();
    const former = rows;
    rows = new Map(accounts.map((account) => [account.id, former.get(account.id) ?? createRow(account.id)]));
    for (const account of accounts) rows.get(account.id).update(account);
    list.replaceChildren(...[...rows.values()].map(({ element }) => element));
    onLoaded(accounts);
  }

  function createRow(id) {
    const element = fromTemplate("person");
    const part = (name) => element.querySelector(`.person-${name}`);
    const active = part("active").querySelector("input");
    const grants = mountGrants(part("grants"), { onChange: saveGrants });
    let account = null;
    let saving = Promise.resolve(); // one change after the other: each starts from what the last one has left

    function update(next) {
      account = next;
      setText(part("name").querySelector("bdi"), account.name);
      setText(part("kind"), account.kind === "service" ? text("accounts.service") : "");
      part("role").value = roleEverywhere(account.grants) ?? "";
      part("role").setAttribute("aria-label", text(areSeveral(locations) ? "accounts.role_at_all" : "accounts.role_of", { account: account.name }));
      part("role-where").hidden = !areSeveral(locations);
      grants.update(account.name, atLocations(account.grants), locations);
      active.checked = account.active;
      active.setAttribute("aria-label", text("accounts.is_active", { account: account.name }));
      part("password").hidden = !hasPasswords || account.kind === "service";
      part("sign-out").hidden = !hasPasswords;
      part("password").setAttribute("aria-label", text("accounts.set_password_of", { account: account.name }));
      part("sign-out").setAttribute("aria-label", text("accounts.sign_out_of", { account: account.name }));
    }

    /** `change` returns what to change of the account as it then is. */
    function save(change, done = "") {
      saving = saving.then(() => send(change, done));
    }

    async function send(change, done) {
      tell("");
      try {
        update(await changeAccount(id, change(account)));
        tell(done);
        onChanged();
      } catch (refusal) {
        update(account); // as it was
        tell(refusal.message, true);
      }
    }

    function tell(what, isError = false) {
      setText(part("said"), what);
      part("said").classList.toggle("field-error", isError);
    }

    function saveGrants(change, done) {
      save((current) => ({ grants: change(current.grants) }), done);
    }

    part("role").addEventListener("change", ({ target: { value } }) => {
      saveGrants((current) => [...everywhere(value), ...atLocations(current)]);
    });
    active.addEventListener("change", ({ target: { checked } }) => save(() => ({ active: checked })));
    part("password").addEventListener("click", () => openPassword({ name: account.name, save }));
    part("sign-out").addEventListener("click", async () => {
      try {
        await endSessions(id);
        tell(text("accounts.signed_out"));
        onChanged();
      } catch (refusal) {
        tell(refusal.message, true);
      }
    });
    return { element, update };
  }

  function openPassword(account) {
    chosen = account;
    passwordForm.reset();
    showError(passwordForm.elements.password, null);
    setMessage(passwordDialog.querySelector("h2"), "accounts.new_password_of", { account: account.name });
    passwordDialog.showModal();
  }

  async function add() {
    const { name, kind, password, role, location } = form.elements;
    const account = { name: name.value, kind: kind.value, grants: [{ location: chosenLocation(location), role: role.value }] };
    if (hasPasswords && kind.value === "user") account.password = password.value;
    setText(said, "");
    for (const input of form.querySelectorAll("[aria-describedby]")) showError(input, null);
    try {
      await addAccount(account);
      form.reset();
      showPassword();
      await load();
      onChanged();
      name.focus();
    } catch (refusal) {
      showRefusal(form, { ...refusal, message: refusal.message, errors: refusal.errors.map(atItsField) }, said);
    }
  }

  function showPassword() {
    section.querySelector(".people-password").hidden = !hasPasswords || form.elements.kind.value === "service";
  }

  showPassword();
  form.elements.kind.addEventListener("change", showPassword);
  form.addEventListener("input", ({ target }) => target.matches("[aria-describedby]") && showError(target, null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    oneAtATime(add, button);
  });
  passwordForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const { password } = passwordForm.elements;
    if (password.value.length < MIN_PASSWORD) return showError(password, text("accounts.password_too_short", { length: MIN_PASSWORD }));
    passwordDialog.close();
    const { value } = password;
    chosen.save(() => ({ password: value }), text("accounts.password_set"));
  });
  passwordDialog.addEventListener("click", ({ target }) => target.closest(".dialog-close") && passwordDialog.close());

  return {
    load,
    /** Offer these locations, in the form and to each account. */
    offerLocations(next) {
      locations = next;
      section.querySelector(".people-location").hidden = !areSeveral(locations);
      offerLocations(form.elements.location, locations.all, text("locations.all"));
    },
  };
}

/** The form has one grant, whose refusals are about its location. */
const atItsField = ({ field, message }) => ({ field: field.startsWith("grants") ? "location" : field, message });
